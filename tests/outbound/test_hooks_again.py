"""What failed is sent again by a person: one event, or those of a time; under the same ids, signed anew, on record."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.flow.race import together
from tests.outbound.hooked import Receiver
from tests.outbound.test_hooks import House, house, receiver, signed_by

from changedesk import flow
from changedesk.base.clock import now
from changedesk.base.refusal import NotFound
from changedesk.flow import hooks, resending
from changedesk.flow.hooks import HookUnfit
from changedesk.flow.resending import HookStopped, Resent
from changedesk.rules import hooks as rules
from changedesk.store.tx import look

__all__ = ["house", "receiver"]
DAY = timedelta(days=1)


def resent(house: House) -> int:
    """How many entries say that something was sent again."""
    with look(house.desk.client) as seen:
        rows = seen.connection.execute("SELECT count(*) FROM desk.entry WHERE kind = 'hook.resent'").fetchone()
    return int(rows[0]) if rows else 0


def again(house: House, made: hooks.Opened, **more: Any) -> Resent:
    told = {"since": now() - DAY, "until": now() + DAY, "actor": house.ada, "at": now(), **more}
    return resending.resend_range(made.id, **told)


def test_what_failed_in_a_time_goes_out_again_under_its_ids_and_signed_anew(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    house.customer()
    house.send()
    receiver.status = 500
    for number in range(3):
        house.customer(contact__email=f"dana{number}@old.example")
    house.send()
    resending.try_hook(made.id, actor=house.ada, at=now())
    house.send()
    failed = [one for one in house.of(made.id) if one.idx is not None and one.state == "waiting"]
    assert len(failed) == 3
    receiver.status, before = 200, len(receiver.got)
    house.clock.ahead = timedelta(seconds=4)
    assert again(house, made) == Resent(3, None)
    assert again(house, made) == Resent(0, None), "what goes out already is not sent for twice"
    house.send()
    sent = [one for one in receiver.got[before:] if one.event["type"] != "hook.test"]
    assert {one.headers["webhook-id"] for one in sent} == {str(one.event_id) for one in failed}
    assert all(signed_by(one, made.secret) for one in sent)
    first = receiver.got[0].headers["webhook-timestamp"]
    assert all(int(one.headers["webhook-timestamp"]) >= int(first) + 4 for one in sent)
    assert {one.state for one in house.of(made.id) if one.idx is not None} == {"sent"}
    assert resent(house) == 1


def test_all_of_a_time_is_sent_again_where_that_is_asked_and_nothing_beside_it(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "RESENT_MOST", 2)
    made = house.hook(receiver.url, events=["customer.created"])
    other = house.hook(receiver.url, events=["customer.created"])
    for number in range(5):
        house.customer(contact__email=f"dana{number}@old.example")
    house.send()
    assert again(house, made, failed=False, until=now() - DAY / 2) == Resent(0, None)
    assert again(house, made, failed=False, since=now() + DAY / 2) == Resent(0, None)
    asked, counts = again(house, made, failed=False), []
    while asked.next is not None:
        counts.append(asked.events)
        asked = again(house, made, failed=False, after=asked.next)
    assert [*counts, asked.events] == [2, 2, 1], "each once, whichever was written at the same moment"
    house.send()
    assert len(receiver.got) == 15
    assert {one.tries for one in house.of(other.id)} == {1}


def test_what_was_given_up_can_be_sent_again_for_the_time_it_stands(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    receiver.status = 500
    house.customer()
    house.send()
    for wait in rules.WAITS:
        house.clock.ahead += wait + timedelta(seconds=2)
        house.send()
    assert [one.state for one in house.of(made.id)] == ["given_up"]
    receiver.status = 200
    assert again(house, made) == Resent(1, None)
    house.send()
    assert [one.state for one in house.of(made.id)] == ["sent"]


def test_two_who_send_again_at_once_send_once_and_a_key_answers_as_before(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    receiver.status = 500
    for number in range(4):
        house.customer(contact__email=f"dana{number}@old.example")
    house.send()
    found = together([partial(again, house, made) for _ in range(3)])
    assert sorted(one.events for one in found if isinstance(one, Resent)) == [0, 0, 4]
    assert resent(house) == 1
    (one, *_) = house.of(made.id)
    key = flow.Once("again", b"x")
    call = partial(resending.resend, made.id, one.id, actor=house.ada, at=now(), key=key)
    assert sorted(bool(each) for each in together([call, call])) == [False, True]
    assert call() is True
    assert resent(house) == 2
    keyed = partial(again, house, made, failed=False, key=flow.Once("range", b"x"))
    assert keyed() == keyed()
    receiver.status, before = 200, len(receiver.got)
    house.send()
    assert len(receiver.got) == before + 4


def test_what_cannot_be_sent_again_is_said_so(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url)
    with pytest.raises(HookUnfit) as unfit:
        again(house, made, since=now(), until=now() - DAY)
    assert unfit.value.data["path"] == "until"
    with pytest.raises(NotFound):
        again(house, made, after=made.id)
    hooks.pause_hook(made.id, actor=house.ada, at=now())
    with pytest.raises(HookStopped):
        again(house, made)
    hooks.remove_hook(made.id, actor=house.ada, at=now())
    with pytest.raises(NotFound):
        again(house, made)
