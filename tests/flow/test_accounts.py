"""Requests on accounts: who is verified for them, who is warned, who may not ask, and what is none of theirs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.cast import Desk, soon
from tests.flow.walk import LATER, prove, record, request_of, stands

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow.asking import KindDoesNotFit, NotTheirDecision, OperationUnknown
from changedesk.flow.whose import NoHolder
from changedesk.outbound import duties
from changedesk.rules.status import StatusForbids
from changedesk.store import deliveries, evidence
from changedesk.store.tx import look


@pytest.fixture
def held(d: Desk) -> tuple[SubjectId, SubjectId, SubjectId]:
    """Dana and Eve hold one account; Dana first."""
    people = [
        flow.create_customers(
            [flow.NewCustomer(
                values={"personal.name": name, "contact.email": f"{name}@old.example",
                        "contact.phone_mobile": f"+1 202 555 01{number}"},
                accounts=[flow.NewAccount("A-100", "holder", {})])],
            actor=d.crm, at=LATER - timedelta(days=3) + timedelta(minutes=number),
        ).one()
        for number, name in ((41, "dana"), (42, "eve"))
    ]  # fmt: skip
    assert people[0].accounts == people[1].accounts
    return people[0].accounts[0], people[0].subject, people[1].subject


def ask(d: Desk, account: SubjectId, *, by: Actor | None = None, **more: Any) -> flow.Receipt:
    given: dict[str, Any] = {
        "kind": "account_status", "operation": "deactivate", "values": {}, "reason": "customer_request",
        "channel": Channel.PHONE, **more,
    }  # fmt: skip
    return flow.submit([flow.Wish(subject=account, **given)], actor=by or d.ben, at=LATER).one()


def themselves(d: Desk, person: SubjectId) -> Actor:
    return Actor(d.client, ActorType.CUSTOMER, f"c{person}", Channel.WEB_PORTAL, "test", subject=person)


def test_the_holder_is_verified_by_code_and_the_other_holder_is_warned(
    d: Desk, held: tuple[SubjectId, SubjectId, SubjectId]
) -> None:
    account, dana, eve = held
    asked = ask(d, account)
    request = request_of(d, asked.ref)
    assert (request.subject_id, request.person_id, request.needs_level) == (account, dana, 2)
    assert asked.state == "awaiting_verification"
    asked = prove(d, asked, LATER)
    with look(d.client) as seen:
        proofs = evidence.challenges_of_requests(seen, [request.id], [dana], since=LATER)
    assert {proof.subject_id for proof in proofs} == {dana}
    done = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 2)).one()
    assert (done.state, stands(d, account).status) == ("applied", "deactivated")
    assert (stands(d, dana).status, stands(d, eve).status) == ("active", "active")
    for duty in duties():
        while duty.run(d.client):
            pass
    with look(d.client) as seen:
        box = deliveries.outbox(seen, before=datetime(2100, 1, 1, tzinfo=UTC))
    told = {(item.event, item.message.to) for item in box if item.message is not None}
    assert {("security_applied", "dana@old.example"), ("security_applied", "eve@old.example")} <= told
    assert ("completed", "eve@old.example") not in told


def test_a_holder_who_is_named_is_the_one_who_is_asked(d: Desk, held: tuple[SubjectId, SubjectId, SubjectId]) -> None:
    account, _, eve = held
    assert request_of(d, ask(d, account, person=eve).ref).person_id == eve
    with pytest.raises(NoHolder):
        ask(d, account, person=d.customer())


def test_a_holder_who_is_named_is_the_one_who_is_asked_for_an_undoing(
    d: Desk, held: tuple[SubjectId, SubjectId, SubjectId]
) -> None:
    account, _, eve = held
    made = record(d, account, {"plan.cycle": "yearly"}, at=LATER)
    assert made.change is not None
    how = flow.How(reason="correction_of_error", channel=Channel.PHONE, person=eve)
    undone = flow.revert(made.change, how, choices={}, actor=d.ines, at=soon(LATER))
    request = request_of(d, undone.ref)
    assert (request.person_id, request.reverts) == (eve, made.change)


def test_customers_ask_for_accounts_of_their_own_only(d: Desk, held: tuple[SubjectId, SubjectId, SubjectId]) -> None:
    account, _, eve = held
    stranger = d.customer(contact__email="kim@old.example")
    with pytest.raises((Forbidden, NotFound)):
        ask(d, account, by=themselves(d, stranger))
    mine = ask(d, account, by=themselves(d, eve), channel=Channel.WEB_PORTAL)
    assert request_of(d, mine.ref).person_id == eve


def test_kinds_operations_and_sides_that_do_not_fit_are_refused(
    d: Desk, held: tuple[SubjectId, SubjectId, SubjectId]
) -> None:
    account, dana, eve = held
    with pytest.raises(KindDoesNotFit) as fits:
        ask(d, account, kind="contact_details", operation="", values={"contact.email": "x@y.example"})
    assert fits.value.data["fits"] == ["customer"]
    with pytest.raises(OperationUnknown) as known:
        ask(d, account, operation="explode")
    assert "suspend" in known.value.data["known"]  # type: ignore[operator]
    with pytest.raises(NotTheirDecision):
        ask(d, account, by=themselves(d, eve), initiated_by="business", channel=Channel.WEB_PORTAL)
    with pytest.raises(NotTheirDecision):
        ask(d, dana, kind="marketing_preferences", operation="", values={"pref.marketing_email": True},
            initiated_by="business")  # fmt: skip


def test_a_lock_of_the_customer_stops_changes_of_their_accounts(
    d: Desk, held: tuple[SubjectId, SubjectId, SubjectId]
) -> None:
    account, dana, _ = held
    lock = ask(d, dana, operation="lock", initiated_by="business", reason="suspected_fraud")
    flow.approve({lock.ref: lock.digest}, actor=d.ines, at=LATER).one()
    with pytest.raises(StatusForbids):
        ask(d, account)
