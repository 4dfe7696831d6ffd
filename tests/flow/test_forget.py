"""Erasure: asked for, approved, carried out step by step; what the law keeps is restricted, all else is gone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cast import SECRET, Desk, desk, soon
from tests.flow.walk import LATER, POST, URL, ask, done, history, kinds, ready, record, request_of, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.flow.asking import Gone
from changedesk.flow.indexing import terms_for
from changedesk.flow.weighing import ErasureRetained, NothingToErase
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.redact import fits
from changedesk.outbound.notices import send
from changedesk.outbound.notices.outbox import Outbox
from changedesk.reading.customer import customer
from changedesk.rules.forgetting import Verdict
from changedesk.rules.status import StatusForbids
from changedesk.store import deliveries, erasure_journal, forget, past, subjects
from changedesk.store.begin import begin
from changedesk.store.history import Draft, append
from changedesk.store.tx import look

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> Path:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "kept" / "erasures.jsonl"
    return tmp_path / "kept" / "erasures.jsonl"


def asked(d: Desk, dana: SubjectId, at: datetime = LATER, classes: Sequence[str] = ("everything",)) -> flow.Receipt:
    """An erasure that the customer asked for on the phone, proved, waiting for its approval."""
    vouch(d, dana, at)
    how = flow.How(reason="data_subject_request", channel=Channel.PHONE)
    made = flow.request_erasure(dana, how, classes=classes, actor=d.ben, at=soon(at, 0.2))
    assert made.state == "awaiting_approval", made
    return made


def begun(d: Desk, dana: SubjectId, at: datetime = LATER, classes: Sequence[str] = ("everything",)) -> datetime:
    """An erasure whose wait is over and which the clock has begun; the moment of that."""
    made = asked(d, dana, at, classes)
    made = flow.approve({made.ref: made.digest}, actor=d.ines, at=soon(at)).one()
    assert made.state == "scheduled"
    due = soon(at) + WEEK
    assert flow.apply_due(d.client, at=due) == 1
    return due


def erased(d: Desk, dana: SubjectId, at: datetime = LATER, classes: Sequence[str] = ("everything",)) -> datetime:
    due = begun(d, dana, at, classes)
    send.send(d.client, {"email": Outbox(), "sms": Outbox()}, clock=lambda: due)
    assert flow.forget_on(d.client, at=soon(due)) == 1
    return soon(due)


def bank() -> Desk:
    return desk("bank", packs=("banking",), jurisdictions=("EU",))


def job_of(d: Desk, dana: SubjectId) -> forget.Job:
    with look(d.client) as seen:
        return forget.of_subject(seen, dana)[0]


def test_everything_goes_and_the_history_says_erased(d: Desk, dana: SubjectId, database: Database) -> None:
    done(d, dana, values=POST, note="a note")
    before = kinds(d, dana)
    at = erased(d, dana, soon(LATER, 9))
    subject = stands(d, dana)
    assert (subject.key, subject.state, subject.erased_at) == (None, {}, at - timedelta(minutes=1))
    assert kinds(d, dana)[: len(before)] == before
    assert kinds(d, dana)[-1] == "erasure.confirmed"
    assert all(entry.assertions is None for entry in history(d, dana))
    # Who of the staff did what stays: it is sealed under another key.
    assert {entry.actor for entry in history(d, dana)} >= {d.ben.id, d.ines.id}
    with psycopg.connect(database.admin_url) as admin:
        for left in (
            "SELECT 1 FROM desk.payload WHERE ct IS NOT NULL",
            "SELECT 1 FROM desk.subject_key WHERE wrapped IS NOT NULL",
            "SELECT 1 FROM desk.subject WHERE state_ct IS NOT NULL",
            "SELECT 1 FROM desk.blind_index",
            "SELECT 1 FROM desk.request WHERE proposal_ct IS NOT NULL",
            "SELECT 1 FROM desk.delivery WHERE message_ct IS NOT NULL OR state IN ('pending', 'sending')",
            "SELECT 1 FROM desk.consent WHERE evidence_ct IS NOT NULL",
            "SELECT 1 FROM desk.decision WHERE note_ct IS NOT NULL",
            "SELECT 1 FROM desk.factor WHERE secret_ct IS NOT NULL",
            "SELECT 1 FROM desk.open_field",
            "SELECT 1 FROM desk.import_row WHERE body_mac <> ''",
        ):
            assert admin.execute(left.encode()).fetchone() is None, left
    panel = customer(dana, actor=d.ben, at=at, language="en")
    assert panel.erased


def imported(d: Desk, at: datetime) -> flow.Created:
    row = flow.SourceRow("crm", "77", b"as it was")
    values = {
        "personal.name": "Noa Lind", "contact.email": "noa@old.example", "contact.phone_mobile": "+1 202 555 0155"
    }  # fmt: skip
    made = flow.create_customers([flow.NewCustomer(values=values, source=row)], actor=d.crm, at=at).one()
    if not made.unchanged:
        flow.bind_factor(made.subject, SECRET, actor=d.crm, at=at)
    return made


def test_the_file_that_brought_a_person_does_not_bring_them_back(d: Desk, dana: SubjectId, database: Database) -> None:
    noa = imported(d, LATER).subject
    at = erased(d, noa, soon(LATER, 9))
    with pytest.raises(Gone):
        imported(d, soon(at))
    with psycopg.connect(database.admin_url) as admin:
        assert admin.execute("SELECT count(*) FROM desk.import_row WHERE body_mac <> ''").fetchone() == (0,)


def test_what_was_forgotten_in_part_is_not_brought_back_by_its_file(d: Desk, dana: SubjectId) -> None:
    noa = imported(d, LATER).subject
    at = erased(d, noa, soon(LATER, 9), classes=("contact",))
    again = imported(d, soon(at))
    assert (again.subject, again.unchanged) == (noa, True)
    assert "contact.email" not in stands(d, noa).state


def test_reads_fail_closed_from_the_moment_that_it_begins(d: Desk, dana: SubjectId) -> None:
    open_ = ask(d, dana, URL, at=LATER)
    at = begun(d, dana, soon(LATER, 9))
    assert stands(d, dana).key is None
    assert request_of(d, open_.ref).proposal is None
    assert request_of(d, open_.ref).state in ("applied", "cancelled")
    with pytest.raises(Gone):
        ask(d, dana, POST, at=at)
    assert all(entry.assertions is None for entry in history(d, dana))


def test_the_person_is_told_last_and_then_the_address_goes_too(d: Desk, dana: SubjectId) -> None:
    at = begun(d, dana)
    assert flow.forget_on(d.client, at=at) == 0  # the message is still on its way
    with look(d.client) as seen:
        told = [one for one in deliveries.outbox(seen, before=soon(at, 99)) if one.event == "erased"]
    assert {(one.channel, one.state, one.message.to) for one in told if one.message} == {
        ("email", "pending", "dana@old.example"), ("sms", "pending", "+12025550143"),
    }  # fmt: skip
    assert not [
        one for one in told if one.message and ("Novak" in one.message.body or "old.example" in one.message.body)
    ]
    assert flow.forget_on(d.client, at=at + timedelta(days=1)) == 1
    with look(d.client) as seen:
        told = [one for one in deliveries.outbox(seen, before=soon(at, 99)) if one.event == "erased"]
    assert [(one.state, one.last_error, one.message) for one in told] == [("failed", "erased", None)] * 2


def test_recipients_hear_of_it_in_the_feed(database: Database) -> None:
    d = desk(jurisdictions=("US", "EU"))
    dana = d.customer()
    erased(d, dana)
    last = history(d, dana)[-1]
    told: Any = last.facts["announces"]
    assert (told[0]["event"], told[0]["whole"]) == ("privacy.erased", True)
    assert "recipients_of_the_field" in told[0]["recipients"]
    assert "contact.email" in told[0]["fields"]


def test_what_the_law_keeps_is_restricted_and_the_rest_is_gone(database: Database) -> None:
    d = bank()
    dana = d.customer()
    record(d, dana, {"contact.email": "dana@second.example"}, at=LATER)
    record(d, dana, {"pref.marketing_email": True}, at=soon(LATER))
    preview = flow.preview_erasure(dana, actor=d.ben, at=soon(LATER, 2))
    verdicts = {one.path: (one.verdict, one.rule) for one in preview.fields}
    assert verdicts["personal.name"] == (Verdict.KEEP, "EU-UK-AML")
    assert verdicts["pref.marketing_email"] == (Verdict.ERASE, "")
    erased(d, dana, soon(LATER, 9))
    subject = stands(d, dana)
    held = subject.values()
    assert held["personal.name"] == "Dana Novak"
    assert "pref.marketing_email" not in held
    assert held["restriction.active"] is True
    entries = history(d, dana)
    kept = [one for entry in entries for one in entry.assertions or () if one.path == "contact.email"]
    assert len(kept) == 2  # the lawful remainder keeps its own history
    assert not [one for entry in entries for one in entry.assertions or () if "marketing" in one.path and one.new]
    with pytest.raises(StatusForbids):
        ask(d, dana, POST, at=soon(LATER, 99) + WEEK)
    assert not customer(dana, actor=d.ben, at=soon(LATER, 99) + WEEK, language="en").open


def test_the_log_still_verifies_after_part_of_an_entry_was_forgotten(database: Database) -> None:
    d = bank()
    dana = d.customer(pref__marketing_email=True)
    erased(d, dana)
    partly = 0
    with look(d.client) as seen:
        subject = subjects.load(seen, [dana])[dana]
        for entry in past.timeline(seen, subject):
            row = past.by_change(seen, entry.change)
            assert row is not None
            payload = past.payload_of(seen, dana, row, subject.key)
            if payload is not None:
                assert fits(payload, bytes(row.fields_hash))
                partly += payload.proof is not None
    assert partly == 1


def test_only_the_classes_that_were_named_go(database: Database) -> None:
    d = desk("shop", packs=("retail",), jurisdictions=("EU",))
    dana = d.customer()
    record(d, dana, {"pref.marketing_email": True}, at=LATER)
    with pytest.raises(NothingToErase):
        flow.preview_erasure(dana, classes=["loyalty"], actor=d.ben, at=soon(LATER))
    erased(d, dana, soon(LATER), classes=["pref"])
    held = stands(d, dana).values()
    assert "pref.marketing_email" not in held
    assert (held["contact.email"], held.get("restriction.active")) == ("dana@old.example", None)
    vouch(d, dana, LATER + timedelta(days=20))  # the authenticator was sealed anew
    assert ready(d, dana, LATER + timedelta(days=21), POST).state == "awaiting_approval"


def test_under_a_legal_hold_nothing_is_erased_until_it_is_lifted(d: Desk, dana: SubjectId) -> None:
    held = _legal(d, dana, "legal_hold", LATER)
    assert held.state == "applied"
    vouch(d, dana, soon(LATER, 9))
    with pytest.raises(StatusForbids) as refused:
        flow.request_erasure(
            dana, flow.How(reason="data_subject_request", channel=Channel.PHONE), actor=d.ben, at=soon(LATER, 9.5)
        )
    assert (refused.value.data["blocked_by"], refused.value.data["lifted_by"]) == ("legal_hold", "legal_release")
    assert _legal(d, dana, "legal_release", soon(LATER, 20)).state == "applied"
    erased(d, dana, soon(LATER, 30))
    assert stands(d, dana).key is None


def _legal(d: Desk, dana: SubjectId, operation: str, at: datetime) -> flow.Receipt:
    """Placed and lifted by the business: two people who decide, and neither of them entered it."""
    made = flow.submit(
        [flow.Wish(subject=dana, kind="account_status", operation=operation, values={}, reason="regulatory",
                   channel=Channel.PHONE, initiated_by="business")], actor=d.ben, at=at,
    ).one()  # fmt: skip
    assert made.state == "awaiting_approval"
    made = flow.approve({made.ref: made.digest}, actor=d.ines, at=soon(at)).one()
    assert made.state == "awaiting_approval"
    return flow.approve({made.ref: made.digest}, actor=d.omar, at=soon(at, 2)).one()


def test_a_legal_hold_that_comes_in_between_stops_what_was_approved(d: Desk, dana: SubjectId) -> None:
    made = asked(d, dana)
    flow.approve({made.ref: made.digest}, actor=d.ines, at=soon(LATER))
    _legal(d, dana, "legal_hold", soon(LATER, 9))
    flow.apply_due(d.client, at=soon(LATER) + WEEK)
    assert request_of(d, made.ref).state == "on_hold"
    assert stands(d, dana).key is not None


def test_what_the_law_keeps_whole_is_refused_with_the_day(database: Database) -> None:
    d = bank()
    dana = d.customer()
    with pytest.raises(ErasureRetained) as refused:
        flow.preview_erasure(dana, classes=["contact"], actor=d.ben, at=LATER)
    assert refused.value.data == {"until": None, "rules": ["EU-UK-AML"]}
    record(d, dana, {"status.state": "closed"}, at=LATER)
    with pytest.raises(ErasureRetained) as refused:
        flow.preview_erasure(dana, classes=["contact"], actor=d.ben, at=soon(LATER))
    assert refused.value.data["until"] == f"{LATER.year + 5}-{LATER:%m-%d}"
    later = flow.preview_erasure(dana, classes=["contact"], actor=d.ben, at=LATER.replace(year=LATER.year + 5))
    assert later.fields


def test_the_journal_has_it_before_anything_is_emptied(d: Desk, dana: SubjectId, journal: Path) -> None:
    at = erased(d, dana)
    (line,) = erasure_journal.records()
    job = job_of(d, dana)
    assert (line.id, line.subject, line.whole) == (job.id, dana, True)
    assert job.journaled_at is not None
    assert job.confirmed_at == at
    assert journal.stat().st_mode & 0o077 == 0
    assert b"Dana" not in journal.read_bytes()
    erasure_journal.add(line)
    assert len(erasure_journal.records()) == 1
    with journal.open("a", encoding="utf-8") as cut:
        cut.write('{"v": 1, "client"')
    assert len(erasure_journal.records()) == 1
    journal.write_text("nonsense\n" + journal.read_text("utf-8"), "utf-8")
    with pytest.raises(erasure_journal.JournalDamaged):
        erasure_journal.records()


def test_nothing_is_wiped_without_an_erasure(d: Desk, dana: SubjectId, database: Database) -> None:
    """The application's own role, past all of its code."""
    done(d, dana, values=POST)
    client = f"SELECT set_config('changedesk.client', '{int(d.client)}', true)"
    for statement in (
        "UPDATE desk.payload SET ct = NULL",
        "UPDATE desk.subject_key SET wrapped = NULL, shredded_at = now()",
        "UPDATE desk.subject SET erased_at = now(), state_ct = NULL",
        "UPDATE desk.request SET proposal_ct = NULL WHERE state = 'applied'",
        "UPDATE desk.factor SET secret_ct = NULL",
        "UPDATE desk.decision SET note_ct = NULL",
    ):
        with psycopg.connect(database.url) as app:
            app.execute(client.encode())
            with pytest.raises(psycopg.Error) as refused:
                app.execute(statement.encode())
            assert refused.value.sqlstate in ("CD021", "CD004"), statement
    with psycopg.connect(database.url) as app:
        app.execute(client.encode())
        with pytest.raises(psycopg.Error) as refused:
            app.execute(
                b"INSERT INTO desk.erasure (client_id, id, subject_id, request_id, cause, whole, decisions, recipients,"
                b" state, requested_by, requested_at) SELECT client_id, gen_random_uuid(), subject_id, id, 'request',"
                b" true, '[]', '{}', 'requested', 's1', now() FROM desk.request LIMIT 1"
            )
        assert refused.value.sqlstate == "CD021"


def test_who_was_erased_does_not_come_back(d: Desk, dana: SubjectId, database: Database) -> None:
    erased(d, dana)
    with psycopg.connect(database.url) as app:
        app.execute(f"SELECT set_config('changedesk.client', '{int(d.client)}', true)".encode())
        with pytest.raises(psycopg.Error) as refused:
            app.execute(b"UPDATE desk.subject SET erased_at = NULL")
        assert refused.value.sqlstate == "CD021"


def test_a_writer_that_read_the_record_before_writes_nothing_into_it_after(
    d: Desk, dana: SubjectId, database: Database
) -> None:
    stale = stands(d, dana)
    at = begun(d, dana)
    late = Assertion("contact.email", None, b'"dana@late.example"', 0, FOREVER)
    with begin(d.crm) as tx:
        draft = Draft(stale, EntryKind.CHANGE_RECORDED, d.crm, at, [late])
        assert append(tx, [draft], terms=terms_for(d.client)) == []
    assert stands(d, dana).ver == stale.ver
    with psycopg.connect(database.admin_url) as admin:
        assert admin.execute("SELECT 1 FROM desk.blind_index").fetchone() is None
