"""Keeps one throw-away PostgreSQL alive for as long as a test run lives; started by tests/conftest.py."""

import json
import os
import select
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from changedesk.config.embedded import Server


def main(word: dict[str, Any]) -> None:
    """Run the server until the process ``watched`` is gone, then leave nothing behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    life = os.pidfd_open(word["watched"])
    server = Server(
        state_dir=Path(word["state_dir"]),
        settings=word["settings"],
        bin_dir=Path(word["bin_dir"]) if word["bin_dir"] else None,
    )
    try:
        server.start()
        with os.fdopen(word["ready"], "w") as ready:
            ready.write(server.conninfo())
        select.select([life], [], [])
    finally:
        server.stop()
        server.erase()
        shutil.rmtree(word["state_dir"], ignore_errors=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
