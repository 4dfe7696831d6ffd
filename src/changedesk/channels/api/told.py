"""What is answered, as far as no reading says it already."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import RootModel

from changedesk.reading.disputes import DisputeRow
from changedesk.reading.imports import ImportRun
from changedesk.reading.panels import DeliveryView, EntryView, Hit
from changedesk.reading.request_panels import QueueRow

Value = str | int | bool | None | list[str] | dict[str, str]
"""What a field holds: text, a whole number, yes or no, nothing, a list of words, or named parts of text."""


class Receipt(Schema):
    """Where a request stands: references and states, never a personal value. ``version`` is also the ETag."""

    request: UUID
    ref: str
    subject: UUID
    state: str
    customer_word: str
    version: int
    digest: str
    """What codes, consents and approvals are bound to."""
    change: UUID | None


class Created(Schema):
    """A customer that was taken in, with the ids of its accounts in the order given."""

    subject: UUID
    accounts: list[UUID]
    change: UUID
    version: int
    leaf: str


class Shown(Schema):
    """A field as this key may see it: ``value`` and ``text``, or ``masked`` alone."""

    value: Value = None
    text: str | None = None
    masked: str | None = None


class Link(Schema):
    id: UUID
    role: str


class Customer(Schema):
    id: UUID
    type: str
    version: int
    status: str
    created_at: datetime
    erased: bool
    merged_from: UUID | None
    """The id that was asked for, where its record was merged into this one."""
    fields: dict[str, Shown]
    accounts: list[Link]


class Concern(Schema):
    """Something to check with the customer; sending ``code`` under ``acknowledged`` says that it was."""

    path: str
    code: str
    text: str


class Planned(Schema):
    """One field of a preview. ``before`` is told to keys that may see values in clear."""

    path: str
    after: Value
    before: Value = None
    before_hidden: bool


class Preview(Schema):
    """What submitting the same wish would do, and what it would take."""

    subject: UUID
    kind: str
    version: int
    changes: list[Planned]
    route: dict[str, Any]
    rules: list[str]
    concerns: list[Concern]
    conflicts: dict[str, str]


class Challenged(Schema):
    id: UUID
    method: str
    purpose: str
    to_masked: str
    expires_at: datetime
    tries_left: int


class Confirmed(Schema):
    """What became of an answer. A wrong one is counted, and told apart by ``matched`` alone."""

    matched: bool
    tries_left: int
    level: int
    receipt: Receipt | None


class Recorded(Schema):
    """Where a change was recorded: ``merged_from`` is the record that was named, where that was merged into it."""

    subject: UUID
    change: UUID
    version: int
    leaf: str
    merged_from: UUID | None = None


class Problem(Schema):
    """Why not (RFC 9457). ``errors`` point at what was sent; ``facts`` hold words, numbers and times of ours."""

    type: str
    title: str
    status: int
    code: str
    trace_id: str
    detail: str | None = None
    errors: list[dict[str, Any]] | None = None
    facts: dict[str, Any] | None = None
    current: dict[str, Any] | None = None


class ItemResult(Schema):
    """What became of one item, by its place in the call."""

    index: int
    status: Literal["recorded", "refused"]
    recorded: Recorded | None = None
    problem: Problem | None = None


class Results(Schema):
    items: list[ItemResult]


class FieldPlan(Schema):
    path: str
    finding: str
    before: Value = None
    after: Value = None
    standing: Value = None
    hidden: bool
    later: list[UUID]


class RevertPlan(Schema):
    """What undoing a change would meet, field by field."""

    change: UUID
    subject: UUID
    kind: str
    fields: list[FieldPlan]


class EventData(Schema):
    """One entry of the log. ``index`` is dense: nothing is ever missing between two of them."""

    id: UUID
    index: int | None
    type: str
    subject: UUID
    time: datetime
    kind: str | None
    channel: str
    fields: list[str]
    version: int | None
    request: UUID | None
    ref: str | None
    leaf: str
    erased: bool
    changes: dict[str, Any]
    announces: list[dict[str, Any]]
    """What the change asks of other systems: ``event``, and what they need for it. No personal values."""


class Event(Schema):
    """One entry of the log as a CloudEvent 1.0: what a hook sends, byte for byte.

    ``source`` is the name of the client's log; ``sequence`` the index in 20 digits, so that it sorts as text.
    """

    specversion: Literal["1.0"]
    id: UUID
    source: str
    type: str
    subject: UUID
    time: datetime
    datacontenttype: Literal["application/json"]
    sequence: str
    data: EventData


class Feed(Schema):
    """A stretch of the log. ``next`` goes back as ``after``."""

    items: list[Event]
    next: int
    more: bool
    size: int


class Entries(Schema):
    items: list[EntryView]
    next: str | None


class Rows(Schema):
    items: list[QueueRow]
    next: str | None


class Disputes(Schema):
    items: list[DisputeRow]
    next: str | None


class Imports(Schema):
    items: list[ImportRun]
    next: str | None


class Hits(Schema):
    items: list[Hit]


class Deliveries(Schema):
    items: list[DeliveryView]


class LogSize(Schema):
    size: int
    behind: dict[str, int]


class Operation(Schema):
    """What a kind of change can do, by the name that a request says it with."""

    name: str
    label: str


class Kind(Schema):
    name: str
    label: str
    operations: list[Operation]
    initiators: list[str]
    """Whose decision it may be."""
    schema_path: str


class Kinds(Schema):
    items: list[Kind]


class Moment(Schema):
    """A value at an instant; null under ``value`` where it is masked."""

    label: str
    text: str
    masked: bool
    value: Value


class AsOf(Schema):
    """What was known at one instant of what was true at another. Version 0: not known yet."""

    subject: UUID
    version: int
    known_at: datetime
    valid_at: datetime
    erased: bool
    values: dict[str, Moment]


class JsonSchema(RootModel[dict[str, Any]]):
    """A JSON Schema, draft 2020-12."""
