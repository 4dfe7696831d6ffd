"""Keys are renewed while everybody works: what was found is found, what was read is read, and the old key ends."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cast import START, Desk, desk
from tests.flow.walk import LATER, record, stands
from tests.outbound.logs import forget as forget_logs
from tests.outbound.logs import sequence
from tests.postgres import Database

from changedesk import flow
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import rotating
from changedesk.flow.rotating import AT_ONCE, SETTLED, KeysRenewing, MasterInUse
from changedesk.ledger.note import NoteRefused, open_note
from changedesk.outbound import publish
from changedesk.reading import audit, search
from changedesk.rules.access import terminal
from changedesk.store import keys, log_keys, masters, past, rotation, tile_files
from changedesk.store.rotation import BLIND, KEK, Rotation
from changedesk.store.tx import look

AT = LATER + timedelta(days=1)
PACE = SETTLED + timedelta(seconds=1)
INSTALLER = terminal(ClientId(0))


@pytest.fixture(autouse=True)
def apart(settings: Any, tmp_path: Path) -> Iterator[None]:
    """A master file and published files of the test's own."""
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    settings.CHANGEDESK_MASTER_KEY_FILE = tmp_path / "master_key"
    (tmp_path / "master_key").write_text("5a" * 32, encoding="ascii")
    (tmp_path / "master_key").chmod(0o600)
    forget_logs()
    keys.forget()
    yield
    keys.forget()


def admin_of(d: Desk) -> Any:
    return terminal(d.client)


def running(d: Desk, purpose: str = BLIND) -> Rotation | None:
    with look(d.client) as seen:
        return next((one for one in rotation.running(seen) if one.purpose == purpose), None)


def ended(d: Desk) -> Rotation:
    with look(d.client) as seen:
        return rotation.newest(seen, limit=1)[0]


def phases(d: Desk, purpose: str) -> list[str]:
    with look(d.client) as seen:
        return [one.phase for one in rotation.epochs(seen) if one.purpose == purpose]


def sound(d: Desk) -> None:
    verdict = audit.audit(actor=d.otto, at=AT)
    assert verdict.sound, verdict.findings


def found(d: Desk, text: str) -> set[object]:
    return {hit.id for hit in search.search(text, actor=d.ben, at=AT, language="en")}


def as_believed(d: Desk) -> keys.ClientKeys:
    """What a process knows of the client's keys, that will believe it for some seconds more."""
    with look(d.client) as seen:
        return keys.of_client(seen, anew=True)


def believing(d: Desk, known: keys.ClientKeys, do: Callable[[], Any]) -> Any:
    """Do something as a process that has not heard of the last step yet."""
    keys._clients[d.client] = known
    try:
        return do()
    finally:
        keys.forget(d.client)


def count(database: Database, statement: str, *given: object) -> int:
    with psycopg.connect(database.admin_url) as connection:
        row = connection.execute(statement, given).fetchone()
    assert row is not None
    return int(row[0])


def through(d: Desk, at: datetime, meanwhile: Callable[[], None] = lambda: None) -> datetime:
    """Go on until nothing runs; ``meanwhile`` happens after every step."""
    for _ in range(200):
        with look(d.client) as seen:
            if not rotation.running(seen):
                return at
        at += PACE
        rotating.renew_on(d.client, at=at)
        meanwhile()
    raise AssertionError("it does not end")


def test_data_keys_are_wrapped_again_and_the_old_key_is_destroyed(d: Desk, database: Database) -> None:
    dana, omar = d.customer(), d.customer(personal__name="Omar Reyes")
    before = stands(d, dana).values()
    rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    with pytest.raises(KeysRenewing):
        rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    assert (phases(d, KEK), running(d, KEK).old) == (["leaving", "in_use"], 2)  # type: ignore[union-attr]
    assert rotating.renew_on(d.client, at=AT) == 2
    assert rotating.renew_on(d.client, at=AT) == 0  # others may not know yet
    assert phases(d, KEK) == ["leaving", "in_use"]
    assert rotating.renew_on(d.client, at=AT + PACE) == 1
    assert rotating.renew_on(d.client, at=AT + PACE) == 0
    done = ended(d)
    assert (done.step, done.old, done.done, phases(d, KEK)) == ("done", 0, 2, ["destroyed", "in_use"])
    assert count(database, "SELECT count(*) FROM desk.client_key WHERE wrapped IS NULL") == 1
    assert stands(d, dana).values() == before
    keys.forget()
    assert stands(d, dana).values() == before
    record(d, omar, {"contact.url": "https://omar.example/"}, at=AT)
    sound(d)
    rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    through(d, AT)
    assert phases(d, KEK) == ["destroyed", "destroyed", "in_use"]


def test_what_a_process_wraps_that_had_not_heard_is_found_before_the_old_key_ends(d: Desk) -> None:
    d.customer()
    before = as_believed(d)
    rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    rotating.renew_on(d.client, at=AT)
    late = believing(d, before, lambda: d.customer(personal__name="Late Comer"))
    assert rotating.renew_on(d.client, at=AT + PACE) == 1
    assert running(d, KEK).step == "moving"  # type: ignore[union-attr]
    through(d, AT + PACE)
    keys.forget()
    assert stands(d, late).values()["personal.name"] == "Late Comer"
    assert ended(d).old == 0


def test_a_process_that_had_not_heard_opens_what_was_wrapped_again(d: Desk) -> None:
    dana = d.customer()
    before = as_believed(d)
    rotating.renew_keys([KEK, "meta"], actor=admin_of(d), at=AT)
    rotating.renew_on(d.client, at=AT)
    record(d, dana, {"contact.url": "https://dana.example/"}, at=AT)
    keys.forget()

    def read() -> None:
        assert stands(d, dana).values()["personal.name"] == "Dana Novak"
        subject = stands(d, dana)
        keys._clients[d.client] = before
        with look(d.client) as seen:
            entries = past.timeline(seen, subject)
        assert {entry.facts["actor"] for entry in entries} == {d.crm.id}

    believing(d, before, read)
    assert phases(d, "meta") == ["leaving", "in_use"]
    sound(d)


def test_no_key_ends_while_a_transaction_runs_that_may_need_it(
    d: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    d.customer()
    monkeypatch.setattr(keys, "KNOWN_SECONDS", 0)
    rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    rotating.renew_on(d.client, at=AT)
    with psycopg.connect(database.url) as other:
        other.execute("SELECT 1")
        assert rotating.renew_on(d.client, at=AT + PACE) == 0
        assert phases(d, KEK) == ["leaving", "in_use"]
    through(d, AT + PACE)
    assert phases(d, KEK) == ["destroyed", "in_use"]


def test_one_worker_at_a_time_takes_a_step(d: Desk, database: Database) -> None:
    d.customer()
    rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    with psycopg.connect(database.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('changedesk.rotation'), %s)", [int(d.client)])
        assert rotating.renew_on(d.client, at=AT) == 0
    assert rotating.renew_on(d.client, at=AT) == 1


def test_what_another_worker_has_ended_meanwhile_is_left_alone(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    claim = rotation.claim

    def late(tx: Any) -> bool:
        monkeypatch.setattr(rotation, "claim", claim)
        through(d, AT)
        return claim(tx)

    monkeypatch.setattr(rotation, "claim", late)
    assert rotating.renew_on(d.client, at=AT) == 0
    assert ended(d).step == "done"


def test_a_renewal_goes_on_in_batches_from_where_it_was(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        d.customer(personal__name=f"Dana Novak {number}", contact__email=f"d{number}@x.example")
    monkeypatch.setattr("changedesk.flow.rotating.AT_ONCE", 2)
    assert AT_ONCE > 2
    rotating.renew_keys([KEK, BLIND], actor=admin_of(d), at=AT)
    seen: list[tuple[int, int]] = []

    def note() -> None:
        now = running(d, KEK)
        if now is not None:
            seen.append((now.done, now.old))

    through(d, AT, note)
    assert seen[:3] == [(2, 3), (4, 1), (5, 0)]
    assert found(d, "d3@x.example")
    sound(d)


def test_a_step_that_is_killed_is_taken_again(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dana = d.customer()
    rotating.renew_keys([KEK, BLIND], actor=admin_of(d), at=AT)
    at = AT
    for name in ("advance", "go_on", "destroy"):
        real = getattr(rotation, name)

        def killed(*given: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            monkeypatch.setattr(rotation, name, real)
            real(*given, **named)
            raise KeyboardInterrupt

        monkeypatch.setattr(rotation, name, killed)
    for _ in range(3):
        at += 20 * PACE
        with pytest.raises(KeyboardInterrupt):
            _many_steps(d, at - 20 * PACE)
    through(d, at)
    keys.forget()
    assert found(d, "dana@old.example") == {dana}
    assert phases(d, KEK) == phases(d, BLIND) == ["destroyed", "in_use"]
    sound(d)


def _many_steps(d: Desk, at: datetime) -> None:
    for number in range(1, 21):
        rotating.renew_on(d.client, at=at + number * PACE)


def test_search_finds_throughout_whoever_writes_with_whatever_they_know(d: Desk, database: Database) -> None:
    """After each step somebody writes who knows of it, and somebody who does not; all is found, nothing else is."""
    dana = d.customer()
    others: dict[SubjectId, str] = {}
    believed = as_believed(d)
    number = 0

    def write(number: int, known: tuple[keys.ClientKeys, ...]) -> None:
        now = f"dana{number}@x.example"
        record(d, dana, {"contact.email": now}, at=AT + number * PACE)
        made = d.customer(personal__name=f"Mira Larsson{number}", contact__email=f"mira{number}@y.example")
        others[made] = f"mira{number}@y.example"
        for one in known:
            keys._clients[d.client] = one
            assert found(d, now) == {dana}
            assert found(d, f"dana{number - 1}@x.example") == set()

    def work() -> None:
        nonlocal believed, number
        for known in (believed, as_believed(d)):
            number += 1
            believing(d, known, partial(write, number, (believed, known)))
            for one, mail in others.items():
                assert found(d, mail) == {one}
        sound(d)
        believed = as_believed(d)

    work()
    rotating.renew_keys([BLIND], actor=admin_of(d), at=AT)
    with pytest.raises(KeysRenewing):
        rotating.renew_keys([BLIND], actor=admin_of(d), at=AT)
    assert rotating.renew_on(d.client, at=AT) == 0
    work()
    through(d, AT, work)
    work()
    assert phases(d, BLIND) == ["destroyed", "in_use"]
    assert ended(d).old == 0 == count(database, "SELECT count(*) FROM desk.blind_index WHERE epoch = 1")
    assert found(d, "Dana Novak") == {dana}


def test_no_step_is_taken_before_all_know_of_the_last_one(d: Desk) -> None:
    d.customer()
    rotating.renew_keys([BLIND], actor=admin_of(d), at=AT)
    at, taken = AT, []
    while (now := running(d)) is not None:
        if now.step != "moving":
            assert rotating.renew_on(d.client, at=now.step_at + SETTLED - timedelta(seconds=1)) == 0
        taken.append(now.step)
        at = max(at, now.step_at) + PACE
        rotating.renew_on(d.client, at=at)
    assert [step for place, step in enumerate(taken) if step not in taken[:place]] == [
        "announced", "in_use", "moving", "leaving",
    ]  # fmt: skip


def test_a_person_forgotten_on_the_way_stays_forgotten(d: Desk, settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    dana = d.customer()
    record(d, dana, {"status.state": "closed"}, at=START)
    rotating.renew_keys([KEK, BLIND], actor=admin_of(d), at=AT)
    at = AT
    for _ in range(2):
        at += PACE
        rotating.renew_on(d.client, at=at)
    late = START.replace(year=START.year + 8)
    while flow.retire_due(d.client, at=late):
        pass
    assert flow.forget_on(d.client, at=late) == 1
    through(d, at)
    assert stands(d, dana).key is None
    assert found(d, "dana@old.example") == set()
    sound(d)


def test_two_keys_sign_the_log_until_the_older_is_left(d: Desk) -> None:
    dana = d.customer()
    origin = "ledger.example/aurora"
    with pytest.raises(KeysRenewing):  # nothing was ever signed: there is no key to renew
        rotating.renew_keys(["log"], actor=admin_of(d), at=AT)
    first = _published(d, AT)
    (old,) = _verifiers(d, origin)
    rotating.renew_keys(["log"], actor=admin_of(d), at=AT)
    with pytest.raises(KeysRenewing):
        rotating.renew_keys(["log"], actor=admin_of(d), at=AT)
    record(d, dana, {"contact.url": "https://a.example/"}, at=AT)
    both = _published(d, AT + PACE)
    new = _verifiers(d, origin)[-1]
    for verifier in (old, new):
        open_note(both, [verifier])
    assert rotating.leave_log_key(actor=admin_of(d)) == 1
    assert rotating.leave_log_key(actor=admin_of(d)) == 0
    record(d, dana, {"contact.url": "https://b.example/"}, at=AT)
    alone = _published(d, AT + 2 * PACE)
    open_note(alone, [new])
    with pytest.raises(NoteRefused):
        open_note(alone, [old])
    open_note(first, _verifiers(d, origin))
    sound(d)


def _published(d: Desk, at: datetime) -> bytes:
    sequence(d.client)
    assert publish.publish(d.client, at=at)
    return tile_files.of_client(d.client).checkpoint()


def _verifiers(d: Desk, origin: str) -> list[Any]:
    with look(d.client) as seen:
        return list(log_keys.verifiers(seen, origin))


def test_the_master_is_renewed_for_every_client_and_the_old_one_dropped(d: Desk) -> None:
    dana = d.customer()
    other = desk("borealis")
    mira = other.customer(personal__name="Mira Larsson")
    _published(d, AT)
    rotating.renew_keys([KEK], actor=admin_of(d), at=AT)
    through(d, AT)
    told: list[float] = []
    was = rotating.master_state(actor=INSTALLER)
    assert (was.version, was.old, was.wrapped) == ("file:1", 0, {"file:1": 9})
    with pytest.raises(MasterInUse):
        rotating.drop_master(1, actor=INSTALLER)
    now = rotating.renew_master(actor=INSTALLER, tell=lambda share, _: told.append(share))
    assert (now.version, now.old, now.wrapped, told[-1]) == ("file:2", 0, {"file:2": 9}, 1.0)
    rotating.drop_master(1, actor=INSTALLER)
    with pytest.raises(NotFound):
        rotating.drop_master(1, actor=INSTALLER)
    with pytest.raises(MasterInUse):
        rotating.drop_master(2, actor=INSTALLER)
    keys.forget()
    assert stands(d, dana).values()["personal.name"] == "Dana Novak"
    assert stands(other, mira).values()["personal.name"] == "Mira Larsson"
    assert rotating.renew_master(actor=INSTALLER, fresh=False).version == "file:2"
    sound(d)


def test_a_master_half_renewed_opens_both_ways_and_goes_on(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dana = d.customer()
    other = desk("borealis")
    real = rotation.wrap_client_keys

    def killed(tx: Any, master: str) -> int:
        if tx.client == other.client:
            raise KeyboardInterrupt
        return real(tx, master)

    monkeypatch.setattr(rotation, "wrap_client_keys", killed)
    with pytest.raises(KeyboardInterrupt):
        rotating.renew_master(actor=INSTALLER)
    monkeypatch.setattr(rotation, "wrap_client_keys", real)
    state = rotating.master_state(actor=INSTALLER)
    assert (state.version, state.wrapped) == ("file:2", {"file:2": 4, "file:1": 4})
    keys.forget()
    assert stands(d, dana).values()["personal.name"] == "Dana Novak"
    assert other.customer()
    with pytest.raises(MasterInUse):
        rotating.drop_master(1, actor=INSTALLER)
    assert rotating.renew_master(actor=INSTALLER).wrapped == {"file:2": 8}  # no third version for what was begun


def test_only_who_may_renews_keys(d: Desk) -> None:
    for actor in (d.ben, d.ines, d.otto, d.crm):
        with pytest.raises(Forbidden):
            rotating.renew_keys([KEK], actor=actor, at=AT)
        with pytest.raises(Forbidden):
            rotating.leave_log_key(actor=actor)
        with pytest.raises(Forbidden):
            rotating.renew_master(actor=actor)
        with pytest.raises(Forbidden):
            rotating.export_escrow(("a" * 12, "b" * 12), actor=actor)
        with pytest.raises(Forbidden):
            rotating.import_escrow([], [], actor=actor)
    with pytest.raises(NotFound):
        rotating.renew_keys(["code"], actor=admin_of(d), at=AT)


def test_two_halves_give_the_master_back(d: Desk) -> None:
    dana = d.customer()
    rotating.renew_master(actor=INSTALLER)
    words = ("correct horse battery", "staple of another kind")
    halves = rotating.export_escrow(words, actor=INSTALLER)
    file = masters.file_path()
    kept = file.read_text("ascii")
    file.unlink()
    keys.forget()
    with pytest.raises(masters.MasterUnavailable):
        stands(d, dana)
    assert rotating.import_escrow(halves[::-1], words[::-1], actor=INSTALLER) == [1, 2]
    assert (file.read_text("ascii"), file.stat().st_mode & 0o777) == (kept, 0o600)
    assert stands(d, dana).values()["personal.name"] == "Dana Novak"
