"""Each event reaches each hook that wants it, signed, at least once; and no receiver keeps another one waiting."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk, key, staff
from tests.outbound.hooked import Receiver, Sent
from tests.outbound.receivers import closed_port, silent_port
from tests.postgres import Database

from changedesk import flow, outbound
from changedesk.base.actor import Actor, Role
from changedesk.base.clock import now
from changedesk.base.ids import ClientId, SubjectId
from changedesk.channels.clock.hooks import bodies
from changedesk.flow import configure, hooks, resending
from changedesk.flow.hooks import NewHook
from changedesk.outbound.hooks import Delivery, Line, Sender, follow
from changedesk.outbound.hooks import send as sending
from changedesk.outbound.notices import alarm
from changedesk.outbound.notices.outbox import Outbox
from changedesk.reading import feed
from changedesk.rules import hooks as rules
from changedesk.rules.access import terminal
from changedesk.rules.egress import ANYWHERE
from changedesk.store import hooks as store
from changedesk.store import keys
from changedesk.store.begin import begin
from changedesk.store.deliveries import Message
from changedesk.store.tx import look

SECONDS = 20.0


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> Any:
        return now() + self.ahead


class House:
    """A desk whose hooks lead to receivers here."""

    def __init__(self, made: Desk) -> None:
        self.desk, self.clock = made, Clock()
        self.ada, self.bea = (staff(made.client, number, Role.ADMINISTRATOR) for number in (9, 10))
        self.senders = [self.sender()]

    def sender(self, seconds: float = 5.0) -> Sender:
        return Sender(Line(reach=ANYWHERE, seconds=seconds), bodies, clock=self.clock, luck=lambda: 0.0)

    def hook(self, url: str, actor: Actor | None = None, **more: Any) -> hooks.Opened:
        made = hooks.register_hook(NewHook(url=url, **more), actor=actor or self.ada, at=now())
        if made.draft is not None:
            hooks.approve_hook(made.id, made.draft, actor=self.bea, at=now())
        return made

    def customer(self, **values: object) -> SubjectId:
        return self.desk.customer(at=now(), **values)

    def follow(self) -> None:
        while outbound.sequence(self.desk.client):
            pass
        with begin(self.ada) as tx:
            follow.run(tx, {}, at=now())

    def send(self) -> None:
        """Follow the log, and send until nothing is due."""
        self.follow()
        while any(one.run(self.desk.client) for one in self.senders):
            assert all(one.wait(SECONDS) for one in self.senders)

    def of(self, hook: UUID) -> list[store.Delivery]:
        """A hook's deliveries, oldest first."""
        with look(self.desk.client) as seen:
            found = store.deliveries(seen, hook, before=now() + timedelta(days=90), limit=500)
        return sorted(found, key=lambda one: one.idx or 0)

    def kept(self, hook: UUID) -> store.Hook:
        with look(self.desk.client) as seen:
            found = store.one(seen, hook)
        assert found
        return found


@pytest.fixture
def house(database: Database, settings: Settings) -> Iterator[House]:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    made = House(desk())
    yield made
    for one in made.senders:
        one.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def signed_by(sent: Sent, secret: str) -> bool:
    """Whether a signature is by a secret: an independent sum, with the standard library alone."""
    said = b".".join([sent.headers["webhook-id"].encode(), sent.headers["webhook-timestamp"].encode(), sent.body])
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), said, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mac).decode()}" in sent.headers["webhook-signature"].split(" ")


def test_what_is_sent_is_the_event_of_the_feed_byte_for_byte_and_signed(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url)
    house.customer()
    house.send()
    page = msgspec.json.encode(feed.feed(actor=key(house.desk.client, "feed:read"), limit=50))
    assert {"customer.created", "factor.bound"} <= {one.event["type"] for one in receiver.got}
    for sent in receiver.got:
        assert sent.body in page
        assert signed_by(sent, made.secret)
        rules.verify(
            made.secret, sent.headers["webhook-id"], sent.headers["webhook-timestamp"],
            sent.headers["webhook-signature"], sent.body, now=now().timestamp(),
        )  # fmt: skip
        event = sent.event
        assert sent.headers["webhook-id"] == event["id"]
        assert sent.headers["Content-Type"] == "application/cloudevents+json"
        assert (event["specversion"], event["source"]) == ("1.0", "ledger.example/aurora")
        assert int(event["sequence"]) == event["data"]["index"]
        assert b"dana@old" not in sent.body
    assert {one.state for one in house.of(made.id)} == {"sent"}


def test_values_go_out_in_clear_where_an_administrator_said_so(house: House, receiver: Receiver) -> None:
    house.hook(receiver.url, full_values=True, events=["customer.created"])
    house.customer()
    house.send()
    (sent,) = receiver.got
    assert sent.event["data"]["changes"]["contact.email"]["after"] == "dana@old.example"


def test_a_hook_is_told_of_the_events_and_kinds_it_wants_from_then_on(house: House, receiver: Receiver) -> None:
    house.customer()
    created = house.hook(receiver.url, events=["customer.created"])
    contact = house.hook(receiver.url, kinds=["contact_details"])
    dana = house.customer()
    for kind, values in (("contact_details", {"contact.email": "d@new.example"}),
                         ("marketing_preferences", {"pref.marketing_email": "yes"})):  # fmt: skip
        wish = flow.Wish(subject=dana, kind=kind, values=values, reason="customer_request", channel=house.ada.channel)
        flow.submit([wish], actor=house.desk.sofia, at=now()).one()
    house.send()
    assert [one.type for one in house.of(created.id)] == ["customer.created"]
    assert house.of(contact.id)
    kinds = {one.event["data"]["kind"] for one in receiver.got if one.event["type"] != "customer.created"}
    assert kinds == {"contact_details"}


def test_both_secrets_sign_for_a_day_and_then_the_new_one_alone(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    second = hooks.rotate_hook(made.id, actor=house.ada, at=now()).secret
    house.customer()
    house.send()
    house.clock.ahead = rules.OLD_SECRET_FOR
    resending.try_hook(made.id, actor=house.ada, at=now())
    house.send()
    during, after = receiver.got
    assert signed_by(during, made.secret)
    assert signed_by(during, second)
    assert not signed_by(after, made.secret)
    assert signed_by(after, second)


def test_a_try_that_fails_is_made_again_for_three_days_and_then_people_are_told(
    house: House, receiver: Receiver
) -> None:
    told = configure.invite(
        "ada@desk.example", "Ada", [Role.ADMINISTRATOR], actor=terminal(house.desk.client), at=now()
    )
    made = house.hook(receiver.url, events=["customer.created"])
    receiver.status = 500
    house.customer()
    house.send()
    (delivery,) = house.of(made.id)
    assert (delivery.state, delivery.tries, delivery.code, delivery.error) == ("waiting", 1, 500, "refused")
    assert house.kept(made.id).failing_since
    for wait in rules.WAITS:
        house.send()  # not yet
        house.clock.ahead += wait + timedelta(seconds=2)
        house.send()
    (delivery,) = house.of(made.id)
    assert (delivery.state, delivery.tries) == ("given_up", 10)
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 1
    assert len(receiver.got) == 10
    mails = alarmed(house)
    assert [(one.person, one.state) for one in mails] == [(told, "pending")]
    box = Kept()
    assert alarm.tell(house.desk.client, lambda: box, clock=lambda: house.clock() + timedelta(hours=1)) == 1
    (mail,) = box.got
    assert (mail.to, f"127.0.0.1:{receiver.port}" in mail.body) == ("ada@desk.example", True)
    assert "/c/aurora/hooks" in mail.body
    receiver.status = 204
    resending.resend(made.id, delivery.id, actor=house.ada, at=now())
    house.send()
    assert [one.state for one in house.of(made.id)] == ["sent"]
    assert house.kept(made.id).failing_since is None
    assert receiver.got[-1].headers["webhook-id"] == receiver.got[0].headers["webhook-id"]


class Kept(Outbox):
    """A way that keeps what it was handed."""

    def __init__(self) -> None:
        self.got: list[Message] = []

    def send(self, delivery_id: UUID, message: Message) -> str:
        self.got.append(message)
        return super().send(delivery_id, message)


def alarmed(house: House) -> list[Any]:
    with look(house.desk.client) as seen:
        rows = seen.connection.execute("SELECT person, state FROM desk.alarm WHERE hook_id IS NOT NULL").fetchall()
    return [type("Alarm", (), {"person": row[0], "state": row[1]}) for row in rows]


def test_a_receiver_that_is_gone_is_sent_nothing_more(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    receiver.status = 410
    house.customer()
    house.send()
    house.customer(contact__email="eve@old.example")
    house.clock.ahead = timedelta(hours=1)
    house.send()
    assert len(receiver.got) == 1
    kept = house.kept(made.id)
    assert (kept.state, kept.why) == ("disabled", "gone")
    receiver.status = 200
    hooks.resume_hook(made.id, actor=house.ada, at=now())
    house.send()
    assert {one.state for one in house.of(made.id)} == {"sent"}
    events = feed.feed(actor=key(house.desk.client, "feed:read"), limit=100).items
    assert [one["type"] for one in events].count("hook.changed") == 3  # registered, disabled, resumed


def test_a_hook_that_takes_nothing_for_days_is_disabled(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    receiver.status = 503
    house.customer()
    house.send()
    house.clock.ahead = rules.DISABLED_AFTER - timedelta(minutes=1)
    house.send()
    assert house.kept(made.id).state == "on"
    house.clock.ahead = rules.DISABLED_AFTER + timedelta(hours=1)
    house.send()
    kept = house.kept(made.id)
    assert (kept.state, kept.why) == ("disabled", "failing")


@pytest.mark.parametrize(
    ("way", "error", "code"),
    [
        ("redirect", "redirected", 302),
        ("huge", "", 200),
        ("hang_up", "broken-off", None),
        ("nonsense", "broken-off", None),
    ],
)
def test_a_strange_answer_is_weighed_by_its_status_alone(
    house: House, receiver: Receiver, way: str, error: str, code: int | None
) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    receiver.way = way
    house.customer()
    house.send()
    (delivery,) = house.of(made.id)
    assert (delivery.error, delivery.code) == (error, code)
    assert len(receiver.got) == 1, "no redirect is followed"


def test_who_hangs_or_drips_is_left_after_its_time_and_keeps_nobody_waiting(house: House, receiver: Receiver) -> None:
    slow = house.sender(seconds=0.4)
    house.senders.append(slow)
    listener, port = silent_port()
    with Receiver() as dripping, listener:
        dripping.way = "drip"
        urls = f"http://127.0.0.1:{port}/", dripping.url, f"http://127.0.0.1:{closed_port()}/"
        stuck = [house.hook(url, events=["customer.created"]) for url in urls]
        fine = house.hook(receiver.url)
        for number in range(3):
            house.customer(contact__email=f"dana{number}@old.example")
        house.follow()
        slow.run(house.desk.client)
        assert slow.wait(SECONDS)
        told = [{one.error for one in house.of(hook.id) if one.tries} for hook in stuck]
        assert told == [{"timeout"}, {"timeout"}, {"unreachable"}]
        assert {one.state for one in house.of(fine.id)} == {"sent"}
        house.clock.ahead = timedelta(minutes=10)
        before = sum(one.tries for hook in stuck for one in house.of(hook.id))
        slow.run(house.desk.client)
        assert slow.wait(SECONDS)
        # One at a time where the last try failed.
        assert sum(one.tries for hook in stuck for one in house.of(hook.id)) == before + len(stuck)


def test_a_healthy_hook_is_told_while_another_one_hangs(house: House, receiver: Receiver) -> None:
    listener, port = silent_port()
    with listener:
        house.hook(f"http://127.0.0.1:{port}/", events=["customer.created"])
        house.hook(receiver.url, events=["customer.created"])
        for number in range(8):
            house.customer(contact__email=f"dana{number}@old.example")
        house.follow()
        sender = house.senders[0]
        assert sender.run(house.desk.client) == 16
        assert receiver.wait_for(8, SECONDS)  # the other one hangs for five seconds each
        assert not sender.wait(0)


def test_however_many_hang_from_the_first_try_on_a_healthy_hook_is_told(house: House, receiver: Receiver) -> None:
    listener, port = silent_port()
    sender = house.sender(seconds=60)
    house.senders.append(sender)
    with listener:
        for _ in range(hooks.MOST - 1):
            house.hook(f"http://127.0.0.1:{port}/", events=["customer.created"])
        house.hook(receiver.url, events=["customer.created"])
        for number in range(sending.LANES_OF_ONE + 2):
            house.customer(contact__email=f"dana{number}@old.example")
        house.follow()
        sender.run(house.desk.client)
        assert receiver.wait_for(sending.LANES_OF_ONE + 2, SECONDS)
        assert not sender.wait(0)
        threading.Thread(target=sender.close).start()
    assert sender.wait(SECONDS)


def test_a_sender_that_dies_before_it_says_so_leaves_the_event_to_another_under_the_same_id(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    house.customer()
    house.follow()
    with monkeypatch.context() as dying:
        dying.setattr(sending, "settle", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("killed")))
        house.send()
    house.send()
    assert [one.state for one in house.of(made.id)] == ["waiting"]
    house.clock.ahead = follow.LEASE + timedelta(seconds=1)
    house.send()
    assert [(one.state, one.tries) for one in house.of(made.id)] == [("sent", 2)]
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 1
    assert len(receiver.got) == 2


def test_an_event_that_cannot_be_made_stops_no_other(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    house.customer()
    house.customer(contact__email="eve@old.example")
    house.follow()
    bad = house.of(made.id)[0].idx

    def tell(client: ClientId, deliveries: Sequence[Delivery], *, values: bool) -> list[bytes]:
        if any(one.idx == bad for one in deliveries):
            raise LookupError
        return bodies(client, deliveries, values=values)

    sender = Sender(Line(reach=ANYWHERE), tell, luck=lambda: 0.0)
    house.senders.append(sender)
    sender.run(house.desk.client)
    assert sender.wait(SECONDS)
    assert [(one.state, one.error) for one in house.of(made.id)] == [("waiting", "sender-fault"), ("sent", "")]


def test_whoever_comes_late_says_nothing_any_more(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    house.customer()
    house.follow()
    with begin(house.ada) as tx:
        (first,) = store.claim(tx, {made.id: 5}, now=now(), lease=timedelta())
    with begin(house.ada) as tx:
        store.claim(tx, {made.id: 5}, now=now() + timedelta(seconds=1), lease=timedelta(minutes=1))
    late = store.Tried(delivery=first, state="sent", next_at=None, code=200, error="")
    with begin(house.ada) as tx:
        store.finish(tx, [late], at=now())
    assert [one.state for one in house.of(made.id)] == ["waiting"]


def test_what_the_log_gains_is_sent_in_the_turn_that_finds_it_and_no_more_than_there_is_room_for(
    house: House, receiver: Receiver
) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    for number in range(sending.AT_ONCE + 3):
        house.customer(contact__email=f"dana{number}@old.example")
    while outbound.sequence(house.desk.client):
        pass
    sender = house.senders[0]
    assert sender.run(house.desk.client)
    assert sender.wait(SECONDS)
    assert [one.state for one in house.of(made.id)] == ["sent"] * sending.AT_ONCE + ["waiting"] * 3
    assert {one.tries for one in house.of(made.id)} == {0, 1}
    house.send()
    assert {(one.state, one.tries) for one in house.of(made.id)} == {("sent", 1)}
    assert len(receiver.got) == sending.AT_ONCE + 3


def test_two_workers_at_once_send_each_event_once(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url)
    for number in range(12):
        house.customer(contact__email=f"dana{number}@old.example")
    house.senders.append(house.sender())
    barrier = threading.Barrier(2)

    def work(sender: Sender) -> None:
        barrier.wait(SECONDS)
        while outbound.sequence(house.desk.client) or sender.run(house.desk.client):
            sender.wait(SECONDS)

    threads = [threading.Thread(target=work, args=(one,)) for one in house.senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    house.send()
    sent = [one.headers["webhook-id"] for one in receiver.got]
    assert len(sent) == len(set(sent)) == len(house.of(made.id))
    assert len(sent) >= 24


def test_what_is_sent_again_says_what_the_log_says_now(house: House, receiver: Receiver, database: Database) -> None:
    made = house.hook(receiver.url, full_values=True, events=["customer.created"])
    dana = house.customer()
    house.send()
    assert b"dana@old.example" in receiver.got[0].body
    with psycopg.connect(database.admin_url) as admin:
        admin.execute("SET LOCAL session_replication_role = replica")  # as an erasure leaves things
        admin.execute("UPDATE desk.subject_key SET wrapped = NULL, shredded_at = now() WHERE subject_id = %s", [dana])
    keys.forget()
    resending.resend(made.id, house.of(made.id)[0].id, actor=house.ada, at=now())
    house.send()
    assert receiver.got[1].event["data"]["erased"] is True
    assert receiver.got[1].event["data"]["changes"] == {}
    assert b"dana@old.example" not in receiver.got[1].body


def test_what_is_old_is_taken_away_and_the_rest_stays(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url, events=["customer.created"])
    house.customer()
    house.send()
    assert follow.sweep(house.desk.client) == 0
    with begin(house.ada) as tx:
        assert store.sweep(tx, before=now() + timedelta(minutes=1), limit=10) == 1
    assert house.of(made.id) == []


def test_where_there_is_no_hook_nothing_is_followed(house: House) -> None:
    house.customer()
    while outbound.sequence(house.desk.client):
        pass
    sender = house.senders[0]
    assert sender.run(house.desk.client) == 0
    made = house.hook("http://127.0.0.1:9/")
    hooks.remove_hook(made.id, actor=house.ada, at=now())
    while outbound.sequence(house.desk.client):
        pass
    assert sender.run(house.desk.client) > 0
    with look(house.desk.client) as seen:
        standing = store.standing(seen, now=now())
    assert (standing.behind, standing.awake) == (False, ())
    assert house.of(made.id) == []


def test_nothing_in_the_tables_tells_an_address_a_secret_or_a_person(house: House, receiver: Receiver) -> None:
    made = house.hook(receiver.url + "?key=s3cr3t", full_values=True)
    house.customer()
    house.send()
    with look(house.desk.client) as seen:
        rows = seen.connection.execute(
            "SELECT h::text FROM desk.hook h UNION ALL SELECT d::text FROM desk.hook_delivery d"
            " UNION ALL SELECT t::text FROM desk.hook_told t"
        ).fetchall()
    text = json.dumps(rows)
    assert len(rows) > 2
    for secret in ("s3cr3t", made.secret, made.secret[6:], "dana", "Novak"):
        assert secret not in text
