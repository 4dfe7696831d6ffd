"""One change runs through the house: asked, proved, agreed, approved, told, read, undone."""

from datetime import timedelta

from tests.cast import START, Desk, soon
from tests.flow.walk import (
    EMAIL,
    LATER,
    POST,
    agree,
    arrive,
    ask,
    done,
    holds,
    kinds,
    prove,
    ready,
    stands,
    vouch,
    wish,
)

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.store import past
from changedesk.store.tx import look


def test_a_new_email_is_asked_proved_approved_and_remembered(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    plan = flow.preview(wish(dana), actor=d.ben, at=LATER)
    assert plan.before == {"contact.email": "dana@old.example"}
    asked = ask(d, dana, at=soon(LATER, 0.2))
    assert asked.state == "awaiting_verification"
    assert prove(d, asked, soon(LATER)).state == "awaiting_verification"  # the new address has not answered
    assert arrive(d, asked, soon(LATER, 2)).state == "awaiting_consent"
    assert agree(d, asked, soon(LATER, 2.7)).state == "awaiting_approval"
    applied = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 3)).one()
    assert (applied.state, applied.customer_word) == ("applied", "completed")
    assert holds(d, dana, "contact.email") == "dana@new.example"
    assert [kind for kind in kinds(d, dana) if kind.startswith(("customer", "request", "change", "hold"))] == [
        "customer.created", "request.submitted", "request.approved", "change.applied", "hold.placed",
    ]  # fmt: skip
    with look(d.client) as seen:
        _, known = past.as_of(seen, stands(d, dana), known_at=soon(LATER, 2), valid_at=soon(LATER, 2))
    assert known["contact.email"] == b'"dana@old.example"'


def test_what_was_applied_can_be_undone_by_a_request_of_its_own(d: Desk, dana: SubjectId) -> None:
    applied = done(d, dana)
    at = LATER + timedelta(days=2)
    assert applied.change is not None
    vouch(d, dana, at, agent=d.ines)
    asked = flow.revert(
        applied.change, flow.How(reason="correction_of_error", channel=Channel.PHONE), choices={}, actor=d.ines, at=at
    )
    prove(d, asked, soon(at), agent=d.ines)
    arrive(d, asked, soon(at, 2), agent=d.ines)
    asked = agree(d, asked, soon(at, 3), agent=d.ines)
    assert flow.approve({asked.ref: asked.digest}, actor=d.omar, at=soon(at, 4)).one().state == "applied"
    assert holds(d, dana, "contact.email") == "dana@old.example"
    assert kinds(d, dana)[-2:] == ["change.reverted", "hold.placed"]


def test_a_postal_address_stands_on_the_caller_however_late_the_approval(d: Desk, dana: SubjectId) -> None:
    """Whoever was proved when the change was entered stays proved for it."""
    asked = ready(d, dana, values=POST)
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=LATER + timedelta(days=1)).one().state == "applied"


def test_the_caller_of_yesterday_proves_nothing_today(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    assert ask(d, dana, POST, at=LATER + timedelta(minutes=16)).state == "awaiting_verification"
    assert flow.caller_level(dana, actor=d.ben, at=LATER + timedelta(minutes=14)).level == 2
    assert flow.caller_level(dana, actor=d.ben, at=LATER + timedelta(minutes=16)).level == 0


def test_nothing_happened_before_the_customer_was_known(d: Desk, dana: SubjectId) -> None:
    with look(d.client) as seen:
        before = START - timedelta(days=1)
        assert past.as_of(seen, stands(d, dana), known_at=before, valid_at=before) == (0, {})
    assert EMAIL["contact.email"] != holds(d, dana, "contact.email")
