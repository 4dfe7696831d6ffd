"""Renews master, key-encryption and look-up keys while callers read, search and write over HTTP, and kills the worker.

``python -m tests.faults.rotating --callers 4 --customers 3000 --kills 5 --seed 1``; prints one line of JSON. No call
may fail, every search must find who was written last, and at the end nothing stands under an old key.
"""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.faults.installation import Installation, pause

LONGEST_SECONDS = 600.0
OLD = """
SELECT (SELECT count(*) FROM desk.subject_key k WHERE client_id = %(c)s AND wrapped IS NOT NULL
        AND epoch < (SELECT max(epoch) FROM desk.client_key WHERE client_id = %(c)s AND purpose = 'kek')),
       (SELECT count(*) FROM desk.blind_index WHERE client_id = %(c)s
        AND epoch < (SELECT max(epoch) FROM desk.client_key WHERE client_id = %(c)s AND purpose = 'blind')),
       (SELECT count(*) FROM desk.client_key WHERE wrapped IS NOT NULL AND master = 'file:1')
"""


@dataclass
class Told:
    """What callers saw. ``failed`` holds a word for each call that was not answered as it must be."""

    calls: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


class Caller(threading.Thread):
    """Writes to customers of its own, reads them, and looks them up by what it wrote last and by their names."""

    def __init__(self, number: int, url: str, key: str, seed: int, told: Told, rest: float) -> None:
        super().__init__(name=f"caller {number}")
        self.number, self.told, self.rest = number, told, rest
        self.rng = random.Random(f"{seed}-{number}")  # noqa: S311 - sameness is wanted, not secrecy
        self.http = httpx.Client(
            base_url=f"{url}/api/v1", timeout=30, trust_env=False, headers={"Authorization": f"Bearer {key}"}
        )
        self.known: dict[str, tuple[str, str]] = {}
        self.count = 0

    def run(self) -> None:
        try:
            while not self.told.over.is_set():
                self._turn()
        except Exception as error:  # noqa: BLE001 - the thread's own end must be told
            self.told.failed.append(f"broken: {error!r}"[:200])

    def _turn(self) -> None:
        self.count += 1
        if not self.known or self.count % 10 == 0:
            self._create()
        subject = self.rng.choice(list(self.known))
        name, mail = self.known[subject]
        match self.rng.randrange(4):
            case 0:
                self._change(subject, name)
            case 1:
                self._call("read", "GET", f"/customers/{subject}")
            case 2:
                self._find("search by e-mail", mail, subject)
            case _:
                self._find("search by name", name, subject)
        self.told.over.wait(self.rng.uniform(0.0, self.rest))

    def _create(self) -> None:
        mark = f"{self.number}x{self.count:05d}"  # of one width: a name also finds those that begin like it
        name, mail = f"Dana Caller{mark}", f"new{mark}@caller.example"
        made = self._call("write", "POST", "/customers", {"values": {"personal.name": name, "contact.email": mail}})
        if made is not None:
            self.known[str(made["subject"])] = (name, mail)

    def _change(self, subject: str, name: str) -> None:
        mail = f"m{self.number}x{self.count}@caller.example"
        item = {"subject": subject, "changes": [{"path": "contact.email", "new": mail}]}
        before = self.known[subject][1]
        if self._call("write", "POST", "/changes", {"items": [item]}) is not None:
            self.known[subject] = (name, mail)
            self._find("search after write", mail, subject)
            self._find("search by what was", before, None)

    def _find(self, what: str, text: str, subject: str | None) -> None:
        found = self._call(what, "POST", "/customers/search", {"text": text})
        if found is None:
            return
        ids = {hit["id"] for hit in found["items"]}
        # Names that are alike are found too; an address is one customer's.
        if subject not in ids if what == "search by name" else ids != ({subject} if subject else set()):
            self.told.failed.append(f"{what}: {len(ids)} found")

    def _call(self, what: str, method: str, path: str, body: Any = None) -> Any:
        self.told.calls[what] += 1
        headers = {"Idempotency-Key": f"{self.number}-{self.rng.getrandbits(64):016x}"} if method == "POST" else {}
        try:
            answer = self.http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            self.told.failed.append(f"{what}: {error!r}"[:200])
            return None
        if not answer.is_success or '"refused"' in answer.text[:300]:
            self.told.failed.append(f"{what}: {answer.status_code} {answer.text[:160]}")
            return None
        return answer.json()


def _fill(url: str, key: str, customers: int) -> None:
    """Customers that nobody touches, so that there is something to renew."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False) as http:
        for number in range(customers):
            values = {"personal.name": f"Mira Still{number}", "contact.email": f"still{number}@old.example"}
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"fill-{number}-{customers:016d}"}
            answer = http.post("/customers", json={"values": values}, headers=headers)
            assert answer.is_success, answer.text


def _asked(installation: Installation, *words: str) -> dict[str, Any]:
    done = installation.run("keys", *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def _kill_worker(installation: Installation) -> int:
    found = installation.family()["worker"]
    for one in found:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
    return len(found)


def _renew(installation: Installation, purposes: tuple[str, ...], kills: int) -> tuple[int, list[str]]:
    """Renew, and kill the worker again and again, also in the midst of moving; return kills and the steps seen."""
    for purpose in purposes:
        _asked(installation, "rotate", purpose, "--client", "aurora")
    steps: list[str] = []
    killed = 0
    ends = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < ends:
        with installation.admin() as admin:
            rows = admin.execute("SELECT purpose, step FROM desk.rotation ORDER BY 1").fetchall()
        now = [f"{purpose}:{step}" for purpose, step in rows]
        fresh = [step for step in now if step not in steps]
        steps += fresh
        if fresh and killed < kills:
            killed += _kill_worker(installation)
        if all(step.endswith(":done") for step in now):
            return killed, steps
        pause(0.2)
    return killed, [*steps, "not ended"]


def run(
    *, callers: int, customers: int, kills: int, seed: int, purposes: tuple[str, ...], rest: float = 0.1
) -> dict[str, Any]:
    """Run one trial from nothing to nothing; return its figures. ``rest``: the most seconds between two turns."""
    installation = Installation.fresh(web_workers="2")
    try:
        installation.up()
        who = installation.python("tests.faults.credentials")
        _fill(installation.url, who["key"], customers)
        told = Told()
        threads = [Caller(number, installation.url, who["key"], seed, told, rest) for number in range(callers)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            killed, steps = _renew(installation, purposes, kills)
            master = _asked(installation, "rotate", "master")
            dropped = installation.run("keys", "drop-master", "1").returncode
            pause(2)  # on without the old master
        finally:
            told.over.set()
            for thread in threads:
                thread.join()
        seconds = time.monotonic() - began
        with installation.admin() as admin:
            old = admin.execute(OLD, {"c": int(who["client"])}).fetchone()
        installation.quiet(30)
        audited = installation.run("log", "audit", "--client", "aurora", "--json")
        return {
            "seed": seed, "seconds": round(seconds, 1), "calls": dict(told.calls), "all_calls": told.calls.total(),
            "failed": len(told.failed), "failures": told.failed[:5], "kills": killed, "steps": steps,
            "master": master["master"], "old_master_dropped": dropped == 0,
            "old_left": dict(zip(("data_keys", "terms", "client_keys"), old or (), strict=True)),
            "audit_sound": audited.returncode == 0, "audited": json.loads(audited.stdout).get("size"),
        }  # fmt: skip
    finally:
        installation.end()


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    for name, default in (("callers", 4), ("customers", 3000), ("kills", 5), ("seed", 1)):
        asked.add_argument(f"--{name}", type=int, default=default)
    figures = run(**vars(asked.parse_args()), purposes=("kek", "blind"))
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0 if not figures["failed"] and figures["audit_sound"] and not any(figures["old_left"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
