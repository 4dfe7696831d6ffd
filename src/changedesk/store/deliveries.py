"""Messages on their way to one contact point each: queued with the change, claimed with a lease, finished once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from changedesk.base.ids import RequestId, SubjectId, uuid7
from changedesk.ledger import seal
from changedesk.ledger.value import decode_json, encode_json
from changedesk.store import keys
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent and where to. Sealed under the customer's key while it waits."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message to be queued. Two parcels with one ``dedupe`` are one."""

    subject: Subject = field(repr=False)
    dedupe: str
    event: str
    channel: str
    """email, sms or portal."""
    language: str
    message: Message
    request: RequestId | None = None
    log_index: int | None = None
    required: bool = True
    template: str = ""
    """The text that it was made from, with its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message as it stands. ``message`` is None once it was forgotten or erased, and where it is ``damaged``.

    ``ref`` is its request's public name; who sends a message needs none and is given none.
    """

    id: UUID
    subject_id: SubjectId
    request_id: RequestId | None
    ref: str | None
    event: str
    channel: str
    language: str
    template: str
    required: bool
    state: str
    attempts: int
    next_at: datetime
    fence: int
    last_error: str | None
    provider_id: str | None
    created_at: datetime
    done_at: datetime | None
    message: Message | None = field(repr=False)
    damaged: bool


_PLAIN: Final = tuple(name for name in Delivery.__dataclass_fields__ if name not in ("message", "damaged"))


def enqueue(tx: Tx, parcels: Sequence[Parcel], *, at: datetime) -> None:
    """Queue messages; those that are queued already stay one."""
    if not parcels:
        return
    tx.grew = True
    ids = [uuid7() for _ in parcels]
    known = [_key(parcel.subject) for parcel in parcels]
    tx.post(
        "deliveries.enqueue",
        id=ids,
        dedupe=[parcel.dedupe for parcel in parcels],
        subject_id=[parcel.subject.id for parcel in parcels],
        request_id=[parcel.request for parcel in parcels],
        log_idx=[parcel.log_index for parcel in parcels],
        event=[parcel.event for parcel in parcels],
        channel=[parcel.channel for parcel in parcels],
        language=[parcel.language for parcel in parcels],
        template=[parcel.template for parcel in parcels],
        required=[parcel.required for parcel in parcels],
        key_id=[key.id for key in known],
        message_ct=[
            seal.seal(key.id.bytes, key.cipher, _packed(parcel.message), _aad(tx.client, id_))
            for parcel, key, id_ in zip(parcels, known, ids, strict=True)
        ],
        next_at=[at] * len(parcels),
    )


def due(look: Look, *, now: datetime) -> bool:
    """Say whether any message is due."""
    return bool(look.rows("deliveries.due", now=now)[0].due)


def claim(tx: Tx, *, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
    """Take due messages for sending; each must be finished with its ``fence`` before the lease ends."""
    return _opened(tx, tx.rows("deliveries.claim", now=now, lease_until=now + lease, limit=limit))


def lapse(tx: Tx, *, now: datetime) -> list[Any]:
    """Mark messages whose sender was lost as unconfirmed: (id, subject_id, request_id, event, channel, template)."""
    return tx.rows("deliveries.lapse", now=now)


def finish(
    tx: Tx,
    delivery: Delivery,
    state: str,
    *,
    at: datetime,
    error: str | None = None,
    provider_id: str | None = None,
    retry_at: datetime | None = None,
    forget: bool = False,
) -> bool:
    """Say what became of a claimed message; False when another sender has it by now."""
    done = tx.run(
        "deliveries.finish",
        id=delivery.id,
        fence=delivery.fence,
        state=state,
        next_at=retry_at,
        error=error,
        provider_id=provider_id,
        done_at=None if state == "pending" else at,
        forget=forget,
    )
    return done == 1


def resend(tx: Tx, delivery: UUID, *, now: datetime) -> Any | None:
    """Queue a failed or unconfirmed message again: its (id, subject_id, request_id), None when in no such state."""
    return tx.row("deliveries.resend", id=delivery, now=now)


def attention(look: Look, *, limit: int = 100) -> list[Delivery]:
    return _opened(look, look.rows("deliveries.attention", limit=limit))


def of_request(look: Look, request: RequestId) -> list[Delivery]:
    return _opened(look, look.together(of_request_asks(request))[0])


def of_request_asks(request: RequestId) -> Call:
    """Return what ``of_request`` asks: to be read ahead."""
    return "deliveries.of_request", {"request": request}


FIRST: Final = UUID(int=0)


def outbox(look: Look, *, before: datetime, last: UUID = FIRST, limit: int = 50) -> list[Delivery]:
    """Return messages of before a moment, newest first, and those of that moment that come behind ``last``."""
    return _opened(look, look.rows("deliveries.outbox", before=before, last=last, limit=limit))


def _packed(message: Message) -> bytes:
    return encode_json({"to": message.to, "subject": message.subject, "body": message.body})


def _aad(client: int, delivery: UUID) -> bytes:
    return b"acl/v1/delivery" + client.to_bytes(8, "big") + delivery.bytes


def _key(subject: Subject) -> keys.SubjectKey:
    if subject.key is None:
        raise keys.Erased("this subject's key was destroyed")
    return subject.key


def _opened(look: Look, rows: Sequence[Any]) -> list[Delivery]:
    if not rows:
        return []
    by_id = keys.wrapped(look, {(row.subject_id, row.key_id) for row in rows})
    return [_delivery(look, row, by_id.get(row.key_id)) for row in rows]


def _delivery(look: Look, row: Any, key_row: Any) -> Delivery:
    message, damaged = None, False
    if key_row is None:
        damaged = True
    elif row.message_ct is not None and key_row.wrapped is not None:
        try:
            key = keys.of_subject(look, row.subject_id, row.key_id, key_row.epoch, key_row.wrapped)
            cipher = key.cipher
            body: Any = decode_json(seal.unseal(lambda _: cipher, bytes(row.message_ct), _aad(look.client, row.id)))
            message = Message(**body)
        except (seal.Corrupt, seal.UnknownKey):
            # It says so itself: it must not keep the others from being sent, or from being seen.
            damaged = True
    return Delivery(**{name: getattr(row, name) for name in _PLAIN}, message=message, damaged=damaged)
