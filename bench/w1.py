"""W1: one recorded change of 2.5 fields per HTTP request, beside pgbench with one transaction per change."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bench import baseline, cpu, peers, wrk
from bench.rounds import interleaved, middle
from bench.stage import SCALE, Stage, record, web

CONNECTIONS = (1, 16, 64)
ROUNDS = 3
SECONDS = 5.0
BARS = {1: 0.2, 16: 0.4, 64: 0.8}
PEERS_AT = 16
PEER_BARS = {"history": 4.0, "pghistory": 3.0}
PEER_CUSTOMERS = 20_000


def measure(stage: Stage) -> dict[str, Any]:
    wrk.require()
    admin, programs, server_pid = stage.place.admin, stage.place.programs, stage.place.server_pid
    record(stage, stage.ids[:2000])
    with baseline.connect(admin) as connection:
        sizes = baseline.measured(connection)
        baseline.make(connection, len(stage.ids), sizes)
    ordinary = baseline.one_change(len(stage.ids), sizes)
    single = baseline.one_statement(len(stage.ids), sizes)
    seconds = max(4.0, SECONDS * min(1.0, SCALE * 2))
    found: dict[str, Any] = {"sizes": sizes.__dict__, "runs": {}}
    with web() as server:

        def desk(connections: int, number: int) -> dict[str, float]:
            before, before_server = cpu.seconds(server.pid), cpu.seconds(server_pid)
            load = wrk.run(
                wrk.RECORD, server.url, stage.secret, stage.ids, connections=connections, seconds=seconds,
                seed=number * 1000 + connections,
            )  # fmt: skip
            done = max(1, load.count)
            return {
                "per_second": load.per_second, "p50_ms": load.p50, "p99_ms": load.p99, "failed": load.failed,
                "web_us": (cpu.seconds(server.pid) - before) / done * 1e6,
                "database_us": (cpu.seconds(server_pid) - before_server) / done * 1e6,
            }  # fmt: skip

        def base(script: str, connections: int, _number: int) -> dict[str, float]:
            before = cpu.seconds(server_pid)
            got = baseline.pgbench(programs, admin, script, clients=connections, seconds=seconds)
            used = (cpu.seconds(server_pid) - before) / got.count * 1e6
            return {"per_second": got.per_second, "database_us": used}

        desk(16, 99)  # the processes import, connect and prepare
        for connections in CONNECTIONS:
            systems: dict[str, Callable[[int], dict[str, float]]] = {
                "desk": partial(desk, connections),
                "pgbench": partial(base, ordinary, connections),
                "pgbench, one statement": partial(base, single, connections),
            }
            found["runs"][connections] = interleaved(ROUNDS, systems)
        found["peers"] = _beside(stage, partial(desk, PEERS_AT), seconds)
    found["table"] = [_row(connections, runs) for connections, runs in found["runs"].items()]
    found["table"] += [_peer_row(peer, found["peers"]) for peer in found["peers"] if peer != "desk"]
    return found


def _beside(stage: Stage, desk: Callable[[int], dict[str, float]], seconds: float) -> dict[str, Any]:
    """Measure other libraries in an endpoint of the same kind, in turns with the desk's."""
    environment = peers.told(stage.place, customers=PEER_CUSTOMERS, history=1)
    names = peers.those_of(*PEER_BARS)
    for peer in names:
        peers.run(environment, peer, "setup")
    with peers.serving(environment, names) as urls:

        def theirs(url: str, _number: int) -> dict[str, float]:
            load = peers.loaded(environment, url, connections=PEERS_AT, seconds=seconds)
            return {"per_second": load.per_second, "p50_ms": load.p50, "p99_ms": load.p99, "failed": load.failed}

        systems: dict[str, Callable[[int], dict[str, float]]] = {peer: partial(theirs, urls[peer]) for peer in names}
        for system in systems.values():
            system(99)
        return interleaved(ROUNDS, {"desk": desk, **systems}) if names else {}


def _peer_row(peer: str, runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    ours, other = (middle([run["per_second"] for run in runs[name]]) for name in ("desk", peer))
    more = {key: middle([run[key] for run in runs[peer]]) for key in ("per_second", "p50_ms", "p99_ms", "failed")}
    return {
        "what": f"W1 at {PEERS_AT} connections, beside {peer}", "desk": f"{ours:.0f}/s", "baseline": f"{other:.0f}/s",
        "ratio": ours / other, "bar": PEER_BARS[peer], "more": {peer: more},
    }  # fmt: skip


def _row(connections: int, runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    mid = {name: {key: middle([run[key] for run in rows]) for key in rows[0]} for name, rows in runs.items()}
    ratio = mid["desk"]["per_second"] / mid["pgbench"]["per_second"]
    used = mid["desk"]["web_us"] + mid["desk"]["database_us"]
    mid["desk"]["cpu_ratio_percent"] = mid["pgbench"]["database_us"] / used * 100
    return {
        "what": f"W1 at {connections} connection{'s' if connections > 1 else ''}",
        "desk": f"{mid['desk']['per_second']:.0f}/s",
        "baseline": f"{mid['pgbench']['per_second']:.0f}/s",
        "ratio": ratio,
        "bar": BARS[connections],
        "more": mid,
    }
