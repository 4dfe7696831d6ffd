"""The leaf document: the only bytes of an entry that the log hashes (ledger design, section 2)."""

from enum import StrEnum
from functools import cached_property
from typing import Final, Literal
from uuid import UUID

import msgspec

HASH_BYTES: Final = 32
_WIDEST: Final = 2**63 - 1


class EntryKind(StrEnum):
    """What an entry says. Changes move the subject's version; observations leave it alone."""

    CUSTOMER_CREATED = "customer.created"
    ACCOUNT_CREATED = "account.created"
    CHANGE_APPLIED = "change.applied"
    CHANGE_RECORDED = "change.recorded"
    CHANGE_REVERTED = "change.reverted"
    CHANGE_BACKDATED = "change.backdated"
    CHANGE_EFFECTIVE = "change.effective"
    STATUS_CHANGED = "status.changed"
    PLAN_CHANGED = "plan.changed"
    MERGE_APPLIED = "merge.applied"
    MERGE_UNDONE = "merge.undone"
    OWNERSHIP_TRANSFERRED = "ownership.transferred"
    ERASURE_CONFIRMED = "erasure.confirmed"
    DESK_OPENED = "desk.opened"

    REQUEST_SUBMITTED = "request.submitted"
    REQUEST_REVISED = "request.revised"
    REQUEST_INFORMATION_ASKED = "request.information_asked"
    IDENTITY_CHALLENGED = "identity.challenged"
    IDENTITY_VERIFIED = "identity.verified"
    IDENTITY_FAILED = "identity.failed"
    IDENTITY_LAPSED = "identity.lapsed"
    CONSENT_RECORDED = "consent.recorded"
    REQUEST_APPROVED = "request.approved"
    REQUEST_REJECTED = "request.rejected"
    REQUEST_WITHDRAWN = "request.withdrawn"
    REQUEST_CANCELLED = "request.cancelled"
    REQUEST_EXPIRED = "request.expired"
    REQUEST_STALE = "request.stale"
    REQUEST_SCHEDULED = "request.scheduled"
    REQUEST_HELD = "request.held"
    HOLD_PLACED = "hold.placed"
    HOLD_RELEASED = "hold.released"
    REQUEST_DISPUTED = "request.disputed"
    DISPUTE_RESOLVED = "dispute.resolved"
    FACTOR_BOUND = "factor.bound"
    NOTICE_SENT = "notice.sent"
    NOTICE_FAILED = "notice.failed"
    NOTICE_RESENT = "notice.resent"
    RECORD_VIEWED = "record.viewed"
    VALUE_REVEALED = "value.revealed"
    RECORD_SEARCHED = "record.searched"
    GLASS_BROKEN = "glass.broken"
    GLASS_REVIEWED = "glass.reviewed"
    ACCESS_CERTIFIED = "access.certified"
    HOOK_CHANGED = "hook.changed"
    HOOK_RESENT = "hook.resent"
    EVIDENCE_EXPORTED = "evidence.exported"
    ERASURE_REQUESTED = "erasure.requested"
    PRIVACY_RECEIVED = "privacy.received"
    PRIVACY_ACKNOWLEDGED = "privacy.acknowledged"
    PRIVACY_DOUBTED = "privacy.doubted"
    PRIVACY_IDENTIFIED = "privacy.identified"
    PRIVACY_EXTENDED = "privacy.extended"
    PRIVACY_PAUSED = "privacy.paused"
    PRIVACY_RESUMED = "privacy.resumed"
    PRIVACY_LINKED = "privacy.linked"
    PRIVACY_REFUSED = "privacy.refused"
    PRIVACY_APPEALED = "privacy.appealed"
    PRIVACY_STATED = "privacy.stated"
    PRIVACY_ANSWERED = "privacy.answered"
    PRIVACY_DISCLOSED = "privacy.disclosed"

    @cached_property
    def bumps(self) -> bool:
        """True for a change (it has a version and a predecessor), False for an observation."""
        return self in _CHANGES


_CHANGES: Final = frozenset(
    {
        EntryKind.CUSTOMER_CREATED,
        EntryKind.ACCOUNT_CREATED,
        EntryKind.CHANGE_APPLIED,
        EntryKind.CHANGE_RECORDED,
        EntryKind.CHANGE_REVERTED,
        EntryKind.CHANGE_BACKDATED,
        EntryKind.CHANGE_EFFECTIVE,
        EntryKind.STATUS_CHANGED,
        EntryKind.PLAN_CHANGED,
        EntryKind.MERGE_APPLIED,
        EntryKind.MERGE_UNDONE,
        EntryKind.OWNERSHIP_TRANSFERRED,
        EntryKind.ERASURE_CONFIRMED,
        EntryKind.DESK_OPENED,
    }
)


class Malformed(ValueError):  # noqa: N818 - says what is wrong, as the ledger's other refusals do
    """A leaf document that this format does not allow. Carries no data."""


class Entry(msgspec.Struct, frozen=True):
    """A leaf document, read. ``previous`` is the leaf hash of version n-1, empty where there is none."""

    change_id: UUID
    kind: EntryKind
    subject_ref: UUID
    version: int
    previous: bytes
    recorded_at_ms: int
    fields: bytes
    """The commitment ``c``, 32 bytes."""
    meta: bytes
    """The commitment ``m``, 32 bytes."""


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    c: str
    id: UUID
    k: EntryKind
    m: str
    n: int
    p: str
    s: UUID
    t: int
    v: Literal[1]


_reader: Final = msgspec.json.Decoder(_Document)


def leaf(
    *,
    change_id: UUID,
    kind: EntryKind,
    subject_ref: UUID,
    version: int,
    previous: bytes,
    recorded_at_ms: int,
    fields: bytes,
    meta: bytes,
) -> bytes:
    """Return the leaf document: UTF-8 JSON, ASCII only, keys sorted, whole numbers and text only.

    ``{"c","id","k","m","n","p","s","t","v"}``: c, m and p in lower-case hex; id as RFC 9562 text; s as 32 hex
    digits; t in milliseconds since 1970. A change has version 1 or more, and a ``previous`` from version 2
    on; an observation has version 0 and none. Raises Malformed otherwise.
    """
    if len(fields) != HASH_BYTES or len(meta) != HASH_BYTES:
        raise Malformed("a commitment is 32 bytes")
    if not (0 <= version <= _WIDEST and 0 <= recorded_at_ms <= _WIDEST):
        raise Malformed("version and time are whole numbers of 63 bits")
    if kind.bumps != (version > 0):
        raise Malformed("changes have a version, observations have none")
    if len(previous) != (HASH_BYTES if version > 1 else 0):
        raise Malformed("the previous leaf hash belongs to versions from 2 on, and to nothing else")
    return (
        f'{{"c":"{fields.hex()}","id":"{change_id}","k":"{kind.value}","m":"{meta.hex()}","n":{version},'
        f'"p":"{previous.hex()}","s":"{subject_ref.hex}","t":{recorded_at_ms},"v":1}}'
    ).encode("ascii")


def render(entry: Entry) -> bytes:
    """Return the leaf document of a read entry; Malformed as ``leaf``."""
    return leaf(
        change_id=entry.change_id,
        kind=entry.kind,
        subject_ref=entry.subject_ref,
        version=entry.version,
        previous=entry.previous,
        recorded_at_ms=entry.recorded_at_ms,
        fields=entry.fields,
        meta=entry.meta,
    )


def parse(document: bytes) -> Entry:
    """Read a leaf document. Raises Malformed unless rendering what was read gives back the same bytes."""
    try:
        d = _reader.decode(document)
        entry = Entry(d.id, d.k, d.s, d.n, bytes.fromhex(d.p), d.t, fields=bytes.fromhex(d.c), meta=bytes.fromhex(d.m))
    except ValueError:
        raise Malformed("unreadable") from None
    if render(entry) != document:
        raise Malformed("another text of this entry is the right one")
    return entry
