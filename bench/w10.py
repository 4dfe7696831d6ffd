"""W10: the page of trends over a year of entries, beside one scan of the entries that gives the same numbers."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import httpx

from bench import baseline, w8
from bench.rounds import interleaved
from bench.stage import Stage, add_client, scaled, web

ENTRIES = 5_000_000
STEP = 250_000
SUBJECTS = 50_000
REQUESTS = 500
ROUNDS = 9
BAR = 20
SLUG = "counted"
PATH = f"/c/{SLUG}/trends?days=365"
ACTIONS = (
    *("change.recorded",) * 3, *("change.applied",) * 3, *("request.submitted",) * 2, "request.rejected",
    "request.disputed", "record.viewed", "record.viewed", "identity.verified", "notice.sent", "notice.sent",
    "request.approved",
)  # fmt: skip
CHANNELS = ("phone", "chat", "email", "web_portal", "api", "in_person")
FILL = """
WITH e AS (
    INSERT INTO desk.entry (client_id, id, change_id, subject_id, recorded_at, request_id, kind, actor, channel, fields,
                            fields_hash, meta_hash, leaf_hash)
    SELECT %(client)s, %(first)s + g, gen_random_uuid(), md5('counted' || g %% %(subjects)s)::uuid,
           now() - interval '360 days' + g * (interval '360 days' / %(entries)s),
           CASE WHEN g * 7 %% 16 >= 3 THEN (%(requests)s::uuid[])[1 + g %% %(asked)s] END,
           (%(actions)s::text[])[1 + g * 7 %% 16], 's' || g %% 40, (%(channels)s::text[])[1 + g / 3 %% 6],
           CASE WHEN g * 7 %% 16 < 6 THEN 'contact.email contact.phone_mobile' END,
           sha256(int8send(g)), sha256(int8send(g)), sha256(int8send(g))
    FROM generate_series(%(start)s::bigint, %(end)s::bigint - 1) g RETURNING id)
INSERT INTO desk.log_leaf (client_id, idx, entry_id) SELECT %(client)s, id - %(first)s + %(size)s, id FROM e
"""
SCAN = """
SELECT e.kind, (e.recorded_at AT TIME ZONE 'UTC')::date, e.channel, r.kind, count(*)
FROM desk.entry e LEFT JOIN desk.request r ON r.client_id = e.client_id AND r.id = e.request_id
WHERE e.client_id = %s AND e.kind = ANY(%s) AND e.recorded_at >= now() - interval '365 days' GROUP BY 1, 2, 3, 4
"""


def measure(stage: Stage) -> dict[str, Any]:
    from changedesk.reading import trends  # noqa: PLC0415 - after Django is set up

    stage = add_client(stage.place, SLUG, customers=scaled(REQUESTS, 100))
    entries = scaled(ENTRIES, 50_000)
    refs = w8.ask(stage, len(stage.ids))
    _settle(stage)
    with baseline.connect(stage.place.admin) as connection:
        _fill(stage, connection, entries)
        started = time.perf_counter()
        _settle(stage)
        counted = entries / (time.perf_counter() - started)
        for table in ("entry", "log_leaf", "trend"):
            connection.execute(f"VACUUM ANALYZE desk.{table}")
        connection.execute("CHECKPOINT")
        actions = [kind.value for kinds in trends.MEASURES.values() for kind in kinds]
        (session,) = [cookie for role, cookie in w8.people(stage, SLUG) if role == "supervisor"][:1]
        with web() as server, httpx.Client(base_url=server.url, timeout=600, cookies={"session": session}) as http:
            systems: dict[str, Callable[[int], float]] = {
                "page": lambda _: _timed(lambda: _open(http)),
                "scan": lambda _: _timed(lambda: connection.execute(SCAN, [stage.client, actions]).fetchall()),
            }
            interleaved(2, systems)  # what both find in memory, they find there from now on
            runs = interleaved(ROUNDS, systems)
    page, scan = median(runs["page"]), median(runs["scan"])
    row = {
        "what": f"W10, trends of a year, {entries:,} entries", "desk": f"{page * 1000:.0f} ms",
        "baseline": f"{scan * 1000:.0f} ms", "ratio": scan / page, "bar": BAR,
        "more": {"counted a second": counted, "requests": len(refs)},
    }  # fmt: skip
    return {"table": [row], "runs": runs}


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _open(http: httpx.Client) -> None:
    answer = http.get(PATH)
    assert answer.status_code == 200, answer.status_code


def _settle(stage: Stage) -> None:
    """Give what is staged its place in the log, and count all of it."""
    from changedesk.outbound import sequence, trends  # noqa: PLC0415 - after Django is set up

    while sequence(stage.client) or trends.run(stage.client):
        pass


def _fill(stage: Stage, connection: Any, entries: int) -> None:
    """Put entries of a year into the log, those of requests among them; nothing in them can be opened."""
    asked = connection.execute(
        "SELECT array_agg(id) FROM desk.request WHERE client_id = %s", [stage.client]
    ).fetchone()[0]
    (size,) = connection.execute("SELECT size FROM desk.log_head WHERE client_id = %s", [stage.client]).fetchone()
    connection.execute("SET session_replication_role = replica")  # no guard asks for the requests behind changes
    for start in range(0, entries, STEP):
        values = {
            "client": stage.client, "first": 10**10, "subjects": SUBJECTS, "entries": entries, "requests": asked,
            "asked": len(asked), "actions": list(ACTIONS), "channels": list(CHANNELS), "size": size, "start": start,
            "end": min(start + STEP, entries),
        }  # fmt: skip
        connection.execute(FILL, values)
    connection.execute("RESET session_replication_role")
    connection.execute("UPDATE desk.log_head SET size = size + %s WHERE client_id = %s", [entries, stage.client])
