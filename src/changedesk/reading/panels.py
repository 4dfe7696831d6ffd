"""What the screens and the API are given: plain frozen values, ready to show.

A text that this viewer may not see is not in here at all: ``masked`` says that what stands in its place is a mask.
Ids are UUIDs, instants are aware and in UTC, labels and words are in the language that was asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, get_type_hints
from uuid import UUID

import msgspec

from changedesk.base.ids import ChangeId, RequestId, SubjectId
from changedesk.base.json import Value

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page by keyset. ``next`` goes back as ``after`` (``before`` for a timeline); None is the last page."""

    items: tuple[T, ...]
    next: str | None = None


class Piece(msgspec.Struct, frozen=True):
    """What a page holds hundreds of. Made and written by C: a frozen dataclass costs several times as much."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: Any) -> Any:
        """Describe it, in the document of the interface, as the dataclass that it is like."""
        return handler.generate_schema(_like(cls))


@cache
def _like(piece: type[Piece]) -> type:
    hints = get_type_hints(piece)
    fields = [
        (one.name, hints[one.name]) if one.required else (one.name, hints[one.name], one.default)
        for one in msgspec.structs.fields(piece)
    ]
    told = {"__doc__": piece.__doc__, "__module__": piece.__module__}
    return make_dataclass(piece.__name__, fields, kw_only=True, namespace=told)


class ActorView(Piece, frozen=True):
    """Who did something. ``tag``: staff, key, customer, automation. Customers are never told staff names."""

    id: str
    name: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field as it stands, and where its value came from. ``verified``: how, empty when nothing was proved."""

    path: str
    label: str
    type: str
    sensitivity: str
    text: str
    masked: bool
    empty: bool
    since: datetime | None = None
    by: ActorView | None = None
    channel: str = ""
    verified: str = ""
    change: ChangeId | None = None
    pending: str | None = None
    """Reference of the open request that would change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The fields of one kind, in the order of its form. ``icon`` is a lucide name."""

    kind: str
    label: str
    icon: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    id: SubjectId
    number: str
    number_masked: bool
    role: str
    status: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderLine:
    id: SubjectId
    title: str
    title_masked: bool
    role: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """A request among others. ``word`` is what the customer reads, ``since`` when it came to this state."""

    id: RequestId
    ref: str
    kind: str
    kind_label: str
    state: str
    word: str
    since: datetime
    received_at: datetime
    fields: tuple[str, ...]
    """Labels of the fields that it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    id: UUID
    blocks: tuple[str, ...]
    rule: str
    release: str
    by: ActorView
    starts_at: datetime
    ends_at: datetime | None
    request: RequestId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """A "this wasn't me". Open while ``resolved_at`` is None."""

    id: UUID
    ref: str
    opened_at: datetime
    hold: UUID | None
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPanel:
    """A customer, or an account, as this viewer may see it now."""

    id: SubjectId
    type: str
    version: int
    etag: str
    title: str
    title_masked: bool
    status: str
    created_at: datetime
    erased: bool
    level: int
    """What the caller on the line has proved to this actor: 0, 1 or 2."""
    level_until: datetime | None
    level_minutes: int
    open: bool
    """Whether personal values are shown in clear."""
    holds: tuple[HoldView, ...]
    disputes: tuple[DisputeView, ...]
    groups: tuple[Group, ...]
    accounts: tuple[AccountLine, ...]
    """Of a customer."""
    holders: tuple[HolderLine, ...]
    """Of an account."""
    requests: tuple[RequestLine, ...]
    merged_from: SubjectId | None = None
    """The id that was asked for, where it is that of a record merged into this one."""
    merged: tuple[SubjectId, ...] = ()
    """The records that are merged into this one."""
    transfer_pending: str = ""
    """Reference of the open request that would give this account to another holder."""


class Diff(Piece, frozen=True):
    """One field of a change. ``before`` or ``after`` is empty where nothing was, or nothing will be, held."""

    path: str
    label: str
    type: str
    before: str
    after: str
    masked: bool
    valid_from: datetime | None = None
    """Set when it is not true from when it was recorded on."""
    valid_to: datetime | None = None


class EntryView(Piece, frozen=True):
    """One entry of a history. ``cursor`` is what ``before`` takes; ``erased`` says that its values are forgotten."""

    cursor: str
    change: ChangeId
    subject: SubjectId
    version: int
    index: int | None
    """Its place in the client's log; None until it has one."""
    kind: str
    title: str
    is_change: bool
    recorded_at: datetime
    actor: ActorView
    channel: str
    on_behalf_of: str
    verification: str
    consent: str
    reason: str
    approvals: tuple[ActorView, ...]
    request: RequestId | None
    ref: str | None
    rules: tuple[str, ...]
    fields: tuple[Diff, ...]
    erased: bool
    leaf: str
    """Hex of its leaf hash."""


class Moment(Piece, frozen=True, kw_only=True):
    """A value at an instant. ``value`` is the plain value, None when it is masked."""

    label: str
    text: str
    masked: bool
    value: Value


class AsOf(Piece, frozen=True, kw_only=True):
    """What was known at one instant of what was true at another. Version 0: not known yet."""

    subject: SubjectId
    version: int
    known_at: datetime
    valid_at: datetime
    erased: bool
    values: Mapping[str, Moment]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One notice. ``subject_line`` and ``body`` are empty unless this viewer may read the outbox."""

    id: UUID
    subject: SubjectId
    request: RequestId | None
    ref: str | None
    event: str
    channel: str
    language: str
    recipient: str
    """Masked."""
    required: bool
    state: str
    attempts: int
    error: str
    created_at: datetime
    next_at: datetime
    done_at: datetime | None
    subject_line: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something that a search found. ``kind``: customer or request; ``matched``: what part of it was found."""

    kind: str
    id: SubjectId
    ref: str | None
    title: str
    masked: bool
    contact: str
    status: str
    matched: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """A stretch of the log. ``next`` goes back as ``after``; ``more`` says that asking again at once is worth it."""

    items: tuple[Mapping[str, object], ...]
    next: int
    more: bool
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPanel:
    """The log's size, and by consumer how many entries it has not seen yet."""

    size: int
    behind: Mapping[str, int]
