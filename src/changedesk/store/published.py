"""What is published of a client's log: its leaf documents by place, its checkpoints, who cosigned them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from changedesk.base.clock import micros
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.tiles import WIDTH
from changedesk.ledger.tree import Frontier, leaf_hash
from changedesk.store.tile_files import INSTALLATION
from changedesk.store.tx import Look, Tx

AT_ONCE: Final = 16 * WIDTH
"""Leaves that are read at once: whole tiles of them."""


class LogDamaged(Exception):  # noqa: N818 - says what is so
    """The log in the database is not what was logged. Names the first bad place, and no data."""


class Leaf(NamedTuple):
    """One leaf of the log: its document and that document's hash."""

    document: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """A checkpoint: signed when it has a note, else only begun."""

    size: int
    root: bytes
    at: datetime
    note: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a log is, and how far it is published."""

    size: int
    frontier: Frontier
    newest: Begun | None

    @property
    def published(self) -> int:
        """The size that was signed for, or begun, last."""
        return 0 if self.newest is None else self.newest.size

    @property
    def unfinished(self) -> bool:
        """Whether the newest checkpoint was begun and not yet signed."""
        return self.newest is not None and self.newest.note is None


def standing(look: Look) -> Standing:
    """Return how far the log is."""
    row = look.row("log.standing")
    if row is None or not row.head_size:
        return Standing(0, Frontier(), None)
    note = None if row.note is None else bytes(row.note)
    newest = None if row.size is None else Begun(row.size, bytes(row.root), row.begun_at, note)
    return Standing(row.head_size, Frontier.from_bytes(bytes(row.frontier)), newest)


def claim(tx: Tx) -> bool:
    """Say whether this transaction is the log's one publisher until it ends."""
    row = tx.row("log.claim_publisher")
    return row is not None and bool(row.claimed)


def begin(tx: Tx, standing: Standing, *, at: datetime) -> bool:
    """Decide the next checkpoint: the log as it is now. False when another one was begun meanwhile."""
    given = {"size": standing.size, "root": standing.frontier.root(), "at": at, "was": standing.published}
    return tx.run("log.begin_checkpoint", **given) == 1


def sign(tx: Tx, size: int, root: bytes, note: bytes) -> None:
    """Keep the signed note of a begun checkpoint: from now on it is published."""
    if tx.run("log.sign_checkpoint", size=size, root=root, note=note) != 1:
        raise LogDamaged("the checkpoint that was begun is another one")


def signed(look: Look) -> tuple[int, bytes, bytes] | None:
    """Return size, root and note of the newest signed checkpoint, or None."""
    row = look.row("log.newest_signed")
    return None if row is None else (row.size, bytes(row.root), bytes(row.note))


def recent(look: Look, *, limit: int) -> list[Any]:
    """Return size, root and begun_at of the newest signed checkpoints, newest first."""
    return look.rows("log.recent", limit=limit)


def note_at(look: Look, size: int) -> bytes:
    """Return the note of a signed checkpoint, without cosignatures."""
    row = look.row("log.note_at", size=size)
    if row is None or row.note is None:
        raise LookupError("no such checkpoint")
    return bytes(row.note)


def whole(look: Look, size: int, note: bytes) -> bytes:
    """Return a checkpoint as it is published: its note, and the cosignatures that it has so far."""
    return note + "".join(row.line for row in look.rows("log.cosignatures", size=size)).encode()


def widths(look: Look, level: int, size: int) -> list[int]:
    """Return the widths of the tile of this level that is not yet full, over all checkpoints up to ``size``."""
    shift = level * 8
    since = size >> shift + 8 << shift + 8
    rows = look.rows("log.partial_widths", shift=shift, since=since, until=size)
    return [row.width for row in rows if row.width]


def leaves(look: Look, start: int, until: int) -> Iterator[list[Leaf]]:
    """Give the leaves from ``start`` on, in lists of AT_ONCE. Raises LogDamaged at the first that is not as logged."""
    for low in range(start, until, AT_ONCE):
        high = min(low + AT_ONCE, until)
        if look.client == INSTALLATION:
            rows = look.rows("log.anchored", start=low, until=high)
        else:
            rows = look.rows("log.leaves", start=low, until=high)
        yield _checked(rows, low, high, anchored=look.client == INSTALLATION)


def _checked(rows: Sequence[Any], low: int, high: int, *, anchored: bool) -> list[Leaf]:
    found: list[Leaf] = []
    for place, row in zip(range(low, high), rows, strict=False):
        body = (None if row.digest is None else bytes(row.digest)) if anchored else document(row)
        if row.idx != place or body is None or leaf_hash(body) != row.leaf_hash:
            raise LogDamaged(f"entry {place} of the log is missing, or not what was logged")
        found.append(Leaf(body, bytes(row.leaf_hash)))
    if len(found) != high - low:
        raise LogDamaged(f"entry {low + len(found)} of the log is missing, or not what was logged")
    return found


def document(row: Any) -> bytes | None:
    """Return the leaf document that an entry's columns give back, or None where they give none."""
    try:
        return leaf(
            change_id=row.change_id,
            kind=EntryKind(row.kind),
            subject_ref=row.subject_id,
            version=row.ver or 0,
            previous=bytes(row.prev_leaf or b""),
            recorded_at_ms=micros(row.recorded_at) // 1000,
            fields=bytes(row.fields_hash),
            meta=bytes(row.meta_hash),
        )
    except (ValueError, TypeError, AttributeError):
        return None


def witnessed(look: Look, witness: str) -> int:
    """Return the largest size that a witness cosigned; 0 for none."""
    row = look.row("log.witnessed", witness=witness)
    return 0 if row is None else int(row.size)


def cosign(tx: Tx, size: int, witness: str, line: str) -> None:
    """Keep a witness's signature lines of a checkpoint."""
    tx.run("log.cosign", size=size, witness=witness, line=line)


def anchor(tx: Tx, *, log: int, size: int, digest: bytes) -> bool:
    """Queue a client's checkpoint for the installation's log. False when it is there."""
    return tx.run("log.anchor", log=log, size=size, digest=digest, leaf_hash=leaf_hash(digest)) == 1


def anchor_of(look: Look, *, log: int, until: int) -> tuple[int, int] | None:
    """Return place and size of a client's newest checkpoint below ``until`` in the installation's log."""
    row = look.row("log.anchor_of", log=log, until=until)
    return None if row is None else (row.idx, row.size)
