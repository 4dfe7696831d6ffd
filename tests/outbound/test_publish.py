"""The published log is what the database holds, whatever happened to who published it."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pytest_django.fixtures import Settings
from tests.cast import START, Desk, desk
from tests.outbound.logs import (
    Killed,
    changes,
    customers,
    documents,
    files,
    forget,
    keys,
    killed_at,
    later,
    opened,
)
from tests.postgres import Database

from changedesk import outbound
from changedesk.ledger import note
from changedesk.ledger.checkpoint import open_checkpoint
from changedesk.ledger.cosignature import ML_DSA_44, Cosigner
from changedesk.ledger.tiles import hash_reader
from changedesk.ledger.tree import consistency_proof, leaf_hash, root_of, verify_consistency
from changedesk.outbound import publish
from changedesk.outbound.publish import anchors
from changedesk.store import published, tile_files
from changedesk.store.tile_files import INSTALLATION, Folder
from changedesk.store.tx import look

ORIGIN = "ledger.example/aurora"


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    yield desk()
    forget()


def where(home: Desk) -> Folder:
    return tile_files.of_client(home.client)


def test_the_files_hold_every_entry_and_the_signed_root_is_theirs(home: Desk) -> None:
    subjects = customers(home, 300)
    assert publish.publish(home.client, at=later(1)) == 300
    first = opened(home.client, ORIGIN)
    changes(home, subjects[:220], "Somebody Else")
    assert publish.publish(home.client, at=later(2)) == 220
    second = opened(home.client, ORIGIN)
    assert (first.size, second.size) == (300, 520)
    for checkpoint in (first, second):
        leaves = [leaf_hash(one) for one in documents(where(home), checkpoint.size)]
        assert root_of(leaves) == checkpoint.root
    proof = consistency_proof(300, 520, hash_reader(520, where(home).read))
    assert verify_consistency(300, first.root, 520, second.root, proof)


def test_a_log_has_one_checkpoint_a_second_and_none_when_it_did_not_grow(home: Desk) -> None:
    customers(home, 2)
    assert publish.publish(home.client, at=START) == 2
    assert publish.publish(home.client, at=later(1)) == 0
    customers(home, 1)
    assert publish.publish(home.client, at=START + timedelta(milliseconds=999)) == 0
    assert publish.publish(home.client, at=START + timedelta(seconds=1)) == 1


def test_a_clock_that_goes_back_delays_no_checkpoint(home: Desk) -> None:
    customers(home, 2)
    assert publish.publish(home.client, at=START) == 2
    customers(home, 1)
    assert publish.publish(home.client, at=START - timedelta(days=1)) == 1
    assert opened(home.client, ORIGIN).size == 3


def three_publications(home: Desk) -> None:
    for number, more in enumerate((200, 100, 300), start=1):
        customers(home, more)
        publish.publish(home.client, at=later(number))


def test_the_log_is_rebuilt_from_the_database_byte_for_byte(home: Desk, tmp_path: Path) -> None:
    three_publications(home)
    assert publish.rebuild(home.client, tmp_path / "again") == 600
    left = files(where(home).root)
    assert files(tmp_path / "again") == left
    assert "tile/0/002.p/88" in left
    assert "tile/0/000.p/200" not in left, "its tile is full by now"


@pytest.mark.parametrize("lost", ["tile/0/000", "tile/0/002.p/88", "tile/entries/001", "tile/1/000.p/2", "checkpoint"])
def test_lost_files_come_back_with_the_next_start(home: Desk, lost: str) -> None:
    three_publications(home)
    whole = files(where(home).root)
    (where(home).root / lost).unlink()
    forget()
    assert publish.publish(home.client, at=later(9)) == 0
    assert files(where(home).root) == whole


def test_what_a_damaged_file_would_lead_to_is_never_signed(home: Desk) -> None:
    three_publications(home)
    (where(home).root / "tile/1/000.p/2").write_bytes(bytes(64))
    customers(home, 1)
    publish.publish(home.client, at=later(9))
    leaves = [leaf_hash(one) for one in documents(where(home), 601)]
    assert root_of(leaves) == opened(home.client, ORIGIN).root


def test_a_checkpoint_that_could_not_be_written_is_written_by_the_next_turn(
    home: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on the device")

    customers(home, 2)
    publish.publish(home.client, at=later(1))
    customers(home, 1)
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write_checkpoint", full)
        with pytest.raises(OSError, match="no space"):
            publish.publish(home.client, at=later(2))
    assert opened(home.client, ORIGIN).size == 2
    publish.publish(home.client, at=later(2))
    assert opened(home.client, ORIGIN).size == 3


def test_the_workers_duties_publish_and_anchor_what_was_recorded(home: Desk) -> None:
    customers(home, 2)
    for duty in outbound.duties():
        duty.run(home.client)
    assert opened(home.client, ORIGIN).size == 2
    assert opened(INSTALLATION, "localhost:8000/anchor").size == 1


def test_a_publisher_killed_at_any_file_leaves_the_bytes_of_one_that_was_not(home: Desk, tmp_path: Path) -> None:
    customers(home, 200)
    publish.publish(home.client, at=later(1))
    customers(home, 320)
    step = 0
    while True:
        step += 1
        forget()
        with killed_at(step) as done:
            try:
                publish.publish(home.client, at=later(2))
            except Killed:
                # Meanwhile the log goes on: what was begun is finished first, as it was begun.
                customers(home, 1)
                continue
        break
    assert step > 10, done
    assert done[-1] == "rename checkpoint"
    assert opened(home.client, ORIGIN).size == 520
    publish.publish(home.client, at=later(3))
    assert opened(home.client, ORIGIN).size == 520 + step - 1
    publish.rebuild(home.client, tmp_path / "again")
    assert files(where(home).root) == files(tmp_path / "again")


def test_of_two_publishers_one_works_and_the_other_goes_home(home: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    customers(home, 3)
    inside, leave = threading.Event(), threading.Event()
    real = Folder.write

    def slow(self: Folder, *args: object) -> None:
        inside.set()
        leave.wait(20)
        real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Folder, "write", slow)
    gained: list[int] = []
    first = threading.Thread(target=lambda: gained.append(publish.publish(home.client, at=later(1))))
    first.start()
    assert inside.wait(20)
    assert publish.publish(home.client, at=later(1)) == 0
    leave.set()
    first.join()
    assert gained == [3]
    with look(home.client) as seen:
        assert seen.connection.execute("SELECT count(*) FROM desk.checkpoint").fetchall() == [(1,)]


def test_there_are_never_two_roots_for_one_size(home: Desk, database: Database) -> None:
    customers(home, 3)
    publish.publish(home.client, at=later(1))
    with psycopg.connect(database.url) as connection:
        connection.execute("SELECT set_config('changedesk.client', %s, false)", [str(home.client)])
        again = "INSERT INTO desk.checkpoint SELECT client_id, size, sha256(root), begun_at FROM desk.checkpoint"
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(again)
        connection.rollback()
        connection.execute("SELECT set_config('changedesk.client', %s, false)", [str(home.client)])
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("UPDATE desk.checkpoint SET note = 'another'")
        assert refused.value.sqlstate == "CD012"


def test_an_entry_that_is_not_what_was_logged_is_not_signed_for(home: Desk, database: Database) -> None:
    customers(home, 5)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE desk.entry SET fields_hash = sha256(fields_hash) WHERE id = (SELECT entry_id FROM desk.log_leaf"
            " WHERE idx = 3)"
        )
    with pytest.raises(published.LogDamaged, match="entry 3 "):
        publish.publish(home.client, at=later(1))
    assert not (where(home).root / "checkpoint").exists()


def test_a_database_that_fell_behind_its_published_log_signs_nothing(home: Desk, database: Database) -> None:
    customers(home, 5)
    publish.publish(home.client, at=later(1))
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM desk.checkpoint")
    forget()
    customers(home, 1)
    with pytest.raises(publish.PublishedAhead):
        publish.publish(home.client, at=later(2))


def test_each_client_has_an_origin_and_a_key_of_its_own(home: Desk) -> None:
    other = desk("harbour")
    for one in (home, other):
        customers(one, 2)
        publish.publish(one.client, at=later(1))
    mine, theirs = keys(home.client, ORIGIN)[0], keys(other.client, "ledger.example/harbour")[0]
    assert mine.public_key != theirs.public_key
    with pytest.raises(note.NoteRefused):
        open_checkpoint(where(other).checkpoint(), mine, ORIGIN)
    assert open_checkpoint(where(other).checkpoint(), theirs, "ledger.example/harbour").size == 2


def test_a_log_with_a_post_quantum_key_is_signed_twice(home: Desk, tmp_path: Path) -> None:
    publish.add_post_quantum_key(home.client)
    customers(home, 2)
    publish.publish(home.client, at=later(1))
    trusted = keys(home.client, ORIGIN)
    _, signed = note.open_note(where(home).checkpoint(), trusted)
    assert set(signed) == set(trusted)
    assert [one.type for one in trusted if isinstance(one, Cosigner)] == [ML_DSA_44]
    publish.rebuild(home.client, tmp_path / "again")
    assert files(tmp_path / "again") == files(where(home).root)


def test_the_installations_log_holds_every_clients_newest_checkpoint(home: Desk) -> None:
    other = desk("harbour")
    wanted = []
    for number, one in enumerate((home, other, home), start=1):
        customers(one, 2)
        publish.publish(one.client, at=later(number))
        anchors.anchor(one.client, at=later(number))
        wanted.append(anchors.digest(where(one).checkpoint()))
    forget()
    anchors.anchor(home.client, at=later(4))
    anchored = opened(INSTALLATION, "localhost:8000/anchor")
    assert documents(tile_files.of_client(INSTALLATION), anchored.size) == wanted


@pytest.mark.parametrize("moment", ["begin", "sign", "whole"])
def test_a_publisher_killed_before_its_checkpoint_leaves_it_to_the_next(
    home: Desk, moment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before it was begun, before it was signed, and signed but not yet standing as a file."""
    customers(home, 200)
    publish.publish(home.client, at=later(1))
    customers(home, 100)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(published, moment, die)
        with pytest.raises(Killed):
            publish.publish(home.client, at=later(2))
    assert opened(home.client, ORIGIN).size == 200
    forget()
    publish.publish(home.client, at=later(2))
    assert opened(home.client, ORIGIN).size == 300
    publish.rebuild(home.client, tmp_path / "again")
    assert files(where(home).root) == files(tmp_path / "again")
