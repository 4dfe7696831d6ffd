"""One adapter of another history library, asked for points of a customer's history; run by ``bench.peers.asked``.

``asof_peer.py PEER any|middle CALLS`` prints the median milliseconds of a call. ``any`` is a random point, evenly over
the history. ``middle`` is what the adapter itself asks: always the same point, half way.
"""

import importlib
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from statistics import median
from typing import Any

DICE = SystemRandom()
WARMING = 10
"""Calls that are not counted."""


def main() -> None:
    peer, where, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.environ["PEER"] = "none" if peer == "eventsourcing" else peer
    common = importlib.import_module("common")
    ask = _events(common) if peer == "eventsourcing" else _rows(common)
    took = []
    for _ in range(WARMING + calls):
        customer = DICE.randrange(1, common.N + 1)
        change = common.PER // 2 if where == "middle" else DICE.randrange(1, common.PER + 1)
        took.append(ask(customer, change))
    print(json.dumps({"peer": peer, "phase": f"asof {where}", "p50_ms": round(median(took[WARMING:]), 3)}))


def _events(common: Any) -> Any:
    adapter = importlib.import_module("p_eventsourcing")
    made = adapter.make()

    def ask(customer: int, version: int) -> float:
        started = time.perf_counter()
        found = made.app.repository.get(adapter.cuid(customer), version=version)
        took = (time.perf_counter() - started) * 1000
        # Version 1 is the customer before any change; ``fill`` numbers what it writes.
        said = customer if version == 1 else (version - 2) * common.N + customer
        assert found.f["email"] == f"user{said}@example.org"
        return took

    return ask


def _rows(common: Any) -> Any:
    made = importlib.import_module("p_django").make()

    def ask(customer: int, change: int) -> float:
        # ``fill`` dates the changes a day apart, the last one 400 days less their number ago.
        instant = datetime.now(UTC) - timedelta(days=400 - change)
        started = time.perf_counter()
        found = made.asof(customer, instant)
        took = (time.perf_counter() - started) * 1000
        assert found.email == f"{common.base(customer)['email']}{change}"
        return took

    return ask


if __name__ == "__main__":
    main()
