"""What the new holder of a transfer may do, once and in time; and who can be a new holder at all."""

from datetime import timedelta

import pytest
from tests.cast import Desk, soon
from tests.flow.join import applied, approved, merged_now, new_holder_confirms, state_of
from tests.flow.test_forget import WEEK
from tests.flow.test_forget import asked as erasure
from tests.flow.test_transfer import given, holder_of, proposed, themselves
from tests.flow.walk import LATER, URL, ask, history, holds

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow.asking import Gone
from changedesk.flow.named import TooLate
from changedesk.kinds.ownership_transfer import NotTransferable
from changedesk.store import deliveries
from changedesk.store.tx import look


@pytest.fixture
def eve(d: Desk) -> SubjectId:
    return d.customer(
        personal__name="Eve Adams", contact__email="eve@old.example", contact__phone_mobile="+1 202 555 0166"
    )


@pytest.fixture
def account(d: Desk) -> SubjectId:
    return given(d, "dana@second.example", "555-1")[1]


def codes_sent(d: Desk) -> int:
    with look(d.client) as seen:
        found = deliveries.outbox(seen, before=LATER + timedelta(days=99), limit=100)
    return sum(item.event == "challenge" for item in found)


def test_the_new_holder_is_offered_their_own_contact_points(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    asked = proposed(d, account, eve)
    offered = flow.new_holder_offers(asked.ref, actor=themselves(d, eve), at=soon(LATER, 3))
    open_ways = {(one.method, one.path) for one in offered if one.refused_reason is None}
    assert {("code_email", "contact.email"), ("code_sms", "contact.phone_mobile")} <= open_ways
    assert any(one.method == "totp" for one in offered)
    started = flow.challenge_new_holder(
        asked.ref, method="code_email", path="contact.email", actor=themselves(d, eve), at=soon(LATER, 3)
    )
    with look(d.client) as seen:
        sent = deliveries.outbox(seen, before=soon(LATER, 9), limit=100)
    assert started.to_masked
    assert [one.message.to for one in sent if one.message and one.created_at == soon(LATER, 3)] == ["eve@old.example"]


def test_of_what_is_no_transfer_nobody_is_a_new_holder(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    asked = proposed(d, account, eve)
    other = ask(d, eve, URL, at=LATER)
    for ref, actor in (
        (other.ref, d.ben),
        ("nonsense", d.ben),
        (asked.ref, themselves(d, holder_of(d, account)[0])),
    ):
        with pytest.raises(NotFound):
            flow.new_holder_offers(ref, actor=actor, at=soon(LATER, 3))


def test_a_new_holders_challenge_that_is_asked_for_again_is_the_same_one(
    d: Desk, account: SubjectId, eve: SubjectId
) -> None:
    asked = proposed(d, account, eve)
    before, key = codes_sent(d), flow.Once("one", b"body")
    first, again = (
        flow.challenge_new_holder(
            asked.ref, method="code_email", path="contact.email", actor=d.sofia, at=soon(LATER, minute), key=key
        )
        for minute in (3, 4)
    )
    assert (first.id, codes_sent(d)) == (again.id, before + 1)


def test_a_transfer_is_declined_once_and_is_over_then(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    asked, hers = proposed(d, account, eve), themselves(d, eve)
    key = flow.Once("no", b"no")
    first, again = (flow.decline_transfer(asked.ref, actor=hers, at=soon(LATER, minute), key=key) for minute in (3, 4))
    assert (first.state, first.replayed, again.state, again.replayed) == ("withdrawn", False, "withdrawn", True)
    with pytest.raises(TooLate) as late:
        flow.decline_transfer(asked.ref, actor=hers, at=soon(LATER, 5))
    assert late.value.data == {"state": "withdrawn"}
    with pytest.raises(TooLate):
        new_holder_confirms(d, asked.ref, soon(LATER, 6))


def test_a_new_holder_who_is_forgotten_meanwhile_takes_nothing_over(
    d: Desk, account: SubjectId, eve: SubjectId
) -> None:
    gone = erasure(d, eve)
    flow.approve({gone.ref: gone.digest}, actor=d.ines, at=soon(LATER))
    start = LATER + timedelta(days=4)
    asked = proposed(d, account, eve, start)
    new_holder_confirms(d, asked.ref, soon(start, 3))
    approved(d, state_of(d, asked), LATER + WEEK - timedelta(hours=25))
    assert flow.apply_due(d.client, at=soon(LATER) + WEEK) == 2
    assert state_of(d, asked).state == "stale"
    assert eve not in holder_of(d, account)
    for verb in (flow.new_holder_offers, flow.decline_transfer):
        with pytest.raises(Gone):
            verb(asked.ref, actor=d.ben, at=soon(LATER, 9) + WEEK)


@pytest.mark.parametrize("why", ["unknown", "not_a_customer", "merged", "erased"])
def test_a_new_holder_is_a_customer_of_this_client_who_is_there(
    d: Desk, account: SubjectId, eve: SubjectId, why: str
) -> None:
    to: object = eve
    if why == "unknown":
        to = "nobody"
    if why == "not_a_customer":
        to = given(d, "third@old.example", "555-2")[1]
    if why == "merged":
        merged_now(d, eve, d.customer(contact__email="adams@old.example"))
    if why == "erased":
        gone = erasure(d, eve)
        flow.approve({gone.ref: gone.digest}, actor=d.ines, at=soon(LATER))
        flow.apply_due(d.client, at=soon(LATER) + WEEK)
    wish = flow.Wish(
        subject=account, kind="ownership_transfer", values={"transfer.to": str(to)}, reason="customer_request",
        channel=Channel.PHONE,
    )  # fmt: skip
    refused = flow.submit([wish], actor=d.ben, at=LATER + timedelta(days=9)).refused[0]
    assert isinstance(refused, NotTransferable), refused
    assert refused.data == {"why": why}


def test_a_giver_whose_account_went_elsewhere_gives_nothing(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    """The giver is merged while the transfer waits: the account is the survivor's, and the transfer is closed."""
    giver = holder_of(d, account)[0]
    twin = d.customer(contact__email="twin@old.example")
    asked = proposed(d, account, eve)
    merged_now(d, giver, twin, soon(LATER, 9))
    assert state_of(d, asked).state == "cancelled"
    assert holder_of(d, account) == [twin]
    with pytest.raises(Refusal):
        new_holder_confirms(d, asked.ref, soon(LATER, 9) + timedelta(days=2))
    assert applied(d, asked, LATER).state == "cancelled"


def test_what_was_asked_for_the_account_before_ends_with_the_transfer_and_says_so(
    d: Desk, account: SubjectId, eve: SubjectId
) -> None:
    plan = ask(d, account, {"plan.name": "unlimited"}, kind="plan", at=LATER)
    assert plan.state == "awaiting_verification"
    asked = proposed(d, account, eve, soon(LATER, 1))
    new_holder_confirms(d, asked.ref, soon(LATER, 5))
    approved(d, state_of(d, asked), soon(LATER, 9))
    assert applied(d, asked, soon(LATER, 9)).state == "applied"
    assert state_of(d, plan).state == "cancelled"
    ended = next(one for one in history(d, account) if one.kind == "request.cancelled")
    assert (ended.facts["cancel_reason"], ended.facts["to"]) == ("transferred", str(eve))
    assert holds(d, account, "plan.name") == "essential"
