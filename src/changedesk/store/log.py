"""The client's log: the sequencer gives staged entries their dense place; consumers follow by index."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from changedesk.ledger.tree import Frontier
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call

MOST_AT_ONCE: Final = 4096
CHANNEL: Final = "changedesk_log"
"""LISTEN here to hear that a client's log has grown; the payload is the client's id."""


def sequence(tx: Tx) -> int:
    """Give what is staged its place in the log; return how many entries that were.

    Zero when another sequencer is at work. A writer's own sequence number says nothing about the order of commits,
    so nothing waits for gaps: whatever can be seen is placed.
    """
    tx.post("log.open_head")
    head = tx.row("log.head")
    if head is None:
        return 0
    leaves = [bytes(row.leaf_hash) for row in tx.rows("log.take", size=head.size, limit=MOST_AT_ONCE)]
    if not leaves:
        return 0
    was = Frontier.from_bytes(bytes(head.frontier)) if head.size else Frontier()
    grown = was.append_many(leaves)
    tx.post("log.advance", touches=1, size=grown.size, frontier=grown.to_bytes(), was=head.size)
    notify(tx)
    return len(leaves)


def notify(tx: Tx) -> None:
    """Wake who listens at this client's log, once this transaction has committed."""
    tx.row("log.notify", payload=str(int(tx.client)))


def size(look: Look) -> int:
    """Return how many entries the log has."""
    rows = look.together(size_asks())[0]
    return int(rows[0].size) if rows else 0


def size_asks() -> Call:
    """Return what ``size`` asks: to be read ahead."""
    return "log.size", {}


@contextmanager
def following(tx: Tx, consumer: str) -> Iterator[int | None]:
    """Claim a consumer's place for this transaction; None when another worker has it."""
    tx.post("log.open_cursor", consumer=consumer)
    row = tx.row("log.cursor", consumer=consumer)
    yield None if row is None else int(row.next_idx)


def advance(tx: Tx, consumer: str, next_index: int) -> None:
    """Remember how far a consumer has come."""
    tx.post("log.move_cursor", consumer=consumer, next=next_index)


def cursors(look: Look) -> dict[str, int]:
    return {row.consumer: row.next_idx for row in look.rows("log.cursors")}
