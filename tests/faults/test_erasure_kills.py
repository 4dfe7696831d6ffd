"""An erasure that is killed at any of its steps finishes, once, and nothing of it comes back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cast import Desk, desk, soon
from tests.flow.walk import LATER, POST, done, history, kinds, record, stands, vouch
from tests.postgres import ROOT, Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.store import erasure_journal, forget, keys
from changedesk.store.tx import look

pytestmark = pytest.mark.fault
BEGIN = (
    ("changedesk.store.forget:start", "after"),
    ("changedesk.store.forget:close", "after"),
)
STEPS = (
    ("changedesk.store.erasure_journal:add", "before"),
    ("changedesk.store.erasure_journal:add", "after"),
    ("changedesk.store.forget:hold_open", "before"),
    ("changedesk.store.forget:wipe", "after"),
    ("changedesk.store.forget:finish", "after"),
    ("changedesk.store.history:append", "after"),
)
PARTLY = (
    ("changedesk.store.forget:redo", "after"),
    ("changedesk.store.history:append", "after"),
)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> Path:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    return tmp_path / "erasures.jsonl"


@dataclass
class Others:
    """Other processes do it, and die there."""

    program: subprocess.Popen[str]
    journal: Path

    def killed(self, d: Desk, at: datetime, verb: str, place: str, when: str) -> None:
        assert self.program.stdin
        assert self.program.stdout
        line = json.dumps([int(d.client), at.isoformat(), verb, place, when, str(self.journal)])
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()
        assert self.program.stdout.readline() == f"{-signal.SIGKILL}\n", (place, when)
        keys.forget()


@pytest.fixture(scope="module")
def program(worker_database: Database) -> Iterator[subprocess.Popen[str]]:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    told = {**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "changedesk.config.settings"}
    command = [sys.executable, "-m", "tests.faults.forgetting"]
    with subprocess.Popen(
        command, env=told, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process


@pytest.fixture
def others(program: subprocess.Popen[str], journal: Path, database: Database) -> Others:
    return Others(program, journal)


def approved(d: Desk, dana: SubjectId, at: datetime) -> datetime:
    vouch(d, dana, at)
    asked = flow.request_erasure(
        dana, flow.How(reason="data_subject_request", channel=Channel.PHONE), actor=d.ben, at=soon(at, 0.2)
    )
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(at))
    return soon(at) + WEEK


def job(d: Desk, dana: SubjectId) -> list[forget.Job]:
    with look(d.client) as seen:
        return forget.of_subject(seen, dana)


def test_killed_at_every_step_it_finishes_once(others: Others) -> None:
    d = desk()
    dana = d.customer()
    done(d, dana, values=POST)
    due = approved(d, dana, soon(LATER, 9))
    for place, when in BEGIN:
        others.killed(d, due, "apply", place, when)
        assert job(d, dana) == []
        assert stands(d, dana).key is not None, "nothing of a start that did not commit is left"
    assert flow.apply_due(d.client, at=due) == 1
    late = due + timedelta(days=2)  # nobody waits for the last message any more
    for place, when in STEPS:
        others.killed(d, late, "forget", place, when)
        assert stands(d, dana).key is None, "reads fail closed all the while"
        assert kinds(d, dana).count("erasure.confirmed") == 0
    assert flow.forget_on(d.client, at=late) == 1
    assert flow.forget_on(d.client, at=late) == 0
    (found,) = job(d, dana)
    assert (found.state, len(erasure_journal.records())) == ("done", 1)
    assert kinds(d, dana)[-1] == "erasure.confirmed"
    assert kinds(d, dana).count("erasure.confirmed") == 1
    assert all(entry.assertions is None for entry in history(d, dana))


def test_what_is_sealed_anew_is_whole_or_as_it_was(others: Others) -> None:
    d = desk("bank", packs=("banking",), jurisdictions=("EU",))
    dana = d.customer()
    record(d, dana, {"pref.marketing_email": True}, at=LATER)
    due = approved(d, dana, soon(LATER))
    assert flow.apply_due(d.client, at=due) == 1
    late = due + timedelta(days=2)
    for place, when in PARTLY:
        others.killed(d, late, "forget", place, when)
        assert stands(d, dana).values()["personal.name"] == "Dana Novak"
        assert all(entry.assertions is not None for entry in history(d, dana) if entry.version)
    assert flow.forget_on(d.client, at=late) == 1
    assert stands(d, dana).values()["personal.name"] == "Dana Novak"
    assert "pref.marketing_email" not in stands(d, dana).values()
