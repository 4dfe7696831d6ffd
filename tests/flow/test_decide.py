"""Consent, the second pair of eyes, staleness, ways out and pauses."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.cast import Desk, key, soon, staff
from tests.flow.walk import (
    EMAIL,
    LATER,
    POST,
    URL,
    agree,
    arrive,
    ask,
    done,
    history,
    holds,
    kinds,
    prove,
    ready,
    record,
    request_of,
    stands,
    vouch,
)  # fmt: skip

from changedesk import flow
from changedesk.base.actor import Actor, Channel, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import configure
from changedesk.flow.asking import ReasonUnknown
from changedesk.flow.decide import ReasonMissing
from changedesk.flow.ending import InThePast
from changedesk.flow.named import Moved, TooLate
from changedesk.rules.consent import WayUnknown, WordingUnknown, WrongStatement
from changedesk.store import evidence, hand
from changedesk.store.tx import look


def _refusal(outcome: object, ref: str) -> str:
    return outcome.refused[ref].code  # type: ignore[attr-defined, no-any-return]


def _before_consent(d: Desk, dana: SubjectId) -> flow.Receipt:
    vouch(d, dana, LATER)
    asked = ask(d, dana, POST, at=LATER)
    assert asked.state == "awaiting_consent"
    return asked


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"way": "nodded"}, WayUnknown),
        ({"statement": "marketing"}, WrongStatement),
        ({"version": 99}, WordingUnknown),
        ({"language": "xx"}, WordingUnknown),
    ],
)
def test_a_consent_names_wording_and_language(
    d: Desk, dana: SubjectId, given: dict[str, object], refusal: type[Exception]
) -> None:
    asked = _before_consent(d, dana)
    right = flow.Agreement(ref=asked.ref, statement="change_of_record", version=1, language="en", way="read_aloud")
    with pytest.raises(refusal):
        flow.record_consents([replace(right, **given)], actor=d.ben, at=LATER).one()  # type: ignore[arg-type]
    assert "consent.recorded" not in kinds(d, dana)


def test_a_consent_is_recorded_once_with_the_words_and_where_its_proof_lies(d: Desk, dana: SubjectId) -> None:
    asked = _before_consent(d, dana)
    agreed = flow.Agreement(
        ref=asked.ref, statement="change_of_record", version=1, language="de", way="read_aloud",
        evidence_text="recording 17",
    )  # fmt: skip
    for _ in range(2):
        flow.record_consents([agreed], actor=d.ben, at=LATER).one()
    entries = [entry for entry in history(d, dana) if entry.kind.value == "consent.recorded"]
    assert [entry.facts["language"] for entry in entries] == ["de"]
    with look(d.client) as seen:
        (given,) = evidence.consents_of(seen, [asked.request])
        assert evidence.open_text(seen, stands(d, dana).key, asked.request, given.evidence_ct) == "recording 17"
        assert evidence.open_text(seen, None, asked.request, given.evidence_ct) == ""
    flow.cancel(asked.ref, reason="duplicate_account", seen_version=None, actor=d.ben, at=LATER)
    with pytest.raises(TooLate):
        flow.record_consents([agreed], actor=d.ben, at=LATER).one()


def test_nobody_approves_what_they_entered(d: Desk, dana: SubjectId) -> None:
    both = staff(d.client, 1, Role.AGENT, Role.SUPERVISOR)
    asked = ready(d, dana)
    assert _refusal(flow.approve({asked.ref: asked.digest}, actor=both, at=LATER), asked.ref) == "same-hand"


def test_nobody_approves_what_a_key_of_their_making_entered(d: Desk, dana: SubjectId) -> None:
    both = staff(d.client, 6, Role.ADMINISTRATOR, Role.SUPERVISOR, team="four")
    made = configure.create_key(
        "loop", ["requests:write"], entry_point="loop", expires_at=soon(LATER, 60), actor=both, at=LATER
    )
    loop = key(d.client, "requests:write", number=made.id)
    vouch(d, dana, LATER, agent=loop)
    asked = agree(d, ask(d, dana, POST, at=soon(LATER), agent=loop), soon(LATER, 2), agent=loop)
    refused = flow.approve({asked.ref: asked.digest}, actor=both, at=soon(LATER, 4))
    assert _refusal(refused, asked.ref) == "same-hand"
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4)).one().state == "applied"


def test_an_agent_approves_nothing(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    with pytest.raises(Forbidden):
        flow.approve({asked.ref: asked.digest}, actor=d.sofia, at=LATER)


def test_where_teams_are_kept_apart_the_makers_team_does_not_approve(d: Desk) -> None:
    eve = d.customer(contact__phone_mobile=None)  # one factor within reach: two approvers, of other teams
    vouch(d, eve, LATER)
    asked = ask(d, eve, at=LATER)
    arrive(d, asked, soon(LATER))
    asked = agree(d, asked, soon(LATER, 2))
    assert asked.state == "awaiting_approval"
    mate = staff(d.client, 9, Role.SUPERVISOR, team="one")
    assert _refusal(flow.approve({asked.ref: asked.digest}, actor=mate, at=soon(LATER, 3)), asked.ref) == "same-team"
    first = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 3)).one()
    assert first.state == "awaiting_approval"
    again = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4))
    assert _refusal(again, asked.ref) == "already-decided"
    assert flow.approve({asked.ref: asked.digest}, actor=d.omar, at=soon(LATER, 5)).one().state == "applied"


@pytest.mark.parametrize("digest", ["", "00", "zz", "0" * 64])
def test_only_the_content_that_was_seen_is_approved(d: Desk, dana: SubjectId, digest: str) -> None:
    asked = ready(d, dana)
    assert _refusal(flow.approve({asked.ref: digest}, actor=d.ines, at=LATER), asked.ref) == "different-content"
    assert holds(d, dana, "contact.email") == "dana@old.example"


def test_a_reference_may_be_typed_as_it_is_heard(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    heard = asked.ref.replace("-", " ").lower()
    outcome = flow.approve(
        {heard: asked.digest, "nonsense": "00", "22222-22222-2": "00"}, actor=d.ines, at=soon(LATER, 4)
    )
    assert outcome.done[0].state == "applied"
    assert {ref: refusal.code for ref, refusal in outcome.refused.items()} == {
        "nonsense": "not-found", "22222-22222-2": "not-found",
    }  # fmt: skip
    late = flow.approve({heard: asked.digest}, actor=d.omar, at=soon(LATER, 5))
    assert _refusal(late, heard) == "too-late"


def test_a_retried_approval_says_again_what_was_done_and_looks_at_the_rest(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana, note="for the file")
    seen = [
        flow.Approval(ref=ref, digest=asked.digest, note="looks right", key=flow.Once(ref, b"x"))
        for ref in ("nonsense", asked.ref, asked.ref.lower())
    ]
    first, again = (flow.approve_each(seen, actor=d.ines, at=soon(LATER, minute)) for minute in (4, 5))
    assert [receipt.change for receipt in again.done] == [first.done[0].change]
    assert again.done[0].replayed
    assert {place: refusal.code for place, refusal in first.refused.items()} == {0: "not-found", 2: "too-late"}
    assert {place: refusal.code for place, refusal in again.refused.items()} == {0: "not-found", 2: "already-decided"}
    with look(d.client) as seen_:
        (decision,) = hand.read(seen_, [asked.request], [], since=LATER, now=LATER).decisions
        assert evidence.open_text(seen_, stands(d, dana).key, asked.request, decision.note_ct) == "looks right"


def test_a_no_has_a_reason_and_ends_the_request(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    for reason, message in (("", "x"), ("other", " ")):
        with pytest.raises(ReasonMissing):
            flow.reject(asked.ref, seen_version=None, reason=reason, message=message, actor=d.ines, at=LATER)
    with pytest.raises(ReasonMissing):
        flow.ask_information(asked.ref, seen_version=None, message="", actor=d.ines, at=LATER)
    ended = flow.reject(
        asked.ref, seen_version=asked.version, reason="suspected_fraud", message="No.", actor=d.ines, at=LATER
    )
    assert (ended.state, ended.customer_word) == ("rejected", "declined")
    with pytest.raises(TooLate):
        flow.reject(asked.ref, seen_version=None, reason="suspected_fraud", message="No.", actor=d.ines, at=LATER)
    with pytest.raises(TooLate):
        flow.ask_information(asked.ref, seen_version=None, message="No.", actor=d.ines, at=LATER)
    assert ask(d, dana, at=soon(LATER, 5)).state != "rejected"  # its field is free again


def test_a_question_waits_with_the_request(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    waits = flow.ask_information(asked.ref, seen_version=None, message="Which house?", actor=d.ines, at=soon(LATER, 4))
    assert (waits.state, waits.digest) == ("awaiting_information", asked.digest)
    proposal = request_of(d, asked.ref).proposal
    assert proposal is not None
    assert proposal.message == "Which house?"
    revised = flow.revise(
        asked.ref, EMAIL, seen_version=waits.version, actor=d.ben, at=soon(LATER, 5), note="the blue one"
    )
    assert revised.state == "awaiting_verification"


def test_a_record_that_moved_in_a_field_of_the_request_makes_it_stale(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    record(d, dana, {"contact.email": "else@where.example"}, at=soon(LATER, 4))
    after = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 5)).one()
    assert after.state == "stale"
    assert holds(d, dana, "contact.email") == "else@where.example"
    stale = next(entry for entry in history(d, dana) if entry.kind.value == "request.stale")
    assert stale.facts["moved"] == ["contact.email"]


def test_a_record_that_moved_elsewhere_is_no_matter(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    record(d, dana, {"personal.gender": "female"}, at=soon(LATER, 4))
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 5)).one().state == "applied"


def test_the_same_value_set_again_counts_as_moved(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    record(d, dana, {"contact.email": "x@y.example"}, at=soon(LATER, 4))
    record(d, dana, {"contact.email": "dana@old.example"}, at=soon(LATER, 4))
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 5)).one().state == "stale"


def test_the_day_that_was_asked_for_is_kept(d: Desk, dana: SubjectId) -> None:
    day = LATER + timedelta(days=5)
    asked = ready(d, dana, effective_at=day)
    scheduled = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4)).one()
    assert scheduled.state == "scheduled"
    assert flow.apply_due(d.client, at=day - timedelta(seconds=1)) == 0
    moved = flow.reschedule(
        asked.ref, effective_at=day + timedelta(days=1), seen_version=scheduled.version, actor=d.ines, at=soon(LATER, 5)
    )
    assert flow.apply_due(d.client, at=day) == 0
    with pytest.raises(InThePast):
        flow.reschedule(asked.ref, effective_at=LATER, seen_version=None, actor=d.ines, at=LATER)
    assert flow.apply_due(d.client, at=day + timedelta(days=1)) == 1
    assert holds(d, dana, "contact.email") == "dana@new.example"
    with pytest.raises(TooLate):
        flow.reschedule(asked.ref, effective_at=day + timedelta(9), seen_version=None, actor=d.ines, at=day)
    assert moved.state == "scheduled"


def test_a_day_may_be_brought_forward(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana, effective_at=LATER + timedelta(days=5))
    with pytest.raises(TooLate):
        flow.apply_now(asked.ref, seen_version=None, actor=d.ines, at=soon(LATER, 4))
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4))
    with pytest.raises(Forbidden):
        flow.apply_now(asked.ref, seen_version=None, actor=d.ben, at=soon(LATER, 5))
    assert flow.apply_now(asked.ref, seen_version=None, actor=d.ines, at=soon(LATER, 5)).state == "applied"


def test_what_is_held_waits_for_its_end_or_its_release(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    with pytest.raises(InThePast):
        flow.hold(asked.ref, reason="other", until=LATER, seen_version=None, actor=d.ines, at=LATER)
    until = LATER + timedelta(days=1)
    held = flow.hold(
        asked.ref, reason="other", until=until, seen_version=asked.version, actor=d.ines, at=soon(LATER, 4)
    )
    assert held.state == "on_hold"
    assert _refusal(flow.approve({asked.ref: asked.digest}, actor=d.omar, at=soon(LATER, 5)), asked.ref) == "too-late"
    assert flow.apply_due(d.client, at=until - timedelta(seconds=1)) == 0
    assert flow.apply_due(d.client, at=until) == 1
    assert request_of(d, asked.ref).state == "awaiting_approval"  # nobody has approved it yet
    endless = flow.hold(asked.ref, reason="other", until=None, seen_version=None, actor=d.ines, at=until)
    assert flow.apply_due(d.client, at=until + timedelta(days=999)) == 0
    back = flow.release(asked.ref, seen_version=endless.version, actor=d.ines, at=soon(until))
    assert back.state == "awaiting_approval"
    for verb in (flow.release,):
        with pytest.raises(TooLate):
            verb(asked.ref, seen_version=None, actor=d.ines, at=soon(until))


def test_a_scheduled_request_that_was_held_and_released_goes_on(d: Desk, dana: SubjectId) -> None:
    day = LATER + timedelta(days=5)
    asked = ready(d, dana, effective_at=day)
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4))
    flow.hold(asked.ref, reason="other", until=None, seen_version=None, actor=d.ines, at=soon(LATER, 5))
    assert flow.release(asked.ref, seen_version=None, actor=d.ines, at=soon(LATER, 6)).state == "scheduled"
    flow.hold(asked.ref, reason="other", until=None, seen_version=None, actor=d.ines, at=soon(LATER, 7))
    assert flow.release(asked.ref, seen_version=None, actor=d.ines, at=day).state == "applied"
    with pytest.raises(TooLate):
        flow.hold(asked.ref, reason="other", until=None, seen_version=None, actor=d.ines, at=day)


def test_what_waits_too_long_expires(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    assert flow.expire_due(d.client, at=LATER + timedelta(days=7) - timedelta(seconds=1)) == 0
    assert flow.expire_due(d.client, at=LATER + timedelta(days=7)) == 1
    assert flow.expire_due(d.client, at=LATER + timedelta(days=7)) == 0
    assert request_of(d, asked.ref).state == "expired"
    assert kinds(d, dana)[-1] == "request.expired"


@pytest.mark.parametrize("verb", ["withdraw", "cancel"])
def test_a_request_can_be_ended_until_it_is_applied(d: Desk, dana: SubjectId, verb: str) -> None:
    more = {"reason": "duplicate_account"} if verb == "cancel" else {}
    asked = ready(d, dana)
    with pytest.raises(Moved):
        getattr(flow, verb)(asked.ref, seen_version=asked.version - 1, actor=d.ben, at=LATER, **more)
    key = flow.Once("end-1", b"x")
    ended = getattr(flow, verb)(asked.ref, seen_version=asked.version, actor=d.ben, at=LATER, key=key, **more)
    again = getattr(flow, verb)(asked.ref, seen_version=asked.version, actor=d.ben, at=LATER, key=key, **more)
    assert (ended.customer_word, again.replayed, again.version) == ("cancelled", True, ended.version)
    with pytest.raises(TooLate):
        getattr(flow, verb)(asked.ref, seen_version=None, actor=d.ben, at=LATER, **more)
    with pytest.raises(NotFound):
        getattr(flow, verb)("nonsense", seen_version=None, actor=d.ben, at=LATER, **more)


def test_a_key_of_one_call_is_not_the_key_of_another(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=LATER, key=flow.Once("k", b"one"))
    with pytest.raises(Exception, match="idempotency-other-body"):
        flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=LATER, key=flow.Once("k", b"two"))


def test_a_hold_that_the_change_itself_places_blocks_what_it_names(d: Desk, dana: SubjectId) -> None:
    done(d, dana)
    with look(d.client) as seen:
        (hold,) = evidence.active_holds(seen, [dana], now=LATER + timedelta(hours=1))
    assert set(hold.blocks) >= {"reset", "payout"}
    assert hold.rule.startswith("FLOOR-REACH")


def test_fifty_requests_of_fifty_customers_are_approved_at_once(d: Desk) -> None:
    asked = []
    for number in range(5):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        asked.append(ready(d, eve, values=POST))
    outcome = flow.approve({one.ref: one.digest for one in asked}, actor=d.ines, at=soon(LATER, 5))
    assert [receipt.state for receipt in outcome.done] == ["applied"] * 5


def test_a_consent_alone_does_not_carry_an_unproved_change(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, POST, at=LATER)
    assert agree(d, asked, LATER).state == "awaiting_verification"
    assert prove(d, asked, soon(LATER)).state == "awaiting_approval"


def test_a_request_about_an_unclaimed_field_goes_straight_through(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    assert ask(d, dana, URL, at=LATER).state == "applied"
    assert isinstance(d.ben, Actor)
    assert Channel.PHONE


@pytest.mark.parametrize("verb", ["cancel", "hold", "reject"])
def test_a_reason_is_one_of_the_clients_codes_and_no_sentence(d: Desk, dana: SubjectId, verb: str) -> None:
    asked = ready(d, dana)
    given: dict[str, dict[str, Any]] = {"cancel": {}, "hold": {"until": None}, "reject": {"message": "No."}}
    for reason in ("disputed", "Dana called twice"):
        with pytest.raises(ReasonUnknown):
            getattr(flow, verb)(
                asked.ref, reason=reason, seen_version=None, actor=d.ines, at=soon(LATER, 5), **given[verb]
            )
    assert request_of(d, asked.ref).state.value == asked.state
