"""What the callers remember of their calls, in a file that survives whatever is killed.

Each line is one fact: ``sent`` before a call goes out, then ``unknown`` for each try that ended without an answer that
says what became of it, and at last ``done`` or ``refused`` with the answer.
"""

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Call:
    """One call by its Idempotency-Key."""

    key: str
    kind: str
    who: str
    path: str
    body: Any
    match: int | None = None
    tokens: list[str] = field(default_factory=list)
    """Words that stand in the values of each of its items and nowhere else."""
    outcome: str = "open"
    status: int = 0
    answer: str = ""
    unknowns: int = 0
    replayed: bool = False
    """The answer that came in the end was that of an earlier try, whose own answer was lost."""

    @property
    def reply(self) -> Any:
        return json.loads(self.answer)


class Writer:
    """Writes facts, each on disk before it counts."""

    def __init__(self, file: Path) -> None:
        self._sink = file.open("a", encoding="utf-8")
        self._turn = threading.Lock()

    def say(self, fact: str, key: str, **more: Any) -> None:
        line = json.dumps({"fact": fact, "key": key, "at": time.time(), **more})
        with self._turn:
            self._sink.write(line + "\n")
            self._sink.flush()
            os.fsync(self._sink.fileno())


def facts(file: Path) -> list[dict[str, Any]]:
    """Every fact that is whole, in order."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1] == "\n"]


def read(file: Path) -> dict[str, Call]:
    """Every call by its key, as it stands."""
    calls: dict[str, Call] = {}
    for fact in facts(file):
        match fact["fact"]:
            case "sent":
                given = {name: fact[name] for name in ("key", "kind", "who", "path", "body", "match", "tokens")}
                calls[fact["key"]] = Call(**given)
            case "unknown":
                calls[fact["key"]].unknowns += 1
            case "done" | "refused" as outcome:
                call = calls[fact["key"]]
                call.outcome, call.status, call.answer = outcome, fact["status"], fact["answer"]
                call.replayed = fact["replayed"]
    return calls
