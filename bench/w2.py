"""W2: an import of 200,000 changes by file, one process per core, beside raw COPY of the rows that it stored."""

import csv
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import baseline, cpu
from bench.place import Place
from bench.stage import DICE, EMAIL, PHONE, URL, add_client, fields_of, scaled

CHANGES = 200_000
PER_CUSTOMER = 10
BAR = 0.20
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
        before, before_here, own = cpu.seconds(place.server_pid), time.monotonic(), cpu.children()
        commands = [[sys.executable, "-m", "bench.importing", str(file), str(map_)] for file, map_ in files]
        environment = {**os.environ, "BENCH_KEY": stage.secret}
        running = [subprocess.Popen(command, env=environment) for command in commands]
        assert all(process.wait() == 0 for process in running)
        seconds, used = time.monotonic() - before_here, cpu.seconds(place.server_pid) - before
        own = cpu.children() - own
    with baseline.connect(place.admin) as connection:
        row = connection.execute(
            "SELECT count(*) FROM desk.entry WHERE client_id = %s AND kind = 'change.recorded'", [stage.client]
        ).fetchone()
        assert row == (changes // parts * parts,), row
    before = cpu.seconds(place.server_pid)
    copied = _copy(place, stage.client, parts)
    copy_used = cpu.seconds(place.server_pid) - before
    rate, copy_rate = row[0] / seconds, row[0] / copied
    return {
        "changes": row[0], "seconds": seconds, "copy_seconds": copied, "processes": parts,
        "database_us": used / row[0] * 1e6,
        "table": [{
            "what": f"W2, import of {row[0]:,} changes by file", "desk": f"{rate:.0f}/s",
            "baseline": f"{copy_rate:.0f}/s", "ratio": rate / copy_rate, "bar": BAR,
            "more": {"desk": {"import_us": own / row[0] * 1e6, "database_us": used / row[0] * 1e6},
                     "COPY out and in": {"database_us": copy_used / row[0] * 1e6}},
        }],
    }  # fmt: skip


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
