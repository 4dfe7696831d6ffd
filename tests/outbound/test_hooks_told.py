"""Who was told what of whom by a hook stands in the register, a line for each host; and they are told of an erasure."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.cast import staff
from tests.flow.race import together
from tests.flow.test_forget import erased, job_of, journal
from tests.outbound.hooked import Receiver
from tests.outbound.receivers import closed_port
from tests.outbound.test_hooks import House, house, receiver

from changedesk.base.actor import Channel, Role
from changedesk.base.clock import now
from changedesk.base.ids import SubjectId
from changedesk.channels.copies import page
from changedesk.flow import hooks, resending, subject_request
from changedesk.flow.hooks import HookChange
from changedesk.reading import portable, recipients
from changedesk.rules.rights import Right
from changedesk.store import hooks as store
from changedesk.store.audit_search import own_record
from changedesk.store.begin import begin
from changedesk.store.tx import look

__all__ = ["house", "journal", "receiver"]


def register(house: House, of: SubjectId) -> list[recipients.Disclosure]:
    """What the register tells of hooks, the oldest first."""
    petra = staff(house.desk.client, 7, Role.PRIVACY)
    found = recipients.register(of, actor=petra, at=now(), language="en")
    return [one for one in reversed(found) if one.sort == "hook"]


def test_one_line_tells_how_often_a_host_was_told_which_fields_and_when(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created", "factor.bound"])
    dana, eve = house.customer(), house.customer(contact__email="eve@old.example")
    before = now()
    house.send()
    (one,) = register(house, dana)
    assert (one.recipient, one.reference) == (f"127.0.0.1:{receiver.port}", str(made.id))
    assert (one.certain, one.masked, one.purpose) == (True, True, "hook")
    assert {"contact.email", "personal.name"} <= set(one.fields)
    assert one.times == len([sent for sent in receiver.got if sent.event["subject"] == str(dana)])
    assert one.until is not None
    assert before <= one.at <= one.until <= now()
    resending.resend_range(
        made.id, since=before - timedelta(days=1), until=now() + timedelta(days=1), failed=False, actor=house.ada,
        at=now(),
    )  # fmt: skip
    house.send()
    (again,) = register(house, dana)
    assert (again.at, again.times, again.fields) == (one.at, 2 * one.times, one.fields)
    assert again.until is not None
    assert again.until > one.until
    assert len(register(house, eve)) == 1


def test_values_in_clear_and_another_host_are_lines_of_their_own(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    dana = house.customer()
    house.send()
    hooks.change_hook(made.id, HookChange(full_values=True), actor=house.ada, at=now())
    draft = house.kept(made.id).draft
    assert draft
    hooks.approve_hook(made.id, draft.id, actor=house.bea, at=now())
    (sent,) = [one for one in house.of(made.id) if one.type == "customer.created"]
    resending.resend(made.id, sent.id, actor=house.ada, at=now())
    house.send()
    with Receiver() as elsewhere:
        hooks.change_hook(made.id, HookChange(url=elsewhere.url, full_values=False), actor=house.ada, at=now())
        resending.resend(made.id, sent.id, actor=house.ada, at=now())
        house.send()
        assert len(elsewhere.got) == 1
        found = {(one.recipient, one.masked, one.times) for one in register(house, dana)}
        assert found == {
            (f"127.0.0.1:{receiver.port}", True, 1),
            (f"127.0.0.1:{receiver.port}", False, 1),
            (f"127.0.0.1:{elsewhere.port}", True, 1),
        }


def test_what_was_sent_and_perhaps_taken_is_said_so_and_what_never_left_is_not_there(
    house: House, receiver: Receiver
) -> None:
    receiver.status = 500
    house.hook(receiver.url, events=["customer.created"])
    house.hook(f"http://127.0.0.1:{closed_port()}/", events=["customer.created"])
    dana = house.customer()
    house.send()
    (one,) = register(house, dana)
    assert (one.recipient, one.certain, one.times) == (f"127.0.0.1:{receiver.port}", False, 0)


def test_what_is_old_goes_and_the_register_stays(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url)
    dana = house.customer()
    house.send()
    with begin(house.ada) as tx:
        store.sweep(tx, before=now() + timedelta(minutes=1), limit=1000)
    hooks.remove_hook(made.id, actor=house.ada, at=now())
    assert len(register(house, dana)) == 1
    with look(house.desk.client) as seen:
        assert store.told_of(seen, own_record(house.desk.client)) == [], "the desk's own record is nobody's"


def test_a_persons_copy_tells_what_hooks_sent(house: House, receiver: Receiver) -> None:
    house.hook(receiver.url)
    dana = house.customer()
    house.send()
    asked = subject_request.receive(dana, Right.ACCESS, channel=Channel.PHONE, actor=house.desk.ben, at=now())
    petra = staff(house.desk.client, 7, Role.PRIVACY)
    made: Any = portable.collect(asked.ref, actor=petra, at=now(), language="en")
    (told,) = [one for one in made.body["recipients"] if one["sort"] == "hook"]
    assert (told["to"], told["masked"], told["certain"], told["by"]) == (f"127.0.0.1:{receiver.port}", True, True, "")
    assert told["times"] > 1
    assert page.render(made.body, language="ar", at=now()).startswith(b"%PDF")


def test_who_was_told_of_somebody_is_told_that_they_were_erased_whatever_else_it_wants(
    house: House, receiver: Receiver
) -> None:
    with Receiver() as stranger:
        given = house.hook(receiver.url, events=["customer.created"], kinds=[])
        dana = house.customer()
        house.send()
        house.hook(stranger.url, events=["customer.created"])
        assert [one.event["type"] for one in receiver.got] == ["customer.created"]
        erased(house.desk, dana, at=now() + timedelta(days=1))
        house.send()
        (*_, last) = receiver.got
        assert (last.event["type"], last.event["subject"]) == ("erasure.confirmed", str(dana))
        (announced,) = last.event["data"]["announces"]
        assert (announced["event"], announced["whole"]) == ("privacy.erased", True)
        assert stranger.got == [], "who was given nothing is told nothing"
        assert len(receiver.got) == 2
    petra = staff(house.desk.client, 7, Role.PRIVACY)
    job = job_of(house.desk, dana)
    told = recipients.to_be_told(job.id, actor=petra, at=now() + timedelta(days=30), language="en")
    assert [(one.sort, one.reference) for one in told if one.sort == "hook"] == [("hook", str(given.id))]


@pytest.mark.parametrize("swept", [True, False])
def test_an_erasure_is_told_where_the_event_is_on_its_way_still_and_where_it_is_long_gone(
    house: House, receiver: Receiver, *, swept: bool
) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    dana = house.customer()
    if swept:
        house.send()
        with begin(house.ada) as tx:
            store.sweep(tx, before=now() + timedelta(minutes=1), limit=1000)
    else:
        house.follow()
    erased(house.desk, dana, at=now() + timedelta(days=1))
    house.send()
    assert [one.event["type"] for one in receiver.got] == ["customer.created", "erasure.confirmed"]
    assert receiver.got[0].event["data"]["erased"] is not swept
    assert {one.state for one in house.of(made.id)} == {"sent"}


def test_senders_that_settle_at_once_count_every_delivery(house: House) -> None:
    made = house.hook("http://127.0.0.1:9/")
    people = [house.customer(contact__email=f"dana{number}@old.example") for number in range(4)]
    house.follow()
    tried = [
        store.Tried(delivery=one, state="sent", next_at=None, code=200, error="", place="crm.example", clear=True)
        for one in house.of(made.id)
    ]

    def note(items: list[store.Tried]) -> Any:
        def run() -> None:
            for _ in range(5):
                with begin(house.ada) as tx:
                    store.note_told(tx, items, own=own_record(house.desk.client), at=now())

        return run

    assert together([note(tried), note(tried[::-1]), note(tried[1:] + tried[:1])]) == [None] * 3
    for dana in people:
        (one,) = register(house, dana)
        events = len([item for item in tried if _subject(house, item) == dana])
        assert one.times == 15 * events
        assert not one.masked


def _subject(house: House, tried: store.Tried) -> UUID:
    with look(house.desk.client) as seen:
        row = seen.connection.execute(
            "SELECT e.subject_id FROM desk.log_leaf l"
            " JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id WHERE l.idx = %s",
            [tried.delivery.idx],
        ).fetchone()
    assert row
    return UUID(str(row[0]))
