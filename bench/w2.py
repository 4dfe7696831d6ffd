"""W2: ``changedesk import changes`` with 200,000 changes, a process a core, beside raw COPY of the rows it stored.

And beside the bulk APIs of other history libraries, which write in the one process that calls them.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import baseline, cpu, peers
from bench.place import Place
from bench.stage import DICE, EMAIL, PHONE, URL, add_client, fields_of, scaled

CHANGES = 200_000
PER_CUSTOMER = 10
BAR = 0.20
PEERS = ("history", "pghistory", "eventsourcing")
PEER_CHANGES = 20_000
PEER_BAR = 4.0
SLUG = "imported"
MAP = f"""
rows = "changes"
about = "Measured"
source = "bench"
log = "changes"
customer = "customer"
record = "customer"
subject = "customer"
group = "change"
field = "field"
old = "old"
new = "new"
valid_from = "at"

[evidence]
requested_by = "by"

[fields]
"{EMAIL}" = "{EMAIL}"
"{PHONE}" = "{PHONE}"
"{URL}" = "{URL}"
"""
COLUMNS = ("customer", "change", "field", "old", "new", "at", "by")
STORED = {
    "subject": "id", "subject_key": "subject_id", "entry": "id", "payload": "entry_id", "staged": "entry_id",
    "blind_index": "subject_id", "import_row": "subject_id",
}  # fmt: skip
"""The tables that an import writes to, and the column by which each is dealt out to the processes that copy."""


def measure(place: Place) -> dict[str, Any]:
    parts = os.cpu_count() or 1
    changes = scaled(CHANGES, 4_000)
    stage = add_client(place, SLUG, customers=0)
    with tempfile.TemporaryDirectory(prefix="changedesk-import-") as folder:
        seconds, used, took = _taken_in(place, *_write(Path(folder), changes), parts)
    with baseline.connect(place.admin) as connection:
        row = connection.execute(
            "SELECT count(*) FROM desk.entry WHERE client_id = %s AND kind = 'change.recorded'", [stage.client]
        ).fetchone()
        assert row == (changes,), row
    before = cpu.seconds(place.server_pid)
    copied = _copy(place, stage.client, parts)
    copy_used = cpu.seconds(place.server_pid) - before
    rate, copy_rate = row[0] / seconds, row[0] / copied
    told = peers.told(place, customers=PEER_CHANGES, history=1)
    bulk = {peer: _bulk(told, peer, scaled(PEER_CHANGES, 4_000)) for peer in peers.those_of(*PEERS)}
    best = max(((found["per_s"], peer) for peer, found in bulk.items()), default=None)
    return {
        "changes": row[0], "seconds": seconds, "copy_seconds": copied, "processes": parts,
        "database_us": used / row[0] * 1e6,
        "table": [{
            "what": f"W2, import of {row[0]:,} changes by file", "desk": f"{rate:.0f}/s",
            "baseline": f"{copy_rate:.0f}/s", "ratio": rate / copy_rate, "bar": BAR,
            "more": {"desk": {"import_us": took / row[0] * 1e6, "database_us": used / row[0] * 1e6},
                     "COPY out and in": {"database_us": copy_used / row[0] * 1e6}},
        }, {
            "what": f"W2, the same, {parts} processes", "desk": f"{rate:.0f}/s",
            "baseline": f"{best[0]:.0f}/s ({best[1]}, bulk API, one process)" if best else "not run",
            "ratio": rate / best[0] if best else None, "bar": PEER_BAR, "more": bulk,
        }],
    }  # fmt: skip


def _taken_in(place: Place, file: Path, map_: Path, jobs: int) -> tuple[float, float, float]:
    """Import the file as people do; return the seconds, and the processor time of the server and of the command."""
    words = ["import", "changes", str(file), "--map", str(map_), "--client", SLUG, "--jobs", str(jobs), "--json"]
    before, theirs, started = cpu.seconds(place.server_pid), _children(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "changedesk.config.command", *words], check=True, capture_output=True, text=True
    )
    seconds, used, took = time.monotonic() - started, cpu.seconds(place.server_pid) - before, _children() - theirs
    told = json.loads(done.stdout)
    assert (told["totals"]["refused"], told["stopped"]) == (0, ""), told
    return seconds, used, took


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bulk(told: Mapping[str, str], peer: str, changes: int) -> dict[str, float]:
    peers.run(told, peer, "setup")
    found = peers.run(told, peer, "bulk", changes)
    return {"per_s": found["per_s"], "app_us": found["app_us"]}


def _write(folder: Path, changes: int) -> tuple[Path, Path]:
    """Write the file and its map: ten changes for each customer, in the order of time."""
    file, map_ = folder / "changes.csv", folder / "changes.toml"
    map_.write_text(MAP, encoding="utf-8")
    customers = max(1, changes // PER_CUSTOMER)
    held: dict[tuple[int, str], str] = {}
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(COLUMNS)
        for turn in range(changes):
            customer = turn % customers
            at = (start + timedelta(seconds=turn)).isoformat()
            for field, new in fields_of(turn // customers, DICE.randrange(10**9)):
                old = held.get((customer, field), "")
                held[customer, field] = new
                out.writerow((f"C{customer:07d}", turn, field, old, new, at, "agent"))
    return file, map_


def _copy(place: Place, client: int, parts: int) -> float:
    """Copy out what the import stored, and back in as fast as COPY goes; return the seconds of the way in."""
    with baseline.connect(place.admin) as connection:
        connection.execute("DROP SCHEMA IF EXISTS base CASCADE; CREATE SCHEMA base")
        for table in STORED:
            connection.execute(f"CREATE TABLE base.{table} (LIKE desk.{table} INCLUDING ALL)")
        connection.execute("ALTER TABLE base.subject SET (fillfactor = 70)")
    blocks: list[tuple[str, list[bytes]]] = []
    for part in range(parts):
        for table, column in STORED.items():
            with baseline.connect(place.admin) as connection, connection.cursor() as cursor:
                query = (
                    f"COPY (SELECT t.* FROM desk.{table} t WHERE client_id = {client}"
                    f" AND abs(hashtext(t.{column}::text)) % {parts} = {part}) TO STDOUT (FORMAT binary)"
                )
                with cursor.copy(query) as out:
                    blocks.append((table, [bytes(block) for block in out]))
    width = len(STORED)
    started = time.monotonic()
    with ThreadPoolExecutor(parts) as pool:
        waiting = [pool.submit(_load, place, blocks[width * part : width * (part + 1)]) for part in range(parts)]
        for done in waiting:
            done.result()
    return time.monotonic() - started


def _load(place: Place, tables: list[tuple[str, list[bytes]]]) -> None:
    with baseline.connect(place.admin) as connection, connection.cursor() as cursor:
        for table, blocks in tables:
            with cursor.copy(f"COPY base.{table} FROM STDIN (FORMAT binary)") as into:
                for block in blocks:
                    into.write(block)
