"""Which entries an evidence bundle is made of, the rows of those, and the bundles that left the house.

Large ones are made by the worker: what was asked waits here, and the file until it is fetched, both sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from changedesk.base.ids import ChangeId, RequestId, SubjectId
from changedesk.ledger.value import Json
from changedesk.store import handed, past
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A bundle that the worker makes. ``body``: who asked for what; ``code``: of the refusal, where it is refused."""

    id: UUID
    by: str
    at: datetime
    ends_at: datetime
    state: str
    code: str
    body: bytes = field(repr=False)


def ask(tx: Tx, id_: UUID, body: bytes, *, by: str, at: datetime, ends_at: datetime) -> None:
    """Let a bundle wait for the worker."""
    sealed = handed.seal_own(tx, body, _aad(tx, id_, "asked"))
    tx.run("bundles.ask", id=id_, by=by, at=at, asked=sealed, ends_at=ends_at)


def next_asked(look: Look) -> tuple[UUID, bytes] | None:
    """Return the bundle that waits longest, and who asked for what; None when none waits."""
    row = look.row("bundles.next_asked")
    return None if row is None else (row.id, handed.open_own(look, row.asked, _aad(look, row.id, "asked")))


def keep(tx: Tx, id_: UUID, bundle: UUID, data: bytes, subjects: Sequence[SubjectId]) -> None:
    """Keep a finished bundle for whoever asked for it."""
    sealed = handed.seal_own(tx, data, _aad(tx, id_, "file"))
    tx.run("bundles.keep", id=id_, bundle=bundle, file=sealed, subjects=list(subjects))


def refuse(tx: Tx, id_: UUID, code: str) -> None:
    """Say why a bundle is not made."""
    tx.run("bundles.refuse", id=id_, code=code)


def asked_by(look: Look, by: str) -> list[Asked]:
    """Return the bundles that the worker makes for one asker, newest first."""
    return [
        Asked(
            id=row.id, by=row.asked_by, at=row.asked_at, ends_at=row.ends_at, state=row.state, code=row.code,
            body=handed.open_own(look, row.asked, _aad(look, row.id, "asked")),
        )
        for row in look.rows("bundles.asked_by", by=by)
    ]  # fmt: skip


def fetch(tx: Tx, id_: UUID, *, by: str) -> tuple[UUID, bytes] | None:
    """Return a finished bundle's id and file, which are gone then; None where it is not theirs or not finished."""
    row = tx.row("bundles.fetch", id=id_, by=by)
    return None if row is None else (row.bundle_id, handed.open_own(tx, row.file, _aad(tx, id_, "file")))


def drop_ended(tx: Tx, *, at: datetime) -> int:
    """Drop what nobody fetched in time; return how many those were."""
    return tx.run("bundles.drop_ended", at=at)


def forget(tx: Tx, subject: SubjectId) -> None:
    """Drop the finished bundles about a record whose data is being forgotten."""
    tx.run("bundles.forget", subject=subject)


def _aad(look: Look, id_: UUID, part: str) -> bytes:
    return b"acl/v1/bundle" + int(look.client).to_bytes(8, "big") + id_.bytes + part.encode()
