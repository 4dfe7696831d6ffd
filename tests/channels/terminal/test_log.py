"""The log at the terminal: published, rebuilt, and believed offline."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.channels.terminal.test_commands import answer, run
from tests.outbound.logs import customers, files, forget
from tests.postgres import Database

from changedesk.channels.terminal.log import ProvesNothing
from changedesk.ledger import witness
from changedesk.reading.published import NotPublished
from changedesk.store import tile_files
from changedesk.store.tx import look

AT = ("--client", "aurora")


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    yield desk()
    forget()


def keys(*more: str) -> list[str]:
    return run("log", "keys", *AT, *more).stdout.split()


def test_what_is_published_is_verified_offline(home: Desk, tmp_path: Path) -> None:
    assert json.loads(run("log", "keys", *AT, "--json").stdout)["code"] == NotPublished.code
    assert run("log", "rebuild", *AT, "--to", str(tmp_path / "none")).exit_code == 1
    customers(home, 3)
    assert answer("log", "publish", *AT) == {"published": 3}
    with look(home.client) as seen:
        (change,) = seen.connection.execute("SELECT change_id FROM desk.entry LIMIT 1").fetchone() or ()
    receipt = tmp_path / "it.tlog-proof"
    receipt.write_bytes(run("log", "receipt", str(change), *AT).stdout_bytes)
    assert answer("log", "receipt", str(change), *AT) == {"receipt": receipt.read_text("utf-8")}
    (key,) = keys()
    told = answer("log", "verify", str(receipt), "--key", key)
    assert (told["log"], told["size"]) == ("ledger.example/aurora", 3)
    assert str(change) in str(told["document"])
    receipt.write_bytes(receipt.read_bytes().replace(b"index 0", b"index 1"))
    refused = run("log", "verify", str(receipt), "--key", key, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, ProvesNothing.code)
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_bytes(run("log", "checkpoint", *AT).stdout_bytes)
    assert answer("log", "checkpoint", *AT) == {"checkpoint": checkpoint.read_text("utf-8")}
    assert run("log", "verify", str(checkpoint), "--key", key).exit_code == 0
    assert run("log", "verify", str(checkpoint), "--key", "nothing").exit_code == 1
    assert run("log", "receipt", "nothing", *AT).exit_code == 1


def test_the_installations_log_vouches_for_the_clients(home: Desk, tmp_path: Path) -> None:
    customers(home, 1)
    run("log", "publish", *AT)
    receipt = tmp_path / "anchored.tlog-proof"
    receipt.write_bytes(run("log", "receipt", "--anchor", *AT).stdout_bytes)
    (key,) = keys("--anchor")
    told = answer("log", "verify", str(receipt), "--key", key)
    assert str(told["document"]).encode() == run("log", "checkpoint", *AT).stdout_bytes
    assert run("log", "checkpoint", "--anchor", *AT).exit_code == 0


def test_a_second_key_must_have_signed_where_it_is_asked_for(home: Desk, tmp_path: Path) -> None:
    customers(home, 1)
    run("log", "publish", *AT)
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_bytes(run("log", "checkpoint", *AT).stdout_bytes)
    first, second = keys("--post-quantum")
    assert run("log", "verify", str(checkpoint), "--key", first, "--key", second).exit_code == 1
    customers(home, 1)
    run("log", "publish", *AT)
    checkpoint.write_bytes(run("log", "checkpoint", *AT).stdout_bytes)
    assert run("log", "verify", str(checkpoint), "--key", first, "--key", second).exit_code == 0


def test_the_log_is_rebuilt_into_another_folder(home: Desk, tmp_path: Path) -> None:
    customers(home, 300)
    run("log", "publish", *AT)
    assert answer("log", "rebuild", *AT, "--to", str(tmp_path / "again")) == {"size": 300}
    assert files(tmp_path / "again") == files(tile_files.of_client(home.client).root)


def test_a_witness_runs_elsewhere_with_no_database(home: Desk, tmp_path: Path) -> None:
    customers(home, 2)
    run("log", "publish", *AT)
    (key,) = keys()
    made = run("witness", "keys", str(tmp_path / "key"), "--name", "witness.example/w1")
    assert made.exit_code == 0
    assert run("witness", "keys", str(tmp_path / "key")).stdout == made.stdout
    assert answer("witness", "keys", str(tmp_path / "key")) == {"keys": made.stdout.split()}
    assert run("witness", "keys", str(tmp_path / "key"), "--name", "again").exit_code == 1
    alone = {
        "PATH": os.environ["PATH"],
        "CHANGEDESK_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        "CHANGEDESK_STATE_DIR": str(tmp_path / "elsewhere"),
    }
    words = ("witness", "serve", "--keys", str(tmp_path / "key"), "--state", str(tmp_path / "seen"), "--log", key)
    program = [sys.executable, "-m", "changedesk.config.command", *words, "--port", "0"]
    with subprocess.Popen(program, env=alone, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("Listening at ").strip()
        checkpoint = run("log", "checkpoint", *AT).stdout_bytes
        told = httpx.post(f"{url}/add-checkpoint", content=witness.ask(0, [], checkpoint))
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert told.status_code == 200
    cosigned = tmp_path / "cosigned"
    cosigned.write_bytes(checkpoint + told.content)
    first, second = made.stdout.split()
    both = ("--witness", first, "--witness", second)
    assert run("log", "verify", str(cosigned), "--key", key, *both).exit_code == 0
    cosigned.write_bytes(checkpoint)
    assert run("log", "verify", str(cosigned), "--key", key, *both).exit_code == 1


def test_a_witness_without_right_keys_does_not_start(tmp_path: Path) -> None:
    run("witness", "keys", str(tmp_path / "key"), "--name", "witness.example/w1")
    words = ("witness", "serve", "--keys", str(tmp_path / "key"), "--state", str(tmp_path / "seen"))
    assert run(*words, "--log", "nothing").exit_code == 1
