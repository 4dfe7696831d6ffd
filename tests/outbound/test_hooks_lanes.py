"""What was taken for a hook and is not sent yet: whom it keeps waiting, and what becomes of it when the hook moves."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings
from tests.cast import desk
from tests.outbound.hooked import Receiver
from tests.outbound.test_hooks import SECONDS, House
from tests.postgres import Database

from changedesk.base.clock import now
from changedesk.flow import hooks
from changedesk.flow.hooks import NewHook, Opened
from changedesk.outbound.hooks import send as sending


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def house(database: Database, settings: Settings, receiver: Receiver) -> Iterator[House]:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    made = House(desk())
    made.senders = [made.sender(seconds=60)]
    yield made
    receiver.freed.release(1000)
    for one in made.senders:
        one.close()


def taken(house: House, count: int) -> None:
    for number in range(count):
        house.customer(contact__email=f"dana{number}@old.example")
    house.follow()
    house.senders[0].run(house.desk.client)


Change = Callable[[House, Opened, NewHook], object]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda house, made, _: hooks.pause_hook(made.id, actor=house.ada, at=now()), "waiting"),
        (lambda house, made, _: hooks.remove_hook(made.id, actor=house.ada, at=now()), "given_up"),
        (
            lambda house, made, new: hooks.change_hook(
                made.id, replace(new, url=new.url + "/moved"), actor=house.ada, at=now()
            ),
            "waiting",
        ),
    ],
    ids=["paused", "removed", "moved"],
)
def test_what_was_taken_for_a_hook_is_not_sent_once_it_is_set_otherwise(
    house: House, receiver: Receiver, change: Change, left: str
) -> None:
    new = NewHook(url=receiver.url, events=["customer.created"])
    made = hooks.register_hook(new, actor=house.ada, at=now())
    receiver.way = "held"
    taken(house, 4)
    assert receiver.wait_for(1, SECONDS)
    change(house, made, new)
    sender = house.senders[0]
    sender.run(house.desk.client)
    receiver.freed.release(4)
    assert sender.wait(SECONDS)
    assert len(receiver.got) == 1
    states = [one.state for one in house.of(made.id)]
    assert sorted(states)[-3:] == [left] * 3


def test_a_receiver_that_takes_its_time_has_one_lane_however_well_it_answers(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the hooks of one client that answer just in time have all the lanes, and those of the others none."""
    monkeypatch.setattr(sending, "QUICK_SECONDS", 60)
    house.hook(receiver.url, events=["customer.created"])
    sender = house.senders[0]
    taken(house, 1)
    assert sender.wait(SECONDS)
    receiver.way = "held"
    taken(house, 8)
    assert receiver.wait_for(1 + sending.LANES_OF_ONE, SECONDS)
    monkeypatch.setattr(sending, "QUICK_SECONDS", 0)
    receiver.freed.release(sending.LANES_OF_ONE)
    assert receiver.wait_for(2 + sending.LANES_OF_ONE, SECONDS)
    with receiver.some:
        receiver.most_at_once = 1
    receiver.freed.release(4)
    assert sender.wait(SECONDS)
    assert (len(receiver.got), receiver.most_at_once) == (9, 1)
