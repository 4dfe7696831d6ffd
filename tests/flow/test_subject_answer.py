"""How data-subject requests end: carried out, refused with a ground, appealed; copies, and what erasure leaves."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cast import Desk, soon
from tests.flow.subject import DAY, ask, at_work, copy_id, facts, known, of, told
from tests.flow.walk import LATER, POST, done, history, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow import subject_answer as answers
from changedesk.flow import subject_request as asks
from changedesk.flow.asking import Gone
from changedesk.flow.named import TooLate
from changedesk.flow.subject_steps import NoteMissing
from changedesk.rules.rights import Right
from changedesk.store import subject_requests
from changedesk.store.tx import look


@pytest.fixture(autouse=True)
def journal(database: Database, settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def test_a_correction_is_an_ordinary_change_request_and_the_holders_of_the_data_hear_of_it() -> None:
    d, officer, dana = at_work("EU")
    made = ask(d, dana, Right.RECTIFICATION)
    known(d, dana, made.ref, officer)
    with pytest.raises(answers.NotCarriedOut):
        answers.answer(made.ref, actor=officer, at=soon(LATER, 3))
    changed = done(d, dana, soon(LATER, 5), POST)
    answers.link(made.ref, changed.ref, actor=officer, at=soon(LATER, 20))
    answers.link(made.ref, changed.ref, actor=officer, at=soon(LATER, 20))
    answers.answer(made.ref, part=True, note="the street, not the name", actor=officer, at=soon(LATER, 21))
    said = facts(d, dana, "privacy.answered")
    assert said["outcome"] == "part"
    assert said["announces"] == [
        {"event": "privacy.corrected", "fields": ["contact.postal_address"], "recipients": ["recipients_of_the_field"]}
    ]
    assert said["change_requests"] == [changed.ref]


def test_only_what_carries_it_out_for_this_person_is_linked() -> None:
    d, officer, dana = at_work("EU")
    kim = d.customer(contact__email="kim@old.example")
    changed = done(d, kim, LATER, POST)
    correct, erase = ask(d, dana, Right.RECTIFICATION), ask(d, kim, Right.ERASURE)
    for ref in (correct.ref, erase.ref):
        with pytest.raises(answers.NotOfThisPerson):
            answers.link(ref, changed.ref, actor=officer, at=soon(LATER, 20))


def test_a_refused_correction_carries_the_persons_own_statement_from_then_on() -> None:
    d, officer, dana = at_work("US", pack="healthcare")
    made = ask(d, dana, Right.AMENDMENT)
    assert made.due_rule == "US-HIPAA-526"
    with pytest.raises(answers.StatementNotDue):
        answers.state_disagreement(made.ref, "I was never there", actor=officer, at=LATER)
    with pytest.raises(answers.GroundUnknown):
        answers.refuse(made.ref, "because", note="no", actor=officer, at=LATER)
    with pytest.raises(NoteMissing):
        answers.refuse(made.ref, "accurate_and_complete", note=" ", actor=officer, at=LATER)
    answers.refuse(made.ref, "accurate_and_complete", note="the chart says so", actor=officer, at=LATER + 58 * DAY)
    with pytest.raises(NoteMissing):
        answers.state_disagreement(made.ref, " ", actor=officer, at=LATER + 59 * DAY)
    answers.state_disagreement(made.ref, "I was never there", actor=officer, at=LATER + 59 * DAY)
    with pytest.raises(answers.StatementNotDue):
        answers.state_disagreement(made.ref, "and more", actor=officer, at=LATER + 59 * DAY)
    with look(d.client) as seen:
        (statement,) = subject_requests.statements(seen, stands(d, dana))
    assert (statement.ref, statement.text) == (made.ref, "I was never there")
    (body,) = [body for event, channel, body in told(d) if (event, channel) == ("privacy_refused", "email")]
    assert "the record is accurate and complete" in body


def test_who_cannot_be_known_is_refused_and_told_so_and_who_is_known_is_not() -> None:
    d, officer, dana = at_work("US", "US-CA")
    made, other = ask(d, dana, Right.ACCESS), ask(d, dana, Right.ACCESS)
    answers.refuse(made.ref, "identity_unverified", note="no way worked", actor=officer, at=LATER)
    assert any("could not verify that the request comes from you" in body for _, _, body in told(d))
    known(d, dana, other.ref, officer)
    with pytest.raises(answers.KnownPerson):
        answers.refuse(other.ref, "identity_unverified", note="no way worked", actor=officer, at=soon(LATER, 3))


def test_an_appeal_opens_it_once_again_where_the_law_gives_one() -> None:
    d, officer, dana = at_work("US", "US-VA")
    made = ask(d, dana, Right.OBJECTION)
    with pytest.raises(TooLate):
        answers.appeal(made.ref, actor=officer, at=LATER)
    answers.refuse(made.ref, "no_such_right", note="not sold", actor=officer, at=LATER)
    again = answers.appeal(made.ref, note="it is sold", actor=officer, at=LATER + 10 * DAY)
    assert (again.state, again.due_rule) == ("appealed", "US-STATES-APPEAL")
    assert (again.due_at - LATER).days in (70, 71)
    closed = answers.answer(made.ref, actor=officer, at=LATER + 11 * DAY)
    assert (closed.state, of(d, made.ref).outcome, of(d, made.ref).ground) == ("answered", "whole", "")
    with pytest.raises(TooLate):
        answers.appeal(made.ref, actor=officer, at=LATER + 12 * DAY)


def test_where_no_law_gives_an_appeal_the_authority_is_named_instead() -> None:
    d, officer, dana = at_work("EU")
    made = ask(d, dana, Right.OPT_OUT)
    assert made.due_rule == "EU-GDPR-21"
    answers.answer(made.ref, actor=officer, at=LATER)  # nobody proves who they are to say no
    with pytest.raises(answers.AppealNotGiven):
        answers.appeal(made.ref, actor=officer, at=LATER)


def test_a_copy_is_built_once_had_for_seven_days_by_its_link_or_by_the_officer_and_every_time_is_recorded() -> None:
    d, officer, dana = at_work("EU")
    made = ask(d, dana)
    with pytest.raises(answers.CopyMissing):
        answers.hand_over(made.ref, actor=officer, at=LATER)
    known(d, dana, made.ref, officer)
    with pytest.raises(answers.CopyMissing):
        answers.answer(made.ref, actor=officer, at=soon(LATER, 3))
    once = flow.Once("copy", b"")
    answers.keep_copy(made.ref, lambda _: b"all", actor=officer, at=soon(LATER, 4), key=once)
    assert answers.keep_copy(made.ref, lambda _: b"other", actor=officer, at=soon(LATER, 4), key=once).replayed
    copy = copy_id(d, made.ref)
    with pytest.raises(answers.CopyBefore):
        answers.keep_copy(made.ref, lambda _: b"more", actor=officer, at=soon(LATER, 4))
    with look(d.client) as seen:
        token = subject_requests.copy_token(seen, copy)
        assert "Copy(" in repr(subject_requests.copy_of(seen, of(d, made.ref)))
    with pytest.raises(NotFound):
        answers.hand_over_by_link(d.client, copy, token, at=soon(LATER, 5))
    answers.answer(made.ref, actor=officer, at=soon(LATER, 6))
    for wrong in ("0" * 64, token[:-1], "é"):
        with pytest.raises(NotFound):
            answers.hand_over_by_link(d.client, copy, wrong, at=soon(LATER, 7))
    ready = answers.look_at_copy(d.client, copy, token, at=LATER + 6 * DAY)
    assert (ready.ref, ready.until) == (made.ref, soon(LATER, 4) + 7 * DAY)
    assert answers.hand_over_by_link(d.client, copy, token, at=LATER + 6 * DAY).data == b"all"
    assert [entry.actor for entry in history(d, dana) if entry.kind == "privacy.disclosed"] == ["c"]
    end = soon(LATER, 4) + 7 * DAY
    for by_link in (answers.hand_over_by_link, answers.look_at_copy):
        with pytest.raises(answers.CopyGone):
            by_link(d.client, copy, token, at=end)
    assert answers.expire_copies(d.client, at=end - DAY) == 0
    assert answers.expire_copies(d.client, at=end) == 1
    with pytest.raises(answers.CopyGone):
        answers.hand_over(made.ref, actor=officer, at=LATER)
    with pytest.raises(TooLate):
        answers.keep_copy(made.ref, lambda _: b"more", actor=officer, at=end)


def test_a_copy_that_is_over_answers_nothing_and_only_what_asks_for_one_gets_one() -> None:
    d, officer, dana = at_work("EU")
    made, other = ask(d, dana), ask(d, dana, Right.RESTRICTION)
    known(d, dana, made.ref, officer)
    answers.keep_copy(made.ref, lambda _: b"all", actor=officer, at=soon(LATER, 4))
    with pytest.raises(answers.CopyGone):
        answers.answer(made.ref, actor=officer, at=LATER + 8 * DAY)
    with pytest.raises(TooLate):
        answers.keep_copy(other.ref, lambda _: b"all", actor=officer, at=soon(LATER, 4))


def erased(d: Desk, dana: SubjectId, at: datetime, *classes: str) -> datetime:
    vouch(d, dana, at)
    how = flow.How(reason="data_subject_request", channel=Channel.PHONE)
    made = flow.request_erasure(dana, how, classes=classes or ["everything"], actor=d.ben, at=soon(at, 0.2))
    flow.approve({made.ref: made.digest}, actor=d.ines, at=soon(at)).one()
    due = soon(at) + 8 * DAY
    assert flow.apply_due(d.client, at=due) == 1
    assert flow.forget_on(d.client, at=due + 2 * DAY) == 1
    return due + 2 * DAY


def test_with_the_person_go_the_copies_and_what_was_written_and_the_request_can_still_be_answered() -> None:
    d, officer, dana = at_work("EU")
    copied, erasure = ask(d, dana, note="a secret word"), ask(d, dana, Right.ERASURE)
    known(d, dana, copied.ref, officer)
    asks.identify(erasure.ref, actor=officer, at=soon(LATER, 3))
    answers.keep_copy(copied.ref, lambda _: b"all", actor=officer, at=soon(LATER, 4))
    end = erased(d, dana, soon(LATER, 10))
    linked = next(entry.facts["ref"] for entry in history(d, dana) if entry.facts.get("kind") == "erasure")
    answers.link(erasure.ref, str(linked), actor=officer, at=end)
    assert answers.answer(erasure.ref, actor=officer, at=end).state == "answered"
    with look(d.client) as seen:
        copy = subject_requests.copy_of(seen, of(d, copied.ref))
        assert copy is not None
        assert copy.sealed is None
        assert subject_requests.open_copy(seen, stands(d, dana), copy) is None
        assert [note.text for note in subject_requests.notes_of(seen, of(d, copied.ref), stands(d, dana))] == [""]
    with pytest.raises(Gone):
        answers.refuse(copied.ref, "withdrawn", note="erased", actor=officer, at=end)
    with pytest.raises(Gone):
        answers.keep_copy(copied.ref, lambda _: b"all", actor=officer, at=end)
    with pytest.raises(Gone):
        ask(d, dana, at=end)


def test_a_statement_outlives_the_erasure_of_something_else() -> None:
    d, officer, dana = at_work("AU")
    copied, made = ask(d, dana), ask(d, dana, Right.RECTIFICATION)
    known(d, dana, copied.ref, officer)
    answers.keep_copy(copied.ref, lambda _: b"all", actor=officer, at=soon(LATER, 4))
    answers.refuse(made.ref, "accurate_and_complete", note="it is so", actor=officer, at=soon(LATER, 4))
    answers.state_disagreement(made.ref, "it is not so", actor=officer, at=soon(LATER, 5))
    erased(d, dana, soon(LATER, 10), "personal")
    with look(d.client) as seen:
        assert [one.text for one in subject_requests.statements(seen, stands(d, dana))] == ["it is not so"]
        copy = subject_requests.copy_of(seen, of(d, copied.ref))
        assert copy is not None
        assert copy.sealed is None
