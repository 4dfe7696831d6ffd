"""Forges a log in every known way, and counts what an audit finds of it; prints one line of JSON.

``python -m tests.faults.mutations --mutations 1000 --seed 1``. Each forgery is of one transaction, which the audit
sees and which is then taken back; files are forged in a copy.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.errors import UniqueViolation
from tests.faults.alone import RUN
from tests.faults.audited import Log, make
from tests.faults.forgeries import ENTRIES
from tests.faults.forgeries_beside import RECORDS
from tests.faults.forging import NOWHERE, Forger, Shows
from tests.postgres import Database

from changedesk.reading.audit import Verdict
from changedesk.store.tile_files import Folder

WAYS = [*ENTRIES, *RECORDS]


@dataclass
class Told:
    """What came of a campaign."""

    made: Counter[str] = field(default_factory=Counter)
    unseen: list[str] = field(default_factory=list)
    """Forgeries that no audit found."""
    misnamed: list[str] = field(default_factory=list)
    """Forgeries that were found at another entry than the first bad one."""
    alarms: list[str] = field(default_factory=list)
    """Findings where nothing was forged."""


def campaign(log: Log, *, mutations: int, clean: int, seed: int) -> Told:
    """Forge so many times, in every way in turn, and audit so many times with nothing forged between them."""
    told = Told()
    for number in range(mutations):
        way = WAYS[(number + seed) % len(WAYS)]
        for turn in range(20):
            dice = random.Random(f"{seed}-{number}-{turn}")  # noqa: S311 - repeatable
            if _forge_once(log, way, dice, told, f"{way.__name__} (seed {seed}, number {number})"):
                break
        if number * clean // mutations != (number + 1) * clean // mutations:
            _clean(log, told)
    return told


def _forge_once(log: Log, way: Any, dice: random.Random, told: Told, name: str) -> bool:
    with tempfile.TemporaryDirectory() as spare, log.forged() as connection:
        try:
            shows = way(Forger(log, connection, dice, Folder(Path(spare) / "log")))
        except UniqueViolation:
            return False  # there is such a row already: nothing was forged
        verdict = log.audited(connection, shows.given)
    told.made[way.__name__] += 1
    if verdict.sound:
        told.unseen.append(name)
    elif not _named(verdict, shows):
        told.misnamed.append(f"{name}: {shows} but {verdict.findings[:3]}")
    return True


def _named(verdict: Verdict, shows: Shows) -> bool:
    first = verdict.first
    assert first is not None
    if shows.index == NOWHERE:
        return first.index is None
    if first.index is None:
        return False
    return shows.index <= first.index < (shows.until or shows.index + 1)


def _clean(log: Log, told: Told) -> None:
    with log.forged() as connection:
        told.alarms += [str(one) for one in log.audited(connection).findings]


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--mutations", type=int, default=1000)
    given.add_argument("--clean", type=int, default=100)
    given.add_argument("--entries", type=int, default=3000)
    given.add_argument("--seed", type=int, default=1)
    asked = given.parse_args()
    started = time.monotonic()
    database = Database(RUN)
    try:
        log = make(database, entries=asked.entries, seed=asked.seed)
        told = campaign(log, mutations=asked.mutations, clean=asked.clean, seed=asked.seed)
    finally:
        database.close()
        shutil.rmtree(RUN.folder / "state" / "tlog", ignore_errors=True)
    figures = {
        "entries": log.size, "mutations": sum(told.made.values()), "ways": len(told.made), "unseen": told.unseen,
        "misnamed": told.misnamed, "clean": asked.clean, "alarms": told.alarms,
        "seconds": round(time.monotonic() - started),
    }  # fmt: skip
    print(json.dumps(figures, indent=1))  # noqa: T201 - what it is for
    return 1 if told.unseen or told.misnamed or told.alarms else 0


if __name__ == "__main__":
    sys.exit(main())
