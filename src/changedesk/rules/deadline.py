"""When something is due: calendar months, business days on named calendars, days and hours, across daylight
saving.

A period counted in days or months ends with the last second of its last day in the calendar's zone, and the
day of receipt is not counted (Regulation (EEC, Euratom) 1182/71, article 3). Where that day is a holiday the
law would give until the next working day; we do not use that grace, so a deadline is never later than the
law's.
"""

import calendar as months
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

_DECEMBER: Final = 12
_SATURDAY: Final = 5
_SUNDAY: Final = 6
_LAST_SECOND: Final = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class FixedDay:
    """The same date every year. ``observed``: "" as it falls, nearest (Sat to Fri, Sun to Mon), next (next
    free day).
    """

    month: int
    day: int
    observed: str = ""


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """Such as the third Monday in January; ``nth`` -1 is the last. Monday is 0."""

    month: int
    nth: int
    weekday: int


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """A named calendar of working days, by rule and therefore good for any year."""

    name: str
    zone: ZoneInfo
    weekend: frozenset[int] = frozenset({_SATURDAY, _SUNDAY})
    fixed: tuple[FixedDay, ...] = ()
    nth: tuple[NthWeekday, ...] = ()
    easter: tuple[int, ...] = ()
    """Days from Easter Sunday: -2 is Good Friday, 1 is Easter Monday."""
    extra: frozenset[date] = field(default_factory=frozenset)
    """Single days by proclamation."""
    omitted: frozenset[date] = field(default_factory=frozenset)
    """Single days on which a usual holiday was moved away."""

    def is_business_day(self, day: date) -> bool:
        """Say whether people work on a day."""
        return day.weekday() not in self.weekend and day not in _holidays(self, day.year)


def due(received: datetime, amount: int, unit: str, calendar: HolidayCalendar) -> datetime:
    """Return the last instant, in UTC, of a period (hours, days, business_days, months) that starts at
    ``received``.
    """
    if unit == "hours":
        return received.astimezone(UTC) + timedelta(hours=amount)
    day = received.astimezone(calendar.zone).date()
    if unit == "months":
        last = add_months(day, amount)
    elif unit == "business_days":
        last = add_business_days(day, amount, calendar)
    else:
        last = day + timedelta(days=amount)
    return datetime.combine(last, _LAST_SECOND, calendar.zone).astimezone(UTC)


def add_months(day: date, amount: int) -> date:
    """Return the same day of a later month, or that month's last day: 31 January and a month is 28 or 29
    February.
    """
    years, month = divmod(day.month - 1 + amount, _DECEMBER)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, months.monthrange(year, month)[1]))


def add_business_days(day: date, amount: int, calendar: HolidayCalendar) -> date:
    """Return the ``amount``-th business day after a day."""
    while amount > 0:
        day += timedelta(days=1)
        amount -= calendar.is_business_day(day)
    return day


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (the anonymous algorithm of Nature, 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    f = (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@cache
def _holidays(calendar: HolidayCalendar, year: int) -> frozenset[date]:
    found = {_nth_weekday(year, rule) for rule in calendar.nth}
    found |= {easter_sunday(year) + timedelta(days=offset) for offset in calendar.easter}
    for rule in calendar.fixed:
        found.add(_observed(date(year, rule.month, rule.day), rule.observed, calendar, found))
    new_year = [rule for rule in calendar.fixed if (rule.month, rule.day, rule.observed) == (1, 1, "nearest")]
    if new_year and date(year + 1, 1, 1).weekday() == _SATURDAY:
        found.add(date(year, 12, 31))
    return frozenset((found | calendar.extra) - calendar.omitted)


def _nth_weekday(year: int, rule: NthWeekday) -> date:
    first, days = months.monthrange(year, rule.month)
    matching = [day for day in range(1, days + 1) if (first + day - 1) % 7 == rule.weekday]
    return date(year, rule.month, matching[rule.nth - 1 if rule.nth > 0 else rule.nth])


def _observed(day: date, how: str, calendar: HolidayCalendar, taken: set[date]) -> date:
    if how == "nearest" and day.weekday() == _SATURDAY:
        return day - timedelta(days=1)
    if how == "nearest" and day.weekday() == _SUNDAY:
        return day + timedelta(days=1)
    while how == "next" and (day.weekday() in calendar.weekend or day in taken):
        day += timedelta(days=1)
    return day


def parse(name: str, data: Mapping[str, Any]) -> HolidayCalendar:
    """Return a calendar from its table. Raises KeyError or TypeError when the table is wrong."""
    return HolidayCalendar(
        name=name,
        zone=ZoneInfo(data["zone"]),
        weekend=frozenset(data.get("weekend", (_SATURDAY, _SUNDAY))),
        fixed=tuple(FixedDay(**rule) for rule in data.get("fixed", ())),
        nth=tuple(NthWeekday(**rule) for rule in data.get("nth", ())),
        easter=tuple(data.get("easter", ())),
        extra=frozenset(data.get("extra", ())),
        omitted=frozenset(data.get("omitted", ())),
    )


@cache
def calendars() -> Mapping[str, HolidayCalendar]:
    """Return every calendar that ships, by name."""
    folder = files("changedesk.rules") / "calendars"
    return {
        item.name.removesuffix(".toml"): parse(item.name.removesuffix(".toml"), tomllib.loads(item.read_text("utf-8")))
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    }
