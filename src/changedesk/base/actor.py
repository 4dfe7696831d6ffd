"""Who acts, for which client, and by which way in."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from changedesk.base.ids import ClientId, SubjectId


class Channel(StrEnum):
    """How the customer asked."""

    PHONE = "phone"
    CHAT = "chat"
    EMAIL = "email"
    WEB_PORTAL = "web_portal"
    MOBILE_APP = "mobile_app"
    API = "api"
    IN_PERSON = "in_person"
    POSTAL = "postal"
    SOCIAL = "social"
    BATCH_IMPORT = "batch_import"
    SYSTEM = "system"


class ActorType(StrEnum):
    """What sort of actor stands behind a verb; automation is recorded by its own tag."""

    CUSTOMER = "customer"
    REPRESENTATIVE = "representative"
    STAFF = "staff"
    INTEGRATION = "integration"
    AUTOMATION = "automation"


class Role(StrEnum):
    """What a member of staff is at one client."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    COMPLIANCE = "compliance"
    FRAUD = "fraud"
    PRIVACY = "privacy"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor at one client.

    ``id`` is opaque (``s12`` staff, ``k3`` API key, ``c`` customer, ``a.clock`` automation): entries carry it in
    clear, so it never holds a name. ``entry_point`` names the screen or route that wrote.
    """

    client: ClientId
    type: ActorType
    id: str
    channel: Channel
    entry_point: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    scopes: frozenset[str] = field(default_factory=frozenset)
    team: str = ""
    subject: SubjectId | None = None
    """The customer themselves, when a customer acts."""


def automation(client: ClientId, name: str) -> Actor:
    """Return the actor of a duty that needs no human, such as the clock."""
    return Actor(client, ActorType.AUTOMATION, f"a.{name}", Channel.SYSTEM, name)


_TYPES: Final = {
    "s": ActorType.STAFF,
    "k": ActorType.INTEGRATION,
    "c": ActorType.CUSTOMER,
    "r": ActorType.REPRESENTATIVE,
}


def type_of(actor_id: str) -> ActorType:
    """Return what sort of actor an id is of."""
    return _TYPES.get(actor_id[:1], ActorType.AUTOMATION)
