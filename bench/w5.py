"""W5: a record as of an instant, by a library call, beside the same question to other history libraries."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench import peers
from bench.rounds import middle
from bench.stage import DICE, EMAIL, SCALE, Stage, change_of, take_in, values

DEPTHS = (10, 100, 1_000)
PEERS = ("history", "pghistory", "eventsourcing")
SUBJECTS = {10: 200, 100: 100, 1_000: 20}
CUSTOMERS = {10: 500, 100: 100, 1_000: 10}
"""Of the peers, by depth."""
QUESTIONS = {"any": "as-of with {:,} changes", "middle": "the same of {:,}, always asked for the middle"}
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
        written = _written(stage, depth)
        environment = peers.told(stage.place, customers=CUSTOMERS[depth], history=depth)
        for peer in others:
            for phase in ("setup", "fill"):
                peers.run(environment, peer, phase)
        runs: dict[str, dict[str, list[float]]] = {
            where: {name: [] for name in ("desk", *others)} for where in QUESTIONS
        }
        for number in range(ROUNDS):
            names = ["desk", *others] if number % 2 == 0 else [*others[::-1], "desk"]
            for name in names:
                for where in QUESTIONS:
                    took = _asked(stage, written, where) if name == "desk" else peers.asked(
                        environment, name, where, CALLS
                    )["p50_ms"]  # fmt: skip
                    runs[where][name].append(took)
        found[str(depth)] = runs
        table += [_row(QUESTIONS[where].format(depth), others, took) for where, took in runs.items()]
    return {"runs": found, "table": table}


def _row(what: str, others: Sequence[str], runs: dict[str, list[float]]) -> dict[str, Any]:
    ours = middle(runs["desk"])
    best = min(((middle(runs[peer]), peer) for peer in others), default=None)
    return {
        "what": f"W5, {what}", "desk": f"{ours:.2f} ms",
        "baseline": f"{best[0]:.2f} ms ({best[1]})" if best else "not run",
        "ratio": best[0] / ours if best else None, "bar": BAR,
        "more": {name: middle(times) for name, times in runs.items()},
    }  # fmt: skip


@dataclass(frozen=True)
class Written:
    """Customers that were changed one after the other, and an instant after each round of changes."""

    subjects: Sequence[Any]
    moments: Sequence[Any]

    def email(self, place: int, turn: int) -> str:
        """Return what one of them held after a number of changes."""
        return values(place)[EMAIL] if turn == 0 else f"user{self.number(place, turn)}@example.org"

    def number(self, place: int, turn: int) -> int:
        return turn * len(self.subjects) + place


def _written(stage: Stage, depth: int) -> Written:
    from changedesk import flow  # noqa: PLC0415 - after Django is set up
    from changedesk.base.clock import now  # noqa: PLC0415 - as above

    moments: list[Any] = []
    made = Written(take_in(stage.actor, max(2, int(SUBJECTS[depth] * min(1.0, SCALE * 5)))), moments)
    moments.append(now())
    for turn in range(1, depth + 1):
        # Entries are kept in whole milliseconds: each lies between the instants that are noted.
        at = moments[-1] + timedelta(milliseconds=2)
        items = [change_of(one, turn, made.number(place, turn)) for place, one in enumerate(made.subjects)]
        outcome = flow.record_changes(items, actor=stage.actor, at=at)
        assert not outcome.refused, next(iter(outcome.refused.values()))
        moments.append(at + timedelta(milliseconds=2))
    return made


def _asked(stage: Stage, written: Written, where: str) -> float:
    """Return the median milliseconds of a call."""
    from changedesk.base.clock import now  # noqa: PLC0415 - after Django is set up
    from changedesk.reading.asof import as_of  # noqa: PLC0415 - as above

    took: list[float] = []
    last = len(written.moments) - 1
    for _ in range(WARMING + CALLS):
        place = DICE.randrange(len(written.subjects))
        turn = last // 2 if where == "middle" else DICE.randrange(last + 1)
        subject, instant = written.subjects[place], written.moments[turn]
        started = time.perf_counter()
        panel = as_of(subject, known_at=instant, valid_at=instant, actor=stage.actor, at=now())
        took.append((time.perf_counter() - started) * 1000)
        assert panel.values[EMAIL].value == written.email(place, turn)
    return middle(took[WARMING:])
