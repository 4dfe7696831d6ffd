"""W4: a timeline page of 50 entries, decrypted, over HTTP, with more and more entries in the tables."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from bench import baseline, cpu, wrk
from bench.rounds import interleaved, middle
from bench.stage import SCALE, Stage, record, scaled, web

CONNECTIONS = 16
ROUNDS = 3
SECONDS = 4.0
BAR = 0.15
FLAT = 1.2
ENTRIES = (10_000, 100_000, 2_000_000)
READERS = 200
"""Customers whose pages are read; each has a page of entries and a little more, all made by the desk."""
DEEP = 52
STEPS = 20
FILLER = """
WITH e AS (
    INSERT INTO desk.entry (client_id, id, change_id, subject_id, ver, recorded_at, kind, actor, channel, fields,
                            fields_hash, meta_hash, leaf_hash)
    SELECT %(client)s, nextval('desk.entry_id'), gen_random_uuid(), md5('filler' || g / 52)::uuid,
           %(first)s + g %% 52 + 1, now(), 'change.recorded', 'k1', 'api',
           'contact.email contact.phone_mobile', %(hash)s, %(hash)s, %(hash)s
    FROM generate_series(%(start)s::bigint, %(end)s::bigint - 1) g RETURNING id)
INSERT INTO desk.payload (client_id, entry_id, meta_epoch, ct, meta_ct)
SELECT %(client)s, id, 1, %(ct)s, %(meta)s FROM e
"""
PAGE = """\\set k random(1, {count})
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       e.leaf_hash, p.meta_epoch, p.ct, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = {client} AND e.subject_id = (SELECT id FROM base.pick WHERE k = :k)
ORDER BY e.ver DESC LIMIT 50;
"""


def measure(stage: Stage) -> dict[str, Any]:
    wrk.require()
    admin = stage.place.admin
    first = stage.ids[:READERS]
    for turn in range(DEEP):
        record(stage, first, first=turn)
    table: list[dict[str, Any]] = []
    found: dict[str, Any] = {"table": table}
    spread = stage.ids[READERS : READERS + scaled(4 * READERS, 40)]
    with baseline.connect(admin) as connection:
        sizes = baseline.measured(connection)
        for count in ENTRIES:
            target = count if count < ENTRIES[-1] else max(ENTRIES[-2], int(count * SCALE))
            _grow(stage, connection, target, sizes, spread if count == ENTRIES[-1] else [])
            readers = spread if count == ENTRIES[-1] else first
            found[str(count)] = _compare(stage, connection, readers)
            if count == ENTRIES[-1]:
                found["same readers"] = _compare(stage, connection, first)
                table.append(_row(f"W4, timeline page over {_count(connection):,} entries", found[str(count)]))
    small, large = found[str(ENTRIES[0])], found["same readers"]
    slower = _middle(small, "desk") / _middle(large, "desk")
    table.append({
        "what": f"W4, time of a page over {ENTRIES[0]:,} and over all entries", "desk": f"{slower:.2f} times",
        "baseline": "itself", "ratio": slower, "bar": FLAT, "lower": True,
    })  # fmt: skip
    return found


def _count(connection: Any) -> int:
    return int(connection.execute("SELECT count(*) FROM desk.entry").fetchone()[0])


def _grow(stage: Stage, connection: Any, target: int, sizes: baseline.Sizes, readers: list[Any]) -> None:
    """Fill up to a number of entries with rows of the same shape that nobody reads, among those that are read."""
    missing = target - _count(connection) - DEEP * len(readers)
    steps = STEPS if readers else 1
    for step in range(steps):
        start = step * (missing // steps)
        values = {
            "client": stage.client, "first": target, "start": start, "end": start + missing // steps,
            "hash": os.urandom(32), "ct": os.urandom(sizes.payload), "meta": os.urandom(sizes.meta),
        }  # fmt: skip
        if missing > 0:
            connection.execute(FILLER.replace("'filler'", f"'filler{target}'"), values)
        for turn in range(DEEP * step // steps, DEEP * (step + 1) // steps):
            if readers:
                record(stage, readers, first=turn)
    connection.execute("VACUUM ANALYZE desk.entry")
    connection.execute("VACUUM ANALYZE desk.payload")
    connection.execute("CHECKPOINT")


def _compare(stage: Stage, connection: Any, readers: list[Any]) -> dict[str, list[dict[str, float]]]:
    connection.execute("CREATE SCHEMA IF NOT EXISTS base")
    connection.execute("DROP TABLE IF EXISTS base.pick")
    connection.execute("CREATE TABLE base.pick (k int PRIMARY KEY, id uuid)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO base.pick VALUES (%s, %s)", list(enumerate(readers, 1)))
    connection.execute("ANALYZE base.pick")
    seconds = max(1.0, SECONDS * min(1.0, SCALE * 2))
    script = PAGE.format(count=len(readers), client=stage.client)
    with web() as server:

        def desk(number: int) -> dict[str, float]:
            before = cpu.seconds(server.pid)
            load = wrk.run(
                wrk.READ, server.url, stage.secret, readers, connections=CONNECTIONS, seconds=seconds, seed=number
            )
            used = (cpu.seconds(server.pid) - before) / max(1, load.count) * 1e6
            return {"per_second": load.per_second, "p50_ms": load.p50, "p99_ms": load.p99, "failed": load.failed,
                    "web_us": used}  # fmt: skip

        def base(_number: int) -> dict[str, float]:
            place = stage.place
            got = baseline.pgbench(place.programs, place.admin, script, clients=CONNECTIONS, seconds=seconds)
            return {"per_second": got.per_second}

        desk(99)
        systems: dict[str, Callable[[int], dict[str, float]]] = {"desk": partial(desk), "pgbench": partial(base)}
        return interleaved(ROUNDS, systems)


def _middle(runs: dict[str, list[dict[str, float]]], name: str) -> float:
    return middle([run["per_second"] for run in runs[name]])


def _row(what: str, runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    ours, theirs = _middle(runs, "desk"), _middle(runs, "pgbench")
    more = {name: {key: middle([run[key] for run in rows]) for key in rows[0]} for name, rows in runs.items()}
    return {"what": what, "desk": f"{ours:.0f}/s", "baseline": f"{theirs:.0f}/s", "ratio": ours / theirs, "bar": BAR,
            "more": more}  # fmt: skip
