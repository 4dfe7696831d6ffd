"""The gate between starting and serving: the web process loads beside the checks, and serves after them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

VARIABLE: Final = "CHANGEDESK_GATE"
"""Names the gate's file to a process that has to wait before it."""


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Let nobody through while the block runs. Whoever closed it opens it also by dying: it is a lock (flock(2))."""
    with path.open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def wait() -> None:
    """Return once the gate that the environment names is open; at once where it names none."""
    path = os.environ.get(VARIABLE)
    if path:
        with Path(path).open() as gate:
            fcntl.flock(gate, fcntl.LOCK_SH)
