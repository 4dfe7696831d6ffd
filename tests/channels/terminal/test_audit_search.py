"""The history searched at the terminal: by argument or by standard input, on a screen or into a file."""

import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.channels.terminal.test_commands import answer, run
from tests.postgres import Database

from changedesk.outbound import find, sequence

AT = ("--client", "aurora")


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Desk:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    made = desk()
    made.customer()
    made.customer(contact__email="kim@mail.example")
    settle(made)
    return made


def settle(home: Desk) -> None:
    while sequence(home.client) or find.run(home.client):
        pass


def test_the_history_is_searched_and_taken_out(home: Desk, tmp_path: Path) -> None:
    found = answer("audit", "search", "action:created", *AT, "--limit", "1")
    assert (found["count"], found["exact"]) == (2, True)
    said = run("audit", "search", "action:created", *AT, "--limit", "1")
    assert said.exit_code == 0
    assert "Found: 2" in said.stdout
    assert f"--before {found['older']}" in said.stdout
    assert "old.example" not in said.stdout
    further = answer("audit", "search", "action:created", *AT, "--before", str(found["older"]))
    assert (found["older"], len(further["items"])) == (found["items"][0]["place"], 1)  # type: ignore[arg-type,index] # JSON
    asked = run("audit", "search", "-", *AT, "--json", given="after:kim@mail.example\n")
    assert json.loads(asked.stdout)["count"] == 1
    made = answer("audit", "search", "action:created", *AT, "--format", "csv", "--to", str(tmp_path / "out"))
    assert made["entries"] == 2
    assert len(Path(str(made["file"])).read_text("utf-8-sig").splitlines()) == 3
    assert "entries" in run("audit", "search", "", *AT, "--format", "json", "--to", str(tmp_path)).stdout
    refused = run("audit", "search", "feild:x", *AT, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["data"]["nearest"]) == (1, "field")


def test_what_makes_it_searchable_is_made_anew(home: Desk) -> None:
    assert run("audit", "reindex", *AT).exit_code == 0
    assert "Not searchable yet" in run("audit", "search", "", *AT).stdout
    settle(home)
    assert answer("audit", "search", "action:created", *AT)["count"] == 2
