"""The history: the only way that state is written, and the ways that it is read."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from changedesk.base.actor import Actor
from changedesk.base.clock import EPOCH, micros
from changedesk.base.ids import ChangeId, RequestId, SubjectId, uuid7
from changedesk.ledger import seal
from changedesk.ledger.commitment import (
    BEGINNING,
    FOREVER,
    SECRET_BYTES,
    Assertion,
    commit_meta,
    commit_ordered,
    in_order,
)
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.payload import Meta, Payload, encode_meta, encode_payload
from changedesk.ledger.tree import leaf_hash
from changedesk.ledger.value import Json, decode_value
from changedesk.rules.status import OVERLAYS
from changedesk.store import keys, once, status
from changedesk.store.subjects import Held, Subject, seal_state
from changedesk.store.terms import Terms
from changedesk.store.tx import Tx

SNAPSHOT_EVERY: Final = 32
"""Every 32nd version carries the whole state, so that any as-of opens at most 32 payloads."""

STATUS_FIELD: Final = "status.state"


class Draft(msgspec.Struct, frozen=True):
    """An entry to be written. ``assertions`` is empty for an observation that says nothing of values."""

    subject: Subject
    kind: EntryKind
    actor: Actor
    at: datetime
    assertions: Sequence[Assertion] = ()
    facts: Mapping[str, Json] = {}
    """Who, how, why, on what evidence: sealed under the client's staff key."""
    request: RequestId | None = None
    channel: str = ""
    """How the customer asked; empty for the actor's own channel."""
    change: ChangeId | None = None
    next_at: datetime | Literal["later"] | None = "later"
    """When the next value of this subject is due; "later" leaves it to what was known and these assertions."""


class Written(msgspec.Struct, frozen=True):
    """What became of a draft. ``version`` is 0 for an observation."""

    subject: SubjectId
    change: ChangeId
    version: int
    leaf: bytes


@dataclass(slots=True)
class _Move:
    """One subject's way from the version that was read to the one after its drafts."""

    subject: Subject
    since: datetime
    """When its first draft was recorded."""
    state: dict[str, Held]
    ver: int
    head: bytes
    fresh: bool
    dated: bool
    next_at: datetime | None

    @property
    def key(self) -> keys.SubjectKey:
        if self.subject.key is None:
            raise keys.Erased("this subject's key was destroyed")
        return self.subject.key


_ENTRY: Final = (
    "change_id", "subject_id", "ver", "at", "request_id", "kind", "actor", "channel", "fields", "fields_hash",
    "meta_hash", "leaf", "ct", "meta_ct", "fresh",
)  # fmt: skip
_LOST: Final = ("lost_subject", "lost_field", "lost_epoch", "lost_tag")
_FOUND: Final = ("found_subject", "found_field", "found_epoch", "found_tag", "found_fresh")


@dataclass(slots=True)
class _Batch:
    """What one statement will write, row by row, as the names above say."""

    client: keys.ClientKeys
    moves: dict[SubjectId, _Move] = field(default_factory=dict)
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    lost: list[tuple[Any, ...]] = field(default_factory=list)
    found: list[tuple[Any, ...]] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    packed: dict[bytes, bytes] = field(default_factory=dict)
    """Who, how and why as they are packed: most entries of a batch say the same."""

    def columns(self) -> dict[str, Sequence[Any]]:
        return {**_columns(_ENTRY, self.entries), **_columns(_LOST, self.lost), **_columns(_FOUND, self.found)}


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Sequence[Any]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())


Answers = Callable[[Sequence[Written]], Sequence[tuple[once.Claim, Mapping[str, Json]]]]
"""Says what becomes the answer of which call, once it is known what will be written."""


def append(
    tx: Tx,
    drafts: Sequence[Draft],
    *,
    terms: Terms,
    created: Mapping[SubjectId, str] | None = None,
    answers: Answers = lambda _: (),
) -> list[Written]:
    """Write entries, and the states they lead to, in one statement.

    Drafts of one subject follow one another in the order given. A subject that has moved since it was read takes
    none of its changes along: they are missing from the answer, the rest stands. ``created`` gives the type of
    the subjects that come into being here: their first draft is version 1. ``answers`` are kept with what is written
    (``once.record``), for subjects that are locked. Raises InFlight as that does.
    """
    if not drafts:
        return []
    tx.grew = True
    batch = _Batch(keys.of_client(tx))
    for draft in drafts:
        # The leaf holds milliseconds, so the row does too: the one must give back the other.
        at = draft.at.replace(microsecond=draft.at.microsecond // 1000 * 1000)
        fresh = created is not None and draft.subject.id in created
        move = batch.moves.get(draft.subject.id)
        if move is None:
            was = draft.subject
            start = (0, b"") if fresh else (was.ver, was.head_leaf)
            move = batch.moves[was.id] = _Move(
                was, at, dict(was.state), *start, fresh, was.dated, was.next_effective_at
            )
        _add(tx, batch, draft, move, at)
    _index(batch, terms)
    if created:
        _create(tx, [move for move in batch.moves.values() if move.fresh], created)
    with once.refusing_twice():
        placed = _write(tx, batch, once.columns(drafts[0].actor.id, answers(batch.written), at=drafts[0].at))
    status.record(
        tx,
        [
            move
            for draft, one in zip(drafts, batch.written, strict=True)
            if one.change in placed and one.version
            for move in _status_moves(draft, one.change)
        ],
    )
    return [item for item in batch.written if item.change in placed]


def _write(tx: Tx, batch: _Batch, answers: Mapping[str, Any]) -> set[UUID]:
    """Send the one statement; return the changes that it wrote."""
    # One order for all batches, so that two of them cannot wait for each other.
    moved = sorted(
        (move for move in batch.moves.values() if not move.fresh and move.ver != move.subject.ver),
        key=lambda move: move.subject.id.int,
    )
    rows = tx.rows(
        "history.append",
        **answers,
        **batch.columns(),
        m_subject=[move.subject.id for move in moved],
        m_expected=[move.subject.ver for move in moved],
        m_target=[move.ver for move in moved],
        m_head=[move.head for move in moved],
        m_state=[_sealed_state(tx, move) for move in moved],
        m_status=[_status(move) for move in moved],
        m_next=[move.next_at for move in moved],
        meta_epoch=batch.client.meta_epoch,
    )
    return {row.change_id for row in rows}


def _create(tx: Tx, moves: Sequence[_Move], types: Mapping[SubjectId, str]) -> None:
    tx.run(
        "subjects.create",
        id=[move.subject.id for move in moves],
        type=[types[move.subject.id] for move in moves],
        ver=[move.ver for move in moves],
        head=[move.head for move in moves],
        key_id=[move.key.id for move in moves],
        state=[_sealed_state(tx, move) for move in moves],
        status=[_status(move) for move in moves],
        at=[move.since for move in moves],
        next=[move.next_at for move in moves],
    )


def _status(move: _Move) -> str:
    """Return the one value of a state that stands in clear too: no personal value, and guards and queues read it."""
    held = move.state.get(STATUS_FIELD)
    return "active" if held is None else str(held.value)


def _status_moves(draft: Draft, change: ChangeId) -> list[status.StatusMove]:
    """Return the moves of the state and of overlays that an entry says of its own time, not of a time to come."""
    first: dict[str, Assertion] = {}
    for item in draft.assertions:
        known = first.get(item.path)
        if item.path in _TOLD and (known is None or item.valid_from_us < known.valid_from_us):
            first[item.path] = item
    if not first:
        return []
    at = draft.at.replace(microsecond=draft.at.microsecond // 1000 * 1000)
    facts = draft.facts
    recorded = draft.kind is EntryKind.CHANGE_RECORDED or draft.kind.value.endswith(".created")
    found: list[status.StatusMove] = []
    for path, item in first.items():
        was, became = (None if text is None else _word(text) for text in (item.old, item.new))
        if path == STATUS_FIELD:
            # What a record was before a source first spoke of it, only that source can say.
            was = (str(facts["from"]) or None) if recorded and "from" in facts else was
            was = was or (None if recorded else _ACTIVE)
            became = became or (None if recorded else _ACTIVE)
            if was == became:
                continue
        found.append(
            status.StatusMove(
                change_id=change,
                path=path,
                subject_id=draft.subject.id,
                was=was,
                became=became,
                reason=str(facts.get("reason", "")),
                initiated_by=str(facts.get("initiated_by", "")),
                effective_at=moment(max(item.valid_from_us, 0)),
                recorded_at=at,
            )
        )
    return found


def _word(text: bytes) -> str:
    value = decode_value(text)
    return "true" if value is True else "false" if value is False else str(value)


_ACTIVE: Final = "active"
_TOLD: Final = frozenset({STATUS_FIELD, *OVERLAYS.values()})


def _sealed_state(tx: Tx, move: _Move) -> bytes | None:
    if move.subject.erased_at is not None and not move.state:
        return None
    return seal_state(tx.client, move.subject.id, move.ver, move.key, move.state, dated=move.dated)


def _add(tx: Tx, batch: _Batch, draft: Draft, move: _Move, at: datetime) -> None:
    """Seal one draft and put it into the batch; a change moves its subject on."""
    kind, subject = draft.kind, move.subject.id
    change = draft.change or ChangeId(uuid7())
    version = move.ver + 1 if kind.bumps else 0
    secrets, now_us = os.urandom(2 * SECRET_BYTES), micros(at)
    cs, ms = secrets[:SECRET_BYTES], secrets[SECRET_BYTES:]
    ordered = in_order(draft.assertions)
    if version:
        _carry(move, ordered, version, now_us)
    if draft.next_at != "later":
        move.next_at = draft.next_at
    channel = draft.channel or draft.actor.channel.value
    meta = Meta.of(ms, _facts(draft, channel))
    fields_hash, meta_hash = commit_ordered(cs, ordered), commit_meta(ms, meta.body)
    leaf_ = leaf_hash(
        leaf(
            change_id=change,
            kind=kind,
            subject_ref=subject,
            version=version,
            previous=move.head if version > 1 else b"",
            recorded_at_ms=now_us // 1000,
            fields=fields_hash,
            meta=meta_hash,
        )
    )
    paths = list(dict.fromkeys([item.path for item in ordered]))
    sealed = _sealed_payload(tx, move, change, version, Payload(cs, ordered, _snapshot(move, version)))
    sealed_meta = _sealed_meta(tx, batch, move, change, version, meta)
    batch.entries.append((
        change, subject, version or None, at, draft.request, kind.value, draft.actor.id, channel,
        " ".join(paths) or None, fields_hash, meta_hash, leaf_, sealed, sealed_meta, move.fresh,
    ))  # fmt: skip
    if version:
        move.ver, move.head = version, leaf_
    batch.written.append(Written(subject, change, version, leaf_))


def _facts(draft: Draft, channel: str) -> dict[str, Json]:
    # What stands in clear beside the entry is sealed with it too, so that nobody can change it there unseen.
    about = {} if draft.request is None or "ref" in draft.facts else {"request": str(draft.request)}
    return {
        **draft.facts,
        # Last, so that no fact that came from outside can stand in their place.
        **about,
        "actor": draft.actor.id,
        "as": draft.actor.type.value,
        "at": draft.actor.entry_point,
        "via": channel,
    }


def _carry(move: _Move, assertions: Sequence[Assertion], version: int, now_us: int) -> None:
    """Bring the state to where these assertions leave it at this moment; a later one waits for its time."""
    for item in assertions:
        start, end = item.valid_from_us, item.valid_to_us
        move.dated |= start != now_us or end != FOREVER
        if start <= now_us < end:
            if item.new is None:
                move.state.pop(item.path, None)
            else:
                move.state[item.path] = Held(item.new, version)
        edge = start if start > now_us else end
        if now_us < edge < FOREVER:
            first = moment(edge)
            move.next_at = first if move.next_at is None else min(first, move.next_at)


def _snapshot(move: _Move, version: int) -> list[Assertion] | None:
    # The state serves as snapshot only while every change was true from when it was recorded on: then it says all.
    if not version or version % SNAPSHOT_EVERY or move.dated:
        return None
    return [Assertion(path, None, held.text, BEGINNING, FOREVER) for path, held in sorted(move.state.items())]


def _sealed_payload(tx: Tx, move: _Move, change: UUID, version: int, payload: Payload) -> bytes | None:
    if move.subject.erased_at is not None and not payload.assertions:
        return None  # what is said of the erased is said by staff and of staff: there is no value to seal
    aad = seal.payload_aad(tx.client, move.subject.id, change, version)
    return seal.bare(seal.seal(move.key.id.bytes, move.key.cipher, encode_payload(payload), aad))


def _sealed_meta(tx: Tx, batch: _Batch, move: _Move, change: UUID, version: int, meta: Meta) -> bytes:
    aad = seal.meta_aad(tx.client, move.subject.id, change, version)
    key_id, cipher = batch.client.metas[batch.client.meta_epoch]
    return seal.bare(seal.seal(key_id, cipher, encode_meta(meta, batch.packed), aad, block=seal.IMPERSONAL))


def _index(batch: _Batch, terms: Terms) -> None:
    """Take from the blind index what no longer holds, and add what does.

    While its key is renewed, a term goes from under every epoch, and comes under those in use.
    """
    client = batch.client
    for move in batch.moves.values():
        if move.ver == move.subject.ver and not move.fresh:
            continue
        subject, fresh = move.subject.id, move.fresh
        lost, found = terms.moved(move.subject.state, move.state)
        batch.lost += [
            (subject, index, epoch, client.tag(epoch, index, term))
            for index, term in sorted(lost)
            for epoch in client.blinds
        ]
        batch.found += [
            (subject, index, epoch, client.tag(epoch, index, term), fresh)
            for index, term in sorted(found)
            for epoch in client.written
        ]


def moment(us: int) -> datetime:
    """Return microseconds since 1970 as an aware instant."""
    return EPOCH + timedelta(microseconds=us)
