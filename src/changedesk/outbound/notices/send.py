"""Sending what is queued: claimed with a lease, sent outside any transaction, finished under a fencing number."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import cache
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings

from changedesk.base.actor import automation
from changedesk.base.clock import now
from changedesk.base.ids import ClientId, RequestId, SubjectId
from changedesk.ledger import seal
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.outbound.notices.mail import Mail
from changedesk.outbound.notices.outbox import Outbox
from changedesk.outbound.notices.sms import Gateway
from changedesk.outbound.notices.transport import NotSent, Permanent, Temporary, Transport
from changedesk.rules.identity import CODE_TTL
from changedesk.rules.wording import CODES
from changedesk.store import deliveries, history, settings_read, subjects
from changedesk.store.begin import begin
from changedesk.store.deliveries import Delivery
from changedesk.store.terms import Terms
from changedesk.store.tx import Tx, look

LEASE: Final = timedelta(seconds=60)
AT_ONCE: Final = 16
"""Sent side by side, so that one receiver that hangs keeps none of the others."""
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=12)
GIVE_UP_AFTER: Final = timedelta(days=3)
ATTEMPTS_MAX: Final = 50
"""Above what the waits allow in three days: only a message that ends its sender each time comes here."""
_DOUBLINGS_MAX: Final = 10
_log = structlog.get_logger("changedesk.notices")
Transports = Mapping[str, Transport]
"""By channel: email, sms, portal."""


def run(client_id: int) -> int:
    """Send what is due for a client; return how many messages were tried."""
    client = ClientId(client_id)
    return send(client, transports(client))


def lapse(client_id: int) -> int:
    """Settle what a lost sender left behind; return how many messages that were."""
    client = ClientId(client_id)
    return settle(client, transports(client))


def transports(client: ClientId) -> Transports:
    """Return the ways that are set up here, with this client as the sender; the outbox where there is none."""
    outbox = Outbox()
    return {
        "email": _mail(client) if settings.CHANGEDESK_SMTP_SET else outbox,
        "sms": _gateway(settings.CHANGEDESK_SMS_GATEWAY_URL, settings.CHANGEDESK_SMS_GATEWAY_TOKEN)
        if settings.CHANGEDESK_SMS_GATEWAY_URL
        else outbox,
        "portal": outbox,
    }


@cache
def _gateway(url: str, token: str) -> Gateway:
    return Gateway(url, token)


def _mail(client: ClientId) -> Mail:
    known = settings_read.client(client)
    _, default_email = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return Mail(
        settings.EMAIL_HOST,
        settings.EMAIL_PORT,
        sender_email=known.sender_email or default_email,
        sender_name=known.sender_name or known.name,
        user=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        starttls=settings.EMAIL_USE_TLS,
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one try."""

    state: str
    error: str | None = None
    provider_id: str | None = None
    retry_at: datetime | None = None
    forget: bool = False


def send(client: ClientId, ways: Transports, *, clock: Callable[[], datetime] = now) -> int:
    """Send what is due, each message by its channel's way; return how many were tried.

    The claim is committed before anything is sent: a sender that dies leaves a message that says so.
    """
    with look(client) as seen:
        seen.ahead(last=True)
        if not deliveries.due(seen, now=clock()):
            return 0
    actor = automation(client, "notices")
    with begin(actor) as tx:
        claimed = deliveries.claim(tx, now=clock(), lease=LEASE, limit=AT_ONCE)
    if not claimed:
        return 0
    with ThreadPoolExecutor(len(claimed), thread_name_prefix="notices") as threads:
        trying = {threads.submit(_try, ways, item, clock): item for item in claimed}
        for tried in as_completed(trying):
            item, outcome = trying[tried], tried.result()
            with begin(actor) as tx:
                _finish(tx, item, outcome, at=clock())
    return len(claimed)


def settle(client: ClientId, ways: Transports, *, clock: Callable[[], datetime] = now) -> int:
    """Mark what a lost sender left as unconfirmed; send again only where that cannot tell twice."""
    with begin(automation(client, "notices")) as tx:
        at = clock()
        lost = deliveries.lapse(tx, now=at)
        for row in lost:
            way = ways.get(row.channel)
            if way is not None and way.repeatable and deliveries.resend(tx, row.id, now=at):
                continue
            told = {"event": row.event, "channel": row.channel, "delivery": str(row.id), "template": row.template}
            _record(tx, row.subject_id, row.request_id, {**told, "state": "unconfirmed", "error": "sender-lost"}, at=at)
        return len(lost)


def _try(ways: Transports, item: Delivery, clock: Callable[[], datetime]) -> _Outcome:
    code = item.event in CODES
    try:
        way = _way(ways, item, at=clock())
        provider_id = way.send(item.id, _message(item))
    except Permanent as refused:
        return _Outcome("failed", refused.word, forget=code)
    except Temporary as refused:
        return _later(item, refused.word, at=clock())
    except NotSent as unknown:
        return _Outcome("unconfirmed", unknown.word, forget=code)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not keep the other messages of the batch
        # Its type only: its text may hold an address.
        _log.error("notice_sender_fault", delivery=str(item.id), channel=item.channel, fault=type(error).__name__)
        return _Outcome("unconfirmed", "sender-fault", forget=code)
    # A code lives on nowhere but in the customer's hands; in the outbox it must stay to be seen.
    return _Outcome(way.state, provider_id=provider_id or None, forget=code and way.state == "sent")


def _way(ways: Transports, item: Delivery, *, at: datetime) -> Transport:
    """Return the way of a message that may still be sent. Raises Permanent."""
    if item.event in CODES and at >= item.created_at + CODE_TTL:
        raise Permanent("expired")
    if item.attempts > ATTEMPTS_MAX:
        raise Permanent("too-many-attempts")
    if item.channel not in ways:
        raise Permanent("no-such-channel")
    return ways[item.channel]


def _message(item: Delivery) -> deliveries.Message:
    if item.message is None:
        raise Permanent("damaged" if item.damaged else "erased")
    return item.message


def _later(item: Delivery, word: str, *, at: datetime) -> _Outcome:
    code = item.event in CODES
    wait = min(FIRST_WAIT * 2 ** min(item.attempts - 1, _DOUBLINGS_MAX), LONGEST_WAIT)
    if at + wait >= item.created_at + (CODE_TTL if code else GIVE_UP_AFTER):
        return _Outcome("failed", word, forget=code)
    return _Outcome("pending", word, retry_at=at + wait)


def _finish(tx: Tx, item: Delivery, outcome: _Outcome, *, at: datetime) -> None:
    held = deliveries.finish(
        tx,
        item,
        outcome.state,
        at=at,
        error=outcome.error,
        provider_id=outcome.provider_id,
        retry_at=outcome.retry_at,
        forget=outcome.forget,
    )
    if not held or outcome.state == "pending":
        return  # the lease had run out and the message is settled already, or its story goes on
    told: dict[str, Json] = {
        "event": item.event,
        "channel": item.channel,
        "delivery": str(item.id),
        "language": item.language,
        "template": item.template,
        "attempts": item.attempts,
        "state": outcome.state,
    }
    if outcome.error is not None:
        told["error"] = outcome.error
    _record(tx, item.subject_id, item.request_id, told, at=at)


def _record(tx: Tx, subject_id: UUID, request_id: UUID | None, facts: Mapping[str, Json], *, at: datetime) -> None:
    """Remember in the customer's history what became of a message: never where it went or what it said."""
    try:
        subject = subjects.load(tx, [SubjectId(subject_id)]).get(SubjectId(subject_id))
    except (seal.Corrupt, seal.UnknownKey):
        subject = None  # damaged, which the audit tells of: the others' messages go on
    if subject is None or subject.key is None:
        return  # the delivery itself says what became of it
    draft = history.Draft(
        subject=subject,
        kind=EntryKind.NOTICE_SENT if facts["state"] in ("sent", "shown") else EntryKind.NOTICE_FAILED,
        actor=automation(tx.client, "notices"),
        at=at,
        facts=facts,
        request=None if request_id is None else RequestId(request_id),
    )
    history.append(tx, [draft], terms=Terms())
