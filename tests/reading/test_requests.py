import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.cast import START, Desk, key, soon
from tests.reading.conftest import (
    NEW_EMAIL,
    ask_for_email,
    customer_self,
    prove,
    says_nothing_private,
    told,
    verify_caller,
)

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.reading import customer, notices, queue, request
from changedesk.reading.panels import Page
from changedesk.reading.request_panels import ApprovalCard, QueueRow, RequestPanel
from changedesk.reading.timeline import BadCursor

Count = Callable[[Callable[[], object]], int]


def panel_of(receipt: flow.Receipt, actor: Actor, minutes: float = 9) -> RequestPanel:
    return request.request(receipt.ref, actor=actor, at=soon(START, minutes), language="en")


def card_of(actor: Actor) -> ApprovalCard:
    return queue.approvals(actor=actor, at=soon(START, 9), language="en").items[0]


@pytest.fixture
def waiting(desk: Desk) -> flow.Receipt:
    """Dana's new e-mail address waits for approval; Ben of team one entered it."""
    receipt = ask_for_email(desk.customer(), desk.ben, soon(START))
    prove(desk, receipt, soon(START, 2))
    return receipt


def test_who_decides_sees_the_requests_own_fields_and_nothing_else(desk: Desk, waiting: flow.Receipt) -> None:
    panel = panel_of(waiting, desk.ines)
    assert [(item.before, item.after, item.masked) for item in panel.diff] == [("dana@old.example", NEW_EMAIL, False)]
    assert panel.title_masked
    assert "Novak" not in told(panel)
    # Signs before it that an id or a digest has, too, say nothing of the phone.
    phone = r"5550143|555[ -]0143|(?<![0-9a-f-])0143"
    assert not re.search(phone, told(replace(panel, offers=(), challenges=(), notices=())))
    record = customer.customer(waiting.subject, actor=desk.ines, at=soon(START, 9), language="en")
    assert says_nothing_private(record), "deciding on one field opens no record"
    card = card_of(desk.ines)
    assert (card.diff[0].after, card.approve.allowed, card.digest) == (NEW_EMAIL, True, panel.digest)


def test_who_may_not_decide_sees_masks(desk: Desk, waiting: flow.Receipt) -> None:
    supervisor_who_entered = replace(desk.ben, roles=frozenset({Role.SUPERVISOR}))
    for actor in (desk.ben, desk.sofia, desk.otto, supervisor_who_entered, key(desk.client, "requests:read")):
        panel = panel_of(waiting, actor)
        assert panel.diff[0].masked
        assert says_nothing_private(panel)
        assert says_nothing_private(card_of(actor))


def test_a_decided_request_is_closed_again(desk: Desk, waiting: flow.Receipt) -> None:
    flow.approve({waiting.ref: panel_of(waiting, desk.ines).digest}, actor=desk.ines, at=soon(START, 10)).one()
    panel = panel_of(waiting, desk.ines, 11)
    assert panel.state == "applied"
    assert says_nothing_private(panel)
    assert panel.diff[0].masked
    verify_caller(waiting.subject, desk.sofia, soon(START, 12))
    opened = panel_of(waiting, desk.sofia, 12)
    assert [(item.before, item.after) for item in opened.diff] == [("dana@old.example", NEW_EMAIL)]


def test_the_maker_reads_why_they_cannot_approve(desk: Desk, waiting: flow.Receipt) -> None:
    maker = replace(desk.ben, roles=frozenset({Role.SUPERVISOR}))
    told_maker = {item.word: item for item in panel_of(waiting, maker).actions}["approve"]
    assert (told_maker.allowed, told_maker.code) == (False, "same-hand")
    told_agent = {item.word: item for item in panel_of(waiting, desk.sofia).actions}
    assert (told_agent["approve"].code, told_agent["release"].code) == ("forbidden", "forbidden")
    told_ines = {item.word: item for item in panel_of(waiting, desk.ines).actions}
    assert told_ines["approve"].allowed
    assert (told_ines["release"].allowed, told_ines["release"].code) == (False, "not-now")
    assert all(item.reason and item.hint for item in told_ines.values() if not item.allowed)


def test_an_auditor_has_nothing_to_do_with_a_request_but_read_it(desk: Desk, waiting: flow.Receipt) -> None:
    panel = panel_of(waiting, desk.otto)
    assert not any(item.allowed for item in panel.actions)
    assert panel.note == ""


def test_the_strip_says_what_is_asked_and_what_is_there(desk: Desk) -> None:
    receipt = ask_for_email(desk.customer(), desk.ben, soon(START))
    first = panel_of(receipt, desk.ben)
    assert (first.state, first.needs, first.strip.level_reached) == ("awaiting_verification", "verification", 0)
    assert {item.word: item.state for item in first.steps}["verified"] == "current"
    assert first.strip.new_contacts_needed == ("E-mail",)
    refused = {(item.method, item.path): item.refused for item in first.offers}
    assert refused["code_email", "contact.email"] == "changed_here"
    assert refused["totp", None] == ""
    prove(desk, receipt, soon(START, 2))
    then = panel_of(receipt, desk.ben)
    assert (then.needs, then.strip.level_reached, then.strip.new_contacts_confirmed) == ("approval", 3, True)
    assert {item.word: item.state for item in then.steps} == {
        "received": "done",
        "verified": "done",
        "consent": "done",
        "approval": "current",
        "hold": "skipped",
        "applied": "todo",
    }
    assert [item.counts for item in then.challenges] == [True, True, True]
    assert any(item.citation for item in then.strip.rules)


def test_the_wording_shown_is_the_one_that_was_agreed_to(desk: Desk, waiting: flow.Receipt) -> None:
    consent = panel_of(waiting, desk.ben).consents[0]
    assert consent.wording.startswith("I ")
    assert (consent.wording_as_stored, consent.counts, consent.language) == (True, True, "en")
    assert consent.evidence == "recording 4711"
    assert panel_of(waiting, desk.otto).consents[0].evidence == ""


def test_what_was_proved_stops_counting_when_the_request_is_edited(desk: Desk, waiting: flow.Receipt) -> None:
    flow.revise(
        waiting.ref, {"contact.email": "dana@third.example"}, seen_version=None, actor=desk.ben, at=soon(START, 5)
    )
    panel = panel_of(waiting, desk.ben)
    assert not any(item.counts for item in panel.challenges)
    assert panel.strip.level_reached == 0


def test_a_rejected_request_shows_its_ending_its_reason_and_its_own_before(desk: Desk, waiting: flow.Receipt) -> None:
    flow.reject(waiting.ref, seen_version=None, reason="other", message="Not Dana.", actor=desk.ines, at=soon(START, 5))
    change = flow.FieldChange(path="contact.email", new="dana@later.example")
    record = flow.RecordedChange(subject=waiting.subject, changes=[change])
    flow.record_changes([record], actor=desk.crm, at=soon(START, 6)).one()
    crm = replace(desk.crm, scopes=desk.crm.scopes | {"requests:read"})
    panel = panel_of(waiting, crm)
    assert [(item.before, item.after) for item in panel.diff] == [("dana@old.example", NEW_EMAIL)]
    assert panel.steps[-1].word == "rejected"
    assert panel_of(waiting, desk.ben).decisions[0].note == "Not Dana."
    assert panel_of(waiting, desk.otto).decisions[0].note == ""


def test_customers_follow_their_own_request_and_read_nothing_of_the_desks(desk: Desk, waiting: flow.Receipt) -> None:
    panel = panel_of(waiting, customer_self(desk, waiting.subject))
    assert panel.diff[0].after == NEW_EMAIL
    assert (panel.note, panel.decisions, panel.strip.rules) == ("", (), ())
    assert panel.entered_by.name == "Our service team"
    assert not any(word in told(panel) for word in ('"s1"', "train"))
    eve = desk.customer(contact__email="eve@old.example")
    with pytest.raises(NotFound):
        panel_of(waiting, customer_self(desk, eve))


def test_codes_stay_hidden_where_mail_is_sent(desk: Desk, waiting: flow.Receipt) -> None:
    shown = notices.outbox(actor=desk.ines, at=soon(START, 9), show_codes=True).items
    code = next(word for item in shown for word in item.body.replace(".", " ").split() if word.isdigit())
    hidden = notices.outbox(actor=desk.ines, at=soon(START, 9)).items
    assert len(hidden) == len(shown)
    assert not any(sign.isdigit() for item in hidden for sign in item.body + item.subject_line)
    assert code not in told(hidden)
    audited = notices.outbox(actor=desk.otto, at=soon(START, 9), show_codes=True).items
    assert all(item.body == "" for item in audited)
    assert says_nothing_private(hidden)
    assert says_nothing_private(panel_of(waiting, desk.ben).notices)
    with pytest.raises(Forbidden):
        notices.outbox(actor=desk.ben, at=soon(START, 9))


def test_a_page_of_the_outbox_never_loses_messages_of_one_moment(desk: Desk) -> None:
    at = soon(START)
    for number in range(5):
        one = desk.customer(contact__email=f"one{number}@old.example")
        moment = at if number < 4 else soon(at)
        flow.challenge(one, purpose="caller", method="code_email", path="contact.email", actor=desk.ben, at=moment)
    seen: list[object] = []
    before: str | None = None
    while True:
        page = notices.outbox(actor=desk.ines, at=soon(at, 5), before=before, limit=2)
        assert len(page.items) <= 2
        seen += [item.id for item in page.items]
        before = page.next
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_queue_pages_stay_put_while_work_comes_in(desk: Desk) -> None:
    refs = [_asked(desk, number).ref for number in range(5)]
    first = queue.queue(actor=desk.ines, at=soon(START, 30), language="en", limit=2)
    assert [item.ref for item in first.items] == refs[:2]
    _asked(desk, 9)
    second = queue.queue(actor=desk.ines, at=soon(START, 30), language="en", limit=2, after=first.next)
    assert [item.ref for item in second.items] == refs[2:4]
    assert all(says_nothing_private(item) for item in (*first.items, *second.items))
    with pytest.raises(BadCursor):
        queue.queue(actor=desk.ines, at=START, language="en", after="nonsense")


def test_tabs_narrow_the_queue(desk: Desk, waiting: flow.Receipt) -> None:
    def refs(**only: object) -> list[str]:
        page = queue.queue(actor=desk.ben, at=soon(START, 9), language="en", **only)  # type: ignore[arg-type]
        return [item.ref for item in page.items]

    assert refs() == refs(tab="approval") == refs(mine=True) == refs(states=["awaiting_approval"]) == [waiting.ref]
    assert refs(tab="customer") == refs(kind="billing_payment") == refs(channel="chat") == refs(tab="nonsense") == []


def test_fifty_rows_cost_the_statements_of_one(desk: Desk, count: Count) -> None:
    _asked(desk, 0)

    def rows() -> Page[QueueRow]:
        return queue.queue(actor=desk.ines, at=soon(START, 90), language="en")

    def cards() -> Page[ApprovalCard]:
        return queue.approvals(actor=desk.ines, at=soon(START, 90), language="en")

    one = count(rows)
    for number in range(1, 8):
        _asked(desk, number)
    assert len(rows().items) == 8
    assert count(rows) == one
    prove(desk, ask_for_email(desk.customer(), desk.ben, soon(START, 60)), soon(START, 61))
    few = count(cards)
    prove(desk, ask_for_email(desk.customer(), desk.ben, soon(START, 62)), soon(START, 63))
    assert len(cards().items) == 2
    assert count(cards) == few


def _asked(desk: Desk, number: int) -> flow.Receipt:
    one = desk.customer(contact__email=f"one{number}@old.example")
    return ask_for_email(one, desk.ben, START + timedelta(minutes=number + 1), f"one{number}@new.example")
