"""What imports brought in: their runs, and the source rows, known by a keyed digest.

So a second run of a file changes nothing.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from changedesk.base.ids import SubjectId
from changedesk.store import keys, once
from changedesk.store.tx import Look, Tx


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a source, by its name there, with its content."""

    source: str
    row: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """A row that was taken in before: for which subject, and whether it said the same."""

    subject: SubjectId
    same_body: bool


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


def known(look: Look, rows: Sequence[Row]) -> list[Known | None]:
    """Return, for each row in order, what is known of it."""
    found: dict[tuple[str, bytes], tuple[bytes, SubjectId]] = {}
    secret = keys.of_client(look).code
    macs = [_row_mac(secret, row) for row in rows]
    for source in {row.source for row in rows}:
        mine = [mac for row, mac in zip(rows, macs, strict=True) if row.source == source]
        for one in look.rows("imports.known", source=source, rows=mine):
            found[source, bytes(one.row_mac)] = (bytes(one.body_mac), one.subject_id)
    answer: list[Known | None] = []
    for row, mac in zip(rows, macs, strict=True):
        hit = found.get((row.source, mac))
        answer.append(None if hit is None else Known(hit[1], hmac.compare_digest(hit[0], _body_mac(secret, row))))
    return answer


def take(tx: Tx, rows: Sequence[tuple[Row, SubjectId]]) -> None:
    """Remember rows and the subjects that they went to.

    Raises InFlight when another import has taken one of them in meanwhile: what this transaction did for it is taken
    back, and the next try finds it known.
    """
    secret = keys.of_client(tx).code
    for source in sorted({row.source for row, _ in rows}):
        # One order for all imports, so that two of them cannot wait for each other.
        mine = sorted(((row, to) for row, to in rows if row.source == source), key=lambda item: item[0].row)
        taken = tx.run(
            "imports.take",
            source=source,
            row_mac=[_row_mac(secret, row) for row, _ in mine],
            body_mac=[_body_mac(secret, row) for row, _ in mine],
            subject=[subject for _, subject in mine],
        )
        if taken != len(mine):
            raise once.InFlight


def _row_mac(secret: bytes, row: Row) -> bytes:
    return hmac.digest(secret, b"row\x00" + row.source.encode() + b"\x00" + row.row.encode(), "sha256")[:16]


def _body_mac(secret: bytes, row: Row) -> bytes:
    return hmac.digest(secret, b"body\x00" + row.body, "sha256")[:16]
