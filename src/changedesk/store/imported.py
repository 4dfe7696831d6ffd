"""What imports brought in: their runs, and the source rows, known by a keyed digest.

So a second run of a file changes nothing.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from changedesk.base.ids import SubjectId
from changedesk.ledger.mac import Keyed
from changedesk.store import keys, once
from changedesk.store.tx import Look, Tx


class SourceRow(msgspec.Struct, frozen=True):
    """A row of a file: its name in the source, and its content. The same row twice changes nothing.

    ``part``: of which part of a file it is, where that part may be begun again.
    """

    source: str
    row: str
    body: bytes
    part: UUID | None = None

    def __repr__(self) -> str:
        """Say which row, never what it holds: a representation ends in logs."""
        return f"SourceRow({self.source!r}, {self.row!r})"


class Mark(msgspec.Struct, frozen=True):
    """What a row is remembered by: keyed digests of its name in the source, and of its content."""

    source: str
    row: bytes
    body: bytes
    part: UUID | None = None


class Known(msgspec.Struct, frozen=True):
    """A row that was taken in before: for which subject, whether it said the same, and whether by the same part."""

    subject: SubjectId
    same_body: bool
    same_part: bool


def start(tx: Tx, run: UUID, *, map_name: str, content: bytes, by: str, at: datetime) -> None:
    """Remember that a run began. ``content``: a digest of the file, kept under the client's key only.

    The same file gives the same mark again, and somebody with a guess of what it held cannot try the guess here.
    """
    mark = hmac.digest(keys.of_client(tx).code, b"file\x00" + content, "sha256")[:16]
    tx.run("imports.start", id=run, map=map_name, file_hash=mark, by=by, at=at)


def count(tx: Tx, run: UUID, counts: Mapping[str, int], *, finished_at: datetime | None) -> bool:
    """Add what became of rows, and remember the end when it has come; False when there is no such run that goes on."""
    return tx.run("imports.count", id=run, counts=Jsonb(dict(counts)), finished_at=finished_at) == 1


def runs(look: Look, *, before: UUID | None = None, limit: int) -> list[Any]:
    """Return runs before one, newest first: (id, map, file_hash, started_by, started_at, finished_at, counts) each."""
    return look.rows("imports.of_client", before=before or UUID(int=2**128 - 1), limit=limit)


def run(look: Look, id_: UUID) -> Any | None:
    """Return one run as ``runs`` does, None when there is none."""
    return look.row("imports.one", id=id_)


def marks(look: Look, rows: Sequence[SourceRow]) -> list[Mark]:
    """Return what rows are remembered by, in their order."""
    mac = Keyed(keys.of_client(look).code).mac
    return [
        Mark(
            row.source,
            mac(b"row\x00" + row.source.encode() + b"\x00" + row.row.encode())[:16],
            mac(b"body\x00" + row.body)[:16],
            row.part,
        )
        for row in rows
    ]


def known(look: Look, marked: Sequence[Mark]) -> list[Known | None]:
    """Return, for each row in order, what is known of it."""
    found: dict[tuple[str, bytes], Any] = {}
    for source in {one.source for one in marked}:
        mine = [one.row for one in marked if one.source == source]
        found |= {(source, bytes(row.row_mac)): row for row in look.rows("imports.known", source=source, rows=mine)}
    return [_known(one, found.get((one.source, one.row))) for one in marked]


def _known(mark: Mark, row: Any | None) -> Known | None:
    if row is None:
        return None
    same_body = hmac.compare_digest(bytes(row.body_mac), mark.body)
    return Known(row.subject_id, same_body, mark.part is not None and row.part == mark.part)


def take(tx: Tx, rows: Sequence[tuple[Mark, SubjectId]]) -> None:
    """Remember rows and the subjects that they went to.

    Raises InFlight when another import has taken one of them in meanwhile: what this transaction did for it is taken
    back, and the next try finds it known.
    """
    for source in sorted({one.source for one, _ in rows}):
        # One order for all imports, so that two of them cannot wait for each other.
        mine = sorted(((one, to) for one, to in rows if one.source == source), key=lambda item: item[0].row)
        taken = tx.run(
            "imports.take",
            source=source,
            row_mac=[one.row for one, _ in mine],
            body_mac=[one.body for one, _ in mine],
            subject=[subject for _, subject in mine],
            part=[one.part for one, _ in mine],
        )
        if taken != len(mine):
            raise once.InFlight
