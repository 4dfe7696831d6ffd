"""Turns: one thread of a process works while the others wait, where all of them only read.

One thread of a process runs at a time whatever is asked of it at once. Many that want to do so hinder each other, and
each keeps a connection of its own busy: sixteen pages asked for at once cost a third more than the same pages one by
one (docs/decisions/023-reads-by-turns.md). Whoever has waited for long goes ahead all the same, so that a slow read in
front keeps nobody.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PATIENCE_SECONDS: Final = 0.1


class _Mine(threading.local):
    held = False


_turn: Final = threading.Semaphore()
_mine: Final = _Mine()


@contextmanager
def turn() -> Iterator[None]:
    """Run the block when it is this thread's turn, or it has waited for PATIENCE_SECONDS."""
    _mine.held = _turn.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        leave()


def leave() -> None:
    """Let others have this thread's turn, where it has one: it is done, or waits for them."""
    if _mine.held:
        _mine.held = False
        _turn.release()
