"""W2: an import of 200,000 changes by file, one process per core, beside raw COPY of the rows that it stored.

And beside the bulk APIs of other history libraries, which write in the one process that calls them.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
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
MAP = f"""
rows = "changes"
about = "Measured"
source = "bench"
log = "changes-{{part}}"
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
    "subject": "subject", "entry": "entry", "payload": "payload", "staged": "staged", "blind_index": "blind_index",
}  # fmt: skip


def measure(place: Place) -> dict[str, Any]:
    parts = os.cpu_count() or 1
    changes = scaled(CHANGES, 4_000)
    stage = add_client(place, "imported", customers=0)
    with tempfile.TemporaryDirectory(prefix="changedesk-import-") as folder:
        files = [_write(Path(folder), part, changes // parts) for part in range(parts)]
        seconds, used, took = _taken_in(place, stage.secret, files)
    with baseline.connect(place.admin) as connection:
        row = connection.execute(
            "SELECT count(*) FROM desk.entry WHERE client_id = %s AND kind = 'change.recorded'", [stage.client]
        ).fetchone()
        assert row == (changes // parts * parts,), row
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
            "more": {"desk": {"import_us": took["processor_s"] / row[0] * 1e6,
                              "start_ms": took["start_s"] / parts * 1e3, "database_us": used / row[0] * 1e6},
                     "COPY out and in": {"database_us": copy_used / row[0] * 1e6}},
        }, {
            "what": f"W2, the same, {parts} processes", "desk": f"{rate:.0f}/s",
            "baseline": f"{best[0]:.0f}/s ({best[1]}, bulk API, one process)" if best else "not run",
            "ratio": rate / best[0] if best else None, "bar": PEER_BAR, "more": bulk,
        }],
    }  # fmt: skip


def _taken_in(place: Place, secret: str, files: Sequence[tuple[Path, Path]]) -> tuple[float, float, Counter[str]]:
    """Import each file in a process of its own; return the seconds, the server's processor time, and the processes'.

    Clocks start when all of them have: what starting costs is told beside, and would weigh on a short file alone.
    """
    environment = {**os.environ, "BENCH_KEY": secret}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.importing", str(file), str(map_)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for file, map_ in files
    ]  # fmt: skip
    for process in running:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    before, started = cpu.seconds(place.server_pid), time.monotonic()
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    took: Counter[str] = Counter()
    for process in running:
        assert process.stdout
        took.update(json.loads(process.stdout.readline()))
    seconds, used = time.monotonic() - started, cpu.seconds(place.server_pid) - before
    assert all(process.wait() == 0 for process in running)
    return seconds, used, took


def _bulk(told: Mapping[str, str], peer: str, changes: int) -> dict[str, float]:
    peers.run(told, peer, "setup")
    found = peers.run(told, peer, "bulk", changes)
    return {"per_s": found["per_s"], "app_us": found["app_us"]}


def _write(folder: Path, part: int, changes: int) -> tuple[Path, Path]:
    """Write one part's file and map: its own customers, ten changes each, in the order of time."""
    file, map_ = folder / f"part{part}.csv", folder / f"part{part}.toml"
    map_.write_text(MAP.format(part=part), encoding="utf-8")
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
                out.writerow((f"P{part}C{customer:07d}", turn, field, old, new, at, "agent"))
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
        for table in STORED:
            with baseline.connect(place.admin) as connection, connection.cursor() as cursor:
                column = {"entry": "id", "subject": "ver"}.get(table, "entry_id")
                key = "abs(hashtext(t.subject_id::text))" if table == "blind_index" else f"t.{column}"
                key = "abs(hashtext(t.id::text))" if table == "subject" else key
                query = (
                    f"COPY (SELECT t.* FROM desk.{table} t WHERE client_id = {client} AND {key} % {parts} = {part})"
                    " TO STDOUT (FORMAT binary)"
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
