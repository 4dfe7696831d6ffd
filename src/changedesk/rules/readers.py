"""Readers whose looking is out of line with their peers': statistics that anybody can check, with the reason shown.

A count is compared with what the peers' rates would make of as many days of work. It is out of line beyond 3.5 times
the scatter, the modified z-score of Iglewicz and Hoaglin ("How to Detect and Handle Outliers", ASQC 1993): median and
median absolute deviation, which a few bad readers cannot move. The scatter is never taken for less than that of chance,
the square root of a count. It is a reason to look, and no verdict: a person decides (GDPR Art. 22).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import median
from typing import Final

BEYOND: Final = 3.5
_NORMAL: Final = 1.4826
"""What makes a median absolute deviation a standard deviation, where a bell curve lies beneath."""
LEAST: Final = 5
"""Fewer are never out of line, however few the others have."""
PEERS_LEAST: Final = 3
HABIT: Final = timedelta(days=60)
HABIT_LEAST: Final = 50
"""Looks in the sixty days before, from which somebody's hours are known."""
PERIOD_MOST: Final = timedelta(days=92)
VERDICTS: Final = ("kept", "flagged")
SURNAME_LEAST: Final = 4
"""Shorter surnames begin too many others to say anything."""
COMPARED: Final = ("customers", "found", "reveals", "unasked", "outside")
NAMED: Final = ("own_name", "colleagues")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one reader looked in a period.

    ``days``: on which they looked at all. ``customers``: records opened or revealed from; ``found``: shown by searches.
    ``unasked``: looks with no request or caller of the customer at hand. ``outside``: looks outside of their hours.
    ``own_name``: customers who bear their surname; ``colleagues``: customers named as somebody of their team.
    """

    actor: str
    roles: frozenset[str]
    team: str
    days: int
    customers: int
    found: int
    reveals: int
    unasked: int
    outside: int
    own_name: int
    colleagues: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a reader stands out. ``usual``: what as many days of ``peers`` others come to; None where none are asked."""

    measure: str
    value: int
    usual: float | None
    peers: int


def unusual(readings: Sequence[Reading]) -> dict[str, tuple[Reason, ...]]:
    """Return, by reader, the reasons for which one stands out; none for most."""
    return {one.actor: (*_compared(one, peers_of(one, readings)), *_named(one)) for one in readings}


def peers_of(one: Reading, readings: Sequence[Reading]) -> list[Reading]:
    """Return whom a reader is compared with: the same roles in the same team, or in all teams; too few are nobody."""
    same = [other for other in readings if other.roles == one.roles and other.actor != one.actor]
    team = [other for other in same if other.team == one.team]
    peers = team if len(team) >= PEERS_LEAST else same
    return peers if len(peers) >= PEERS_LEAST else []


def _compared(one: Reading, peers: Sequence[Reading]) -> list[Reason]:
    found = []
    for measure in COMPARED if peers else ():
        rates = [getattr(peer, measure) / peer.days for peer in peers]
        middle = median(rates)
        usual = middle * one.days
        scatter = max(_NORMAL * median(abs(rate - middle) for rate in rates) * one.days, sqrt(usual), 1.0)
        value: int = getattr(one, measure)
        if value >= LEAST and value - usual > BEYOND * scatter:
            found.append(Reason(measure=measure, value=value, usual=round(usual, 1), peers=len(peers)))
    return found


def _named(one: Reading) -> list[Reason]:
    counts: dict[str, int] = {measure: getattr(one, measure) for measure in NAMED}
    return [Reason(measure=measure, value=value, usual=None, peers=0) for measure, value in counts.items() if value]


def outside(hours: Mapping[int, int], before: Mapping[int, int]) -> int:
    """Return how many looks fell in hours of the day in which, give or take one, somebody never looked before.

    Both are looks by local hour of the day. Whose habit is not known yet has none outside of it.
    """
    if sum(before.values()) < HABIT_LEAST:
        return 0
    theirs = {(hour + near) % 24 for hour, looks in before.items() if looks for near in (-1, 0, 1)}
    return sum(looks for hour, looks in hours.items() if hour not in theirs)


def fits(since: datetime, until: datetime, now: datetime) -> bool:
    """Say whether a period can be certified: it is over, and no longer than a quarter."""
    return since < until <= now and until - since <= PERIOD_MOST
