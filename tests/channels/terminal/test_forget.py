"""Forgetting at the terminal: what is due is listed without being taken, and certificates are read."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import START, desk
from tests.flow.walk import record, stands
from tests.postgres import Database
from typer.testing import CliRunner, Result

from changedesk import flow
from changedesk.base import clock
from changedesk.channels.terminal import app
from changedesk.store import settings_read


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--client", "aurora"])


def test_what_is_due_is_listed_then_taken_and_certified(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_read.forget()
    d = desk()
    dana = d.customer()
    record(d, dana, {"status.state": "closed"}, at=START)
    assert json.loads(run("retention", "run", "--dry-run", "--json").stdout) == []
    late = START.replace(year=START.year + 8)
    monkeypatch.setattr(clock, "now", lambda: late)
    (due,) = json.loads(run("retention", "run", "--dry-run", "--json").stdout)
    assert (due["subject"], due["what"], due["rule"]) == (str(dana), "everything", "FLOOR-RETAIN")
    assert stands(d, dana).key is not None
    assert str(dana)[:20] in run("retention", "run", "--dry-run").stdout
    assert json.loads(run("retention", "run", "--json").stdout) == {"looked_at": 1, "finished": 1}
    assert stands(d, dana).key is None
    (listed,) = json.loads(run("erase", "list", "--json").stdout)
    assert (listed["state"], listed["whole"]) == ("done", True)
    shown = run("erase", "certificate", listed["id"])
    assert shown.exit_code == 0, shown.output
    assert "contact.email" in shown.stdout
    assert "Dana" not in shown.stdout
    assert json.loads(run("erase", "go-on", "--json").stdout) == {"finished": 0}
    assert run("erase", "certificate", str(uuid4())).exit_code == 1
    assert run("erase", "certificate", "nonsense").exit_code == 1
    assert flow.retire_due(d.client, at=late + timedelta(hours=1)) == 0
