"""Data-subject requests, what was written at their steps, and the copies that answer them. One function per query."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from changedesk.base.ids import RequestId, SubjectId
from changedesk.ledger import seal
from changedesk.rules.answering import Clock, Stop
from changedesk.rules.rights import Right
from changedesk.store import evidence, keys
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx

EARLIEST: Final = (datetime(1900, 1, 1, tzinfo=UTC), UUID(int=0))
LATEST: Final = (datetime(2999, 12, 31, tzinfo=UTC), UUID(int=2**128 - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRequest:
    """What a person asked about their data. ``state``: open, answered, refused, appealed; ``outcome``: whole, part."""

    id: UUID
    ref: str
    subject_id: SubjectId
    right: Right
    jurisdictions: tuple[str, ...]
    clocks: tuple[Clock, ...]
    level: int
    channel: str
    entered_by: str
    received_at: datetime
    created_at: datetime
    due_at: datetime
    due_rule: str
    ack_by: datetime | None = None
    version: int = 1
    state: str = "open"
    acknowledged_at: datetime | None = None
    identified_at: datetime | None = None
    identity_level: int = 0
    extended_at: datetime | None = None
    delay: str = ""
    stops: tuple[Stop, ...] = ()
    closed_at: datetime | None = None
    outcome: str = ""
    ground: str = ""
    appealed_at: datetime | None = None

    @property
    def stopped(self) -> bool:
        """True while the clock stands still."""
        return any(stop.until is None for stop in self.stops)


def insert(tx: Tx, one: SubjectRequest) -> None:
    tx.run(
        "subject_requests.insert",
        id=one.id,
        ref=one.ref,
        subject=one.subject_id,
        asked=one.right.value,
        jurisdictions=" ".join(one.jurisdictions),
        clocks=Jsonb([clock.plain() for clock in one.clocks]),
        level=one.level,
        channel=one.channel,
        entered_by=one.entered_by,
        received_at=one.received_at,
        created_at=one.created_at,
        due_at=one.due_at,
        due_rule=one.due_rule,
        ack_by=one.ack_by,
    )


def hold(tx: Tx, ref: str) -> SubjectRequest | None:
    """Return a request of this name, locked until the transaction ends."""
    return _maybe(tx.row("subject_requests.hold", ref=ref))


def by_ref(look: Look, ref: str) -> SubjectRequest | None:
    return _maybe(look.row("subject_requests.by_ref", ref=ref))


def by_id(look: Look, id_: UUID) -> SubjectRequest | None:
    return _maybe(look.row("subject_requests.by_id", id=id_))


def move(tx: Tx, one: SubjectRequest) -> None:
    """Write what became of a request that is held."""
    tx.run(
        "subject_requests.move",
        id=one.id,
        state=one.state,
        due_at=one.due_at,
        due_rule=one.due_rule,
        acknowledged_at=one.acknowledged_at,
        identified_at=one.identified_at,
        identity_level=one.identity_level,
        extended_at=one.extended_at,
        delay=one.delay,
        stops=Jsonb([_stop(stop) for stop in one.stops]),
        closed_at=one.closed_at,
        outcome=one.outcome,
        ground=one.ground,
        appealed_at=one.appealed_at,
    )


def waiting(look: Look, *, after: tuple[datetime, UUID] | None = None, limit: int) -> list[SubjectRequest]:
    """Return what is not closed, the most urgent first, from after a (due_at, id) on."""
    at, id_ = after or EARLIEST
    rows = look.rows("subject_requests.waiting", after_at=at, after_id=id_, limit=limit)
    return [_request(row) for row in rows]


def newest(look: Look, *, before: tuple[datetime, UUID] | None = None, limit: int) -> list[SubjectRequest]:
    """Return all, the newest first, from before a (created_at, id) on."""
    at, id_ = before or LATEST
    rows = look.rows("subject_requests.newest", before_at=at, before_id=id_, limit=limit)
    return [_request(row) for row in rows]


def of_subject(look: Look, subject: SubjectId) -> list[SubjectRequest]:
    return [_request(row) for row in look.rows("subject_requests.of_subject", subject=subject)]


def received_in(look: Look, since: datetime, until: datetime) -> list[Any]:
    """Return (asked, state, outcome, ground, received_at, closed_at) of what was received in a time."""
    return look.rows("subject_requests.received_in", since=since, until=until)


def _maybe(row: Any | None) -> SubjectRequest | None:
    return None if row is None else _request(row)


_SAME: Final = tuple(
    name
    for name in SubjectRequest.__dataclass_fields__
    if name not in ("right", "jurisdictions", "clocks", "stops", "subject_id")
)


def _request(row: Any) -> SubjectRequest:
    return SubjectRequest(
        **{name: getattr(row, name) for name in _SAME},
        subject_id=SubjectId(row.subject_id),
        right=Right(row.asked),
        jurisdictions=tuple(row.jurisdictions),
        clocks=tuple(Clock.read(one) for one in row.clocks),
        stops=tuple(_read_stop(one) for one in row.stops),
    )


def _stop(stop: Stop) -> dict[str, Any]:
    until = None if stop.until is None else stop.until.isoformat()
    return {"ground": stop.ground, "since": stop.since.isoformat(), "until": until}


def _read_stop(told: Any) -> Stop:
    until = None if told["until"] is None else datetime.fromisoformat(told["until"])
    return Stop(told["ground"], datetime.fromisoformat(told["since"]), until)


def link(tx: Tx, id_: UUID, request: RequestId, *, at: datetime) -> bool:
    """Say which change request carries it out; False when that is known."""
    return tx.run("subject_requests.link", id=id_, request=request, at=at) == 1


def linked(look: Look, id_: UUID) -> list[RequestId]:
    return [RequestId(row.request_id) for row in look.rows("subject_requests.linked", id=id_)]


@dataclass(frozen=True, slots=True)
class Note:
    """What was written at a step; empty where it is erased."""

    step: str
    text: str
    written_by: str
    written_at: datetime

    def __repr__(self) -> str:
        return f"Note({self.step})"


def write(tx: Tx, one: SubjectRequest, subject: Subject, step: str, text: str, *, by: str, at: datetime) -> None:
    """Keep what was written, sealed under the person's key. Raises Erased."""
    note = uuid4()
    sealed = evidence.seal_text(tx, _key(subject), note, text)
    tx.run(
        "subject_requests.note", note=note, id=one.id, subject=one.subject_id, step=step, text_ct=sealed, by=by, at=at
    )


def notes_of(look: Look, one: SubjectRequest, subject: Subject) -> list[Note]:
    """Return what was written at the steps of a request, in order."""
    return [
        Note(row.step, evidence.open_text(look, subject.key, row.id, row.text_ct), row.written_by, row.written_at)
        for row in look.rows("subject_requests.notes_of", id=one.id)
    ]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person put beside their record when a correction was refused."""

    ref: str
    text: str
    written_at: datetime


def statements(look: Look, subject: Subject) -> list[Statement]:
    """Return what goes with every disclosure of a record."""
    return [
        Statement(row.ref, evidence.open_text(look, subject.key, row.id, row.text_ct), row.written_at)
        for row in look.rows("subject_requests.statements", subject=subject.id)
        if row.text_ct is not None
    ]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was made. ``body`` None: its time is over, or the person is erased."""

    id: UUID
    digest: bytes
    built_by: str
    built_at: datetime
    expires_at: datetime
    sealed: bytes | None

    def __repr__(self) -> str:
        return f"Copy({self.id})"


def keep_copy(
    tx: Tx, one: SubjectRequest, subject: Subject, data: bytes, *, by: str, at: datetime, until: datetime
) -> None:
    """Keep a copy, sealed under the person's key; there is one of a request."""
    made, key = uuid4(), _key(subject)
    sealed = seal.seal(key.id.bytes, key.cipher, data, _aad(tx.client, made))
    tx.run(
        "subject_requests.keep_copy",
        copy=made,
        id=one.id,
        subject=subject.id,
        digest=hashlib.sha256(data).digest(),
        body_ct=sealed,
        by=by,
        at=at,
        expires_at=until,
    )


def copy_of(look: Look, one: SubjectRequest) -> Copy | None:
    row = look.row("subject_requests.copy_of", id=one.id)
    if row is None:
        return None
    sealed = None if row.body_ct is None else bytes(row.body_ct)
    return Copy(row.id, bytes(row.digest), row.built_by, row.built_at, row.expires_at, sealed)


def of_copy(look: Look, copy: UUID, token: str) -> SubjectRequest | None:
    """Return the request that a copy answers, None where the link's secret is not the one of that copy."""
    row = look.row("subject_requests.copy_by_id", copy=copy)
    if row is None or not hmac.compare_digest(copy_token(look, copy).encode(), token.encode()):
        return None
    return by_id(look, row.subject_request_id)


def copy_token(look: Look, copy: UUID) -> str:
    """Return the secret of the link to a copy, which stands nowhere: it is made from the client's key again."""
    return hmac.digest(keys.of_client(look).code, b"copy\x00" + copy.bytes, "sha256").hex()


def open_copy(look: Look, subject: Subject, copy: Copy) -> bytes | None:
    """Return a copy's file; None where it is gone."""
    if copy.sealed is None or subject.key is None:
        return None
    cipher = subject.key.cipher
    return seal.unseal(lambda _: cipher, copy.sealed, _aad(look.client, copy.id))


def expire_copies(tx: Tx, *, at: datetime) -> int:
    """Empty the copies whose time is over; return how many those were."""
    return tx.run("subject_requests.expire_copies", at=at)


def forget(tx: Tx, subject: SubjectId) -> None:
    """Empty everything that was written or made for a person."""
    _empty_copies(tx, subject)
    tx.run("subject_requests.empty_notes", subject=subject)


def reseal(tx: Tx, subject: Subject, fresh: keys.SubjectKey) -> None:
    """Take what was written along to a person's new key; copies, in which what is forgotten may stand, go."""
    _empty_copies(tx, subject.id)
    for row in tx.rows("subject_requests.notes_kept", subject=subject.id):
        text = evidence.open_text(tx, subject.key, row.id, row.text_ct)
        tx.run("subject_requests.set_note", note=row.id, text_ct=evidence.seal_text(tx, fresh, row.id, text))


def _empty_copies(tx: Tx, subject: SubjectId) -> None:
    tx.run("subject_requests.empty_copies", subject=subject)


def _key(subject: Subject) -> keys.SubjectKey:
    if subject.key is None:
        raise keys.Erased("this subject's key was destroyed")
    return subject.key


def _aad(client: int, copy: UUID) -> bytes:
    return b"acl/v1/copy" + client.to_bytes(8, "big") + copy.bytes
