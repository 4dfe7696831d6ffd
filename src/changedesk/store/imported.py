"""Source rows that were taken in: known by a keyed digest, so that a second run of a file changes nothing."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

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


def known(look: Look, rows: Sequence[Row]) -> list[Known | None]:
    """Return, for each row in order, what is known of it."""
    found: dict[tuple[str, bytes], tuple[bytes, SubjectId]] = {}
    secret = keys.of_client(look).code
    for source in {row.source for row in rows}:
        macs = [_row_mac(secret, row) for row in rows if row.source == source]
        for one in look.rows("imports.known", source=source, rows=macs):
            found[source, bytes(one.row_mac)] = (bytes(one.body_mac), one.subject_id)
    answer: list[Known | None] = []
    for row in rows:
        hit = found.get((row.source, _row_mac(secret, row)))
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
