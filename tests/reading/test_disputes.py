from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.cast import START, Desk, key, soon
from tests.reading.conftest import (
    ask_for_email,
    customer_self,
    dispute,
    prove,
    says_nothing_private,
    verify_caller,
)

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.refusal import Forbidden
from changedesk.reading import notices, request
from changedesk.reading.disputes import DisputeRow, disputes
from changedesk.reading.panels import Page
from changedesk.reading.timeline import BadCursor

Count = Callable[[Callable[[], object]], int]


def page(actor: Actor, minutes: float = 20, **narrowed: object) -> Page[DisputeRow]:
    return disputes(actor=actor, at=soon(START, minutes), language="en", **narrowed)  # type: ignore[arg-type]  # named


def test_a_dispute_says_which_change_what_stands_still_and_what_came_out(desk: Desk) -> None:
    receipt = ask_for_email(desk.customer(), desk.ben, soon(START))
    opened = dispute(desk, receipt, soon(START, 5))
    (row,) = page(desk.ben).items
    assert (row.id, row.request.ref, row.request.state) == (opened, receipt.ref, "cancelled")
    assert row.request.fields == ("E-mail",)
    assert row.freeze is not None
    assert row.freeze.ends_at == soon(START, 5) + timedelta(hours=72)
    assert (row.applied_change, row.resolved_at, row.title_masked) == (None, None, True)
    later = disputes(actor=desk.ben, at=START + timedelta(days=4), language="en").items[0]
    assert later.freeze is None, "a freeze that ran out stops nothing, and is not shown as if it did"
    flow.resolve_dispute(opened, "fraud", actor=desk.ines, at=soon(START, 30))
    assert page(desk.ben, 40).items == ()
    (done,) = page(desk.ben, 40, resolved=True).items
    assert (done.resolution, done.resolved_at, done.freeze) == ("fraud", soon(START, 30), None)


def test_what_was_applied_all_the_same_can_be_found_to_undo(desk: Desk) -> None:
    receipt = ask_for_email(desk.customer(), desk.ben, soon(START))
    prove(desk, receipt, soon(START, 2))
    panel = request.request(receipt.ref, actor=desk.ines, at=soon(START, 3), language="en")
    applied = flow.approve({receipt.ref: panel.digest}, actor=desk.ines, at=soon(START, 4)).one()
    dispute(desk, receipt, soon(START, 5))
    assert page(desk.ines).items[0].applied_change == applied.change


def test_disputes_show_no_values_to_who_has_nobody_on_the_line(desk: Desk) -> None:
    receipt = ask_for_email(desk.customer(), desk.ben, soon(START))
    dispute(desk, receipt, soon(START, 5))
    for actor in (desk.ben, desk.ines, desk.otto, key(desk.client, "requests:read")):
        assert says_nothing_private(page(actor))
    verify_caller(receipt.subject, desk.sofia, soon(START, 6))
    (row,) = page(desk.sofia, 7).items
    assert (row.title, row.title_masked) == ("Dana Novak", False)


def test_who_reads_no_queue_reads_no_disputes(desk: Desk) -> None:
    subject = desk.customer()
    nobody = replace(desk.ben, roles=frozenset({Role.ADMINISTRATOR}))
    for actor in (nobody, customer_self(desk, subject), key(desk.client, "search", "feed:read")):
        with pytest.raises(Forbidden):
            page(actor)


def test_disputes_page_by_keyset_each_way_and_cost_the_same_for_many(desk: Desk, count: Count) -> None:
    opened = []
    for minute in range(5):
        receipt = ask_for_email(desk.customer(contact__email=f"d{minute}@old.example"), desk.ben, soon(START))
        opened.append(dispute(desk, receipt, soon(START, 5 + minute)))
    for resolved, wanted in ((False, opened), (True, opened[::-1])):
        found, after = [], None
        while True:
            part = page(desk.ben, 60, resolved=resolved, after=after, limit=2)
            found += [row.id for row in part.items]
            after = part.next
            if after is None:
                break
        assert found == wanted
        costs = {count(lambda n=n, r=resolved: page(desk.ben, 60, resolved=r, limit=n)) for n in (1, 5)}  # type: ignore[misc]  # bound here
        assert len(costs) == 1
        for minute, one in enumerate(opened if not resolved else ()):
            flow.resolve_dispute(one, "expired", actor=desk.ines, at=soon(START, 30 + minute))
    with pytest.raises(BadCursor):
        page(desk.ben, after="nowhere")


def test_a_message_names_its_request_and_a_callers_code_names_none(desk: Desk) -> None:
    subject = desk.customer()
    flow.challenge(subject, purpose="caller", method="code_email", path="contact.email", actor=desk.ben, at=soon(START))
    receipt = ask_for_email(subject, desk.ben, soon(START, 3))
    flow.challenge(
        subject, purpose="change", method="code_sms", path="contact.phone_mobile", ref=receipt.ref, actor=desk.ben,
        at=soon(START, 4),
    )  # fmt: skip
    newest, oldest = notices.outbox(actor=desk.ines, at=soon(START, 5)).items
    assert (newest.channel, newest.ref, oldest.channel, oldest.ref) == ("sms", receipt.ref, "email", None)


def test_the_stations_of_a_request_say_when(desk: Desk) -> None:
    receipt = ask_for_email(desk.customer(), desk.ben, soon(START))
    prove(desk, receipt, soon(START, 2))
    panel = request.request(receipt.ref, actor=desk.ines, at=soon(START, 3), language="en")
    waiting = {step.word: step.at for step in panel.steps if step.state != "skipped"}
    assert waiting == {
        "received": soon(START),
        "verified": soon(START, 2),
        "consent": soon(START, 2),
        "approval": None,
        "applied": None,
    }
    flow.approve({receipt.ref: panel.digest}, actor=desk.ines, at=soon(START, 4)).one()
    done = request.request(receipt.ref, actor=desk.ines, at=soon(START, 5), language="en")
    times = {step.word: step.at for step in done.steps}
    assert (times["approval"], times["applied"], times["hold"]) == (soon(START, 4), soon(START, 4), None)
    other = ask_for_email(desk.customer(), desk.ben, soon(START))
    flow.withdraw(other.ref, seen_version=None, actor=desk.ben, at=soon(START, 6))
    ended = request.request(other.ref, actor=desk.ines, at=soon(START, 7), language="en").steps[-1]
    assert (ended.word, ended.state, ended.at) == ("withdrawn", "ended", soon(START, 6))
