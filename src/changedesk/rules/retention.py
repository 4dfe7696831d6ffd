"""How long a record is kept: classes with a minimum and a maximum, and the legal hold that beats both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from changedesk.rules.deadline import add_months
from changedesk.rules.route import Route

_MONTHS: Final = 12


class Disposal(StrEnum):
    KEEP = "keep"
    MAY_GO = "may_go"
    MUST_GO = "must_go"


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """A class of records. ``start`` says from what event the years count: event, request, closure."""

    name: str
    years_min: int
    years_max: int | None = None
    start: str = "event"
    rule: str = ""
    """Citation of the rule that sets it."""

    def __post_init__(self) -> None:
        if self.years_max is not None and self.years_max < self.years_min:
            raise ValueError(f"class {self.name} keeps at least {self.years_min} and at most {self.years_max} years")


def keep_until(kept: RetentionClass, started: datetime, *, zone: str = "UTC") -> date:
    """Return the first day on which the record may go, in the client's time zone (IANA name)."""
    return add_months(today_in(started, zone), kept.years_min * _MONTHS)


def gone_by(kept: RetentionClass, started: datetime, *, zone: str = "UTC") -> date | None:
    """Return the day on which the record must go, None when no rule limits it."""
    if kept.years_max is None:
        return None
    return add_months(today_in(started, zone), kept.years_max * _MONTHS)


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
    named = classes[route.retention_class]
    limits = [years for years in (named.years_max, route.retention_years_max or None) if years is not None]
    shortest = max(named.years_min, route.retention_years_min)
    # A law's minimum stands even where another asks for less: rules in force never contradict, a class may.
    longest = max(min(limits), shortest) if limits else None
    return RetentionClass(named.name, shortest, longest, named.start, named.rule)
