"""What one request asks, and how it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.json import Value
from changedesk.flow.whose import THEMSELVES
from changedesk.store.once import Once


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How something is asked for, whatever it is: why, whose decision it is, when, and how we heard of it."""

    reason: str
    channel: Channel
    note: str = field(default="", repr=False)
    person: SubjectId | None = None
    """The customer who asks, where an account has several holders; the first of them when not given."""
    initiated_by: str = "customer"
    """Whose decision it is: customer, business, system."""
    interaction: str | None = None
    """Reference of the call, chat or letter."""
    effective_at: datetime | None = None
    received_at: datetime | None = None
    """When the customer asked, in any channel: the legal clock starts there. Now, when not given."""
    acknowledged: Sequence[str] = ()
    """Words of the concerns that were checked with the customer."""
    once: Once | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish(How):
    """What one request asks: new values by path as people typed them (None or "" removes), and how."""

    subject: SubjectId
    kind: str
    values: Mapping[str, object] = field(repr=False)
    operation: str = ""
    """What is to be done, by its name in the kind; empty where the values say it."""
    requested_by: str = "customer"
    """customer, representative, or the actor id of whoever asked."""
    on_behalf_of: str | None = None
    earlier_makers: Sequence[str] = ()
    """Those who entered what was asked for before, where it is asked anew: none of them approves it."""
    reverts: ChangeId | None = None
    forced: bool = False
    """It puts old values over ones that were set later, which takes one more approval."""
    stood: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """Values that the record held before: they may come back even where they would not be taken today."""

    @classmethod
    def of(cls, how: How, subject: SubjectId, kind: str, values: Mapping[str, object], *, actor: Actor) -> "Wish":
        """Return what a verb with a name of its own asks for: ``how`` is said to it, the rest follows from it."""
        return cls(
            subject=subject,
            kind=kind,
            values=values,
            requested_by="customer" if actor.type in THEMSELVES else actor.id,
            **{one.name: getattr(how, one.name) for one in fields(How)},
        )
