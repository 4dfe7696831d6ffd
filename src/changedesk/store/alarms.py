"""Alarms, of audits that found something, broken glass and hooks that fail: who is to be told, what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from changedesk.store.tx import Look, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One alarm for one person (of the settings), about an audit, broken glass or a hook of a time ``at``.

    ``fault`` and ``idx``: the first bad entry of the audit; ``until``: when the broken glass ends.
    ``place`` and ``why``: of the hook, and why it is disabled, empty where it is not. None for what it is not about.
    """

    about: UUID
    person: int
    attempts: int
    at: datetime
    fault: str | None
    idx: int | None
    until: datetime | None
    place: str | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of an audit's alarm: pending, sent, shown, failed, unconfirmed."""

    run_id: UUID
    person: int
    state: str
    last_error: str | None
    done_at: datetime | None


def sound(
    tx: Tx,
    people: Sequence[int],
    *,
    run: UUID | None = None,
    glass: UUID | None = None,
    hook: UUID | None = None,
    at: datetime,
) -> None:
    """Raise the alarm of an audit, of broken glass or of a hook, for these people; open pages hear of it too."""
    if people:
        tx.run("alarms.raise", run=run, glass=glass, hook=hook, people=list(people), at=at)


def claim(tx: Tx, *, now: datetime, lease: timedelta, limit: int) -> list[Due]:
    """Take alarms that are due; one that is not finished within the lease is tried again."""
    rows = tx.rows("alarms.claim", now=now, lease_until=now + lease, limit=limit)
    return [Due(**row._asdict()) for row in rows]


def finish(
    tx: Tx, due: Due, state: str, *, at: datetime, error: str | None = None, retry_at: datetime | None = None
) -> None:
    """Keep what became of an alarm."""
    tx.run(
        "alarms.finish", about=due.about, person=due.person, state=state, error=error, retry_at=retry_at, at=at,
    )  # fmt: skip


def newest(look: Look) -> list[Told]:
    """Return who was told of the newest failure."""
    return [Told(**row._asdict()) for row in look.rows("alarms.newest")]
