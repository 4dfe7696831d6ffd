"""What a field is. Fields are data: packs and clients list them, kinds group them, screens and schemas follow."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class FieldType(StrEnum):
    TEXT = "text"
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    DATE = "date"
    MONEY = "money"
    ENUM = "enum"
    MULTI_ENUM = "multi_enum"
    BOOLEAN = "boolean"
    BANK_ACCOUNT = "bank_account"
    CARD_TOKEN = "card_token"  # noqa: S105 - the name of a type, not a secret
    NATIONAL_ID = "national_id"
    LANGUAGE = "language"
    REFERENCE = "reference"


WHOLE_NAME: Final = "personal.name"


class Sensitivity(StrEnum):
    PUBLIC = "public"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    SECRET = "secret"  # noqa: S105 - the name of a class of data


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a client's catalogue.

    ``path`` is its stable name (``contact.email``); ``category`` its word in the change taxonomy, which policies
    match (``contact.email``, ``payment.bank``, ``pref.marketing``); ``label`` and ``options`` are per language.
    """

    path: str
    type: FieldType
    kind: str
    category: str
    label: Mapping[str, str]
    sensitivity: Sensitivity = Sensitivity.PERSONAL
    subject: str = "customer"
    tags: frozenset[str] = field(default_factory=frozenset)
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For enums: option code to label per language, in the order of display."""
    searchable: bool = False
    contact_point: bool = False
    """A code or a notice can be sent here."""
    length_max: int = 200
    hint: Mapping[str, str] = field(default_factory=dict)
    tells: str = ""
    """The attribute that rules read as ``true`` while this field holds something, or is on where it is a flag."""
    tells_hours: int = 0
    """Where the field is a day ahead: only from so many hours before the day begins, and until it is over."""

    def label_in(self, language: str) -> str:
        """Return the label in a language, English when it has none."""
        return self.label.get(language) or self.label["en"]

    def is_of(self, subject_type: str) -> bool:
        """Say whether customers, or accounts, have this field."""
        return self.subject in (subject_type, "any")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All fields of one client, by path, in order of display."""

    fields: Mapping[str, Field]
    names: tuple[Field, ...] = field(init=False, repr=False, compare=False)
    """What a customer is called: the whole name first, where the catalogue has one."""
    contacts: tuple[Field, ...] = field(init=False, repr=False, compare=False)
    """The contact points. Each line of a list asks for both, so they are found once."""
    lines: tuple[Field, ...] = field(init=False, repr=False, compare=False)
    """The e-mail addresses and telephone numbers: asked at every request for the ways to verify."""

    def __post_init__(self) -> None:
        named = [item for item in self if item.type is FieldType.NAME]
        whole = [item for item in named if item.path == WHOLE_NAME]
        object.__setattr__(self, "names", (*whole, *(item for item in named if item not in whole)))
        object.__setattr__(self, "contacts", tuple(item for item in self if item.contact_point))
        lines = (FieldType.EMAIL, FieldType.PHONE)
        object.__setattr__(self, "lines", tuple(item for item in self if item.type in lines))

    @classmethod
    def of(cls, fields: Iterable[Field]) -> "Catalogue":
        return cls({item.path: item for item in fields})

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields.values())

    def __getitem__(self, path: str) -> Field:
        return self.fields[path]

    def __contains__(self, path: object) -> bool:
        return path in self.fields

    def of_kind(self, kind: str) -> list[Field]:
        """Return the fields that a kind of change may set."""
        return [item for item in self if item.kind == kind]

    def contact_points(self) -> list[Field]:
        """Return the fields that a code or a notice can be sent to."""
        return list(self.contacts)

    def searchable(self) -> list[Field]:
        """Return the fields that can be looked up through the blind index."""
        return [item for item in self if item.searchable]
