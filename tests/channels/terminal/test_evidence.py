"""Evidence at the terminal: built masked, on record, verified with no database at hand."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.channels.terminal.test_commands import answer, run
from tests.outbound.logs import customers, forget
from tests.postgres import Database

from changedesk.ledger import verifier
from changedesk.reading.evidence import PurposeUnknown

AT = ("--client", "aurora")


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    yield desk()
    forget()


def test_a_bundle_is_built_and_verified_by_two_commands(home: Desk, tmp_path: Path) -> None:
    dana, _ = customers(home, 2)
    run("log", "publish", *AT)
    (key,) = run("log", "keys", *AT).stdout.split()
    built = ("evidence", "build", *AT, "--record", str(dana), "--to", str(tmp_path / "out"))
    refused = run(*built, "--purpose", "curiosity", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, PurposeUnknown.code)
    made = answer(*built, "--purpose", "audit", "--reference", "A-1")
    assert made["entries"] == 1
    file = Path(str(made["file"]))
    assert b"Dana Novak" not in file.read_bytes()
    said = run("evidence", "verify", str(file), "--key", key, "--show")
    assert said.exit_code == 0
    assert said.stdout.endswith("PROVED\n")
    assert "customer.created" in said.stdout
    assert answer("evidence", "verify", str(file), "--key", key)["proved"] is True
    files, _ = verifier.unpack(file)
    file.write_bytes(verifier.pack({**files, "README.txt": b"Believe me."}))
    told = run("evidence", "verify", str(file), "--key", key, "--json")
    assert told.exit_code == 1
    assert [one["file"] for one in json.loads(told.stdout)["problems"]] == ["README.txt"]
    last = json.loads(run("customer", "timeline", str(dana), *AT, "--json").stdout)["items"][0]
    assert (last["kind"], last["actor"]["id"]) == ("evidence.exported", "a.terminal")
