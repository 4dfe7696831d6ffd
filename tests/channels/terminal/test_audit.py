"""The log is audited at the terminal: what is wrong has a place, and a program can tell by the exit code."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.channels.terminal.test_commands import answer, run
from tests.faults.audited import EVE
from tests.outbound.logs import changes, customers, forget
from tests.postgres import Database

from changedesk.channels.clock import audits
from changedesk.ledger.audit import Fault
from changedesk.reading.published import NotPublished
from changedesk.store.tx import look

AT = ("--client", "aurora")


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    yield desk()
    forget()


def forge(database: Database, statement: str) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement).rowcount


def change_at(home: Desk, place: int) -> str:
    with look(home.client) as seen:
        row = seen.connection.execute(
            "SELECT change_id FROM desk.entry JOIN desk.log_leaf l ON l.entry_id = id WHERE idx = %s", [place]
        ).fetchone()
    assert row is not None
    return str(row[0])


def test_an_audit_says_what_is_wrong_and_where(home: Desk, database: Database, tmp_path: Path) -> None:
    some = customers(home, 300)
    run("log", "publish", *AT)
    kept = tmp_path / "kept"
    kept.write_bytes(run("log", "checkpoint", *AT).stdout_bytes)
    changes(home, some, "Dana the second")
    run("log", "publish", *AT)
    told = answer("log", "audit", *AT, "--checkpoint", str(kept))
    assert (told["sound"], told["size"], told["records"], told["findings"]) == (True, 600, 300, [])
    assert answer("log", "audit", *AT, "--since", "300")["start"] == 256
    plain = run("log", "audit", *AT)
    assert (plain.exit_code, "Nothing is wrong." in plain.output) == (0, True)

    forge(
        database, "UPDATE desk.entry SET actor = 's9' WHERE id = (SELECT entry_id FROM desk.log_leaf WHERE idx = 411)"
    )
    found = run("log", "audit", *AT, "--json")
    (first,) = json.loads(found.stdout)["findings"]
    assert found.exit_code == 2
    assert (first["code"], first["index"], first["change"]) == (Fault.CLEAR.value, 411, change_at(home, 411))
    plain = run("log", "audit", *AT)
    assert (plain.exit_code, f"First bad entry: 411, {change_at(home, 411)}." in plain.output) == (2, True)
    assert run("log", "audit", *AT, "--until", "300").exit_code == 0


def test_many_findings_are_counted_and_a_stretch_is_told_as_one(home: Desk, database: Database) -> None:
    customers(home, 150)
    run("log", "publish", *AT)
    forge(database, "DELETE FROM desk.blind_index")
    told = run("log", "audit", *AT)
    assert (told.exit_code, "And 50 more." in told.output) == (2, True)
    forge(database, "UPDATE desk.log_head SET size = 0")
    assert "entry" in run("log", "audit", *AT).output


def test_one_entry_is_verified_by_itself(home: Desk, database: Database) -> None:
    customers(home, 3)
    run("log", "publish", *AT)
    told = answer("log", "verify", *AT, "--change", change_at(home, 1))
    assert (told["sound"], told["records"]) == (True, 1)
    assert run("log", "verify", *AT, "--change", "nothing").exit_code == 1
    assert run("log", "verify", *AT, "--change", "00000000-0000-7000-8000-000000000000").exit_code == 1
    forge(database, "UPDATE desk.payload SET ct = ct || '\\x00' WHERE entry_id = (SELECT entry_id FROM desk.log_leaf"
                    " WHERE idx = 1)")  # fmt: skip
    assert run("log", "verify", *AT, "--change", change_at(home, 1)).exit_code == 2
    home.customer()
    with look(home.client) as seen:
        (waits,) = seen.connection.execute("SELECT change_id FROM desk.entry ORDER BY id DESC LIMIT 1").fetchone() or ()
    refused = run("log", "verify", *AT, "--change", str(waits), "--json")
    assert json.loads(refused.stdout)["code"] == NotPublished.code


def test_the_workers_audits_are_shown_and_a_bad_one_is_told_by_the_exit_code(home: Desk, database: Database) -> None:
    customers(home, 2)
    run("log", "publish", *AT)
    assert audits.audited(home.client, at=EVE) is not None
    assert run("log", "audits", *AT).exit_code == 0
    forge(database, "UPDATE desk.entry SET channel = 'fax'")
    assert audits.audited(home.client, at=EVE + timedelta(days=1)) is not None
    told = run("log", "audits", *AT, "--json")
    newest, first = json.loads(told.stdout)
    assert (told.exit_code, newest["fault"], newest["idx"], first["findings"]) == (2, "columns-differ", 0, 0)


def test_a_receipt_is_believed_for_a_key_only(home: Desk, tmp_path: Path) -> None:
    customers(home, 1)
    run("log", "publish", *AT)
    (tmp_path / "checkpoint").write_bytes(run("log", "checkpoint", *AT).stdout_bytes)
    refused = run("log", "verify", str(tmp_path / "checkpoint"), "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, "proves-nothing")
