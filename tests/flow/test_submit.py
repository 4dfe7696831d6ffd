"""Asking: what is refused and why, what preview tells, what a revision voids."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cast import Desk, desk, soon
from tests.flow.walk import (
    EMAIL,
    LATER,
    POST,
    URL,
    agree,
    arrive,
    ask,
    code_to,
    done,
    history,
    holds,
    kinds,
    prove,
    ready,
    request_of,
    vouch,
    wish,
)  # fmt: skip
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.flow import asking
from changedesk.flow.asking import InteractionUnfit, KindDoesNotFit, NeedsAcknowledgement, Prohibited, ReasonUnknown
from changedesk.flow.named import Moved, TooLate
from changedesk.kinds import ManyBad, NoChange
from changedesk.rules.approval import SameHand
from changedesk.rules.conflict import FieldTaken
from changedesk.rules.holds import OnHold
from changedesk.rules.identity import CodeForOtherContent
from changedesk.rules.obligations import Prohibit
from changedesk.rules.policy import Rule, Scope
from changedesk.store import evidence
from changedesk.store.begin import begin
from changedesk.store.once import InFlight, OtherBody
from changedesk.store.settings_read import configuration


def test_what_is_so_already_is_no_change(d: Desk, dana: SubjectId) -> None:
    with pytest.raises(NoChange):
        ask(d, dana, {"contact.email": " Dana@OLD.example "}, at=LATER)
    assert kinds(d, dana) == ["customer.created", "factor.bound"]


def test_bad_values_are_refused_together_each_with_its_place(d: Desk, dana: SubjectId) -> None:
    values = {"contact.email": "dana@", "contact.phone_home": "12", "contact.nothing": "x", "personal.name": "Else"}
    with pytest.raises(ManyBad) as refused:
        ask(d, dana, values, at=LATER)
    errors = refused.value.data["errors"]
    assert isinstance(errors, list)
    assert {error["pointer"] for error in errors} == {
        "/contact.email", "/contact.phone_home", "/contact.nothing", "/personal.name",
    }  # fmt: skip


@pytest.mark.parametrize(("reason", "note"), [("because", ""), ("other", ""), ("other", "  ")])
def test_a_request_says_why(d: Desk, dana: SubjectId, reason: str, note: str) -> None:
    with pytest.raises(ReasonUnknown):
        ask(d, dana, at=LATER, reason=reason, note=note)


def test_a_concern_is_acknowledged_before_it_is_recorded(d: Desk, dana: SubjectId) -> None:
    minor = {"personal.birth_date": (LATER - timedelta(days=15 * 365)).date().isoformat()}
    given = wish(dana, minor, kind="personal_details")
    plan = flow.preview(given, actor=d.ben, at=LATER)
    assert [concern.code for concern in plan.concerns] == ["minor"]
    with pytest.raises(NeedsAcknowledgement) as refused:
        flow.submit([given], actor=d.ben, at=LATER).one()
    assert refused.value.data["concerns"] == [{"path": "personal.birth_date", "code": "minor"}]
    again = wish(dana, minor, kind="personal_details", acknowledged=["minor"])
    assert flow.submit([again], actor=d.ben, at=LATER).one().state == "awaiting_verification"


def test_a_field_that_another_request_would_set_is_taken(d: Desk, dana: SubjectId) -> None:
    first = ask(d, dana, at=LATER)
    second = wish(dana, {"contact.email": "other@new.example"})
    assert flow.preview(second, actor=d.sofia, at=LATER).conflicts == {"contact.email": first.ref}
    with pytest.raises(FieldTaken) as refused:
        flow.submit([second], actor=d.sofia, at=LATER).one()
    assert refused.value.data == {"reference": first.ref, "paths": ["contact.email"]}
    flow.withdraw(first.ref, seen_version=first.version, actor=d.ben, at=soon(LATER))
    assert flow.submit([second], actor=d.sofia, at=soon(LATER)).one().state == "awaiting_verification"


def test_one_refused_wish_leaves_the_rest_standing(d: Desk, dana: SubjectId) -> None:
    eve = d.customer(contact__email="eve@old.example")
    outcome = flow.submit(
        [wish(dana), wish(eve, {"contact.email": "eve@old.example"}), wish(eve, URL), wish(dana)], actor=d.ben, at=LATER
    )
    assert [receipt.subject for receipt in outcome.done] == [dana, eve]
    assert {place: type(refusal) for place, refusal in outcome.refused.items()} == {1: NoChange, 3: FieldTaken}


def test_an_unknown_customer_and_a_kind_that_is_not_of_accounts_are_refused(d: Desk, dana: SubjectId) -> None:
    account = flow.create_customers(
        [flow.NewCustomer(values={"personal.name": "Eve"}, accounts=[flow.NewAccount("A-1")])], actor=d.crm, at=LATER
    ).one().accounts[0]  # fmt: skip
    with pytest.raises(KindDoesNotFit):
        ask(d, account, at=LATER)
    with pytest.raises(NotFound):
        ask(d, SubjectId(uuid4()), at=LATER)


@pytest.mark.parametrize("kind", ["merge", "unmerge"])
def test_a_customer_brings_no_records_together(d: Desk, dana: SubjectId, kind: str) -> None:
    herself = Actor(d.client, ActorType.CUSTOMER, "c1", Channel.WEB_PORTAL, "portal", subject=dana)
    with pytest.raises(Forbidden):
        flow.submit([wish(dana, {"merge.into": str(uuid4())}, kind=kind)], actor=herself, at=LATER).one()


def test_an_auditor_asks_for_nothing(d: Desk, dana: SubjectId) -> None:
    with pytest.raises(Forbidden):
        ask(d, dana, at=LATER, agent=d.otto)


def test_a_customer_asks_for_themselves_only(database: Database) -> None:
    d = desk(jurisdictions=("DE",))
    dana = d.customer()
    eve = d.customer(contact__email="eve@old.example")
    me = Actor(d.client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "test", subject=eve)
    with pytest.raises(Forbidden):
        ask(d, dana, URL, at=LATER, agent=me, channel=Channel.WEB_PORTAL)
    mine = ask(d, eve, URL, at=LATER, agent=me, channel=Channel.WEB_PORTAL)
    assert mine.state == "applied"  # their own session is level 1
    other = ask(d, dana, at=LATER)
    with pytest.raises(NotFound):
        flow.withdraw(other.ref, seen_version=None, actor=me, at=LATER)


def test_a_retry_with_its_key_gets_the_first_answer(d: Desk, dana: SubjectId) -> None:
    key = flow.Once("order-7", b"body")
    first = ask(d, dana, at=LATER, once=key)
    again = ask(d, dana, at=soon(LATER), once=key)
    assert again.replayed
    assert again.ref == first.ref
    assert again.digest == first.digest
    with pytest.raises(OtherBody):
        ask(d, dana, at=LATER, once=flow.Once("order-7", b"other"))
    eve = d.customer(contact__email="eve@old.example")
    twice = flow.Once("order-8", b"body")
    outcome = flow.submit([wish(eve, once=twice), wish(eve, URL, once=twice)], actor=d.ben, at=LATER)
    assert len(outcome.done) == 1
    assert type(outcome.refused[1]) is InFlight


def test_a_refused_request_leaves_its_key_free(d: Desk, dana: SubjectId) -> None:
    key = flow.Once("order-7", b"body")
    with pytest.raises(NoChange):
        ask(d, dana, {"contact.email": "dana@old.example"}, at=LATER, once=key)
    assert not ask(d, dana, at=LATER, once=key).replayed


def test_a_revision_voids_code_consent_and_approval(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    revised = flow.revise(
        asked.ref, {"contact.email": "third@new.example"}, seen_version=asked.version, actor=d.ben, at=soon(LATER, 5)
    )
    assert (revised.state, revised.ref) == ("awaiting_verification", asked.ref)
    assert revised.digest != asked.digest
    prove(d, revised, soon(LATER, 16))  # the caller of before is not fresh, so one factor is all there is
    assert arrive(d, revised, soon(LATER, 17)).state == "awaiting_verification"
    vouch(d, dana, soon(LATER, 18))
    after = prove(d, revised, soon(LATER, 31))
    assert after.state == "awaiting_consent"
    assert agree(d, revised, soon(LATER, 32)).state == "awaiting_approval"
    late = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 33))
    assert late.refused[asked.ref].code == "different-content"


def test_a_code_dies_with_the_edited_request(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    asked = ask(d, dana, at=LATER)
    started = flow.challenge(
        dana, purpose="change", method="code_sms", path="contact.phone_mobile", ref=asked.ref, actor=d.ben, at=LATER
    )
    flow.revise(asked.ref, {"contact.email": "third@new.example"}, seen_version=None, actor=d.ben, at=soon(LATER))
    with pytest.raises(CodeForOtherContent):
        flow.confirm(started.id, code_to(d), actor=d.ben, at=soon(LATER))


def test_whoever_revises_is_the_maker_and_does_not_approve(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    asked = ask(d, dana, POST, at=LATER)
    vouch(d, dana, soon(LATER, 2), agent=d.ines)
    other = {"contact.postal_address": {**dict(POST["contact.postal_address"]), "lines": "2 Main Street"}}  # type: ignore[call-overload]
    flow.revise(asked.ref, other, seen_version=None, actor=d.ines, at=soon(LATER, 2))
    revised = agree(d, asked, soon(LATER, 2.5), agent=d.ines)
    assert revised.state == "awaiting_approval"
    refused = flow.approve({asked.ref: revised.digest}, actor=d.ines, at=soon(LATER, 3)).refused
    assert type(refused[asked.ref]) is SameHand
    # Nor does whoever entered it, by now a supervisor: what another has edited is still theirs.
    ben = replace(d.ben, roles=frozenset({Role.SUPERVISOR}))
    refused = flow.approve({asked.ref: revised.digest}, actor=ben, at=soon(LATER, 3)).refused
    assert type(refused[asked.ref]) is SameHand
    assert flow.approve({asked.ref: revised.digest}, actor=d.omar, at=soon(LATER, 3)).one().state == "applied"


def test_a_revision_needs_what_it_saw_and_a_field_that_is_free(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    other = ask(d, dana, URL, at=LATER)
    with pytest.raises(Moved):
        flow.revise(asked.ref, URL, seen_version=asked.version + 1, actor=d.ben, at=LATER)
    with pytest.raises(FieldTaken) as taken:
        flow.revise(asked.ref, URL, seen_version=None, actor=d.ben, at=LATER)
    assert taken.value.data["reference"] == other.ref
    flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=LATER)
    with pytest.raises(TooLate):
        flow.revise(asked.ref, EMAIL, seen_version=None, actor=d.ben, at=LATER)


def test_new_content_may_do_another_thing(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, {"contact.email": ""}, at=LATER)
    assert request_of(d, asked.ref).operation == "remove"
    flow.revise(asked.ref, EMAIL, seen_version=None, actor=d.ben, at=LATER)
    assert request_of(d, asked.ref).operation == "update"


def test_a_revision_keeps_the_note_and_the_legal_clock(d: Desk, dana: SubjectId) -> None:
    received = LATER - timedelta(hours=5)
    asked = ask(d, dana, at=LATER, note="moved house", received_at=received)
    flow.revise(asked.ref, {"contact.email": "x@new.example"}, seen_version=None, actor=d.ben, at=soon(LATER))
    now = request_of(d, asked.ref)
    assert now.received_at == received
    assert now.proposal is not None
    assert now.proposal.note == "moved house"


def _freeze(d: Desk, dana: SubjectId, *blocks: str) -> None:
    hold = evidence.Hold(
        id=__import__("uuid").uuid4(), subject_id=dana, request_id=None, blocks=blocks, rule="test", release="fraud",
        placed_by="a.test", starts_at=LATER, ends_at=LATER + timedelta(hours=72),
    )  # fmt: skip
    with begin(d.ben) as tx:
        evidence.place_holds(tx, [hold])


def test_a_frozen_record_takes_no_request_but_the_end_of_marketing(d: Desk, dana: SubjectId) -> None:
    waiting = ask(d, dana, at=LATER)
    _freeze(d, dana, "*")
    for verb in (
        lambda: ask(d, dana, URL, at=soon(LATER)),
        lambda: flow.preview(wish(dana, URL), actor=d.ben, at=soon(LATER)),
    ):
        with pytest.raises(OnHold):
            verb()
    with pytest.raises(OnHold):
        flow.revise(waiting.ref, {"contact.email": "x@new.example"}, seen_version=None, actor=d.ben, at=soon(LATER))
    record_marketing = {"pref.marketing_email": False}
    gone = ask(d, dana, record_marketing, kind="marketing_preferences", at=soon(LATER))
    assert gone.state == "applied"
    assert ask(d, dana, URL, at=LATER + timedelta(hours=73)).state == "awaiting_verification"


def test_a_hold_of_one_thing_stops_that_thing(d: Desk, dana: SubjectId) -> None:
    _freeze(d, dana, "contact.url")
    with pytest.raises(OnHold):
        ask(d, dana, URL, at=soon(LATER))
    assert ask(d, dana, at=soon(LATER)).state == "awaiting_verification"


def test_a_note_never_keeps_a_card_number(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER, note="card 4111 1111 1111 1111 was lost")
    proposal = request_of(d, asked.ref).proposal
    assert proposal is not None
    assert "4111" not in proposal.note


_ASKS = st.fixed_dictionaries(
    {},
    optional={
        "contact.email": st.sampled_from(["dana@old.example", "a@b.example", "no", None, ""]),
        "contact.phone_home": st.sampled_from(["+1 202 555 0188", "12", None]),
        "contact.phone_mobile": st.sampled_from(["+1 202 555 0143", "202-555-0199", None]),
        "contact.url": st.sampled_from(["https://dana.example", "ftp://x", None]),
        "contact.fax": st.sampled_from(["+1 202 555 0177", None]),
    },
)


@given(values=_ASKS, reason=st.sampled_from(["customer_request", "life_event", "nonsense"]), agent=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_preview_says_exactly_what_submit_does(
    database: Database,
    values: dict[str, object],
    reason: str,
    agent: bool,  # noqa: FBT001 - drawn
) -> None:
    database.clean()
    d = desk()
    dana = d.customer()
    given_ = wish(dana, values, reason=reason)
    actor = d.ben if agent else d.crm
    try:
        plan = flow.preview(given_, actor=actor, at=LATER)
    except Refusal as refusal:
        with pytest.raises(type(refusal)) as met:
            flow.submit([given_], actor=actor, at=LATER).one()
        assert met.value.data == refusal.data  # noqa: PT017 - whether it refuses is drawn; that both do is the promise
        return
    outcome = flow.submit([given_], actor=actor, at=LATER)
    if plan.concerns:
        assert type(outcome.refused[0]) is NeedsAcknowledgement
        return
    made = request_of(d, outcome.one().ref)
    assert made.proposal is not None
    assert dict(made.proposal.values) == dict(plan.after)
    assert (made.needs_level, made.needs_approvals, made.needs_consent) == (
        plan.route.level, plan.route.approvals, plan.route.consent,
    )  # fmt: skip
    assert made.route["rules"] == [list(pair) for pair in plan.route.rules]


def test_what_follows_from_a_change_is_previewed_and_applied_with_it(d: Desk, dana: SubjectId) -> None:
    kind = "marketing_preferences"
    topics = {"pref.marketing_email": True, "pref.marketing_frequency": "weekly"}
    values = {path: value for path, value in topics.items() if value is not None}
    flow.record_changes(
        [flow.RecordedChange(subject=dana, changes=[flow.FieldChange(path=p, new=v) for p, v in values.items()])],
        actor=d.crm, at=LATER,
    ).one()  # fmt: skip
    out = wish(dana, {"pref.marketing_email": False}, kind=kind)
    assert set(flow.preview(out, actor=d.ben, at=LATER).after) == set(topics)
    assert flow.submit([out], actor=d.ben, at=soon(LATER)).one().state == "applied"
    assert holds(d, dana, "pref.marketing_frequency") is None


def test_a_digest_of_other_content_is_another_digest(d: Desk, dana: SubjectId) -> None:
    first = done(d, dana)
    eve = d.customer(contact__email="eve@old.example")
    assert ask(d, eve, at=LATER).digest != first.digest


def test_what_a_rule_forbids_is_not_asked_for(d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch) -> None:
    known = configuration(d.client)
    scope = Scope(categories=frozenset({"contact.email"}))
    never = Rule("X-1", 1, "test", "a law", scope, (Prohibit("no_e_mail"),))
    monkeypatch.setattr(asking, "configuration", lambda _: replace(known, rules=(*known.rules, never)))
    with pytest.raises(Prohibited) as refused:
        ask(d, dana, at=LATER)
    assert refused.value.data == {"rule": "X-1", "until": None}
    assert ask(d, dana, POST, at=LATER).state


def test_who_acts_for_a_customer_and_in_which_call_is_kept(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, POST, at=LATER, requested_by="representative", on_behalf_of="r-7", interaction="call-12")
    facts = next(entry for entry in history(d, dana) if entry.kind.value == "request.submitted").facts
    assert (facts["on_behalf_of"], facts["interaction"]) == ("r-7", "call-12")
    assert request_of(d, asked.ref).interaction == "call-12"


def test_nothing_personal_is_kept_in_clear_as_the_reference_of_a_call(d: Desk, dana: SubjectId) -> None:
    """It outlives an erasure, unlike the note, which is sealed."""
    for said in ("Dana Novak rang", "dana@old.example", "+1 202 555 0143", "x" * 121):
        with pytest.raises(InteractionUnfit) as refused:
            ask(d, dana, POST, at=LATER, interaction=said)
        assert refused.value.data == {"path": "interaction"}
