"""Reversals of what one actor did: what was planned, and the batch that carries it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.ids import ChangeId, SubjectId
from changedesk.store.tx import Look, Tx

ALL: Final = 2**31 - 1
"""More rows than a plan has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """What is undone: everything that ``whose`` did from ``since`` on and before ``until``."""

    id: UUID
    whose: str
    since: datetime
    until: datetime
    reason: str
    force: bool
    handed: bool = False
    """The worker asks for it, part by part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The changes of one kind on one subject; ``kind`` is empty where they cannot be undone."""

    number: int
    subject: SubjectId
    kind: str
    first_version: int
    """The oldest of them brought the subject to it."""
    changes: tuple[ChangeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """One change of a record, as far as it can be read without opening it."""

    change: ChangeId
    subject: SubjectId
    version: int
    recorded_at: datetime
    kind: str


def changes_of(look: Look, whose: str, *, since: datetime, until: datetime, limit: int) -> list[Did]:
    """Return what an actor changed in a time, oldest first: what it entered, and what it recorded or made itself."""
    rows = look.rows("reversals.changes", whose=whose, since=since, until=until, limit=limit)
    return [
        Did(change=r.change_id, subject=r.subject_id, version=r.ver, recorded_at=r.recorded_at, kind=r.kind)
        for r in rows
    ]


def start(tx: Tx, reversal: Reversal, rows: Sequence[Row]) -> None:
    """Write a plan as a whole; its batch is there already."""
    tx.run(
        "reversals.start",
        id=reversal.id,
        whose=reversal.whose,
        since=reversal.since,
        until=reversal.until,
        reason=reversal.reason,
        force=reversal.force,
        handed=reversal.handed,
    )
    if rows:
        tx.run(
            "reversals.plan",
            reversal=reversal.id,
            number=[row.number for row in rows],
            subject_id=[row.subject for row in rows],
            kind=[row.kind for row in rows],
            first_ver=[row.first_version for row in rows],
            changes=[" ".join(str(one) for one in row.changes) for row in rows],
        )


def load(look: Look, id_: UUID) -> Reversal | None:
    """Return a reversal, None when there is none."""
    row = look.row("reversals.one", id=id_)
    return None if row is None else _reversal(row)


def rows(look: Look, reversal: UUID, *, first: int = 0, limit: int = ALL) -> list[Row]:
    """Return rows of a plan from a number on, in order."""
    found = look.rows("reversals.rows", reversal=reversal, first=first, limit=limit)
    return [
        Row(number=r.number, subject=r.subject_id, kind=r.kind, first_version=r.first_ver, changes=tuple(r.changes))
        for r in found
    ]


def handed(look: Look) -> tuple[UUID, str] | None:
    """Return the oldest reversal that waits for the worker, and who asked for it; None when there is none."""
    row = look.row("reversals.handed")
    return None if row is None else (row.id, row.entered_by)


def size(look: Look, reversal: UUID) -> int:
    """Return how many rows a plan has."""
    row = look.row("reversals.size", reversal=reversal)
    return 0 if row is None else int(row.rows)


def of_client(look: Look, *, before: UUID | None = None, limit: int) -> list[tuple[Reversal, Any]]:
    """Return reversals before one, newest first, with (entered_by, started_at, finished_at) each."""
    found = look.rows("reversals.of_client", before=before or UUID(int=2**128 - 1), limit=limit)
    return [(_reversal(row), row) for row in found]


def _reversal(row: Any) -> Reversal:
    return Reversal(
        id=row.id, whose=row.whose, since=row.since, until=row.until, reason=row.reason, force=row.force,
        handed=row.handed,
    )  # fmt: skip
