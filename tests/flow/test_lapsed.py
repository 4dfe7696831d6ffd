"""Whoever changes where codes go takes the proofs with it that were answered there before."""

from datetime import datetime, timedelta

from tests.cast import Desk, soon
from tests.flow.walk import (
    EMAIL,
    LATER,
    POST,
    URL,
    agree,
    arrive,
    ask,
    code_to,
    kinds,
    prove,
    ready,
    record,
    request_of,
    stands,
    vouch,
)  # fmt: skip

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.reading import request as reading
from changedesk.rules.identity import CALLER_TTL

OTHER = {"contact.phone_mobile": "+1 202 555 0199"}
NIGHT = LATER + timedelta(hours=12)


def approve(d: Desk, asked: flow.Receipt, at: timedelta = timedelta(hours=13)) -> flow.Receipt:
    return flow.approve({asked.ref: asked.digest}, actor=d.ines, at=LATER + at).one()


def test_a_proof_lapses_when_its_contact_point_changes_before_the_approval(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    record(d, dana, OTHER, at=NIGHT)
    shown = reading.request(asked.ref, actor=d.ben, at=soon(NIGHT), language="en")
    assert (shown.strip.level_needed, shown.strip.level_reached) == (3, 2)
    told = approve(d, asked)
    assert (told.state, stands(d, dana).values()["contact.email"]) == ("awaiting_verification", "dana@old.example")
    assert kinds(d, dana).count("identity.lapsed") == 1
    again = LATER + timedelta(days=2)  # the new number has to age before it proves anything
    vouch(d, dana, again)
    asked = prove(d, asked, soon(again))
    assert asked.state == "applied"  # the approval was of this content, and stands
    assert stands(d, dana).values()["contact.email"] == "dana@new.example"
    record(d, dana, {"contact.phone_mobile": "+1 202 555 0188"}, at=LATER + timedelta(days=9))
    shown = reading.request(asked.ref, actor=d.ben, at=LATER + timedelta(days=10), language="en")
    assert shown.strip.level_reached == 3


def test_a_proof_lapses_before_a_scheduled_request_is_applied(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana, effective_at=LATER + timedelta(days=5))
    assert approve(d, asked).state == "scheduled"
    record(d, dana, OTHER, at=LATER + timedelta(days=1))
    flow.apply_due(d.client, at=LATER + timedelta(days=5))
    assert request_of(d, asked.ref).state == "awaiting_verification"
    assert stands(d, dana).values()["contact.email"] == "dana@old.example"


def test_a_callers_proof_lapses_too(d: Desk, dana: SubjectId) -> None:
    started = flow.challenge(dana, purpose="caller", method="code_email", path="contact.email", actor=d.ben, at=LATER)
    assert flow.confirm(started.id, code_to(d), actor=d.ben, at=soon(LATER, 0.1)).matched
    asked = ask(d, dana, POST, at=soon(LATER, 0.2))
    asked = agree(d, asked, soon(LATER))
    assert asked.state == "awaiting_approval"
    record(d, dana, EMAIL, at=NIGHT)
    assert approve(d, asked).state == "awaiting_verification"


def test_what_was_not_answered_there_goes_on(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    record(d, dana, URL, at=NIGHT)
    record(d, dana, {"contact.fax": "+1 202 555 0177"}, at=soon(NIGHT))
    assert approve(d, asked).state == "applied"


def test_two_requests_of_one_call_do_not_strike_each_other(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    first = ask(d, dana, EMAIL, at=soon(LATER, 0.2))
    prove(d, first, soon(LATER))
    first = agree(d, arrive(d, first, soon(LATER, 2)), soon(LATER, 3))
    second = _another_phone(d, dana, soon(LATER, 4), answered=soon(LATER, 30))
    assert approve(d, second).state == "applied"
    assert approve(d, first, timedelta(hours=14)).state == "applied"


def test_another_call_strikes(d: Desk, dana: SubjectId) -> None:
    first = ready(d, dana)
    later = LATER + CALLER_TTL * 2
    vouch(d, dana, later)
    second = _another_phone(d, dana, soon(later), answered=soon(later, 2))
    assert approve(d, second).state == "applied"
    assert approve(d, first, timedelta(hours=14)).state == "awaiting_verification"


def _another_phone(d: Desk, dana: SubjectId, at: datetime, *, answered: datetime) -> flow.Receipt:
    """Ask for another telephone, proved by mail, with a code answered on it, and agreed to."""
    asked = ask(d, dana, OTHER, at=at)
    ways = (
        ("change", "challenge", "code_email", "contact.email", at),
        ("new_contact", "new_contact", "code_sms", "contact.phone_mobile", answered),
    )
    for purpose, message, method, path, when in ways:
        started = flow.challenge(
            dana, purpose=purpose, method=method, path=path, ref=asked.ref, actor=d.ben, at=when
        )  # fmt: skip
        assert flow.confirm(started.id, code_to(d, message), actor=d.ben, at=soon(when, 0.5)).matched
    return agree(d, asked, soon(answered))
