"""What of a record tells people apart: its roles, and their text made comparable.

A record is a mapping of roles to canonical text, as ``rules.values`` gives it. Several numbers or addresses of one
role stand on lines of their own.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from changedesk.base.json import State, Value
from changedesk.rules.fields import Catalogue, Field, FieldType
from changedesk.rules.values.bank import number_of
from changedesk.rules.values.search import name_tokens
from changedesk.rules.values.text import compact


class Role(StrEnum):
    NAME = "name"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    ORGANISATION = "organisation"
    BIRTH_DATE = "birth_date"
    EMAIL = "email"
    PHONE = "phone"
    STREET = "street"
    POSTAL_CODE = "postal_code"
    CITY = "city"
    NATIONAL_ID = "national_id"
    BANK_ACCOUNT = "bank_account"


class Group(StrEnum):
    """Fields whose block keys are joined of one another: when one of them moves, the keys of its group do."""

    PERSON = "person"
    EMAIL = "email"
    PHONE = "phone"
    NUMBER = "number"


Record: TypeAlias = Mapping[str, str]

_CATEGORIES: Final = {"personal.dob": Role.BIRTH_DATE, "personal.gov_id": Role.NATIONAL_ID, "contact.email": Role.EMAIL,
                      "contact.phone": Role.PHONE, "payment.bank": Role.BANK_ACCOUNT}  # fmt: skip
"""Only what a customer is known by. A confidential contact point or another person's name never compares."""
_TYPES: Final = {Role.BIRTH_DATE: FieldType.DATE, Role.NATIONAL_ID: FieldType.NATIONAL_ID, Role.EMAIL: FieldType.EMAIL,
                 Role.PHONE: FieldType.PHONE, Role.BANK_ACCOUNT: FieldType.BANK_ACCOUNT}  # fmt: skip
_GROUPS: Final = {
    "personal.name": Group.PERSON,
    "personal.dob": Group.PERSON,
    "contact.postal": Group.PERSON,
    "personal.gov_id": Group.NUMBER,
    "contact.email": Group.EMAIL,
    "contact.phone": Group.PHONE,
}
_NAMES: Final = {"given_name": Role.GIVEN_NAME, "family_name": Role.FAMILY_NAME}
_MANY: Final = frozenset({Role.EMAIL, Role.PHONE, Role.BANK_ACCOUNT})
_PARTS: Final = {"lines": Role.STREET, "postal_code": Role.POSTAL_CODE, "city": Role.CITY}
_NAME_MOST: Final = 6
_WORDS_MOST: Final = 12


def record_of(catalogue: Catalogue, state: State) -> dict[str, str]:
    """Return the record of one customer: the first value of each role, all of e-mails, phones and bank accounts.

    A name field tagged ``organisation`` is the name of a business.
    """
    found: dict[str, list[str]] = {}
    held = [(field, state[path]) for path, field in catalogue.fields.items() if path in state]
    for field, value in held:
        for role, text in (roles_of(field, value) if value is not None else {}).items():
            found.setdefault(role, []).append(text)
    return {role: "\n".join(dict.fromkeys(texts)) if role in _MANY else texts[0] for role, texts in found.items()}


def roles_of(field: Field, value: Value) -> dict[str, str]:
    """Return what one field says of a record, by role."""
    if field.category == "contact.postal" and isinstance(value, Mapping):
        return {role: value[part] for part, role in _PARTS.items() if value.get(part)}
    if field.category == "personal.name" or "organisation" in field.tags:
        called = _NAMES.get(field.path.rsplit(".", 1)[-1], Role.NAME)
        return {Role.ORGANISATION if "organisation" in field.tags else called: str(value)}
    role = _CATEGORIES.get(field.category)
    if role is None or field.type is not _TYPES[role] or "fax" in field.tags:
        return {}
    if role is Role.NATIONAL_ID and isinstance(value, Mapping):
        return {role: value["number"]}
    return {role: number_of(value) if role is Role.BANK_ACCOUNT else str(value)}


CONTACTS: Final = frozenset({Group.EMAIL, Group.PHONE})
"""Groups of which each field makes its keys by itself."""


def group_of(field: Field) -> Group | None:
    """Return the group that a field's block keys belong to; None for a field without any."""
    if field.subject == "account":
        return None
    return Group.PERSON if "organisation" in field.tags else _GROUPS.get(field.category)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One record, taken apart once: comparing it to many costs no second reading."""

    name: tuple[str, ...]
    parts: frozenset[str]
    """Which parts of the name are known, when it came in parts."""
    organisation: tuple[str, ...]
    birth_date: str
    emails: frozenset[str]
    phones: frozenset[str]
    numbers: frozenset[str]
    """The numbers of the street's lines: of the house, the flat, a numbered street."""
    street: tuple[str, ...]
    postal_code: str
    city: str
    national_id: str
    bank_accounts: frozenset[str]


def prepared(record: Record) -> Prepared:
    """Return a record's roles case folded, without accents or separators."""
    whole = record.get(Role.NAME, "")
    parts = {role: record[role] for role in (Role.GIVEN_NAME, Role.FAMILY_NAME) if record.get(role)}
    in_parts = len(parts) > 1 or not whole
    name = name_tokens(" ".join(parts.values()) if in_parts else whole)
    street = name_tokens(record.get(Role.STREET, ""))[:_WORDS_MOST]
    return Prepared(
        name=tuple(_signs(name)[:_NAME_MOST]),
        parts=frozenset(parts) if in_parts else frozenset(),
        organisation=tuple(name_tokens(record.get(Role.ORGANISATION, ""))[:_WORDS_MOST]),
        birth_date=digits(record.get(Role.BIRTH_DATE, "")),
        emails=emails_of(record),
        phones=phones_of(record),
        numbers=frozenset(filter(None, map(digits, street))),
        street=tuple(word for word in street if not any(map(str.isdigit, word))),
        postal_code=compact(record.get(Role.POSTAL_CODE, "")),
        city="".join(name_tokens(record.get(Role.CITY, ""))),
        national_id=compact(record.get(Role.NATIONAL_ID, "")),
        bank_accounts=frozenset(map(compact, _lines(record, Role.BANK_ACCOUNT))),
    )


def emails_of(record: Record) -> frozenset[str]:
    return _lines(record, Role.EMAIL)


def phones_of(record: Record) -> frozenset[str]:
    return frozenset(filter(None, map(digits, _lines(record, Role.PHONE))))


def digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _lines(record: Record, role: Role) -> frozenset[str]:
    text = record.get(role)
    return frozenset(line.strip().casefold() for line in text.splitlines() if line.strip()) if text else frozenset()


def _signs(words: list[str]) -> list[str]:
    """Return the words of a name, Chinese and Korean ones sign by sign: they are written without a space."""
    return [part for word in words for part in (word if _by_sign(word) else [word])]


def _by_sign(word: str) -> bool:
    return unicodedata.name(word[0], "").startswith(("CJK UNIFIED", "HANGUL SYLLABLE"))
