"""Which entries an evidence bundle is made of, the rows of those, and the bundles that left the house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from changedesk.base.ids import ChangeId, RequestId, SubjectId
from changedesk.ledger.value import Json
from changedesk.store import past
from changedesk.store.tx import Look, Tx


def of_records(look: Look, subjects: Sequence[SubjectId], *, limit: int) -> list[int]:
    """Return the ids of all that was recorded about some customers or accounts, oldest first."""
    return [row.id for row in look.rows("bundles.of_records", subjects=list(subjects), limit=limit)]


def of_request(look: Look, request: RequestId, *, limit: int) -> list[int]:
    """Return the ids of all that was recorded about a request, oldest first."""
    return [row.id for row in look.rows("bundles.of_request", request=request, limit=limit)]


def of_period(look: Look, since: datetime, until: datetime, *, actor: str | None, limit: int) -> list[int]:
    """Return the ids of what was recorded from ``since`` until before ``until``, by one actor if one is named."""
    return [row.id for row in look.rows("bundles.of_period", since=since, until=until, actor=actor, limit=limit)]


def entries(look: Look, ids: Sequence[int], *, size: int) -> list[Any]:
    """Return the rows of these entries as far as a log of this size holds them, in the log's order."""
    return look.rows("bundles.entries", entries=list(ids), size=size) if ids else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A bundle that left the house. ``facts``: what was asked for, as the entry that says so holds it."""

    id: UUID
    change: ChangeId
    by: str
    at: datetime
    facts: Mapping[str, Json]


def take(tx: Tx, id_: UUID, change: ChangeId, *, by: str, at: datetime) -> None:
    """Remember that a bundle leaves; ``change`` is the first entry that says so."""
    tx.run("bundles.take", id=id_, change=change, by=by, at=at)


def taken(look: Look, *, before: UUID | None = None, limit: int) -> list[Taken]:
    """Return bundles that left before one (by its entry), newest first."""
    rows = look.rows("bundles.taken", before=before or UUID(int=2**128 - 1), limit=limit)
    return [_taken(look, row) for row in rows]


def one(look: Look, id_: UUID) -> Taken | None:
    """Return a bundle that left; None when there is none."""
    row = look.row("bundles.one", id=id_)
    return None if row is None else _taken(look, row)


def _taken(look: Look, row: Any) -> Taken:
    facts = past.meta_of(look, row.subject_id, row).facts()
    return Taken(id=row.id, change=row.change_id, by=row.taken_by, at=row.taken_at, facts=facts)
