"""W7: a search of the whole history over HTTP, its first and its hundredth page, over more and more entries.

Entries are sealed as the desk seals them and copied in by the database's owner; what makes them searchable is then made
by the desk's own consumer of the log. Nothing but the sealing is left out, so that two million take minutes.
"""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx

from bench import baseline
from bench.stage import EMAIL, PHONE, Stage, add_client, scaled, web

ENTRIES = 2_000_000
CUSTOMERS = 2_000
BATCH = 20_000
ROUNDS = 40
BAR_MS = 150
FLAT = 1.2
PAGE, HUNDREDTH = 50, 99
OBSERVED = ("record.viewed", "identity.verified", "request.submitted", "notice.sent", "request.approved")
CHANNELS = ("phone", "chat", "email", "web_portal", "api")
REASONS = ("customer_request", "correction", "system_migration", "typo")
QUERIES = {
    "everything": "",
    "half of it": "action:recorded -channel:phone",
    "a person's work of a time": "actor:s7 created:2026-02..2026-06",
    "a choice": "(field:email OR action:verified) verified:>=2 -reason:typo",
    "rare": "actor:s39 channel:chat reason:typo action:submit verified:3",
    "nothing": "actor:s2 -actor:s2",
}
"""The last two have fewer than a hundred pages: they are asked for their first alone."""
ENTRY = (
    "client_id, ver, id, recorded_at, change_id, subject_id, kind, actor, channel, fields, fields_hash, meta_hash, "
    "leaf_hash"
)


def measure(stage: Stage) -> dict[str, Any]:
    stage = add_client(
        stage.place, "searched", customers=scaled(CUSTOMERS, 200), scopes=("audit:search", "audit:export")
    )
    entries = scaled(ENTRIES, 20_000)
    filled = _timed(lambda: _fill(stage, entries))
    found = _timed(lambda: _find(stage))
    table: list[dict[str, Any]] = []
    times = _ask(stage)
    first = [one for name in QUERIES for one in times[name]["first"]]
    deep = [one for name in QUERIES for one in times[name]["hundredth"]]
    everything = times["everything"]
    for what, taken in (("first page, with choices", first), ("hundredth page", deep)):
        table.append({
            "what": f"W7, {what}, {entries:,} entries, p95", "desk": f"{_p95(taken):.0f} ms",
            "baseline": f"{BAR_MS} ms", "ratio": _p95(taken) / BAR_MS, "bar": 1.0, "lower": True,
        })  # fmt: skip
    table[0]["more"] = {name: {"p95 ms": _p95(one["first"])} for name, one in times.items()}
    table[1]["more"] = {name: {"p95 ms": _p95(one["hundredth"])} for name, one in times.items() if one["hundredth"]}
    table.append({
        "what": "W7, second and hundredth page of everything", "baseline": "itself", "bar": FLAT, "lower": True,
        "desk": f"{_p50(everything['hundredth']) / _p50(everything['second']):.2f} times",
        "ratio": _p50(everything["hundredth"]) / _p50(everything["second"]),
        "more": {"bytes kept for searching, an entry": _bytes(stage) / entries,
                 "made searchable a second": entries / found, "sealed and copied a second": entries / filled},
    })  # fmt: skip
    return {"table": table, "times": times}


def _timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20)[-1]


def _p50(times: Sequence[float]) -> float:
    return quantiles(times, n=2)[0]


def _fill(stage: Stage, entries: int) -> None:
    """Copy entries into the log behind those that are there."""
    with baseline.connect(stage.place.admin) as connection:
        for start in range(0, entries, BATCH):
            rows = list(_rows(stage, start, min(start + BATCH, entries), entries))
            for table, columns, part in (
                ("entry", ENTRY, 0),
                ("payload", "client_id, meta_epoch, entry_id, ct, meta_ct", 1),
                ("log_leaf", "client_id, idx, entry_id", 2),
            ):  # fmt: skip
                with connection.cursor().copy(f"COPY desk.{table} ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row[part])
        connection.execute(
            "INSERT INTO desk.log_head (client_id, size) VALUES (%s, %s)"
            " ON CONFLICT (client_id) DO UPDATE SET size = excluded.size",
            [stage.client, entries],
        )
        connection.execute("DELETE FROM desk.staged WHERE client_id = %s", [stage.client])
        for table in ("entry", "payload", "log_leaf"):
            connection.execute(f"VACUUM ANALYZE desk.{table}")


def _rows(stage: Stage, start: int, end: int, entries: int) -> Iterator[tuple[Any, Any, Any]]:
    """Entries of a year, a third of them changes of an address and a number, of many hands and by every channel."""
    from changedesk.base.clock import micros  # noqa: PLC0415 - after Django is set up
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - as above
    from changedesk.ledger import seal  # noqa: PLC0415 - as above
    from changedesk.ledger.commitment import FOREVER, Assertion  # noqa: PLC0415 - as above
    from changedesk.ledger.payload import Meta, Payload, encode_meta, encode_payload  # noqa: PLC0415 - as above
    from changedesk.ledger.value import encode_value  # noqa: PLC0415 - as above
    from changedesk.store import keys, subjects  # noqa: PLC0415 - as above
    from changedesk.store.tx import look  # noqa: PLC0415 - as above

    client = ClientId(stage.client)
    with look(client) as seen:
        held = subjects.load(seen, stage.ids)
        mine = keys.of_client(seen)
    epoch = mine.meta_epoch
    key_id, cipher = mine.metas[epoch]
    begin = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    step = timedelta(days=300) / entries
    for number in range(start, end):
        dice = os.urandom(8)
        subject = held[stage.ids[number % len(stage.ids)]]
        at, change = begin + number * step, uuid4()
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        changes = dice[0] % 3 == 0
        version = 2 + number // len(stage.ids) if changes else 0
        said: tuple[Assertion, ...] = ()
        if changes:
            us = micros(at)
            old, new = (encode_value(f"user{number + more}@example.org") for more in (0, 1))
            phone = encode_value(f"+1202{2_000_000 + number % 8_000_000}")
            said = (Assertion(EMAIL, old, new, us, FOREVER), Assertion(PHONE, None, phone, us, FOREVER))
        actor, channel = f"s{dice[1] % 40}", CHANNELS[dice[2] % len(CHANNELS)]
        facts: dict[str, Any] = {
            "reason": REASONS[dice[3] % len(REASONS)],
            "verified": {"level": dice[4] % 4, "methods": []},
            "actor": actor,
            "as": "staff",
            "at": "bench",
            "via": channel,
        }
        assert subject.key is not None
        payload = encode_payload(Payload(os.urandom(32), said))
        where = (client, subject.id, change, version)
        ct = seal.bare(seal.seal(subject.key.id.bytes, subject.key.cipher, payload, seal.payload_aad(*where)))
        meta = encode_meta(Meta.of(os.urandom(32), facts))
        meta_ct = seal.bare(seal.seal(key_id, cipher, meta, seal.meta_aad(*where), block=seal.IMPERSONAL))
        id_ = 10**9 + number
        kind = "change.recorded" if changes else OBSERVED[dice[5] % len(OBSERVED)]
        yield (
            (stage.client, version or None, id_, at, change, subject.id, kind, actor, channel,
             f"{EMAIL} {PHONE}" if changes else None, os.urandom(32), os.urandom(32), os.urandom(32)),
            (stage.client, epoch, id_, ct, meta_ct),
            (stage.client, number, id_),
        )  # fmt: skip


def _find(stage: Stage) -> None:
    from changedesk.outbound import find  # noqa: PLC0415 - after Django is set up

    while find.run(stage.client):
        pass
    with baseline.connect(stage.place.admin) as connection:
        for table in ("found_block", "found_term", "found_former"):
            connection.execute(f"VACUUM ANALYZE desk.{table}")
        connection.execute("CHECKPOINT")


def _ask(stage: Stage) -> dict[str, dict[str, list[float]]]:
    """Ask for each search's pages in turn, round after round; milliseconds over HTTP, one at a time."""
    taken: dict[str, dict[str, list[float]]] = {name: {"first": [], "second": [], "hundredth": []} for name in QUERIES}
    starts = {name: _places(stage, text) for name, text in QUERIES.items()}
    with web() as server, httpx.Client(base_url=server.url, timeout=60) as http:
        http.headers["Authorization"] = f"Bearer {stage.secret}"

        def ask(**body: Any) -> float:
            started = time.perf_counter()
            reply = http.post("/api/v1/audit/search", json={"limit": PAGE, **body})
            took = (time.perf_counter() - started) * 1000
            assert reply.status_code == 200, reply.text
            return took

        for number in range(-2, scaled(ROUNDS, 10)):
            for name, text in QUERIES.items():
                pages = {"first": ask(query=text, facets=True)}
                pages |= {page: ask(query=text, before=place) for page, place in starts[name].items()}
                for page, took in pages.items():
                    if number >= 0:  # two rounds fill what a process remembers
                        taken[name][page].append(took)
    return taken


def _places(stage: Stage, text: str) -> dict[str, int]:
    """The places that lead to the second and the hundredth page, where there are so many."""
    from changedesk.base.actor import Actor, ActorType, Channel  # noqa: PLC0415 - after Django is set up
    from changedesk.base.clock import now  # noqa: PLC0415 - as above
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - as above
    from changedesk.reading import audit_search  # noqa: PLC0415 - as above

    who = Actor(
        ClientId(stage.client), ActorType.INTEGRATION, "k0", Channel.API, "b", scopes=frozenset({"audit:search"})
    )
    found = audit_search.matches(text, actor=who, at=now(), language="en", limit=HUNDREDTH * PAGE + 1).places
    if len(found) <= HUNDREDTH * PAGE:
        return {}
    return {"second": found[PAGE - 1], "hundredth": found[HUNDREDTH * PAGE - 1]}


def _bytes(stage: Stage) -> int:
    names = ("found_block", "found_term", "found_former")
    with baseline.connect(stage.place.admin) as connection:
        sizes = [connection.execute(f"SELECT pg_total_relation_size('desk.{name}')").fetchone() for name in names]
    return sum(int(row[0]) for row in sizes if row)
