"""Files of requests: their batch, their rows, and who approved them as one."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.ids import RequestId
from changedesk.ledger.value import encode_json
from changedesk.store import keys
from changedesk.store.tx import Look, Tx

ALL: Final = 2**31 - 1
"""More rows than a file has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One file of requests. ``digest`` comes with its end."""

    id: UUID
    map: str
    file: bytes
    entered_by: str
    started_at: datetime
    finished_at: datetime | None
    digest: bytes | None
    rows: int | None = None
    """How many rows it has; known in lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row. ``reasons``: (code, field path) each. From ``ref`` on: how its request stands now."""

    number: int
    part: int
    outcome: str
    request: RequestId | None = None
    digest: bytes | None = None
    reasons: Sequence[tuple[str, str]] = ()
    ref: str = ""
    state: str = ""
    digest_now: bytes | None = field(default=None, compare=False)
    kind: str = ""
    level: int = 0
    consent: str | None = None
    approvals: int = 0

    @property
    def edited(self) -> bool:
        """Tell whether the request holds another content than the row brought in."""
        return self.digest != self.digest_now


def start(tx: Tx, id_: UUID, *, map_name: str, content: bytes, by: str, at: datetime) -> Batch:
    """Return the batch of a file, a new one if there is none. ``content``: a digest of the file."""
    mark = hmac.digest(keys.of_client(tx).code, b"batch\x00" + content, "sha256")[:16]
    tx.run("batches.start", id=id_, map=map_name, file_mark=mark, by=by, at=at)
    return _batch(tx.row("batches.by_file", map=map_name, file_mark=mark))


def load(look: Look, id_: UUID) -> Batch | None:
    """Return a batch, None when there is none."""
    row = look.row("batches.one", id=id_)
    return None if row is None else _batch(row)


def hold(tx: Tx, id_: UUID) -> Batch | None:
    """Return a batch, locked until the transaction ends."""
    row = tx.row("batches.hold", id=id_)
    return None if row is None else _batch(row)


def of_client(look: Look, *, before: UUID | None = None, limit: int) -> list[Batch]:
    """Return batches before one, newest first."""
    rows = look.rows("batches.of_client", before=before or UUID(int=2**128 - 1), limit=limit)
    return [_batch(row, rows=row.rows) for row in rows]


def finish(tx: Tx, id_: UUID, *, digest: bytes, at: datetime) -> None:
    """Say that all rows are in, and what they come to; only the first time counts."""
    tx.run("batches.finish", id=id_, digest=digest, at=at)


def record(tx: Tx, batch: UUID, rows: Sequence[Row]) -> None:
    """Write what became of rows; those that are written already stay."""
    if rows:
        tx.run(
            "batches.record",
            batch=batch,
            number=[row.number for row in rows],
            part=[row.part for row in rows],
            outcome=[row.outcome for row in rows],
            request_id=[row.request for row in rows],
            digest=[row.digest for row in rows],
            reasons=[encode_json([list(reason) for reason in row.reasons]) for row in rows],
        )


def rows(look: Look, batch: UUID, *, first: int = 0, limit: int = ALL) -> list[Row]:
    """Return rows from a number on, in order, with how their requests stand now."""
    return [_row(row) for row in look.rows("batches.rows", batch=batch, first=first, limit=limit)]


def approve(tx: Tx, batch: UUID, *, by: str, digest: bytes, at: datetime) -> None:
    """Remember who approved which content as one."""
    tx.run("batches.approve", batch=batch, by=by, digest=digest, at=at)


def approvals(look: Look, batch: UUID) -> list[tuple[str, datetime]]:
    """Return who approved a batch and when, the first one first."""
    return [(row.actor, row.at) for row in look.rows("batches.approvals", batch=batch)]


def _batch(row: Any, *, rows: int | None = None) -> Batch:
    return Batch(
        id=row.id,
        map=row.map,
        file=bytes(row.file_mark),
        entered_by=row.entered_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        digest=None if row.digest is None else bytes(row.digest),
        rows=rows,
    )


def _row(row: Any) -> Row:
    return Row(
        number=row.number,
        part=row.part,
        outcome=row.outcome,
        request=row.request_id,
        digest=None if row.digest is None else bytes(row.digest),
        reasons=tuple((code, path) for code, path in row.reasons),
        ref=row.ref or "",
        state=row.state or "",
        digest_now=None if row.digest_now is None else bytes(row.digest_now),
        kind=row.kind or "",
        level=row.needs_level or 0,
        consent=row.needs_consent,
        approvals=row.needs_approvals or 0,
    )
