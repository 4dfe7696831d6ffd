"""Data-subject requests: every step in the history, every answer told, the clocks of the law, and what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from tests.cast import START, soon
from tests.flow.join import merged_now
from tests.flow.subject import DAY, ask, at_work, copy_id, facts, known, of, told
from tests.flow.walk import LATER, code_to, history, kinds, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import subject_answer as answers
from changedesk.flow import subject_request as asks
from changedesk.flow.named import TooLate
from changedesk.flow.parties import MergedAway
from changedesk.flow.subject_steps import Handled, IdentityUnverified, NoteMissing
from changedesk.rules.answering import ExtendedBefore, PauseNotGiven
from changedesk.rules.rights import Right
from changedesk.store import subject_requests
from changedesk.store.tx import look


@pytest.fixture(autouse=True)
def journal(database: Database, settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def test_a_request_is_received_acknowledged_identified_and_answered_with_a_copy_and_all_of_it_is_history() -> None:
    d, officer, dana = at_work("EU", "DE")
    made = ask(d, dana, received_at=LATER - 2 * DAY, note="asks for everything since 2020")
    assert (made.state, made.due_rule) == ("open", "EU-GDPR-12")
    assert made.due_at.date() == datetime(2026, 4, 3, tzinfo=UTC).date()
    asks.acknowledge(made.ref, actor=d.ben, at=LATER)
    known(d, dana, made.ref, officer)
    answers.keep_copy(made.ref, lambda _: b"all of it", actor=officer, at=soon(LATER, 3))
    closed = answers.answer(made.ref, actor=officer, at=soon(LATER, 4))
    assert closed.state == "answered"
    taken = answers.hand_over(made.ref, actor=officer, at=soon(LATER, 5))
    assert (taken.data, repr(taken)) == (b"all of it", f"Handover({made.ref})")
    steps = [kind for kind in kinds(d, dana) if kind.startswith("privacy.")]
    assert steps == [
        "privacy.received", "privacy.acknowledged", "privacy.identified", "privacy.answered", "privacy.disclosed",
    ]  # fmt: skip
    assert facts(d, dana, "privacy.answered")["copy"] == str(copy_id(d, made.ref))
    assert facts(d, dana, "privacy.received")["rules"] == [["EU-GDPR-12", 1]]
    assert "since 2020" not in str([entry.facts for entry in history(d, dana)])
    with look(d.client) as seen:
        (note,) = subject_requests.notes_of(seen, of(d, made.ref), stands(d, dana))
    assert (note.step, note.text) == ("received", "asks for everything since 2020")
    assert "since 2020" not in repr(note)


def test_the_person_is_told_every_answer_in_words_with_the_day_and_the_link() -> None:
    d, officer, dana = at_work("EU")
    made = ask(d, dana)
    asks.acknowledge(made.ref, actor=d.ben, at=LATER)
    asks.doubt(made.ref, "the voice was that of a child", actor=officer, at=LATER)
    asks.extend(made.ref, "complex", note="eleven systems", actor=officer, at=LATER)
    known(d, dana, made.ref, officer)
    answers.keep_copy(made.ref, lambda _: b"all", actor=officer, at=soon(LATER, 3))
    answers.answer(made.ref, actor=officer, at=soon(LATER, 4))
    box = told(d)
    assert [event for event, channel, _ in box if channel == "email"] == [
        "privacy_received", "privacy_asked", "privacy_extended", "privacy_answered",
    ]  # fmt: skip
    assert {channel for _, channel, _ in box} == {"email", "sms"}
    bodies = {event: body for event, channel, body in box if channel == "email"}
    assert all(made.ref in body for body in bodies.values())
    assert "a copy of your data" in bodies["privacy_received"]
    assert "April 5, 2026" in bodies["privacy_received"]
    assert "it is complex" in bodies["privacy_extended"]
    assert "June 5, 2026" in bodies["privacy_extended"]
    assert "child" not in str(box)
    assert "eleven" not in str(box)
    assert "/p/aurora/copy/" in bodies["privacy_answered"]


def test_whoever_was_told_in_the_conversation_gets_no_notice_of_it() -> None:
    d, _, dana = at_work("US", "US-CA")
    made = ask(d, dana, Right.ERASURE)
    one = of(d, made.ref)
    assert one.ack_by is not None
    assert one.ack_by - one.received_at < 15 * DAY
    asks.acknowledge(made.ref, spoken=True, actor=d.ben, at=LATER)
    with pytest.raises(TooLate):
        asks.acknowledge(made.ref, actor=d.ben, at=LATER)
    assert told(d) == []


def test_nothing_is_answered_before_the_person_is_known_by_the_ways_of_every_caller() -> None:
    d, officer, dana = at_work("EU")
    made = ask(d, dana)
    acts: list[Callable[[], object]] = [
        lambda: answers.answer(made.ref, actor=officer, at=LATER),
        lambda: answers.keep_copy(made.ref, lambda _: b"all", actor=officer, at=LATER),
        lambda: asks.identify(made.ref, actor=officer, at=LATER),
    ]
    for act in acts:
        with pytest.raises(IdentityUnverified) as refused:
            act()
        assert refused.value.data == {"level": 0, "needed": 2}
    started = flow.challenge(
        dana, purpose="caller", method="code_email", path="contact.email", actor=officer, at=soon(LATER)
    )  # fmt: skip
    flow.confirm(started.id, code_to(d), actor=officer, at=soon(LATER))
    asks.identify(made.ref, actor=officer, at=LATER + 3 * DAY)
    assert (of(d, made.ref).identity_level, of(d, made.ref).level) == (2, 2)


def test_what_was_proved_long_before_the_request_or_at_an_address_since_changed_counts_for_nothing() -> None:
    d, officer, dana = at_work("EU")
    vouch(d, dana, LATER - timedelta(hours=2))
    made = ask(d, dana)
    with pytest.raises(IdentityUnverified):
        asks.identify(made.ref, actor=officer, at=soon(LATER))
    started = flow.challenge(
        dana, purpose="caller", method="code_email", path="contact.email", actor=officer, at=soon(LATER)
    )  # fmt: skip
    flow.confirm(started.id, code_to(d), actor=officer, at=soon(LATER))
    change = flow.FieldChange(path="contact.email", new="other@old.example")
    flow.record_changes([flow.RecordedChange(subject=dana, changes=[change])], actor=d.crm, at=soon(LATER, 2)).one()
    with pytest.raises(IdentityUnverified):
        asks.identify(made.ref, actor=officer, at=soon(LATER, 3))
    vouch(d, dana, soon(LATER, 4))
    asks.identify(made.ref, actor=officer, at=soon(LATER, 5))
    asks.doubt(made.ref, "another voice called again", actor=officer, at=soon(LATER, 6))
    with pytest.raises(IdentityUnverified):
        answers.answer(made.ref, actor=officer, at=soon(LATER, 7))


def test_the_database_itself_refuses_an_answer_to_somebody_unknown(database: Database) -> None:
    d, _, dana = at_work("EU")
    made = ask(d, dana)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SELECT set_config('changedesk.client', %s, true)", [str(d.client)])
        with pytest.raises(errors.CheckViolation), connection.transaction():
            connection.execute(
                "UPDATE desk.subject_request SET version = 2, state = 'answered', outcome = 'whole', closed_at = now()"
                " WHERE ref = %s", [made.ref],
            )  # fmt: skip
        for what in ("received_at = received_at + interval '1 day'", "level = 0", "state = 'open'"):
            with pytest.raises(psycopg.Error, match=r"asked|forward"), connection.transaction():
                connection.execute(f"UPDATE desk.subject_request SET {what} WHERE ref = %s", [made.ref])


def test_more_time_is_taken_once_and_the_clock_of_the_law_says_until_when() -> None:
    d, officer, dana = at_work("US", "US-CA")
    made = ask(d, dana, Right.ERASURE)
    assert made.due_rule == "US-CA-7021"
    with pytest.raises(asks.ReasonUnknown):
        asks.extend(made.ref, "holiday", actor=officer, at=LATER)
    longer = asks.extend(made.ref, "numerous", actor=officer, at=LATER + 44 * DAY)
    assert (longer.due_at - made.due_at).days in (44, 45)
    with pytest.raises(ExtendedBefore):
        asks.extend(made.ref, "numerous", actor=officer, at=LATER + 45 * DAY)


def test_the_british_clock_stops_while_the_person_is_asked_and_no_other_does() -> None:
    d, officer, dana = at_work("GB")
    made = ask(d, dana)
    asks.pause(made.ref, "clarification", note="which account?", actor=officer, at=LATER + 2 * DAY)
    with pytest.raises(asks.StoppedBefore):
        asks.pause(made.ref, "identity", actor=officer, at=LATER + 3 * DAY)
    assert of(d, made.ref).stopped
    resumed = asks.resume(made.ref, actor=officer, at=LATER + 9 * DAY)
    assert (resumed.due_at - made.due_at).days == 7
    with pytest.raises(asks.NotStopped):
        asks.resume(made.ref, actor=officer, at=LATER + 9 * DAY)
    asks.pause(made.ref, "identity", actor=officer, at=LATER + 10 * DAY)
    known(d, dana, made.ref, officer, at=LATER + 12 * DAY)
    after = of(d, made.ref)
    assert not after.stopped, "the answer to the question lets the clock go on"
    assert (after.due_at - made.due_at).days == 9
    asks.pause(made.ref, "clarification", actor=officer, at=LATER + 13 * DAY)
    answers.refuse(made.ref, "withdrawn", note="did not say which", actor=officer, at=LATER + 14 * DAY)
    assert not of(d, made.ref).stopped
    with pytest.raises(TooLate):
        asks.pause(made.ref, "identity", actor=officer, at=LATER)
    with pytest.raises(TooLate):
        asks.extend(made.ref, "complex", actor=officer, at=LATER)


def test_where_a_law_does_not_stop_the_clock_it_goes_on() -> None:
    d, officer, dana = at_work("GB", "EU")
    both = ask(d, dana)
    with pytest.raises(PauseNotGiven) as refused:
        asks.pause(both.ref, "clarification", actor=officer, at=LATER)
    assert refused.value.data["rule"] == "EU-GDPR-12"
    london = ask(d, dana, jurisdictions=["GB"])
    asks.pause(london.ref, "clarification", actor=officer, at=LATER)
    assert "privacy.paused" in kinds(d, dana)
    assert of(d, london.ref).jurisdictions == ("GB",)
    with pytest.raises(asks.PlaceUnknown) as unknown:
        ask(d, dana, jurisdictions=["BR"])
    assert unknown.value.data["jurisdictions"] == ["EU", "GB"]


def test_a_merged_record_leads_to_the_one_where_its_requests_belong() -> None:
    d, _, dana = at_work("EU")
    kim = d.customer(personal__name="Kim Novak")
    merged_now(d, kim, dana)
    with pytest.raises(MergedAway) as refused:
        ask(d, kim, at=LATER + 9 * DAY)
    assert refused.value.data == {"into": str(dana)}


def test_what_was_never_received_or_is_nobodys_is_refused() -> None:
    d, officer, dana = at_work("EU")
    with pytest.raises(asks.ReceivedLater):
        ask(d, dana, received_at=LATER + DAY)
    with pytest.raises(NotFound):
        ask(d, SubjectId(uuid4()))
    with pytest.raises(NotFound):
        asks.acknowledge("ABCDE-FGHJK-2", actor=officer, at=LATER)
    made = ask(d, dana)
    with pytest.raises(NoteMissing):
        asks.doubt(made.ref, " ", actor=officer, at=LATER)


def test_a_customer_asks_for_themselves_and_decides_nothing() -> None:
    d, _, dana = at_work("EU")
    kim = d.customer(contact__email="kim@old.example")
    herself = Actor(d.client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "portal", subject=dana)
    made = asks.receive(dana, Right.ACCESS, channel=Channel.WEB_PORTAL, actor=herself, at=LATER)
    for act in (
        lambda: asks.receive(kim, Right.ACCESS, channel=Channel.WEB_PORTAL, actor=herself, at=LATER),
        lambda: asks.acknowledge(made.ref, actor=herself, at=LATER),
        lambda: answers.answer(made.ref, actor=herself, at=LATER),
        lambda: answers.answer(made.ref, actor=d.ben, at=LATER),
        lambda: answers.hand_over(made.ref, actor=d.otto, at=LATER),
    ):
        with pytest.raises(Forbidden):
            act()


def test_whoever_lives_in_a_state_lives_in_its_country() -> None:
    d, _, dana = at_work("US", "US-CA", "EU")
    made = ask(d, dana, Right.OPT_OUT, jurisdictions=["US-CA"])
    assert of(d, made.ref).jurisdictions == ("US", "US-CA")
    assert made.due_rule == "US-CANSPAM"


def test_a_retried_step_is_done_once() -> None:
    d, officer, dana = at_work("EU")
    first = ask(d, dana, key=flow.Once("one", b""))
    assert ask(d, dana, key=flow.Once("one", b"")) == Handled(
        first.ref, first.state, first.version, first.due_at, first.due_rule, replayed=True
    )
    once = flow.Once("two", b"")
    done_ = asks.extend(first.ref, "archived", actor=officer, at=soon(START, 60 * 24 * 3), key=once)
    again = asks.extend(first.ref, "archived", actor=officer, at=LATER + 60 * DAY, key=once)
    assert (again.due_at, again.replayed, again.version) == (done_.due_at, True, 2)
    assert [kind for kind in kinds(d, dana) if kind == "privacy.extended"] == ["privacy.extended"]
