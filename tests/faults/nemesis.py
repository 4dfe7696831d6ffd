"""Kills programs at moments that a seed decides, counted in acknowledged calls; starting them again is not its work."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.installation import Installation, Process, pause
from tests.faults.ledger import facts

VICTIMS = ("web worker", "worker", "postmaster", "backend", "web worker", "worker", "postmaster", "web")


@dataclass
class Kill:
    """One kill: whom, when, and how long until a call was acknowledged again."""

    victim: str
    at: float
    recovery_seconds: float = 0.0


@dataclass
class Nemesis:
    installation: Installation
    ledger: Path
    seed: int
    kills: int
    expected: int
    """How many acknowledged calls the run will have, about."""
    done: list[Kill] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Kill until the plan is through or the run is over."""
        rng = random.Random(f"nemesis-{self.seed}")  # noqa: S311 - sameness is wanted, not secrecy
        marks = sorted(rng.uniform(0.04, 0.9) for _ in range(self.kills))
        victims = [VICTIMS[place % len(VICTIMS)] for place in range(self.kills)]
        rng.shuffle(victims)
        for mark, victim in zip(marks, victims, strict=True):
            while self._acknowledged() < mark * self.expected:
                if self.over.wait(0.05):
                    return
            pause(rng.uniform(0, 0.4))
            self._kill(victim, rng)

    def _acknowledged(self) -> int:
        return sum(fact["fact"] == "done" for fact in facts(self.ledger))

    def _kill(self, victim: str, rng: random.Random) -> None:
        found: list[Process] = []
        while not found and not self.over.wait(0.02):
            found = list(self.installation.family()[victim])
        if found:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(found).pid, signal.SIGKILL)
                self.done.append(Kill(victim, time.time()))

    def measure(self) -> None:
        """Say of each kill how long callers were without an acknowledgement after it."""
        acknowledged = [fact["at"] for fact in facts(self.ledger) if fact["fact"] == "done"]
        for kill in self.done:
            later = [at for at in acknowledged if at > kill.at]
            kill.recovery_seconds = round(min(later) - kill.at, 2) if later else 0.0
