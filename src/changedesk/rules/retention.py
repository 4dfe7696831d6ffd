"""How long a record is kept: classes with a minimum and a maximum, and the legal hold that beats both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from changedesk.rules.route import Route
from changedesk.rules.term import Term, least, most


class Disposal(StrEnum):
    KEEP = "keep"
    MAY_GO = "may_go"
    MUST_GO = "must_go"


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """A class of records, kept for so many years, months and days. ``start`` says from what event they count: event,
    request, closure.
    """

    name: str
    years_min: int = 0
    years_max: int | None = None
    start: str = "event"
    rule: str = ""
    """Citation of the rule that sets it."""
    months_min: int = 0
    months_max: int | None = None
    days_min: int = 0
    days_max: int | None = None

    def __post_init__(self) -> None:
        shortest, longest = least(self), most(self)
        if longest is not None and longest < shortest:
            raise ValueError(f"class {self.name} keeps at least {shortest} and at most {longest}")

    def within(self, shortest: Term, longest: Term | None) -> "RetentionClass":
        """Return the class with what a rule says of it as well: the longest minimum and the shortest maximum.

        A minimum stands even where another law's maximum is shorter: rules in force never contradict, a class may.
        """
        floor = max(least(self), shortest)
        limits = [limit for limit in (most(self), longest) if limit is not None]
        ceiling = max(min(limits), floor) if limits else None
        return replace(
            self,
            years_min=floor.years,
            months_min=floor.months,
            days_min=floor.days,
            years_max=None if ceiling is None else ceiling.years,
            months_max=None if ceiling is None else ceiling.months,
            days_max=None if ceiling is None else ceiling.days,
        )


def keep_until(kept: RetentionClass, started: datetime, *, zone: str = "UTC") -> date:
    """Return the first day on which the record may go, in the client's time zone (IANA name)."""
    return least(kept).after(today_in(started, zone))


def gone_by(kept: RetentionClass, started: datetime, *, zone: str = "UTC") -> date | None:
    """Return the day on which the record must go, None when no rule limits it."""
    longest = most(kept)
    return None if longest is None else longest.after(today_in(started, zone))


def today_in(at: datetime, zone: str) -> date:
    """Return the day of an instant where the client keeps its hours."""
    return at.astimezone(ZoneInfo(zone)).date()


def disposal(
    kept: RetentionClass, started: datetime | None, *, now: datetime, legal_hold: bool = False, zone: str = "UTC"
) -> Disposal:
    """Say whether a record is kept, may go or must go. ``started`` None: its event (a closure) has not
    happened.
    """
    today = today_in(now, zone)
    if legal_hold or started is None or today < keep_until(kept, started, zone=zone):
        return Disposal.KEEP
    limit = gone_by(kept, started, zone=zone)
    return Disposal.MUST_GO if limit is not None and today >= limit else Disposal.MAY_GO


def class_of(route: Route, classes: Mapping[str, RetentionClass]) -> RetentionClass:
    """Return the class that a route names, lengthened or shortened by its rules. Raises KeyError: no such
    class.
    """
    return classes[route.retention_class].within(route.retention_least, route.retention_most)
