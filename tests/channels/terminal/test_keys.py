"""Keys at the terminal: renewed to their end, an old master dropped only then, a lost one brought back from escrow."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cast import START, Desk, desk
from tests.channels.terminal.test_commands import answer, run
from tests.flow.walk import stands
from tests.postgres import Database

from changedesk.base import clock
from changedesk.channels.terminal.keys import FileStands
from changedesk.store import keys, settings_read
from changedesk.store.masters import escrow

AT = ("--client", "aurora")
WORDS = ("correct horse battery", "staple of another kind")


@pytest.fixture
def home(database: Database, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    settings.CHANGEDESK_MASTER_KEY_FILE = tmp_path / "master_key"
    (tmp_path / "master_key").write_text("5a" * 32, encoding="ascii")
    (tmp_path / "master_key").chmod(0o600)
    monkeypatch.setattr(escrow, "COST", 2**10)
    settings_read.forget()
    keys.forget()
    yield desk()
    keys.forget()


def test_a_clients_keys_are_renewed_to_their_end(home: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dana = home.customer()
    at = START

    class Later:
        def wait(self, _seconds: float) -> None:
            nonlocal at
            at += timedelta(seconds=30)

    monkeypatch.setattr(clock, "now", lambda: at)
    monkeypatch.setattr(threading, "Event", Later)
    for what in ("kek", "blind"):
        told = answer("keys", "rotate", what, *AT, "--wait")
        assert told["old"] == 0
        phases = [one["phase"] for one in told["keys"] if one["purpose"] == what]  # type: ignore[attr-defined]
        assert phases == ["destroyed", "in_use"]
    assert stands(home, dana).values()["personal.name"] == "Dana Novak"
    begun = run("keys", "rotate", "blind", *AT)
    assert (begun.exit_code, "announced" in begun.output) == (0, True)
    twice = run("keys", "rotate", "blind", *AT)
    assert (twice.exit_code, "being renewed already" in twice.output) == (1, True)
    assert answer("keys", "status", *AT)["old"]
    assert run("keys", "rotate", "meta", *AT).exit_code == 0
    assert run("keys", "rotate", "log", *AT).exit_code == 1  # nothing was signed yet
    assert run("keys", "rotate", "log", *AT, "--finish").exit_code == 0
    assert run("keys", "rotate", "kek").exit_code == 1


def test_the_masters_old_version_goes_only_when_nothing_needs_it(home: Desk) -> None:
    dana = home.customer()
    refused = run("keys", "drop-master", "1")
    assert (refused.exit_code, "still needed" in refused.output) == (1, True)
    assert answer("keys", "status") == {"master": "file:1", "wrapped": {"file:1": 4}, "under_older_versions": 0}
    ready = answer("keys", "rotate", "master", "--prepare")
    assert ready == {"master": "file:2", "wrapped": {"file:1": 4}, "under_older_versions": 4}
    assert answer("keys", "rotate", "master", "--prepare") == ready
    done = run("keys", "rotate", "master")
    assert "Nothing needs file:1 any more" in done.output
    assert answer("keys", "drop-master", "1") == {"removed": 1}
    keys.forget()
    assert stands(home, dana).values()["personal.name"] == "Dana Novak"
    assert answer("keys", "rotate", "master")["wrapped"] == {"file:3": 4}


def test_a_lost_master_file_comes_back_from_two_halves(home: Desk, settings: Any, tmp_path: Path) -> None:
    dana = home.customer()
    one, two = tmp_path / "one", tmp_path / "two"
    typed = "\n".join([WORDS[0], WORDS[0], WORDS[1], WORDS[1]]) + "\n"
    assert answer("keys", "export-escrow", str(one), str(two), given=typed) == {"written": [str(one), str(two)]}
    assert {path.stat().st_mode & 0o777 for path in (one, two)} == {0o600}
    stands_already = run("keys", "export-escrow", str(one), str(tmp_path / "three"), given=typed)
    assert (stands_already.exit_code, FileStands().sentence in stands_already.output) == (1, True)
    settings.CHANGEDESK_MASTER_KEY_FILE.unlink()
    keys.forget()
    assert run("keys", "import-escrow", str(one), str(tmp_path / "none"), given=typed).exit_code == 1
    back = run("keys", "import-escrow", str(two), str(one), "--json", given=f"{WORDS[1]}\n{WORDS[0]}\n")
    assert json.loads(back.stdout) == {"versions": [1]}, back.output
    assert not [word for word in WORDS if word in back.output]
    assert stands(home, dana).values()["personal.name"] == "Dana Novak"
    again = run("keys", "import-escrow", str(two), str(one), given=f"{WORDS[1]}\n{WORDS[0]}\n")
    assert (again.exit_code, "there is one already" in again.output) == (1, True)
