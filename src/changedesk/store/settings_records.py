"""Settings as plain values: what ``settings_read`` hands up instead of ORM objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changedesk.base.actor import Role
from changedesk.base.ids import ClientId
from changedesk.rules.limits import Limits


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One client. ``region``: ISO 3166-1 country of its bare phone numbers. ``origin``: name of its log."""

    id: ClientId
    slug: str
    name: str
    color: str
    packs: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    industries: tuple[str, ...]
    languages: tuple[str, ...]
    default_language: str
    time_zone: str
    region: str
    origin: str
    sender_name: str
    sender_email: str
    support_phone: str
    support_url: str
    config_version: int
    active: bool
    limits: Limits
    """How much one person may see and take out."""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """One member of staff."""

    id: int
    email: str
    display_name: str
    language: str
    shortcuts_off: bool
    active: bool

    @property
    def actor_id(self) -> str:
        """The opaque name under which entries remember this person."""
        return f"s{self.id}"


@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """What a person is at a client."""

    person: int
    client: ClientId
    roles: frozenset[Role]
    team: str
    active: bool


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One API key; ``secret_hash`` is the SHA-256 of its secret in hexadecimal digits."""

    id: int
    client: ClientId
    name: str
    prefix: str
    secret_hash: str
    scopes: frozenset[str]
    entry_point: str
    person: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def actor_id(self) -> str:
        """The opaque name under which entries remember this key."""
        return f"k{self.id}"


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """A client's own tightening rule, as data."""

    rule_id: str
    version: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldRecord:
    """A client's own field, or its changes to a field of a pack, as data."""

    path: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """One policy of a client: ``source`` are its own rules in TOML, ``rules`` the same by id.

    ``published_at`` is None while it is a draft.
    """

    number: int
    source: str
    rules: Mapping[str, Mapping[str, Any]]
    packs: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    industries: tuple[str, ...]
    limits: Limits
    based_on: int
    author: str
    written_at: datetime
    published_by: str
    published_at: datetime | None
    config_version: int


@dataclass(frozen=True, slots=True)
class Template:
    """What a notice says, in one language."""

    event: str
    channel: str
    language: str
    subject: str
    body: str
    version: int


@dataclass(frozen=True, slots=True)
class Wording:
    """A client's own wording of a consent statement, in one language."""

    statement: str
    language: str
    wording: str
    version: int


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One remembered change of a setting."""

    id: int
    actor: str
    verb: str
    target: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    config_version: int
    at: datetime
