"""How long something is kept, as laws count it: calendar years and months, and days."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import total_ordering
from typing import Final, Protocol

from changedesk.rules.deadline import add_months

_MONTHS: Final = 12
_MEAN_MONTH: Final = Fraction(146_097, 4_800)
"""Days of a month over the 400 years in which the calendar repeats itself."""


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """So many calendar years and months, and then days. Twelve months are a year; compared with days, a month is as
    long as the mean one.
    """

    years: int = 0
    months: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        if min(self.years, self.months, self.days) < 0:
            raise ValueError("a term is not negative")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and self._mean() == other._mean()

    def __hash__(self) -> int:
        return hash(self._mean())

    def __lt__(self, other: "Term") -> bool:
        return self._mean() < other._mean()

    def __bool__(self) -> bool:
        return self._mean() > 0

    def __str__(self) -> str:
        parts = (("year", self.years), ("month", self.months), ("day", self.days))
        said = [f"{amount} {unit}{'' if amount == 1 else 's'}" for unit, amount in parts if amount]
        return " and ".join(said) or "no time"

    def _mean(self) -> Fraction:
        return (self.years * _MONTHS + self.months) * _MEAN_MONTH + self.days

    def after(self, day: date) -> date:
        """Return the day on which the term is over that began on a day: a month's last day where it has no such one."""
        return add_months(day, self.years * _MONTHS + self.months) + timedelta(days=self.days)


class Bounded(Protocol):
    """Whatever says at least and at most, each in years, months and days; no part of a maximum is no maximum."""

    @property
    def years_min(self) -> int: ...
    @property
    def months_min(self) -> int: ...
    @property
    def days_min(self) -> int: ...
    @property
    def years_max(self) -> int | None: ...
    @property
    def months_max(self) -> int | None: ...
    @property
    def days_max(self) -> int | None: ...


def least(kept: Bounded) -> Term:
    """Return how long something is kept at least."""
    return Term(kept.years_min, kept.months_min, kept.days_min)


def most(kept: Bounded) -> Term | None:
    """Return how long something is kept at most, None where nothing limits it."""
    parts = (kept.years_max, kept.months_max, kept.days_max)
    return None if all(part is None for part in parts) else Term(*(part or 0 for part in parts))
