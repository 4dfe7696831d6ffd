"""A key makes a repeat harmless: what proves, binds, clears up, sends again or brings in is done once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import SECRET, START, Desk, soon
from tests.flow.walk import LATER, ask, code_to, kinds, not_this, ready, request_of

from changedesk import flow
from changedesk.base.actor import automation
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow.named import Moved, TooLate
from changedesk.flow.ways import MethodRefused
from changedesk.rules.approval import DifferentContent
from changedesk.store import deliveries, evidence
from changedesk.store.begin import begin
from changedesk.store.once import OtherBody

ONE = flow.Once("one", b"body")
TWO = flow.Once("two", b"body")
SMS: dict[str, Any] = {"method": "code_sms", "path": "contact.phone_mobile"}


@pytest.mark.parametrize(
    ("way", "masked"),
    [
        ({"purpose": "change", **SMS}, True),
        ({"purpose": "new_contact", "method": "code_email", "path": "contact.email"}, True),
        ({"purpose": "change", "method": "totp"}, False),
    ],
    ids=["code", "new contact", "authenticator"],
)
def test_a_challenge_is_started_once(d: Desk, dana: SubjectId, way: dict[str, Any], masked: bool) -> None:  # noqa: FBT001 - given
    asked = ask(d, dana, at=LATER)
    first, again = (
        flow.challenge(dana, **way, ref=asked.ref, actor=d.ben, at=soon(LATER, minute), key=ONE) for minute in (1, 2)
    )
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.id, again.to_masked, again.expires_at) == (first.id, first.to_masked, first.expires_at)
    assert bool(first.to_masked) is masked
    assert kinds(d, dana).count("identity.challenged") == 1
    with pytest.raises(OtherBody):
        flow.challenge(dana, **way, ref=asked.ref, actor=d.ben, at=LATER, key=flow.Once("one", b"other"))


def test_a_key_whose_call_was_refused_is_free_again(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    about: dict[str, Any] = {"ref": asked.ref, "actor": d.ben, "at": soon(LATER)}
    with pytest.raises(MethodRefused):
        flow.challenge(dana, purpose="change", method="code_email", path="contact.email", **about, key=ONE)
    assert not flow.challenge(dana, purpose="change", **SMS, **about, key=ONE).replayed


def test_an_answer_is_counted_once_and_told_again(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    started = flow.challenge(dana, purpose="change", **SMS, ref=asked.ref, actor=d.ben, at=LATER)
    code = code_to(d)
    for answer, key in ((not_this(code), ONE), (code, TWO)):
        first, again = (
            flow.confirm(started.id, answer, actor=d.ben, at=soon(LATER, minute), key=key) for minute in (1, 2)
        )
        assert (first.matched, first.tries_left, first.level) == (again.matched, again.tries_left, again.level)
        assert (first.replayed, again.replayed) == (False, True)
        assert (first.receipt is None) is (again.receipt is None) is (key is ONE)
    told = kinds(d, dana)
    assert (told.count("identity.failed"), told.count("identity.verified")) == (1, 1)


def test_an_authenticator_is_bound_once(d: Desk) -> None:
    made = flow.create_customers([flow.NewCustomer(values={"personal.name": "Eve"})], actor=d.crm, at=START).one()
    done = [flow.bind_factor(made.subject, SECRET, actor=d.crm, at=soon(START), key=ONE) for _ in range(2)]
    assert done == [False, True]
    assert kinds(d, made.subject).count("factor.bound") == 1


def test_a_dispute_is_cleared_up_once(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    link = evidence.Dispute(
        id=uuid4(), subject_id=dana, request_id=asked.request, issued_at=LATER, expires_at=LATER + timedelta(days=9)
    )
    with begin(d.ben) as tx:
        evidence.issue_dispute_link(tx, link, "a token nobody guesses")
    flow.open_dispute(d.client, "a token nobody guesses", at=soon(LATER))
    done = [flow.resolve_dispute(link.id, "fraud", actor=d.ines, at=soon(LATER, 2), key=ONE) for _ in range(2)]
    assert done == [False, True]
    assert kinds(d, dana)[-2:] == ["dispute.resolved", "hold.released"]


def test_a_notice_is_sent_again_once(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    flow.challenge(dana, purpose="change", **SMS, ref=asked.ref, actor=d.ben, at=LATER)
    with begin(automation(d.client, "notices")) as tx:
        (sent,) = deliveries.claim(tx, now=soon(LATER), lease=timedelta(minutes=1), limit=1)
        assert deliveries.finish(tx, sent, "failed", at=soon(LATER))
    done = [flow.resend_notice(sent.id, actor=d.ben, at=soon(LATER, 2), key=ONE) for _ in range(2)]
    assert done == [False, True]
    assert kinds(d, dana).count("notice.resent") == 1
    with pytest.raises(NotFound):
        flow.resend_notice(sent.id, actor=d.ben, at=soon(LATER, 3))


def test_an_approval_of_another_version_is_refused_and_the_rest_of_the_batch_stands(d: Desk, dana: SubjectId) -> None:
    eve = d.customer(contact__email="eve@old.example")
    mine, theirs = ready(d, dana), ready(d, eve, values={"contact.email": "eve@new.example"})
    seen = [
        flow.Approval(ref=item.ref, digest=item.digest, seen_version=item.version - older)
        for item, older in ((mine, 1), (theirs, 0))
    ]
    outcome = flow.approve_each(seen, actor=d.ines, at=soon(LATER, 9))
    assert [item.ref for item in outcome.done] == [theirs.ref]
    assert isinstance(outcome.refused[0], Moved)
    assert request_of(d, mine.ref).state == "awaiting_approval"


def test_nobody_agrees_to_what_has_ended_or_to_other_content(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    said = flow.Agreement(
        ref=asked.ref, statement="change_of_record", version=1, language="en", way="read_aloud", digest="00" * 32
    )
    with pytest.raises(DifferentContent):
        flow.record_consents([said], actor=d.ben, at=soon(LATER)).one()
    flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=soon(LATER))
    with pytest.raises(TooLate):
        flow.record_consents([said], actor=d.ben, at=soon(LATER, 2)).one()
    with pytest.raises(TooLate):
        flow.challenge(dana, purpose="change", **SMS, ref=asked.ref, actor=d.ben, at=soon(LATER, 2))


def test_a_run_of_an_import_is_noted_and_ended_once_by_who_imports(d: Desk) -> None:
    run = flow.note_import("crm", bytes(32), actor=d.crm, at=LATER)
    flow.finish_import(run, {"rows": 1}, actor=d.crm, at=soon(LATER))
    with pytest.raises(NotFound):
        flow.finish_import(run, {"rows": 2}, actor=d.crm, at=soon(LATER))
    with pytest.raises(Forbidden):
        flow.note_import("crm", bytes(32), actor=d.ben, at=LATER)
