"""What was counted of a client's log: entries by day, channel and kind of change; moves of the state by day.

Derived from the log and nothing else: dropped (``drop``), it is counted anew by the worker.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from changedesk.store import log
from changedesk.store.tx import Look, Tx

CONSUMER: Final = "trends"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many entries of one sort, by one thing: the others of ``day``, ``channel`` and ``kind`` are None."""

    action: str
    day: date | None
    channel: str | None
    kind: str | None
    times: int


@dataclass(frozen=True, slots=True)
class Moved:
    """How often something became of subjects in one month; ``month`` is YYYY-MM."""

    month: str
    was: str
    became: str
    times: int


def count(tx: Tx, start: int, until: int, *, zone: str) -> None:
    """Add a stretch of the log to what was counted, by days of a time zone (IANA name)."""
    tx.post("trends.count", start=start, until=until, zone=zone)
    tx.post("trends.count_status", start=start, until=until, zone=zone)


def counted(look: Look, actions: Iterable[str], *, since: date, until: date) -> list[Counted]:
    """Return what was counted of some sorts of entries, ``until`` left out."""
    rows = look.rows("trends.counted", actions=list(actions), since=since, until=until)
    return [Counted(*row) for row in rows]


def moved(look: Look, *, since: date, until: date) -> list[Moved]:
    """Return how states moved by the month since which they hold, ``until`` left out."""
    return [Moved(*row) for row in look.rows("trends.status", since=since, until=until)]


def behind(look: Look) -> int:
    """Return how many entries of the log are not counted yet."""
    return log.size(look) - log.cursors(look).get(CONSUMER, 0)


def drop(tx: Tx) -> None:
    """Drop all that was counted, and go back to the beginning of the log: the duty counts it anew."""
    with log.following(tx, CONSUMER) as start:
        if start is None:
            return
        tx.run("trends.drop")
        tx.run("trends.drop_status")
        log.advance(tx, CONSUMER, 0)
