"""What is queued reaches its receiver once, or says visibly that it did not."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.outbound.desk import MOBILE, NEW_MAIL, OLD_MAIL, REACH, Desk, by_id
from tests.outbound.receivers import GatewayServer, MailServer, closed_port, status

from changedesk import outbound
from changedesk.base.clock import now
from changedesk.ledger.entry import EntryKind
from changedesk.outbound.notices import send
from changedesk.outbound.notices.mail import Mail
from changedesk.outbound.notices.outbox import Outbox
from changedesk.outbound.notices.sms import Gateway
from changedesk.store.deliveries import Message

HER = {"contact.email": OLD_MAIL, "contact.phone_mobile": MOBILE}
OUTCOMES = (EntryKind.NOTICE_SENT, EntryKind.NOTICE_FAILED)


def later(minutes: float) -> Callable[[], datetime]:
    return lambda: now() + timedelta(minutes=minutes)


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """Hands over, and dies before it can say so."""

    state = "sent"

    def __init__(self, fault: BaseException, *, repeatable: bool) -> None:
        self.fault, self.repeatable, self.sent = fault, repeatable, 0

    def send(self, _delivery_id: UUID, _message: Message) -> str:
        self.sent += 1
        raise self.fault


def ways(
    mail: MailServer | None = None, gateway: GatewayServer | None = None, timeout_seconds: float = 10
) -> send.Transports:
    outbox = Outbox()
    return {
        "email": Mail("127.0.0.1", mail.port, sender_email="no-reply@acme.example", starttls=False) if mail else outbox,
        "sms": Gateway(gateway.url, "t0ken", timeout_seconds=timeout_seconds) if gateway else outbox,
        "portal": outbox,
    }


def test_a_change_is_told_by_mail_and_by_text_and_history_remembers_without_an_address(
    desk: Desk, mail_server: MailServer, gateway: GatewayServer
) -> None:
    subject = desk.customer(HER)
    desk.apply(desk.request(subject, {"contact.email": NEW_MAIL}, notices=REACH))
    desk.tell()
    while send.send(desk.client, ways(mail_server, gateway)):
        pass
    assert {item.state for item in desk.all()} == {"sent"}
    assert sorted(to for to, _ in mail_server.got) == [NEW_MAIL, *[OLD_MAIL] * 4]
    assert {body["to"] for _, body in gateway.got} == {MOBILE}
    entries = desk.entries(subject, *OUTCOMES)
    assert len(entries) == len(desk.all())
    assert {(item.facts["event"], item.facts["channel"], item.facts["template"]) for item in entries} == {
        (item.event, item.channel, f"{item.event}/{item.channel}/en/builtin-1") for item in desk.all()
    }
    told = str([dict(item.facts) for item in entries])
    assert OLD_MAIL not in told
    assert MOBILE not in told
    assert all(item.provider_id for item in desk.all())


def test_the_duties_take_an_entry_all_the_way_to_the_outbox(desk: Desk) -> None:
    desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    for duty in outbound.duties():
        while duty.run(desk.client):
            pass
    assert [duty.name for duty in outbound.duties()] == [
        "log.sequence",
        "notices.decide",
        "log.find",
        "log.count",
        "notices.send",
        "notices.lapse",
        "notices.again",
        "hooks.sweep",
        "log.alarm",
        "log.publish",
        "log.anchor",
        "log.witness",
    ]
    assert {item.state for item in desk.all()} == {"shown"}
    assert all(item.message is not None for item in desk.all())


def test_what_is_set_up_decides_how_a_message_goes(
    desk: Desk, mail_server: MailServer, gateway: GatewayServer, settings: object
) -> None:
    for name, value in {
        "CHANGEDESK_SMTP_SET": True,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": mail_server.port,
        "EMAIL_USE_TLS": False,
        "CHANGEDESK_SMS_GATEWAY_URL": gateway.url,
        "CHANGEDESK_SMS_GATEWAY_TOKEN": "t0ken",
    }.items():
        setattr(settings, name, value)
    subject = desk.customer(HER)
    desk.queue(subject, "completed", "email", OLD_MAIL)
    desk.queue(subject, "completed", "sms", MOBILE)
    assert send.run(desk.client) == 2
    assert mail_server.mails()[0]["From"] == "ACME <no-reply@acme.example>"
    assert gateway.got[0][0]["Authorization"] == "Bearer t0ken"


def test_a_sender_that_dies_after_sending_leaves_an_unknown_that_is_not_sent_again(desk: Desk) -> None:
    subject = desk.customer(HER)
    lost = desk.queue(subject, "completed", "email", OLD_MAIL)
    dying = Dying(Killed(), repeatable=False)
    broken = {**ways(), "email": dying}
    with pytest.raises(Killed):
        send.send(desk.client, broken)
    assert by_id(desk, lost).state == "sending"
    assert send.settle(desk.client, broken) == 0, "the lease still runs"
    assert send.settle(desk.client, broken, clock=later(2)) == 1
    assert by_id(desk, lost).state == "unconfirmed"
    assert send.send(desk.client, broken, clock=later(60 * 24)) == 0
    assert dying.sent == 1
    facts = desk.entries(subject, EntryKind.NOTICE_FAILED)[0].facts
    assert (facts["state"], facts["error"]) == ("unconfirmed", "sender-lost")


def test_what_the_other_side_takes_twice_as_once_is_sent_again_after_a_lost_sender(
    desk: Desk, gateway: GatewayServer
) -> None:
    lost = desk.queue(desk.customer(HER), "completed", "sms", MOBILE)
    with pytest.raises(Killed):
        send.send(desk.client, {**ways(), "sms": Dying(Killed(), repeatable=True)})
    assert send.settle(desk.client, ways(gateway=gateway), clock=later(2)) == 1
    assert send.send(desk.client, ways(gateway=gateway), clock=later(2)) == 1
    assert by_id(desk, lost).state == "sent"
    assert gateway.got[0][0]["Idempotency-Key"] == str(lost.id)


def test_a_fault_of_the_program_in_one_message_holds_up_none_of_the_others(desk: Desk) -> None:
    subject = desk.customer(HER)
    bad = desk.queue(subject, "completed", "sms", MOBILE)
    good = desk.queue(subject, "completed", "email", OLD_MAIL)
    assert send.send(desk.client, {**ways(), "sms": Dying(ZeroDivisionError(), repeatable=True)}) == 2
    assert (by_id(desk, bad).state, by_id(desk, bad).last_error) == ("unconfirmed", "sender-fault")
    assert by_id(desk, good).state == "shown"


def test_two_senders_at_once_send_each_message_once(desk: Desk, gateway: GatewayServer) -> None:
    subject = desk.customer(HER)
    for number in range(40):
        desk.queue(subject, "completed", "sms", f"+49151000{number:04d}")
    way = ways(gateway=gateway)
    start = threading.Barrier(3)
    faults: list[BaseException] = []

    def work() -> None:
        start.wait()
        try:
            while send.send(desk.client, way):
                pass
        except BaseException as fault:  # noqa: BLE001 - shown to the test
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(gateway.got) == 40
    assert len({headers["Idempotency-Key"] for headers, _ in gateway.got}) == 40
    assert {item.state for item in desk.all()} == {"sent"}


def test_a_sender_whose_lease_ran_out_cannot_overwrite_what_was_settled(desk: Desk) -> None:
    subject = desk.customer(HER)
    slow = desk.queue(subject, "completed", "email", OLD_MAIL)

    class Slow(Outbox):
        def send(self, delivery_id: UUID, message: Message) -> str:
            send.settle(desk.client, {}, clock=later(2))  # another worker finds the lease at its end
            return super().send(delivery_id, message)

    send.send(desk.client, {**ways(), "email": Slow()})
    assert by_id(desk, slow).state == "unconfirmed"
    assert [item.kind for item in desk.entries(subject, *OUTCOMES)] == [EntryKind.NOTICE_FAILED]


def test_one_receiver_that_hangs_and_one_that_fails_hold_up_nobody(desk: Desk, gateway: GatewayServer) -> None:
    subject = desk.customer(HER)
    gateway.answers = {"+1": gateway.hang, "+2": status(500), "+3": status(400)}
    sent = {to: desk.queue(subject, "completed", "sms", to) for to in ("+1", "+2", "+3", "+4", "+5")}
    assert send.send(desk.client, ways(gateway=gateway, timeout_seconds=2)) == 5
    states = {to: (by_id(desk, item).state, by_id(desk, item).last_error) for to, item in sent.items()}
    assert states == {
        "+1": ("pending", "gateway-timeout"),
        "+2": ("pending", "gateway-500"),
        "+3": ("failed", "gateway-400"),
        "+4": ("sent", None),
        "+5": ("sent", None),
    }
    assert send.send(desk.client, ways(gateway=gateway)) == 0, "what failed waits its time"


def test_a_receiver_that_is_away_is_tried_less_and_less_often_and_given_up_visibly(desk: Desk) -> None:
    subject = desk.customer(HER)
    item = desk.queue(subject, "completed", "sms", MOBILE)
    away: send.Transports = {"sms": Gateway(f"http://127.0.0.1:{closed_port()}/", "")}
    times = [now()]
    waits = []
    while by_id(desk, item).state == "pending":
        times.append(max(times[-1], by_id(desk, item).next_at))
        assert send.send(desk.client, away, clock=lambda: times[-1]) == 1
        waits.append(by_id(desk, item).next_at - times[-1])
    last = by_id(desk, item)
    assert (last.state, last.last_error) == ("failed", "gateway-unreachable")
    assert waits[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert max(waits) == timedelta(hours=12)
    assert timedelta(days=2) < times[-1] - item.created_at <= timedelta(days=3)
    assert len(desk.entries(subject, EntryKind.NOTICE_FAILED)) == 1


@pytest.mark.parametrize("event", ["challenge", "new_contact"])
def test_a_code_is_never_sent_after_its_time(desk: Desk, gateway: GatewayServer, event: str) -> None:
    stale = desk.queue(desk.customer(HER), event, "sms", MOBILE, age=timedelta(minutes=5))
    send.send(desk.client, ways(gateway=gateway))
    assert gateway.got == []
    found = by_id(desk, stale)
    assert (found.state, found.last_error, found.message) == ("failed", "expired", None)


def test_a_code_that_cannot_go_out_in_time_is_given_up_then(desk: Desk, gateway: GatewayServer) -> None:
    gateway.answers = {MOBILE: status(503)}
    item = desk.queue(desk.customer(HER), "challenge", "sms", MOBILE)
    for minute in (0, 1.1, 3.2):
        send.send(desk.client, ways(gateway=gateway), clock=later(minute))
    found = by_id(desk, item)
    assert (found.state, found.last_error, found.message) == ("failed", "gateway-503", None)


def test_a_code_is_forgotten_once_it_is_out_and_a_notice_is_kept(desk: Desk, gateway: GatewayServer) -> None:
    subject = desk.customer(HER)
    code = desk.queue(subject, "challenge", "sms", MOBILE)
    notice = desk.queue(subject, "completed", "sms", MOBILE)
    shown = desk.queue(subject, "challenge", "email", OLD_MAIL)
    send.send(desk.client, ways(gateway=gateway))
    assert by_id(desk, code).message is None
    assert by_id(desk, notice).message is not None
    assert by_id(desk, shown).message is not None


def test_a_message_that_ends_its_sender_each_time_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "ATTEMPTS_MAX", 3)
    item = desk.queue(desk.customer(HER), "completed", "sms", MOBILE)
    deadly = Dying(Killed(), repeatable=True)
    poison: send.Transports = {"sms": deadly}
    minutes = 0.0
    for _ in range(3):
        with pytest.raises(Killed):
            send.send(desk.client, poison, clock=later(minutes))
        minutes += 2
        send.settle(desk.client, poison, clock=later(minutes))
    send.send(desk.client, poison, clock=later(minutes))
    assert deadly.sent == 3
    assert (by_id(desk, item).state, by_id(desk, item).last_error) == ("failed", "too-many-attempts")


def test_a_message_of_a_way_that_is_not_there_fails_visibly(desk: Desk) -> None:
    item = desk.queue(desk.customer(HER), "completed", "voicemail", MOBILE)
    send.send(desk.client, ways())
    assert (by_id(desk, item).state, by_id(desk, item).last_error) == ("failed", "no-such-channel")


def test_an_erased_customer_gets_nothing_and_no_entry(desk: Desk, gateway: GatewayServer) -> None:
    subject = desk.customer(HER)
    item = desk.queue(subject, "completed", "sms", MOBILE)
    erased = send._try(ways(gateway=gateway), replace(item, message=None), now)
    assert (erased.state, erased.error) == ("failed", "erased")
    assert gateway.got == []


def test_no_log_line_holds_an_address_or_a_text(
    desk: Desk, gateway: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    subject = desk.customer(HER)
    gateway.answers = {MOBILE: status(500)}
    desk.queue(subject, "challenge", "sms", MOBILE)
    fault = Dying(ValueError(f"{OLD_MAIL} 482913"), repeatable=False)
    desk.queue(subject, "challenge", "email", OLD_MAIL)
    send.send(desk.client, {**ways(gateway=gateway), "email": fault})
    printed = "".join(str(record.__dict__) for record in caplog.records)
    assert "notice_sender_fault" in printed
    assert not [word for word in (OLD_MAIL, MOBILE, "482913") if word in printed]
