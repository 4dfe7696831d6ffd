"""W5: a record as of an instant, by a library call, beside the same question to other history libraries.

The libraries run from adapters outside of this repository: PEER_PYTHON names their Python, PEER_DIR the folder.
"""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from bench.rounds import middle
from bench.stage import DICE, SCALE, Stage, record, take_in

DEPTHS = (10, 100, 1_000)
PEERS = ("history", "pghistory", "eventsourcing")
SUBJECTS = {10: 200, 100: 100, 1_000: 20}
CALLS = 300
ROUNDS = 3
BAR = 2.5


def measure(stage: Stage) -> dict[str, Any]:
    python, folder = os.environ.get("PEER_PYTHON"), os.environ.get("PEER_DIR")
    peers = PEERS if python and folder else ()
    found: dict[str, Any] = {}
    table: list[dict[str, Any]] = []
    for depth in DEPTHS:
        subjects, moments = _deep(stage, depth)
        environment = _environment(stage, depth)
        for peer in peers:
            for phase in ("setup", "fill"):
                _peer(python, folder, environment, peer, phase)
        runs: dict[str, list[float]] = {name: [] for name in ("desk", *peers)}
        for number in range(ROUNDS):
            names = list(runs) if number % 2 == 0 else list(runs)[::-1]
            for name in names:
                took = _asked(stage, subjects, moments) if name == "desk" else _peer(
                    python, folder, environment, name, "asof", CALLS
                )  # fmt: skip
                runs[name].append(took)
        found[str(depth)] = runs
        ours = middle(runs["desk"])
        best = min(((middle(runs[peer]), peer) for peer in peers), default=None)
        table.append({
            "what": f"W5, as-of with {depth:,} changes", "desk": f"{ours:.2f} ms",
            "baseline": f"{best[0]:.2f} ms ({best[1]})" if best else "not run",
            "ratio": best[0] / ours if best else None, "bar": BAR,
            "more": {name: middle(times) for name, times in runs.items()},
        })  # fmt: skip
    return {"runs": found, "table": table}


def _deep(stage: Stage, depth: int) -> tuple[Sequence[Any], dict[Any, list[Any]]]:
    """Customers with a number of changes, and the instants between them."""
    from changedesk.base.clock import now  # noqa: PLC0415 - after Django is set up

    subjects = take_in(stage.actor, max(2, int(SUBJECTS[depth] * min(1.0, SCALE * 5))))
    moments = [now()]
    for turn in range(depth):
        record(stage, subjects, first=turn)
        moments.append(now())
    return subjects, dict.fromkeys(subjects, moments)


def _asked(stage: Stage, subjects: Sequence[Any], moments: dict[Any, list[Any]]) -> float:
    """Return the median milliseconds of a call."""
    from changedesk.base.clock import now  # noqa: PLC0415 - after Django is set up
    from changedesk.reading.asof import as_of  # noqa: PLC0415 - as above

    took: list[float] = []
    for _ in range(CALLS):
        subject = DICE.choice(subjects)
        instant = DICE.choice(moments[subject])
        started = time.perf_counter()
        panel = as_of(subject, known_at=instant, valid_at=instant, actor=stage.actor, at=now())
        took.append((time.perf_counter() - started) * 1000)
        assert panel.version >= 1
    return middle(took)


def _environment(stage: Stage, depth: int) -> dict[str, str]:
    known = conninfo_to_dict(stage.place.admin)
    customers = {10: 500, 100: 100, 1_000: 10}[depth]
    return {
        **os.environ, "PGHOST": str(known["host"]), "PGPORT": str(known["port"]), "PGUSER": str(known["user"]),
        "PGPASSWORD": str(known["password"]), "PEER_CUSTOMERS": str(customers), "PEER_HISTORY": str(depth),
        "DJANGO_SETTINGS_MODULE": "djsettings",
    }  # fmt: skip


def _peer(
    python: str | None, folder: str | None, environment: dict[str, str], peer: str, phase: str, calls: int = 0
) -> float:
    assert python
    assert folder
    command = [python, "run_peer.py", peer, phase, *([str(calls)] if calls else [])]
    done = subprocess.run(command, cwd=folder, env={**environment, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True,
                          text=True, check=False)  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr[-1500:]
    return float(json.loads(lines[-1]).get("p50_ms", 0))
