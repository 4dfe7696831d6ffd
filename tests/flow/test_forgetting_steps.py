"""Steps of an erasure that meet another one, come twice or come late: nothing is begun, said or written twice."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import SECRET, START, Desk, desk, soon, staff
from tests.flow.race import together
from tests.flow.test_forget import asked, begun, erased
from tests.flow.test_forget import job_of as newest_job
from tests.flow.test_retention import close, due, years
from tests.flow.test_transfer import themselves
from tests.flow.walk import LATER, POST, URL, agree, ask, kinds, record, request_of, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Role, automation
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow import configure
from changedesk.flow.asking import Gone
from changedesk.reading.seen import who_looked
from changedesk.rules.status import GRACE_MOST
from changedesk.store import deliveries, erasure_journal, evidence, forget
from changedesk.store.begin import begin
from changedesk.store.erasure_journal import Record
from changedesk.store.tx import look


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def told(d: Desk, subject: SubjectId, **more: Any) -> Record:
    """A line of the journal that this database has not carried out."""
    given: dict[str, Any] = {"whole": True, "decisions": (), "recipients": (), "at": LATER, **more}
    return Record(d.client, uuid4(), subject, **given)


def own_field(d: Desk, path: str, category: str) -> None:
    """A field that the client adds to its catalogue."""
    field = {
        "type": "text", "kind": "contact_details", "category": category, "subject": "customer", "length_max": 80,
        "label": {"en": "Own", "de": "Eigenes", "ar": "خاص"},
    }  # fmt: skip
    configure.set_field(path, field, actor=staff(d.client, 7, Role.ADMINISTRATOR), at=START)


def last_words(d: Desk) -> list[deliveries.Message]:
    with look(d.client) as seen:
        found = deliveries.outbox(seen, before=LATER + timedelta(days=99), limit=100)
    return [one.message for one in found if one.event == "erased" and one.message is not None]


def test_a_preview_of_an_erasure_is_for_who_is_there_and_ones_own(d: Desk, dana: SubjectId) -> None:
    eve = d.customer(contact__email="eve@old.example")
    for subject, actor in ((SubjectId(uuid4()), d.ben), (dana, themselves(d, eve))):
        with pytest.raises(NotFound):
            flow.preview_erasure(subject, actor=actor, at=LATER)
    assert flow.preview_erasure(eve, actor=themselves(d, eve), at=LATER).fields
    at = erased(d, dana)
    with pytest.raises(Gone):
        flow.preview_erasure(dana, actor=d.ben, at=at)


def test_two_workers_finish_an_erasure_once(d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch) -> None:
    at = begun(d, dana) + timedelta(days=2)
    both, real = Barrier(2), forget.waiting

    def waiting(*given: Any, **more: Any) -> list[forget.Job]:
        found = real(*given, **more)
        both.wait()  # each has seen the job before either has touched it
        return found

    monkeypatch.setattr(forget, "waiting", waiting)
    found = together([partial(flow.forget_on, d.client, at=at)] * 2)
    assert sorted(found, key=str) == [0, 1]
    assert kinds(d, dana).count("erasure.confirmed") == 1
    assert len(erasure_journal.records()) == 1


def test_the_journal_forgets_who_came_back_with_a_backup(d: Desk, dana: SubjectId) -> None:
    assert flow.replay_erasure(told(d, SubjectId(uuid4())), at=LATER) == "unknown"
    line = told(d, dana)
    assert flow.replay_erasure(line, at=soon(LATER)) == "forgotten"
    assert (stands(d, dana).key, stands(d, dana).state) == (None, {})
    assert kinds(d, dana)[-2:] == ["erasure.requested", "erasure.confirmed"]
    assert flow.replay_erasure(line, at=soon(LATER, 2)) == "known"
    assert flow.replay_erasure(told(d, dana), at=soon(LATER, 3)) == "forgotten"
    assert kinds(d, dana).count("erasure.confirmed") == 1


def test_a_line_of_the_journal_begins_nothing_beside_an_erasure_under_way(d: Desk, dana: SubjectId) -> None:
    due_at = begun(d, dana, classes=["contact"])
    job = newest_job(d, dana)
    assert flow.replay_erasure(told(d, dana), at=due_at + timedelta(days=2)) == "forgotten"
    assert (newest_job(d, dana).id, newest_job(d, dana).state) == (job.id, "done")
    assert kinds(d, dana).count("erasure.requested") == 1


def test_an_erasure_waits_for_the_one_that_is_under_way_and_stops_nobody_else(d: Desk, dana: SubjectId) -> None:
    record(d, dana, {"pref.marketing_email": True}, at=START + timedelta(hours=1))
    made = asked(d, dana, classes=["contact"])
    flow.approve({made.ref: made.digest}, actor=d.ines, at=soon(LATER))
    gone: dict[str, Any] = {
        "path": "pref.marketing_email", "verdict": "erase", "rule": "", "retention": "", "until": None, "upto": None,
    }  # fmt: skip
    at = soon(LATER) + timedelta(days=7)
    job = forget.Job(
        id=uuid4(), subject_id=dana, request_id=None, cause="retention", whole=False, decisions=[gone], recipients=(),
        state="requested", last_word=None, requested_by="a.retention", requested_at=at,
    )  # fmt: skip
    with begin(automation(d.client, "retention")) as tx:
        forget.start(tx, job)
    eve = d.customer(contact__email="eve@old.example")
    vouch(d, eve, at - timedelta(days=1))
    other = ask(d, eve, URL, at=soon(at - timedelta(days=1), 0.2), effective_at=at)
    assert flow.apply_due(d.client, at=at) == 1
    assert [request_of(d, one.ref).state for one in (made, other)] == ["scheduled", "applied"]
    assert newest_job(d, dana).id == job.id


def test_the_last_word_is_in_the_persons_language(d: Desk) -> None:
    dana = d.customer(service__language="de-AT")
    begun(d, dana)
    assert any("gelöscht" in one.body for one in last_words(d))
    kim = d.customer(contact__email="kim@old.example", service__language="fr")
    begun(d, kim, LATER + timedelta(days=9))
    assert any("erased" in one.body for one in last_words(d))


def test_who_left_no_address_is_forgotten_without_a_word(d: Desk) -> None:
    values = {"personal.name": "Dana Novak"}
    dana = flow.create_customers([flow.NewCustomer(values=values)], actor=d.crm, at=START).one().subject
    flow.bind_factor(dana, SECRET, actor=d.crm, at=START)
    at = begun(d, dana)
    assert (last_words(d), newest_job(d, dana).last_word) == ([], None)
    assert flow.forget_on(d.client, at=at) == 1
    assert kinds(d, dana)[-1] == "erasure.confirmed"


def test_authenticators_go_with_the_class_of_sign_in(d: Desk, dana: SubjectId) -> None:
    own_field(d, "auth.hint", "auth.hint")
    record(d, dana, {"auth.hint": "the usual"}, at=START + timedelta(hours=1))
    with look(d.client) as seen:
        assert evidence.factors_of(seen, stands(d, dana))
    at = begun(d, dana, classes=["auth"]) + timedelta(days=2)
    assert flow.forget_on(d.client, at=at) == 1
    assert "auth.hint" not in stands(d, dana).values()
    assert stands(d, dana).values()["contact.email"] == "dana@old.example"
    with look(d.client) as seen:
        assert evidence.factors_of(seen, stands(d, dana)) == []


def test_what_no_rule_keeps_stays_until_the_record_cannot_be_opened_again(d: Desk, dana: SubjectId) -> None:
    own_field(d, "hobby.likes", "hobby.likes")
    record(d, dana, {"hobby.likes": "chess"}, at=START + timedelta(hours=1))
    closed = START + timedelta(days=400)
    close(d, dana, closed)
    assert due(d, closed + timedelta(days=GRACE_MOST) - timedelta(seconds=1)) == []
    (found,) = due(d, closed + timedelta(days=GRACE_MOST))
    assert (found.subject, found.whole) == (dana, False)
    assert [one.path for one in found.decisions] == ["hobby.likes"]


def test_a_plan_of_what_is_due_turns_every_page(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("changedesk.flow.retire.AT_ONCE", 2)
    people = {d.customer(contact__email=f"p{number}@old.example") for number in range(5)}
    for one in people:
        close(d, one)
    assert {one.subject for one in due(d, years(START, 8))} == people


def test_what_was_asked_for_while_a_part_is_being_forgotten_is_not_forgotten_with_it(database: Database) -> None:
    d = desk("shop", packs=("retail",), jurisdictions=("EU",))
    dana = d.customer()
    record(d, dana, {"pref.marketing_email": True}, at=LATER)
    due = begun(d, dana, soon(LATER), classes=["pref"])
    vouch(d, dana, soon(due))
    asked = ask(d, dana, POST, at=soon(due, 2))
    assert flow.forget_on(d.client, at=due + timedelta(days=1)) == 1
    assert "pref.marketing_email" not in stands(d, dana).values()
    asked = agree(d, asked, due + timedelta(days=1))
    done = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=due + timedelta(days=1)).one()
    assert done.state == "applied"
    assert stands(d, dana).values()["contact.postal_address"]


def test_who_looked_can_still_be_read_after_a_part_was_forgotten(database: Database) -> None:
    """What was noted with a reveal goes with the key that sealed it; that somebody revealed it stays."""
    d = desk("shop", packs=("retail",), jurisdictions=("EU",))
    dana = d.customer()
    record(d, dana, {"pref.marketing_email": True}, at=LATER)
    said = "Called from Kim's line."
    flow.reveal(dana, "contact.email", reason="fraud_review", reference="CASE-9", note=said, actor=d.ben, at=LATER)

    def notes() -> list[str]:
        page = who_looked(subject=dana, actor=d.ines, language="en")
        return [line.note for line in page.items if line.kind == "value.revealed"]

    assert notes() == [said]
    erased(d, dana, soon(LATER), classes=["pref"])
    assert notes() == [""]
