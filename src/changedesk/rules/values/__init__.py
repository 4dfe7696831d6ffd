"""Values of fields: read, compared, shown, hidden and looked up, by type.

The way in is the verbs of this file. What ``normalise`` gives is canonical; the others take
only that. Nothing here does input or output; no refusal, concern or mask carries a value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from changedesk.base.json import Value
from changedesk.rules.fields import Field, FieldType, Sensitivity
from changedesk.rules.values import address, bank, card, choice, dates, language, money, national_id, phone
from changedesk.rules.values import email as mail
from changedesk.rules.values import text as words
from changedesk.rules.values.concern import Concern
from changedesk.rules.values.given import BadValue, Given, Strictness
from changedesk.rules.values.screen import Finding, Screened, screen_text
from changedesk.rules.values.search import SearchTerm, query_terms, search_terms

__all__ = [
    "BadValue",
    "Concern",
    "Finding",
    "Screened",
    "SearchTerm",
    "Strictness",
    "concerns",
    "display",
    "displayed",
    "mask",
    "normalise",
    "query_terms",
    "same",
    "screen_text",
    "search_terms",
]

_SHOWN: Final = (Sensitivity.PUBLIC, Sensitivity.PERSONAL)


@dataclass(frozen=True, slots=True)
class _Family:
    """What is known of one type. ``display`` and ``mask`` get (field, value, language)."""

    normalise: Callable[[object, Given], Value]
    display: Callable[[Field, Any, str], str]
    mask: Callable[[Field, Any, str], str]
    key: Callable[[Any], object] = lambda value: value
    """What makes two values the same."""


def _as_text(_field: Field, value: Any, _language: str) -> str:
    return str(value)


def _open(show: Callable[[Field, Any, str], str]) -> Callable[[Field, Any, str], str]:
    # A choice has few possible values, so a partial mask hides nothing: shown, or hidden when sensitive.
    return lambda field, value, language: show(field, value, language) if field.sensitivity in _SHOWN else words.DOTS


_FAMILIES: Final[Mapping[FieldType, _Family]] = {
    FieldType.TEXT: _Family(words.normalise_text, _as_text, lambda field, value, _: words.mask_text(field, value)),
    FieldType.NAME: _Family(words.normalise_name, _as_text, lambda _field, value, _: words.mask_name(value)),
    FieldType.REFERENCE: _Family(
        words.normalise_reference, _as_text, lambda _field, value, _: words.last(value, 4), words.compact
    ),
    FieldType.EMAIL: _Family(
        mail.normalise_email, _as_text, lambda _field, value, _: mail.mask_email(value), str.casefold
    ),
    FieldType.PHONE: _Family(
        phone.normalise_phone,
        lambda _field, value, _: phone.display_phone(value),
        lambda _field, value, _: phone.mask_phone(value),
    ),
    FieldType.ADDRESS: _Family(
        address.normalise_address,
        lambda _field, value, language_: address.display_address(value, language_),
        lambda _field, value, language_: address.mask_address(value, language_),
        address.bare,
    ),
    FieldType.DATE: _Family(
        dates.normalise_date,
        lambda _field, value, language_: dates.display_date(value, language_),
        lambda _field, value, _: dates.mask_date(value),
    ),
    FieldType.MONEY: _Family(
        money.normalise_money,
        lambda _field, value, language_: money.display_money(value, language_),
        lambda _field, value, _: f"{words.DOTS} {value['currency']}",
    ),
    FieldType.ENUM: _Family(choice.normalise_enum, choice.display_enum, _open(choice.display_enum)),
    FieldType.MULTI_ENUM: _Family(choice.normalise_multi, choice.display_multi, _open(choice.display_multi), frozenset),
    FieldType.BOOLEAN: _Family(
        choice.normalise_boolean,
        lambda _field, value, language_: choice.display_boolean(value, language_),
        _open(lambda _field, value, language_: choice.display_boolean(value, language_)),
    ),
    FieldType.BANK_ACCOUNT: _Family(
        bank.normalise_bank,
        lambda _field, value, _: bank.display_bank(value),
        lambda _field, value, _: bank.mask_bank(value),
    ),
    FieldType.CARD_TOKEN: _Family(
        card.normalise_card,
        lambda _field, value, _: card.display_card(value),
        lambda _field, value, _: card.mask_card(value),
    ),
    FieldType.NATIONAL_ID: _Family(
        national_id.normalise_national_id,
        lambda _field, value, _: national_id.display_national_id(value),
        lambda _field, value, _: national_id.mask_national_id(value),
    ),
    FieldType.LANGUAGE: _Family(
        language.normalise_language,
        lambda _field, value, language_: language.display_language(value, language_),
        _open(lambda _field, value, language_: language.display_language(value, language_)),
    ),
}


def normalise(
    field: Field, raw: object, *, region: str, today: date, strictness: Strictness = Strictness.STRICT
) -> Value:
    """Return the one canonical value of what someone typed or sent; None, from nothing or blanks, removes it.

    ``region`` (ISO 3166) reads national phone numbers, local dates and amounts; ``today`` judges days of
    birth. Raise ``BadValue`` when it cannot be read.
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    return _FAMILIES[field.type].normalise(raw, Given(field, region.upper(), today, strictness)) or _false(field)


def _false(field: Field) -> Value:
    # Text of nothing but copying marks is nothing; only a "no" is a value although it is falsy.
    return False if field.type is FieldType.BOOLEAN else None


def concerns(field: Field, value: Value, *, before: Value = None) -> list[Concern]:
    """Return what must be acknowledged before a new value is taken; nothing when it does not change."""
    if value is None or same(field, value, before):
        return []
    match field.type:
        case FieldType.NAME:
            return words.name_concerns(field.path, str(value))
        case FieldType.EMAIL:
            return mail.email_concerns(field.path, str(value))
        case FieldType.PHONE:
            return phone.phone_concerns(field.path, str(value))
        case FieldType.BANK_ACCOUNT:
            return bank.bank_concerns(field.path, value)
        case _:
            return []


def mask(field: Field, value: Value, language: str = "en") -> str:
    """Return what may be seen of a value without a reason to reveal it; empty for nothing."""
    if value is None:
        return ""
    if field.sensitivity is Sensitivity.SECRET:
        return words.DOTS
    if field.sensitivity is Sensitivity.PUBLIC:
        return display(field, value, language)
    return _FAMILIES[field.type].mask(field, value, language)


def display(field: Field, value: Value, language: str) -> str:
    """Return a value as people of a language write it; lines of an address end in a line feed."""
    return "" if value is None else _FAMILIES[field.type].display(field, value, language)


def displayed(field: Field) -> Callable[[Field, Any, str], str]:
    """Return what ``display`` does with the values of a field that are there: for whoever shows many of them."""
    return _FAMILIES[field.type].display


def same(field: Field, one: Value, other: Value) -> bool:
    """Tell whether two canonical values mean the same, so that the one is no change of the other."""
    if one is None or other is None:
        return one is other
    key = _FAMILIES[field.type].key
    return key(one) == key(other)
