"""Runs the real thing under load, kills what runs, and judges what is left; prints one line of JSON.

``python -m tests.faults.campaign --changes 2000 --clients 8 --kills 16 --seed 1``
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.faults import ledger
from tests.faults.between import Between
from tests.faults.evidence import Evidence, gather
from tests.faults.installation import ROOT, Installation
from tests.faults.nemesis import Nemesis
from tests.faults.oracle import judge
from tests.faults.outside import Outside

LEASE_SECONDS = 75.0
"""A lost sender's lease, and a round of the worker after it."""
LOSES = 0.03
"""The part of all answers that callers never get, though the call got through."""


@dataclass
class Ran:
    """A run, its evidence, and the figures told of it."""

    evidence: Evidence
    figures: dict[str, Any]

    @property
    def violations(self) -> list[str]:
        return list(self.figures["violations"])


def run(
    *,
    changes: int,
    clients: int,
    kills: int,
    seed: int,
    patient: bool = True,
    before: Callable[[Installation], None] | None = None,
) -> Ran:
    """Run one trial from nothing to nothing. ``patient`` waits for leases as long as they really take."""
    folder = Path(tempfile.mkdtemp(prefix="changedesk-faults-"))
    with Outside(folder) as outside:
        installation = Installation.fresh(web_workers="2", **outside.settings())
        try:
            installation.up()
            who = installation.python("tests.faults.credentials")
            if before is not None:
                before(installation)
            trial = _Trial(installation, folder, who, seed)
            return trial.run(changes, clients, kills, patient=patient)
        finally:
            installation.end()
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Trial:
    installation: Installation
    folder: Path
    who: dict[str, str]
    seed: int

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    def run(self, changes: int, clients: int, kills: int, *, patient: bool) -> Ran:
        began = time.monotonic()
        nemesis = Nemesis(self.installation, self.ledger, self.seed, kills, expected=changes)
        stuck = self._load(nemesis, changes, clients)
        load_seconds = time.monotonic() - began
        assert self.installation.lives, f"the whole installation ended: {[vars(kill) for kill in nemesis.done]}"
        quiet = self.installation.quiet(LEASE_SECONDS + 60) if patient else self.installation.rest()
        self.installation.family()
        evidence = gather(self.installation, self.folder, int(self.who["client"]), self._replay(), self._actors())
        nemesis.measure()
        violations = judge(evidence)
        violations += [one for one in stuck if one.startswith("broken")]
        if not quiet:
            violations.append("queue: the worker did not come to rest")
        violations += self._stop()
        figures = self._figures(evidence, nemesis) | {
            "load_s": round(load_seconds, 1),
            "stuck": stuck,
            "violations": violations,
        }
        return Ran(evidence, figures)

    def _load(self, nemesis: Nemesis, changes: int, clients: int) -> list[str]:
        between = Between(self.installation.url, loses=LOSES, seed=self.seed)
        word = {
            "url": between.url,
            "folder": str(self.folder),
            "credentials": {name: self.who[name] for name in ("key", "ben", "ines")},
            "changes": changes,
            "clients": clients,
            "seed": self.seed,
        }
        killing = threading.Thread(target=nemesis.run)
        killing.start()
        try:
            command = [sys.executable, "-m", "tests.faults.driver"]
            with between:
                done = subprocess.run(
                    command, cwd=ROOT, capture_output=True, text=True, check=False, input=json.dumps(word)
                )
        finally:
            nemesis.over.set()
            killing.join()
        assert done.returncode == 0, done.stderr[-4000:]
        return list(json.loads(done.stdout))

    def _replay(self) -> dict[str, tuple[int, str]]:
        """Repeat every acknowledged call, one after the other, with its key."""
        found = {}
        with httpx.Client(base_url=f"{self.installation.url}/api/v1", timeout=20, trust_env=False) as http:
            for call in ledger.read(self.ledger).values():
                whole = call.outcome == "done" and '"status":"refused"' not in call.answer
                if not whole:
                    continue
                headers = {"Authorization": f"Bearer {self.who[call.who]}", "Idempotency-Key": call.key}
                if call.match is not None:
                    headers["If-Match"] = f'"{call.match}"'
                answer = http.post(call.path, json=call.body, headers=headers)
                found[call.key] = (answer.status_code, answer.text)
        return found

    def _actors(self) -> dict[str, str]:
        with self.installation.admin() as admin:
            query = "SELECT prefix, id, person_id FROM api_key"
            known = {
                prefix: f"s{person}" if person else f"k{number}" for prefix, number, person in admin.execute(query)
            }
        return {name: known["_".join(self.who[name].split("_")[:3])] for name in ("key", "ben", "ines")}

    def _stop(self) -> list[str]:
        """Stop as Ctrl-C does; what was left behind."""
        code = self.installation.stop()
        found = [f"left behind: {one.words[:60]}" for one in self.installation.left()]
        found += [f"left behind: process {pid}" for pid in self.installation.processes()]
        if code != 0:
            found.append(f"stop: exit code {code}")
        if not self.installation.refuses_connections():
            found.append("left behind: something still listens")
        return found

    def _figures(self, evidence: Evidence, nemesis: Nemesis) -> dict[str, Any]:
        calls = list(evidence.calls.values())
        unknown = [call for call in calls if call.unknowns]
        recovery: dict[str, float] = {}
        for kill in nemesis.done:
            recovery[kill.victim] = max(recovery.get(kill.victim, 0.0), kill.recovery_seconds)
        states = Counter(str(row["state"]) for row in evidence.tables["delivery"])
        texts = Counter(letter["id"] for letter in evidence.received if letter["channel"] == "sms")
        commit = ""
        with suppress(OSError):
            done = subprocess.run(
                ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
            )
            commit = done.stdout.strip()
        return {
            "seed": self.seed,
            "commit": commit,
            "ops": len(calls),
            "acked": sum(call.outcome == "done" for call in calls),
            "acked_changes": sum(
                len(call.reply["items"]) if call.kind == "change" else 1
                for call in calls
                if call.outcome == "done" and call.kind in ("change", "opt_out", "flow", "customer")
            ),
            "refused": sum(call.outcome == "refused" for call in calls),
            "info": len(unknown),
            "info_tries": sum(call.unknowns for call in unknown),
            "info_committed": sum(call.replayed for call in unknown),
            "replayed": len(evidence.replays),
            "entries": len(evidence.tables["entry"]),
            "requests": dict(Counter(f"{row['kind']}:{row['state']}" for row in evidence.tables["request"])),
            "notices": dict(states),
            "sms_repeats": sum(count - 1 for count in texts.values()),
            "kills": dict(Counter(kill.victim for kill in nemesis.done)),
            "recovery_s": recovery,
        }


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    for name, default in (("changes", 2000), ("clients", 8), ("kills", 16), ("seed", 1)):
        asked.add_argument(f"--{name}", type=int, default=default)
    ran = run(**vars(asked.parse_args()))
    ran.figures["lost"] = sum(one.startswith("lost") for one in ran.violations)
    ran.figures["dup"] = sum(one.startswith("twice") for one in ran.violations)
    sys.stdout.write(json.dumps(ran.figures) + "\n")
    return 1 if ran.violations else 0


if __name__ == "__main__":
    sys.exit(main())
