"""Whoever holds the master key, and what the database refuses while keys are renewed."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.cast import START, Desk, desk
from tests.postgres import Database
from tests.store.transit import Transit, serving

from changedesk.base.ids import ClientId, SubjectId
from changedesk.config import checks
from changedesk.flow import rotating
from changedesk.ledger import seal
from changedesk.rules.access import terminal
from changedesk.store import keys, masters, subjects
from changedesk.store.masters import MasterUnavailable, Wrapped, escrow
from changedesk.store.masters.escrow import EscrowRefused
from changedesk.store.masters.file import FileMaster
from changedesk.store.masters.vault import VaultMaster
from changedesk.store.tx import look

KEY = bytes(range(32))
WORDS = ("correct horse battery", "staple of another kind")


@pytest.fixture(autouse=True)
def master_file(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A master file of the test's own."""
    path = tmp_path / "master_key"
    path.write_text("5a" * 32 + "\n", encoding="ascii")
    path.chmod(0o600)
    settings.CHANGEDESK_MASTER_KEY_FILE = path
    monkeypatch.setattr(escrow, "COST", 2**10)
    keys.forget()
    yield path
    keys.forget()


@pytest.fixture
def d(database: Database) -> Desk:
    return desk()


@pytest.fixture
def transit(settings: Any, tmp_path: Path) -> Iterator[Transit]:
    """A key service, and the settings that lead to it."""
    with serving() as service:
        token = tmp_path / "token"
        token.write_text(service.token + "\n", encoding="ascii")
        settings.CHANGEDESK_KMS = {"url": service.url, "key": "desk", "mount": "transit", "token_file": token}
        yield service


def why(do: Callable[[], Any]) -> object:
    with pytest.raises(MasterUnavailable) as refused:
        do()
    return refused.value.data["why"]


# The file


def test_a_new_version_wraps_and_the_older_ones_still_open(master_file: Path) -> None:
    master = FileMaster(master_file)
    first = master.wrap(KEY, b"use")
    assert master.add() == 2
    second = master.wrap(KEY, b"use")
    assert (first.master, second.master, master.version()) == ("file:1", "file:2", "file:2")
    assert master.unwrap(first, b"use") == master.unwrap(second, b"use") == KEY
    assert stat.S_IMODE(master_file.stat().st_mode) == 0o600
    assert not master.remove(2)
    assert not master.remove(7)
    assert master.remove(1)
    assert why(lambda: master.unwrap(first, b"use")) == "no-version"
    assert why(lambda: master.unwrap(Wrapped("file:x", first.sealed), b"use")) == "no-version"
    with pytest.raises(seal.Corrupt):
        master.unwrap(second, b"another use")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "misread"), ("zz" * 32, "misread"), ("5a" * 31, "misread"), ("1:" + "5a" * 32 + "\n" + "5a" * 32, "misread"),
     ("0:" + "5a" * 32, "misread"), ("\u00e4", "unreadable")],
)  # fmt: skip
def test_a_file_that_holds_no_master_key_is_refused(master_file: Path, text: str, reason: str) -> None:
    master_file.write_text(text, encoding="utf-8")
    assert why(masters.check) == reason


def test_a_file_that_others_may_read_or_that_is_gone_is_refused(master_file: Path) -> None:
    master_file.chmod(0o640)
    assert why(masters.check) == "others-may-read"
    master_file.unlink()
    assert why(masters.check) == "unreadable"
    (finding,) = checks.master()
    assert finding.code == "master-unavailable"


def test_a_key_of_another_length_is_not_wrapped_and_an_unknown_holder_opens_nothing() -> None:
    with pytest.raises(ValueError, match="32"):
        masters.wrap(b"short", b"use")
    assert why(lambda: masters.unwrap(Wrapped("vault:1", b"x"), b"use")) == "no-version"


# The key service


def test_a_key_service_wraps_in_versions_bound_to_the_use(transit: Transit) -> None:
    masters.check()
    first = masters.wrap(KEY, b"use")
    transit.rotate()
    second = masters.wrap(KEY, b"use")
    assert (first.master, second.master, masters.version()) == ("vault:1", "vault:2", "vault:2")
    assert masters.unwrap(first, b"use") == masters.unwrap(second, b"use") == KEY
    for spoiled in (
        Wrapped("vault:1", second.sealed),
        Wrapped("vault:1", b"\xff" + first.sealed),
        Wrapped("vault:1", first.sealed[:-8] + b"AAAAAA=="),
    ):
        with pytest.raises(seal.Corrupt):
            masters.unwrap(spoiled, b"use")
    with pytest.raises(seal.Corrupt):
        masters.unwrap(first, b"another use")
    transit.oldest = 2
    with pytest.raises(seal.Corrupt):
        masters.unwrap(first, b"use")
    masters.add_version()
    assert masters.version() == "vault:2"  # it makes its versions itself
    assert checks.master() == []


def test_what_is_wrong_with_a_key_service_has_a_word(transit: Transit, settings: Any, tmp_path: Path) -> None:
    wrapped = masters.wrap(KEY, b"use")
    transit.sealed = True
    assert why(lambda: masters.unwrap(wrapped, b"use")) == "sealed"
    transit.sealed = False
    transit.token = "another"
    assert why(masters.check) == "denied"
    transit.token = "s.only-for-tests"
    assert why(VaultMaster(**{**settings.CHANGEDESK_KMS, "key": "other"}).version) == "no-key"
    assert why(VaultMaster(**{**settings.CHANGEDESK_KMS, "token_file": tmp_path / "none"}).version) == "no-token"
    assert why(VaultMaster(**{**settings.CHANGEDESK_KMS, "url": "http://127.0.0.1:1"}).version) == "unreachable"
    wrong: list[dict[str, Any]] = [{}, {"data": None}, {"data": {}}, {"data": {"ciphertext": "plain"}}]
    for told in wrong:
        transit.spoil = {"encrypt": told}
        assert why(lambda: masters.wrap(KEY, b"use")) == "misread"
    transit.spoil = {"decrypt": {"data": {"plaintext": "AAAA"}}}
    with pytest.raises(seal.Corrupt):
        masters.unwrap(wrapped, b"use")
    transit.spoil = {"decrypt": {"data": {"plaintext": "B" * 43 + "="}}}
    assert why(masters.check) == "misread"


def test_from_the_file_to_a_key_service_and_on_without_it(d: Desk, transit: Transit, settings: Any) -> None:
    """What was wrapped by the file opens, is wrapped again by the service, and the file may go."""
    dana = d.customer()
    installer = terminal(ClientId(0))
    assert rotating.master_state(actor=installer).wrapped == {"file:1": 4}
    assert rotating.renew_master(actor=installer).wrapped == {"vault:1": 4}
    masters.file_path().unlink()
    keys.forget()
    assert _name(d, dana) == "Dana Novak"
    transit.rotate()
    assert rotating.renew_master(actor=installer).wrapped == {"vault:2": 4}
    transit.oldest = 2
    keys.forget()
    assert _name(d, dana) == "Dana Novak"


def test_while_the_key_service_is_away_what_is_known_goes_on_and_the_rest_fails_closed(
    d: Desk, transit: Transit, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = d.customer()
    rotating.renew_master(actor=terminal(ClientId(0)))
    keys.forget()
    assert _name(d, dana) == "Dana Novak"
    asked = len(transit.asked)
    transit.sealed = True
    keys._clients.clear()  # the phases are asked for again, and the keys need not be
    assert _name(d, dana) == "Dana Novak"
    assert len(transit.asked) == asked
    monkeypatch.setattr(keys, "KEPT_SECONDS", 0)
    monkeypatch.setattr(keys, "KNOWN_SECONDS", 0)
    assert why(lambda: _name(d, dana)) == "sealed"
    assert why(d.customer) == "sealed"
    transit.sealed = False
    assert _name(d, dana) == "Dana Novak"


def _name(d: Desk, subject: SubjectId) -> object:
    with look(d.client) as seen:
        return subjects.load(seen, [subject])[subject].values()["personal.name"]


# Two halves


def test_halves_of_two_exports_a_wrong_passphrase_and_a_file_that_stands_are_refused(master_file: Path) -> None:
    one, two = escrow.halves(master_file, WORDS)
    other, _ = escrow.halves(master_file, WORDS)
    content = master_file.read_text("ascii").strip()
    assert content not in one + two
    for given_, words, reason in (
        ((one, two), WORDS, "file-exists"),
        ((other, two), WORDS, "not-a-pair"),
        ((one, one), (WORDS[0], WORDS[0]), "not-a-pair"),
        ((one, two), WORDS[::-1], "passphrase"),
        ((one.replace('"half": 1', '"half": 2'), two), WORDS, "passphrase"),
        ((one.replace('"v": 1', '"v": 2'), two), WORDS, "not-a-half"),
    ):
        if reason != "file-exists" and master_file.exists():
            master_file.unlink()
        with pytest.raises(EscrowRefused) as refused:
            escrow.restore(master_file, given_, words)
        assert refused.value.data["why"] == reason
    assert escrow.restore(master_file, (one, two), WORDS) == [1]
    assert FileMaster(master_file).keys() == {1: bytes.fromhex(content)}
    with pytest.raises(EscrowRefused):
        escrow.halves(master_file, ("short", WORDS[1]))


PARTS = st.dictionaries(
    st.sampled_from(["v", "set", "half", "salt", "nonce", "sealed", "x"]), st.none() | st.integers() | st.just("AAAA")
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.one_of(st.text(max_size=20), st.one_of(PARTS, st.lists(PARTS, max_size=2)).map(json.dumps)))
def test_whatever_is_no_half_is_refused_in_words(text: str) -> None:
    with pytest.raises(EscrowRefused):
        escrow.restore(Path("/nowhere/at/all"), [text, text], WORDS)


# The database


@pytest.fixture
def sql(database: Database, d: Desk) -> Callable[..., int]:
    def run(statement: str, *given_: object) -> int:
        with psycopg.connect(database.url) as connection:
            connection.execute("SELECT set_config('changedesk.client', %s, true)", [str(d.client)])
            return connection.execute(statement.encode(), given_).rowcount

    return run


def refused(code: str, do: Callable[[], Any]) -> None:
    with pytest.raises(psycopg.Error) as found:
        do()
    assert found.value.sqlstate == code, found.value


def test_the_database_keeps_a_key_that_is_needed(d: Desk, sql: Callable[..., int]) -> None:
    d.customer()
    gone = "UPDATE desk.client_key SET wrapped = NULL, phase = 'destroyed' WHERE purpose = %s AND epoch = 1"
    for purpose in ("kek", "meta", "blind", "code"):
        refused("CD022", lambda purpose=purpose: sql(gone, purpose))  # type: ignore[misc]
    leave = "UPDATE desk.client_key SET phase = 'leaving' WHERE purpose = 'kek' AND epoch = 1"
    refused("CD022", lambda: sql(leave))
    rotating.renew_keys(["kek", "meta"], actor=terminal(d.client), at=START)
    refused("CD022", lambda: sql(gone, "kek"))
    refused("CD022", lambda: sql(gone, "meta"))
    refused("CD022", lambda: sql("UPDATE desk.client_key SET phase = 'in_use' WHERE purpose = 'kek' AND epoch = 1"))
    refused("CD022", lambda: sql("UPDATE desk.client_key SET wrapped = NULL WHERE purpose = 'code'"))
    refused("42501", lambda: sql("UPDATE desk.client_key SET epoch = 9"))
    refused("42501", lambda: sql("DELETE FROM desk.client_key"))
    assert rotating.renew_on(d.client, at=START) == 1
    rotating.renew_on(d.client, at=START + timedelta(minutes=1))
    refused("CD022", lambda: sql("UPDATE desk.client_key SET wrapped = 'x' WHERE purpose = 'kek' AND epoch = 1"))


def test_a_data_key_is_wrapped_again_by_a_renewal_and_by_nothing_else(d: Desk, sql: Callable[..., int]) -> None:
    d.customer()
    again = "UPDATE desk.subject_key SET wrapped = %s, epoch = %s"
    refused("CD022", lambda: sql(again, b"x", 2))
    rotating.renew_keys(["kek"], actor=terminal(d.client), at=START)
    refused("CD022", lambda: sql(again, b"x", 1))
    refused("CD022", lambda: sql(again, b"x", 3))
    refused("CD022", lambda: sql("UPDATE desk.subject_key SET wrapped = 'x'"))
    refused("CD021", lambda: sql("UPDATE desk.subject_key SET wrapped = NULL, shredded_at = now()"))
    refused("42501", lambda: sql("UPDATE desk.subject_key SET subject_id = %s", uuid4()))
    refused("42501", lambda: sql("UPDATE desk.rotation SET started_by = 'x'"))
    refused("23514", lambda: sql("UPDATE desk.rotation SET step = 'done', finished_at = now()"))


def test_no_key_shows_where_keys_are_shown(d: Desk) -> None:
    with look(d.client) as seen:
        held = keys.of_client(seen)
    known = [held.kek, held.blind, held.code, *held.keks.values(), *held.blinds.values()]
    shown = repr(held) + repr(keys.SubjectKey(UUID(int=1), held.metas[1][1])) + repr(masters.wrap(KEY, b"use"))
    assert not [key for key in known if key.hex() in shown or repr(key)[2:-1] in shown]
    assert "AESGCM" not in shown
    assert os.fspath(masters.file_path()) not in str(MasterUnavailable(why="unreadable", where="file").data)
