"""What may be sent. Unknown members are refused; texts that end up outside sealed values must look like words."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
"""RFC 3339, section 5.6."""
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def read_time(value: object) -> datetime:
    bad = PydanticCustomError("time", "not a time")
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise bad
    try:
        found = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad from None
    if not _EARLIEST <= found < _LATEST:
        raise bad
    return found


def _id(value: object) -> UUID:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise PydanticCustomError("uuid", "not an id")
    return UUID(value)


_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Id = Annotated[UUID, BeforeValidator(_id), WithJsonSchema({"type": "string", "format": "uuid"})]
Time = Annotated[datetime, BeforeValidator(read_time), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An instant with its offset, from 1900 to 2199."""
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,79}$", strict=True)]
"""A name of ours: a reason code, a kind, a field, a state."""
Opaque = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#/-]{0,119}$", strict=True)]
"""A reference into another system. Kept in clear, so it must hold no personal data."""
Party = Annotated[str, StringConstraints(pattern=r"^(customer|representative|[sk][0-9]{1,18})$", strict=True)]
Text = Annotated[str, StringConstraints(max_length=2000, strict=True)]
Said = Annotated[str, StringConstraints(min_length=1, max_length=2000, strict=True)]
Values = Annotated[dict[str, Any], Field(max_length=200)]
"""New values by field path, as people type them; null or "" removes. GET /kinds/{name}/schema describes them."""
SomeValues = Annotated[dict[str, Any], Field(min_length=1, max_length=200)]
Asking = Literal["phone", "chat", "email", "web_portal", "mobile_app", "api", "in_person", "postal", "social"]


Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", strict=True)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Nothing(Asked):
    """No members."""


class Wish(Asked):
    """One change that somebody asks for."""

    subject: Id
    kind: Word
    operation: Word | None = None
    """What is to be done, where the kind lists operations: suspend, upgrade."""
    values: Values = {}
    reason: Word
    channel: Asking = "api"
    person: Id | None = None
    """The customer who asks, where an account has several holders."""
    initiated_by: Literal["customer", "business", "system"] = "customer"
    note: Text = ""
    requested_by: Party = "customer"
    on_behalf_of: Opaque | None = None
    interaction: Opaque | None = None
    acknowledged: list[Word] = Field(default=[], max_length=50)
    effective_at: Time | None = None
    received_at: Time | None = None


class How(Asked):
    """Why something with an address of its own is asked for, whose decision it is, and how we heard of it."""

    reason: Word
    channel: Asking = "api"
    note: Text = ""
    person: Id | None = None
    """The customer who asks, where an account has several holders."""
    initiated_by: Literal["customer", "business"] = "customer"
    interaction: Opaque | None = None

    def how(
        self,
        once: flow.Once | None,
        *,
        effective_at: datetime | None = None,
        received_at: datetime | None = None,
        acknowledged: Sequence[str] = (),
    ) -> flow.How:
        """Return it as the verbs take it."""
        return flow.How(
            reason=self.reason,
            channel=Channel(self.channel),
            note=self.note,
            person=None if self.person is None else SubjectId(self.person),
            initiated_by=self.initiated_by,
            interaction=self.interaction,
            effective_at=effective_at,
            received_at=received_at,
            acknowledged=acknowledged,
            once=once,
        )


class Revision(Asked):
    """New content for a request that waits. What was bound to the old content is void from then on."""

    values: SomeValues
    reason: Word | None = None
    note: Text = ""
    acknowledged: list[Word] = Field(default=[], max_length=50)


class Challenge(Asked):
    """Start proving. ``path`` is the contact point that a code goes to; none for totp and knowledge."""

    method: Literal["code_email", "code_sms", "totp", "callback", "knowledge"]
    purpose: Literal["change", "new_contact"] = "change"
    path: Word | None = None


class CallerChallenge(Asked):
    """Start proving who is on the line."""

    method: Literal["code_email", "code_sms", "totp", "callback", "knowledge"]
    path: Word | None = None


class Answered(Asked):
    """The answer to a challenge: the code, ``reached`` for a call-back, or what the customer knows."""

    answer: Annotated[str, StringConstraints(min_length=1, max_length=200, strict=True)]


class Consent(Asked):
    """The customer agreed to a wording, for exactly what the request holds now."""

    statement: Word
    version: Annotated[StrictInt, Field(ge=1, le=2_000_000_000)]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$", strict=True)]
    way: Literal["read_aloud", "written", "in_portal", "link_reply"]
    digest: Digest
    """Of the request as it was read to the customer: agreement to other values is none."""
    evidence: Text = ""


class Approval(Asked):
    """Let a request go ahead exactly as it was seen."""

    digest: Digest
    note: Text = ""


class Rejection(Asked):
    reason: Word
    message: Said


class Question(Asked):
    message: Said


class Ending(Asked):
    reason: Word


class Stop(Asked):
    reason: Word
    until: Time | None = None


class Day(Asked):
    effective_at: Time


class NewAccount(Asked):
    number: Annotated[str, StringConstraints(min_length=1, max_length=80, strict=True)]
    role: Word = "holder"
    values: Values = {}


class NewCustomer(Asked):
    """A customer to take in, with the accounts that they hold."""

    values: SomeValues
    accounts: list[NewAccount] = Field(default=[], max_length=50)
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$", strict=True)] | None = None
    valid_from: Time | None = None


class Search(Asked):
    """What to look for: a name, an e-mail address, a phone number, an account number, or a reference."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=200, strict=True)]
    limit: Annotated[StrictInt, Field(ge=1, le=100)] = 20


class Factor(Asked):
    """The secret of an authenticator app, in base 32 (RFC 4648)."""

    secret: Annotated[str, StringConstraints(min_length=16, max_length=200, strict=True)]


class FieldChange(Asked):
    """One field's change. ``old`` is compared with the record when it is sent."""

    path: Word
    new: Any
    old: Any = None
    valid_from: Time | None = None
    valid_to: Time | None = None


class Evidence(Asked):
    """Who asked and who approved elsewhere, and where that stands: references only."""

    requested_by: Opaque | None = None
    approved_by: Opaque | None = None
    reference: Opaque | None = None


class ChangeToRecord(Asked):
    """A change that was made and evidenced elsewhere."""

    subject: Id
    changes: list[FieldChange] = Field(min_length=1, max_length=100)
    reason: Word = "system_migration"
    evidence: Evidence = Evidence()
    channel: Asking = "api"


class Changes(Asked):
    """Up to 500 changes, each on its own; several of one customer are taken in the order given."""

    items: list[ChangeToRecord] = Field(min_length=1, max_length=500)


class Custom(Asked):
    custom: Any


class Revert(How):
    """Why, and for each field in conflict: ``keep``, ``force``, or ``{"custom": value}``."""

    choices: Annotated[dict[str, Literal["keep", "force"] | Custom], Field(max_length=200)] = {}
    acknowledged: list[Word] = Field(default=[], max_length=50)
    """Words of the concerns about ``custom`` values that were checked with the customer."""


class Resolution(Asked):
    resolution: Literal["customer_confirmed", "fraud", "expired"]
