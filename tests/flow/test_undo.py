"""Undoing a change without running over what came after it; and the link that stops first and asks after."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tests.cast import Desk, soon, staff
from tests.flow.join import merged_now
from tests.flow.test_transfer import given, transferred
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
from changedesk.base.ids import ChangeId, SubjectId, uuid7
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow.asking import NeedsAcknowledgement
from changedesk.flow.dispute import LinkExpired, ResolutionUnknown
from changedesk.flow.revert import Conflicts, NothingToRevert, NotRevertible
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.revert import Finding
from changedesk.rules.holds import OnHold
from changedesk.store import deliveries, evidence
from changedesk.store.begin import begin
from changedesk.store.tx import look

AGO = LATER + timedelta(days=2)


def _revert(
    d: Desk,
    change: ChangeId | None,
    choices: Mapping[str, str | tuple[str, object]] | None = None,
    *,
    actor: Actor | None = None,
) -> flow.Receipt:
    assert change is not None
    how = flow.How(reason="correction_of_error", channel=Channel.PHONE)
    return flow.revert(change, how, choices=choices or {}, actor=actor or d.ines, at=AGO)


def _findings(d: Desk, change: ChangeId | None) -> dict[str, Finding]:
    assert change is not None
    return {one.path: one.finding for one in flow.plan_revert(change, actor=d.ines, at=AGO).fields}


def test_an_undo_of_an_undo_is_a_change_again(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    change = ask(d, dana, URL, at=LATER).change
    vouch(d, dana, AGO, agent=d.ines)
    undone = _revert(d, change)
    assert (undone.state, holds(d, dana, "contact.url")) == ("applied", None)
    again = _revert(d, undone.change)
    assert (again.state, holds(d, dana, "contact.url")) == ("applied", URL["contact.url"])
    assert kinds(d, dana)[-1] == "change.reverted"


def test_what_stands_already_needs_no_undoing(d: Desk, dana: SubjectId) -> None:
    made = record(d, dana, URL, at=LATER)
    record(d, dana, {"contact.url": None}, at=soon(LATER))
    assert _findings(d, made.change) == {"contact.url": Finding.ALREADY}
    with pytest.raises(NothingToRevert):
        _revert(d, made.change)
    with pytest.raises(NothingToRevert):
        _revert(d, made.change, {"contact.url": "force"})


def test_a_later_change_is_a_conflict_that_a_person_settles(d: Desk, dana: SubjectId) -> None:
    made = record(d, dana, {**URL, "contact.fax": "+1 202 555 0177"}, at=LATER)
    later = record(d, dana, {"contact.url": "https://later.example/"}, at=soon(LATER))
    assert made.change is not None
    plan = flow.plan_revert(made.change, actor=d.ines, at=AGO)
    url = next(one for one in plan.fields if one.path == "contact.url")
    assert (url.finding, url.before, url.after, url.standing) == (
        Finding.CONFLICT, None, "https://dana.example/", "https://later.example/",
    )  # fmt: skip
    assert url.later == (later.change,)
    with pytest.raises(Conflicts) as refused:
        _revert(d, made.change)
    assert refused.value.data == {"paths": ["contact.url"]}
    kept = _revert(d, made.change, {"contact.url": "keep"})
    assert request_of(d, kept.ref).fields == ("contact.fax",)
    flow.withdraw(kept.ref, seen_version=None, actor=d.ines, at=AGO)
    forced = _revert(d, made.change, {"contact.url": "force"})
    assert request_of(d, forced.ref).fields == ("contact.fax", "contact.url")
    flow.withdraw(forced.ref, seen_version=None, actor=d.ines, at=AGO)
    custom = _revert(d, made.change, {"contact.url": ("custom", "https://third.example/")})
    proposal = request_of(d, custom.ref).proposal
    assert proposal is not None
    assert proposal.values["contact.url"] == "https://third.example/"


TYPED = {"contact.email": ("custom", "dana@gmial.com")}


def test_what_is_typed_into_an_undoing_is_checked_by_name_as_in_any_other_form(d: Desk, dana: SubjectId) -> None:
    made = record(d, dana, {"contact.email": "dana@second.example"}, at=LATER)
    assert made.change is not None
    how = flow.How(reason="correction_of_error", channel=Channel.PHONE)
    # The sign of the desk's own, sent by somebody else, names no concern.
    for named in ((), ("*",), ("minor",)):
        with pytest.raises(NeedsAcknowledgement) as refused:
            flow.revert(made.change, replace(how, acknowledged=named), choices=TYPED, actor=d.ines, at=AGO)
        concern = {"path": "contact.email", "code": "domain_typo", "suggestion": "gmail.com"}
        assert refused.value.data["concerns"] == [concern]
    asked = flow.revert(made.change, replace(how, acknowledged=("domain_typo",)), choices=TYPED, actor=d.ines, at=AGO)
    proposal = request_of(d, asked.ref).proposal
    assert proposal is not None
    assert list(proposal.acknowledged) == ["domain_typo"]


def test_what_stood_before_comes_back_without_a_word_beside_what_is_typed(d: Desk, dana: SubjectId) -> None:
    record(d, dana, {"contact.email": "dana@gmial.com"}, at=LATER)
    made = record(d, dana, {"contact.email": "dana@second.example", **URL}, at=soon(LATER))
    both = _revert(d, made.change, {"contact.url": ("custom", "https://third.example/")})
    proposal = request_of(d, both.ref).proposal
    assert proposal is not None
    assert dict(proposal.values) == {"contact.email": "dana@gmial.com", "contact.url": "https://third.example/"}


def test_what_is_no_change_of_values_is_not_undone(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    for entry in history(d, dana)[:2]:
        with pytest.raises(NotRevertible):
            _findings(d, entry.change)
    with pytest.raises(NotFound):
        _findings(d, ChangeId(uuid7()))
    made = record(d, dana, {"personal.gender": "female", "contact.fax": "+1 202 555 0177"}, at=LATER)
    with pytest.raises(NotRevertible) as refused:
        _findings(d, made.change)
    assert refused.value.data == {"why": "several_kinds"}
    assert asked.change is None


def test_the_fraud_desk_may_ask_for_an_undo_and_an_agent_may_not(d: Desk, dana: SubjectId) -> None:
    made = record(d, dana, URL, at=LATER)
    fraud = staff(d.client, 11, Role.FRAUD)
    assert _revert(d, made.change, actor=fraud).state == "awaiting_verification"
    with pytest.raises(Forbidden):
        _revert(d, made.change, actor=d.ben)


def test_an_undo_wants_its_own_proof_and_approval(d: Desk, dana: SubjectId) -> None:
    applied = done(d, dana)
    asked = _revert(d, applied.change)
    assert asked.state == "awaiting_verification"
    vouch(d, dana, AGO, agent=d.ines)
    prove(d, asked, soon(AGO), agent=d.ines)
    arrive(d, asked, soon(AGO, 2), agent=d.ines)
    asked = agree(d, asked, soon(AGO, 3), agent=d.ines)
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(AGO, 4)).refused[asked.ref].code == "same-hand"


LINK = "a token nobody guesses"


def _link(d: Desk, asked: flow.Receipt, token: str = LINK, *, of: SubjectId | None = None) -> str:
    dispute = evidence.Dispute(
        id=uuid4(), subject_id=of or asked.subject, request_id=asked.request, issued_at=LATER,
        expires_at=LATER + timedelta(days=30),
    )  # fmt: skip
    with begin(d.ben) as tx:
        evidence.issue_dispute_link(tx, dispute, token)
    return token


def test_the_link_stops_what_is_pending_and_freezes_the_record(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    token = _link(d, asked)
    looked = flow.look_at_dispute(d.client, token, at=soon(LATER, 5))
    assert (looked.ref, looked.opened, request_of(d, asked.ref).state) == (asked.ref, False, "awaiting_approval")
    opened = flow.open_dispute(d.client, token, at=soon(LATER, 5))
    assert (opened.ref, opened.applied, opened.already) == (asked.ref, False, False)
    assert request_of(d, asked.ref).state == "cancelled"
    # They asked by phone, and answered by the link.
    by_way = {one.kind: one.channel for one in history(d, dana)}
    assert by_way[EntryKind.REQUEST_SUBMITTED] == "phone"
    answered = (EntryKind.REQUEST_DISPUTED, EntryKind.HOLD_PLACED, EntryKind.REQUEST_CANCELLED)
    assert {by_way[kind] for kind in answered} == {"web_portal"}
    entries = kinds(d, dana)
    again = flow.open_dispute(d.client, token, at=soon(LATER, 6))
    assert again.already
    assert kinds(d, dana) == entries
    with pytest.raises(OnHold):
        ask(d, dana, URL, at=soon(LATER, 7))
    out = ask(d, dana, {"pref.marketing_email": False}, kind="marketing_preferences", at=soon(LATER, 7))
    assert out.state == "applied"


def test_the_link_freezes_after_the_change_too_and_other_requests_wait(d: Desk, dana: SubjectId) -> None:
    applied = done(d, dana)
    vouch(d, dana, AGO)
    other = agree(d, ask(d, dana, POST, at=AGO), AGO)
    token = _link(d, applied)
    opened = flow.open_dispute(d.client, token, at=soon(AGO))
    assert opened.applied
    assert holds(d, dana, "contact.email") == EMAIL["contact.email"]  # frozen, not reverted
    frozen = flow.approve({other.ref: other.digest}, actor=d.ines, at=soon(AGO, 2)).one()
    assert frozen.state == "on_hold"
    assert request_of(d, other.ref).hold_until == soon(AGO) + timedelta(hours=72)
    assert flow.apply_due(d.client, at=AGO + timedelta(hours=71)) == 0
    with look(d.client) as seen:
        (dispute,) = evidence.open_disputes(seen)
    with pytest.raises(ResolutionUnknown):
        flow.resolve_dispute(dispute.id, "whatever", actor=d.ines, at=AGO)
    with pytest.raises(Forbidden):
        flow.resolve_dispute(dispute.id, "fraud", actor=d.ben, at=AGO)
    flow.resolve_dispute(dispute.id, "customer_confirmed", actor=d.ines, at=soon(AGO, 3))
    with pytest.raises(NotFound):
        flow.resolve_dispute(dispute.id, "fraud", actor=d.ines, at=soon(AGO, 3))
    assert flow.release(other.ref, seen_version=None, actor=d.ines, at=soon(AGO, 4)).state == "applied"
    assert kinds(d, dana).count("hold.released") == 2


def test_the_link_of_a_merge_freezes_the_record_that_goes_on(d: Desk, dana: SubjectId) -> None:
    """Whoever was merged away against their will stops what is done with their data, not a record that has ended."""
    twin = d.customer(personal__name="Twin Novak", contact__email="twin@old.example")
    merge, at = merged_now(d, twin, dana, LATER), LATER + timedelta(days=2)
    assert merge.subject == twin
    flow.open_dispute(d.client, _link(d, merge), at=at)
    with pytest.raises(OnHold):
        ask(d, dana, URL, at=soon(at))
    with look(d.client) as seen:
        (dispute,) = evidence.open_disputes(seen)
    flow.resolve_dispute(dispute.id, "customer_confirmed", actor=d.ines, at=soon(at, 2))
    assert ask(d, dana, URL, at=soon(at, 3)).state == "awaiting_verification"


def test_the_link_of_a_transfer_freezes_the_account_that_was_given_away(d: Desk) -> None:
    (dana, account), (eve, _) = given(d, "dana@old.example", "555-1"), given(d, "eve@old.example", "555-2")
    given_away, at = transferred(d, account, eve), LATER + timedelta(days=2)
    flow.open_dispute(d.client, _link(d, given_away, of=dana), at=at)
    wish = flow.Wish(
        subject=account, kind="plan", values={"plan.name": "flat"}, reason="customer_request", channel=Channel.PHONE
    )
    with pytest.raises(OnHold):
        flow.submit([wish], actor=d.ben, at=soon(at)).one()


def test_a_link_of_no_use_does_nothing(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    token = _link(d, asked)
    for verb in (flow.open_dispute, flow.look_at_dispute):
        with pytest.raises(NotFound):
            verb(d.client, "another token", at=LATER)
        with pytest.raises(LinkExpired):
            verb(d.client, token, at=LATER + timedelta(days=30))
    assert request_of(d, asked.ref).state == "awaiting_verification"


def test_a_freeze_that_comes_between_is_seen_by_what_is_scheduled(d: Desk, dana: SubjectId) -> None:
    day = LATER + timedelta(days=1)
    asked = ready(d, dana, effective_at=day)
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4))
    eve_asked = ask(d, dana, URL, at=soon(LATER, 5))
    flow.open_dispute(d.client, _link(d, eve_asked), at=soon(LATER, 6))
    flow.apply_due(d.client, at=day)
    assert request_of(d, asked.ref).state == "on_hold"
    assert flow.apply_due(d.client, at=LATER + timedelta(hours=73)) == 1
    assert holds(d, dana, "contact.email") == EMAIL["contact.email"]


def test_a_notice_is_sent_again_when_a_person_says_so(d: Desk, dana: SubjectId) -> None:
    flow.challenge(dana, purpose="caller", method="code_sms", path="contact.phone_mobile", actor=d.ben, at=LATER)
    with begin(d.ben) as tx:
        (one,) = deliveries.claim(tx, now=LATER, lease=timedelta(minutes=1), limit=10)
        assert deliveries.finish(tx, one, "failed", at=LATER, error="refused")
    with look(d.client) as seen:
        assert [item.id for item in deliveries.attention(seen)] == [one.id]
    flow.resend_notice(one.id, actor=d.ben, at=soon(LATER))
    with pytest.raises(NotFound):
        flow.resend_notice(one.id, actor=d.ben, at=soon(LATER))
    with look(d.client) as seen:
        (again,) = deliveries.outbox(seen, before=datetime(2100, 1, 1, tzinfo=UTC))
    assert again.state == "pending"
    assert kinds(d, dana)[-1] == "notice.resent"
    assert stands(d, dana).ver == 1
