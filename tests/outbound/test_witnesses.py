"""A witness that somebody else runs cosigns what only grew, and nothing else; nobody waits for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.outbound.logs import customers, files, forget, keys, later, opened
from tests.postgres import Database

from changedesk.channels.terminal import witness as program
from changedesk.channels.terminal.witness import Witness
from changedesk.ledger import note
from changedesk.ledger.cosignature import AnyVerifier, CosigningKey
from changedesk.ledger.witness import Seen
from changedesk.outbound import publish
from changedesk.outbound.publish import witnesses
from changedesk.outbound.publish.witnesses import Unusable
from changedesk.store import tile_files

ORIGIN = "ledger.example/aurora"


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    made = desk()
    grow(made, 3, 1)
    yield made
    forget()


def grow(home: Desk, count: int, number: int) -> None:
    customers(home, count)
    assert publish.publish(home.client, at=later(number))


def witness_keys(folder: Path) -> list[CosigningKey]:
    if not (folder / "key").exists():
        program.make_keys(folder / "key", "witness.example/w1")
    return program.read_keys(folder / "key")


@contextmanager
def serving(home: Desk, folder: Path) -> Iterator[witnesses.Witness]:
    """A witness at work, that trusts this client's log. Started again in the same folder, it is the same."""
    trusted: dict[str, list[AnyVerifier]] = {ORIGIN: keys(home.client, ORIGIN)}
    own = witness_keys(folder)
    server = Witness(("127.0.0.1", 0), own, trusted, folder / "seen")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield witnesses.Witness(f"http://127.0.0.1:{server.server_port}", own[0].verifier)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def cosigned(home: Desk, verifier: AnyVerifier) -> int:
    """The size of the published checkpoint, which this witness has signed."""
    note.open_note(tile_files.of_client(home.client).checkpoint(), [verifier])
    return opened(home.client, ORIGIN).size


def test_the_published_checkpoint_carries_the_cosignature(home: Desk, tmp_path: Path) -> None:
    with serving(home, tmp_path) as witness:
        assert witnesses.cosign(home.client, witness)
        assert not witnesses.cosign(home.client, witness), "once is enough"
        assert cosigned(home, witness.verifier) == 3
        grow(home, 300, 2)
        assert witnesses.cosign(home.client, witness)
        assert cosigned(home, witness.verifier) == 303
    publish.rebuild(home.client, tmp_path / "again")
    assert files(tmp_path / "again") == files(tile_files.of_client(home.client).root)


def test_a_witness_that_was_restarted_goes_on_from_what_it_saw(home: Desk, tmp_path: Path) -> None:
    with serving(home, tmp_path) as witness:
        witnesses.cosign(home.client, witness)
    grow(home, 2, 2)
    with serving(home, tmp_path) as witness:
        assert witnesses.cosign(home.client, witness)
        assert cosigned(home, witness.verifier) == 5


def test_a_witness_that_knows_an_older_size_than_we_remember_is_asked_from_there(home: Desk, tmp_path: Path) -> None:
    with serving(home, tmp_path) as witness:
        witnesses.cosign(home.client, witness)
    for seen in (tmp_path / "seen").glob("*.json"):
        seen.unlink()  # it lost its memory
    grow(home, 2, 2)
    with serving(home, tmp_path) as witness:
        assert witnesses.cosign(home.client, witness)
        assert cosigned(home, witness.verifier) == 5


def test_a_witness_that_saw_another_history_does_not_cosign(home: Desk, tmp_path: Path) -> None:
    with serving(home, tmp_path) as witness:
        witnesses.cosign(home.client, witness)
        seen = next((tmp_path / "seen").glob("*.json"))
        kept = seen.read_bytes()
        for size in (3, 9):
            program.Memory(tmp_path / "seen").keep(ORIGIN, Seen(size, bytes(32)))
            grow(home, 1, size)
            with pytest.raises(Unusable):
                witnesses.cosign(home.client, witness)
        seen.write_bytes(kept)
        assert witnesses.cosign(home.client, witness)


def test_nobody_waits_for_a_witness_that_is_not_there(home: Desk, tmp_path: Path, settings: Settings) -> None:
    with serving(home, tmp_path) as witness:
        gone = witness
    settings.CHANGEDESK_WITNESSES = [f"{gone.url} {gone.verifier.vkey}"]
    witnesses.run(home.client)
    assert witnesses.wait() == 0
    grow(home, 1, 2)
    assert opened(home.client, ORIGIN).size == 4
    with serving(home, tmp_path) as witness:
        settings.CHANGEDESK_WITNESSES = [f"{witness.url}/ {witness.verifier.vkey}"]
        witnesses.forget()
        witnesses.run(home.client)
        assert witnesses.wait() == 1
        assert cosigned(home, witness.verifier) == 4
        grow(home, 1, 3)
        witnesses.run(home.client)
        witnesses.wait()
        assert opened(home.client, ORIGIN).size == 5
        with pytest.raises(note.NoteRefused):
            cosigned(home, witness.verifier)  # it is not asked again at once


def test_the_witness_answers_nothing_but_its_one_question(home: Desk, tmp_path: Path) -> None:
    with serving(home, tmp_path) as witness, httpx.Client(base_url=witness.url) as http:
        assert http.post("/", content=b"").status_code == 404
        assert http.get("/add-checkpoint").status_code == 501
        assert http.post("/add-checkpoint", content=b"old 0\n").status_code == 400
        assert http.post("/add-checkpoint", content=bytes(300_000)).status_code == 413
        assert http.post("/add-checkpoint", content=iter([b"old 0"])).status_code == 413


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    witness_keys(tmp_path)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(PermissionError):
        program.read_keys(tmp_path / "key")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(FileExistsError):
        program.make_keys(tmp_path / "key", "witness.example/w1")
    (tmp_path / "key").write_text("{}")
    with pytest.raises(note.NoteRefused):
        program.read_keys(tmp_path / "key")
