"""W5: a record as of an instant, by a library call, beside the same question to other history libraries."""

import time
from collections.abc import Sequence
from typing import Any

from bench import peers
from bench.rounds import middle
from bench.stage import DICE, SCALE, Stage, record, take_in

DEPTHS = (10, 100, 1_000)
PEERS = ("history", "pghistory", "eventsourcing")
SUBJECTS = {10: 200, 100: 100, 1_000: 20}
CUSTOMERS = {10: 500, 100: 100, 1_000: 10}
"""Of the peers, by depth."""
CALLS = 300
WARMING = 10
"""Calls of each library that are not counted."""
ROUNDS = 3
BAR = 2.5


def measure(stage: Stage) -> dict[str, Any]:
    others = peers.those_of(*PEERS)
    found: dict[str, Any] = {}
    table: list[dict[str, Any]] = []
    for depth in DEPTHS:
        subjects, moments = _deep(stage, depth)
        environment = peers.told(stage.place, customers=CUSTOMERS[depth], history=depth)
        for peer in others:
            for phase in ("setup", "fill"):
                peers.run(environment, peer, phase)
        runs: dict[str, list[float]] = {name: [] for name in ("desk", *others)}
        for number in range(ROUNDS):
            names = list(runs) if number % 2 == 0 else list(runs)[::-1]
            for name in names:
                took = _asked(stage, subjects, moments) if name == "desk" else peers.run(
                    environment, name, "asof", CALLS
                )["p50_ms"]  # fmt: skip
                runs[name].append(took)
        found[str(depth)] = runs
        ours = middle(runs["desk"])
        best = min(((middle(runs[peer]), peer) for peer in others), default=None)
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
    for _ in range(WARMING + CALLS):
        subject = DICE.choice(subjects)
        instant = DICE.choice(moments[subject])
        started = time.perf_counter()
        panel = as_of(subject, known_at=instant, valid_at=instant, actor=stage.actor, at=now())
        took.append((time.perf_counter() - started) * 1000)
        assert panel.version >= 1
    return middle(took[WARMING:])
