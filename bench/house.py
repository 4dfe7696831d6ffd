"""What it costs to have: bytes per change, memory, seconds to start."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import baseline, cpu
from bench.stage import Stage, drain, ready, record

CHANGES = 20_000
STEP = 1_000
BYTES_BAR = 900
MEMORY_BAR = 700
FIRST_BAR, AGAIN_BAR = 180, 6
MEBIBYTE = 1024 * 1024
TABLES = ("subject", "entry", "payload", "blind_index", "staged", "log_leaf", "log_head")


def size(stage: Stage) -> dict[str, Any]:
    """Bytes that a change of 2.5 fields leaves behind, indexes in, after the sequencer has taken it."""
    count = min(CHANGES, len(stage.ids))
    # The first change of a customer makes room that later ones use again: what counts is the ones after.
    _record(stage, count)
    with baseline.connect(stage.place.admin) as connection:
        before = _sizes(connection)
        _record(stage, count)
        after = _sizes(connection)
    parts = {table: (after[table] - before[table]) / count for table in TABLES}
    total = sum(parts.values())
    row = {"what": "size, stored bytes per change", "desk": f"{total:.0f}", "baseline": "peers 358 to 893",
           "ratio": total, "bar": BYTES_BAR, "lower": True, "more": parts}  # fmt: skip
    return {"table": [row], "parts": parts}


def _record(stage: Stage, count: int) -> None:
    """Record a change of each, the sequencer close behind as it is in the worker."""
    for start in range(0, count, STEP):
        record(stage, stage.ids[start : min(start + STEP, count)])
        drain(stage)


def _sizes(connection: Any) -> dict[str, int]:
    # The pages of an index that the first round empties are free for use after the second.
    for table in (*TABLES, *TABLES):
        connection.execute(f"VACUUM (ANALYZE) desk.{table}")
    return {
        table: connection.execute("SELECT pg_total_relation_size(%s::regclass)", [f"desk.{table}"]).fetchone()[0]
        for table in TABLES
    }


def start() -> dict[str, Any]:
    """Start everything in a fresh place, and again; tell the seconds and the memory that it takes."""
    folder = Path(tempfile.mkdtemp(prefix="changedesk-start-"))
    try:
        first, _ = _up(folder)
        again, memory = _up(folder)
    finally:
        command = [*_program(), "erase", "--yes"]
        with suppress(OSError):
            subprocess.run(command, env=_environment(folder, 0), check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
    rows = [("start, first time", first, FIRST_BAR, "s"), ("start, second time", again, AGAIN_BAR, "s"),
            ("memory of web, worker and PostgreSQL", memory, MEMORY_BAR, "MB")]  # fmt: skip
    table = [
        {"what": what, "desk": f"{value:.1f} {unit}", "baseline": "-", "ratio": value, "bar": bar, "lower": True}
        for what, value, bar, unit in rows
    ]
    return {"table": table}


def _program() -> list[str]:
    return [str(Path(sys.executable).with_name("changedesk"))]


def _environment(folder: Path, port: int) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CHANGEDESK_", "DJANGO_"))}
    return {**clean, "CHANGEDESK_STATE_DIR": str(folder), "CHANGEDESK_WEB_PORT": str(port or 8000)}


def _up(folder: Path) -> tuple[float, float]:
    """Run ``changedesk up`` until it answers; return seconds to get there, and MB once it has settled."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.monotonic()
    with (folder / "up.log").open("ab") as log:
        process = subprocess.Popen([*_program(), "up"], env=_environment(folder, port), stdout=log, stderr=log)
    try:
        ready(f"http://127.0.0.1:{port}/readyz", seconds=240)
        taken = time.monotonic() - started
        time.sleep(3)  # pools fill, duties have their first turn
        return taken, cpu.memory(process.pid) / MEBIBYTE
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        if process.poll() is None:
            process.kill()
            process.wait()
