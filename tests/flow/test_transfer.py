"""An account changes hands only when both parties say so, and nothing of the old holder's goes along."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from tests.cast import START, Desk, desk, soon
from tests.flow.join import applied, approved, merging, new_holder_confirms, state_of
from tests.flow.walk import LATER, agree, history, holds, kinds, prove, request_of, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel, automation
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow.transfer import HolderFirst
from changedesk.kinds.ownership_transfer import NotTransferable
from changedesk.outbound.notices import decide
from changedesk.reading import asof, customer, timeline, transfer
from changedesk.rules.status import StatusForbids
from changedesk.store import deliveries, log, subjects
from changedesk.store.begin import begin
from changedesk.store.tx import look


@pytest.fixture
def eve(d: Desk) -> SubjectId:
    return d.customer(
        personal__name="Eve Adams", contact__email="eve@old.example", contact__phone_mobile="+1 202 555 0166"
    )


@pytest.fixture
def account(d: Desk, dana: SubjectId) -> SubjectId:
    """Dana's account, with a plan, a device, somebody whom she authorised, and points."""
    return given(d, "dana@second.example", "555-1")[1]


def given(d: Desk, address: str, number: str) -> tuple[SubjectId, SubjectId]:
    new = flow.NewCustomer(
        values={
            "personal.name": "Dana Novak", "contact.email": address, "contact.phone_mobile": "+1 202 555 0144",
        },
        accounts=[
            flow.NewAccount(
                number,
                values={
                    "plan.name": "essential", "device.1.type": "phone", "device.1.model": "Fairphone 6",
                    "access.1.person": "Otto Novak", "access.1.role": "delegate",
                },
            )
        ],
    )  # fmt: skip
    made = flow.create_customers([new], actor=d.crm, at=START).one()
    flow.bind_factor(made.subject, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", actor=d.crm, at=START)
    return made.subject, made.accounts[0]


def holder_of(d: Desk, account: SubjectId) -> list[SubjectId]:
    with look(d.client) as seen:
        return [item.customer for item in subjects.holders_of(seen, [account]) if item.until is None]


def proposed(d: Desk, account: SubjectId, eve: SubjectId, at: datetime = LATER, **more: object) -> flow.Receipt:
    """A transfer that the present holder has proved."""
    vouch(d, holder_of(d, account)[0], at)
    asked = flow.propose_transfer(
        account,
        eve,
        flow.How(reason="customer_request", channel=Channel.PHONE),
        actor=d.ben,
        at=soon(at, 0.2),
        **more,  # type: ignore[arg-type]
    )
    prove(d, asked, soon(at))
    return agree(d, asked, soon(at, 2))


def transferred(d: Desk, account: SubjectId, eve: SubjectId, **more: object) -> flow.Receipt:
    asked = proposed(d, account, eve, LATER, **more)
    assert new_holder_confirms(d, asked.ref, soon(LATER, 3)).matched
    approved(d, state_of(d, asked), soon(LATER, 5))
    done = applied(d, asked, soon(LATER, 5))
    assert done.state == "applied", done
    return done


def themselves(d: Desk, who: SubjectId) -> Actor:
    return Actor(d.client, ActorType.CUSTOMER, f"c{who}", Channel.WEB_PORTAL, "portal", subject=who)


def test_both_parties_confirm_and_the_account_changes_hands(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    asked = proposed(d, account, eve)
    assert state_of(d, asked).state == "awaiting_verification"
    done = new_holder_confirms(d, asked.ref, soon(LATER, 3))
    assert done.receipt is not None
    assert done.receipt.state == "awaiting_approval"
    waiting = approved(d, done.receipt, soon(LATER, 5))
    assert waiting.state == "scheduled"
    assert applied(d, asked, soon(LATER, 5)).state == "applied"
    assert holder_of(d, account) == [eve]
    assert kinds(d, account)[-1] == "ownership.transferred"
    assert holds(d, account, "plan.name") == "essential"
    assert holds(d, account, "device.1.model") == "Fairphone 6"
    assert holds(d, account, "access.1.person") is None


def test_what_goes_along_is_agreed_on(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    transferred(d, account, eve, keep=["members"])
    assert holds(d, account, "access.1.person") == "Otto Novak"
    assert holds(d, account, "plan.name") is None
    assert holds(d, account, "account.number") == "555-1"


def test_the_old_holders_data_does_not_travel(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    old = holder_of(d, account)[0]
    before = history(d, account)
    transferred(d, account, eve)
    theirs = themselves(d, eve)
    page = timeline.timeline(account, actor=theirs, at=LATER, language="en")
    assert [item.kind for item in page.items][-1] == "ownership.transferred"
    assert "Otto" not in repr(page)
    assert "Novak" not in repr(page)
    assert str(old) not in repr(page)
    for one in before:
        with pytest.raises(NotFound):
            timeline.entry(one.change, actor=theirs, at=LATER, language="en")
    long_ago = asof.as_of(account, known_at=soon(LATER), valid_at=soon(LATER), actor=theirs, at=LATER)
    assert long_ago.values == {}
    panel = customer.account(account, actor=theirs, at=LATER, language="en")
    assert "Otto" not in repr(panel)
    assert str(old) not in repr(panel)
    with pytest.raises(NotFound):
        customer.account(account, actor=themselves(d, old), at=LATER, language="en")
    with pytest.raises(NotFound):
        timeline.timeline(account, actor=themselves(d, old), at=LATER, language="en")


def test_the_new_holder_comes_second_and_may_say_no(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    vouch(d, holder_of(d, account)[0], LATER)
    asked = flow.propose_transfer(
        account, eve, flow.How(reason="customer_request", channel=Channel.PHONE), actor=d.ben, at=soon(LATER, 0.2)
    )
    with pytest.raises(HolderFirst):
        new_holder_confirms(d, asked.ref, soon(LATER, 0.3))
    stranger = d.customer(contact__email="mallory@old.example")
    with pytest.raises(NotFound):
        flow.decline_transfer(asked.ref, actor=themselves(d, stranger), at=soon(LATER))
    ended = flow.decline_transfer(asked.ref, actor=themselves(d, eve), at=soon(LATER))
    assert ended.state == "withdrawn"
    assert len(holder_of(d, account)) == 1
    assert eve not in holder_of(d, account)


def test_silence_changes_nothing(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    asked = proposed(d, account, eve)
    flow.expire_due(d.client, at=LATER + timedelta(days=8))
    assert state_of(d, asked).state == "expired"
    assert eve not in holder_of(d, account)


@pytest.mark.parametrize("who", ["itself", "nobody", "holder"])
def test_an_account_goes_to_another_customer_only(d: Desk, account: SubjectId, who: str) -> None:
    old = holder_of(d, account)[0]
    to = {"itself": account, "nobody": SubjectId(UUID(int=7)), "holder": old}[who]
    with pytest.raises(NotTransferable):
        flow.propose_transfer(
            account, to, flow.How(reason="customer_request", channel=Channel.PHONE), actor=d.ben, at=LATER
        )


def test_an_open_transfer_stops_what_would_run_across_it(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    proposed(d, account, eve)
    panel = customer.account(account, actor=d.ben, at=LATER, language="en")
    assert panel.transfer_pending
    wish = flow.Wish(
        subject=account,
        kind="plan",
        values={"plan.name": "unlimited"},
        reason="customer_request",
        channel=Channel.PHONE,
    )
    with pytest.raises(StatusForbids) as refused:
        flow.submit([wish], actor=d.ben, at=soon(LATER, 4)).one()
    assert refused.value.data["blocked_by"] == "transfer_pending"


def test_the_database_wants_the_new_holders_confirmation(
    d: Desk, account: SubjectId, eve: SubjectId, database: Database
) -> None:
    asked = proposed(d, account, eve)
    request = request_of(d, asked.ref)

    def force(state: str) -> None:
        with psycopg.connect(database.url) as connection:
            connection.execute("SELECT set_config('changedesk.client', %s, false)", (str(d.client),))
            connection.execute(
                "INSERT INTO desk.transfer (client_id, request_id, digest, account_id, from_id, to_id, asked_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
                (d.client, request.id, request.digest, account, request.person_id, eve),
            )
            for actor in (d.ines, d.omar):
                connection.execute(
                    "INSERT INTO desk.decision (client_id, request_id, digest, actor, team, verdict, at)"
                    " VALUES (%s, %s, %s, %s, %s, 'approve', now())",
                    (d.client, request.id, request.digest, actor.id, actor.team),
                )
            connection.execute(
                "UPDATE desk.request SET state = %s WHERE client_id = %s AND id = %s", (state, d.client, request.id)
            )

    with pytest.raises(psycopg.DatabaseError) as refused:
        force("approved")
    assert refused.value.sqlstate == "CD013"
    assert new_holder_confirms(d, asked.ref, soon(LATER, 3)).matched
    force("approved")
    assert stands(d, account).ver == 1


def test_a_transfer_is_read_by_its_parties_alone(d: Desk, account: SubjectId, eve: SubjectId) -> None:
    asked = proposed(d, account, eve)
    giver = holder_of(d, account)[0]
    for who, sees in ((d.ben, True), (themselves(d, giver), True), (themselves(d, eve), False)):
        panel = transfer.transfer(asked.ref, actor=who, at=soon(LATER, 4))
        assert (panel.giver_confirmed, panel.taker_confirmed) == (True, False)
        assert (panel.giver, panel.account) == ((giver, account) if sees else (None, None))
    new_holder_confirms(d, asked.ref, soon(LATER, 4))
    assert transfer.transfer(asked.ref, actor=d.ben, at=soon(LATER, 6)).taker_confirmed
    stranger = d.customer(contact__email="mallory@old.example")
    other = desk("borealis")
    for outsider in (themselves(d, stranger), other.ines):
        with pytest.raises(NotFound):
            transfer.transfer(asked.ref, actor=outsider, at=soon(LATER, 6))


def told_to(d: Desk) -> set[tuple[str, str]]:
    """Who was told what, by the address and the event."""
    with begin(automation(d.client, "test")) as tx:
        while log.sequence(tx):
            pass
    while decide.run(d.client):
        pass
    with look(d.client) as seen:
        sent = deliveries.outbox(seen, before=datetime(2100, 1, 1, tzinfo=UTC), limit=500)
    notices = [item for item in sent if item.message is not None and item.event != "challenge"]
    texts = [f"{item.message.subject}\n{item.message.body}" for item in notices if item.message is not None]
    assert not [text for text in texts if any(word in text for word in ("Novak", "Adams", "555-1", "Fairphone"))]
    return {(item.message.to, item.event) for item in notices if item.message is not None}


@pytest.mark.parametrize(
    ("way_out", "event"),
    [("applied", "completed"), ("declined", "cancelled"), ("withdrawn", "cancelled"), ("expired", "cancelled")],
)
def test_every_way_out_is_told_to_both(d: Desk, account: SubjectId, eve: SubjectId, way_out: str, event: str) -> None:
    if way_out == "applied":
        transferred(d, account, eve)
    else:
        asked = proposed(d, account, eve)
        if way_out == "declined":
            flow.decline_transfer(asked.ref, actor=themselves(d, eve), at=soon(LATER, 3))
        elif way_out == "withdrawn":
            flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=soon(LATER, 3))
        else:
            flow.expire_due(d.client, at=LATER + timedelta(days=8))
    told = told_to(d)
    assert ("eve@old.example", "action_needed") in told
    assert ("eve@old.example", event) in told
    assert ("dana@second.example", event) in told


def test_the_survivor_is_warned_before_and_told_after(d: Desk, eve: SubjectId) -> None:
    twin = d.customer(personal__name="Eve Adams", contact__email="adams@old.example")
    asked = merging(d, twin, eve)
    assert ("eve@old.example", "security_requested") in told_to(d)
    assert applied(d, asked, LATER).state == "applied"
    told = told_to(d)
    assert ("eve@old.example", "security_applied") in told
    assert ("adams@old.example", "completed") in told
