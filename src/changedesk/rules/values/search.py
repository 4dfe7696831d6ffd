"""Terms for the blind index, and what a person typed in one search box read as such terms.

Both sides use the same folding, so that a value is found by what people type: the whole address, a number in
any notation, a reference with or without separators, the beginnings of names in any script.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from changedesk.base.json import Value
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values.bank import normalise_bank, number_of
from changedesk.rules.values.email import normalise_email
from changedesk.rules.values.given import BadValue, Given
from changedesk.rules.values.phone import normalise_phone
from changedesk.rules.values.text import compact, fold

EMAIL, PHONE, REFERENCE, NAME, BANK = (
    "contact.email",
    "contact.phone",
    "account.number",
    "name",
    "payment.bank_account",
)
"""The index names. All fields of a type share one, so that a number is found wherever it stands."""

_PREFIX_MIN: Final = 2
_REFERENCE_MIN: Final = 3
_PREFIX_MAX: Final = 12
_TOKENS_MAX: Final = 8
_PHONE: Final = re.compile(r"\+?[\d\s().\-/]{5,30}")
_APOSTROPHES: Final = re.compile(r"['`\u2019\u2018\u02bc\u00b4\u05f3\u05f4\u200c\u200d]")
_ACCENT: Final = 200
"""Canonical combining classes from here on, and 10 to 35 (Hebrew and Arabic points), are marks that people
leave out when they search. Below are marks that make another letter: kana voicing, Indic signs."""
_POINTS: Final = range(10, 36)
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i", "þ": "th", "ð": "d"}
)


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One exact term of one blind index."""

    index: str
    term: str


def name_tokens(name: str) -> list[str]:
    """Return the words of a name, case folded, without accents, other scripts kept."""
    if not name:
        return []
    bare = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", fold(name)).casefold())
    parts = unicodedata.normalize("NFKD", bare)
    plain = "".join(sign for sign in parts if not _is_accent(sign))
    words = unicodedata.normalize("NFC", plain).translate(_LETTERS)
    spaced = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in words)
    return spaced.split()


def _is_accent(sign: str) -> bool:
    place = unicodedata.combining(sign)
    return place >= _ACCENT or place in _POINTS


def _beginnings(token: str) -> set[str]:
    # A family name of one sign is usual in Chinese, Japanese and Korean.
    shortest = 1 if unicodedata.east_asian_width(token[0]) == "W" else _PREFIX_MIN
    return {token[:length] for length in range(shortest, min(_PREFIX_MAX, len(token)) + 1)} | {token}


def search_terms(field: Field, value: Value) -> list[tuple[str, str]]:
    """Return (index name, term) pairs of one canonical value; none for a field that cannot be looked up."""
    if value is None or not field.searchable:
        return []
    if field.type is FieldType.NAME:
        tokens = name_tokens(str(value))[:_TOKENS_MAX]
        return [(NAME, term) for term in sorted({part for token in tokens for part in _beginnings(token)})]
    exact = _EXACT.get(field.type)
    return [(exact[0], exact[1](value))] if exact else []


def whole_terms(field: Field, value: Value) -> frozenset[tuple[str, str]]:
    """Return the (index name, term) pairs under which a value is looked for whole: no beginnings of a name's words."""
    if value is not None and field.searchable and field.type is FieldType.NAME:
        return frozenset((NAME, word[:_PREFIX_MAX]) for word in name_tokens(str(value))[:_TOKENS_MAX])
    return frozenset(search_terms(field, value))


_EXACT: Final[Mapping[FieldType, tuple[str, Callable[[Value], str]]]] = {
    FieldType.EMAIL: (EMAIL, lambda value: str(value).casefold()),
    FieldType.PHONE: (PHONE, str),
    FieldType.REFERENCE: (REFERENCE, lambda value: compact(str(value))),
    FieldType.BANK_ACCOUNT: (BANK, number_of),
}


def query_terms(text: str, *, region: str) -> list[list[SearchTerm]]:
    """Return the alternatives that a typed text may mean; all terms of one alternative must match.

    ``region`` reads numbers without a country code. Nothing is refused: what means nothing gives none.
    """
    text = fold(text)[:200]
    if "@" in text:
        address = _read(FieldType.EMAIL, text, region) or text
        return [[SearchTerm(EMAIL, address.casefold())]]
    found = [[SearchTerm(PHONE, number)] for number in dict.fromkeys(_phones(text, region))]
    account = _read(FieldType.BANK_ACCOUNT, text, region)
    if account:
        found.append([SearchTerm(BANK, account)])
    # A short word without a digit is the beginning of a name, not an account.
    if len(compact(text)) >= (1 if any(sign.isdigit() for sign in text) else _REFERENCE_MIN):
        found.append([SearchTerm(REFERENCE, compact(text))])
    tokens = name_tokens(text)[:_TOKENS_MAX] if any(sign.isalpha() for sign in text) else []
    # A lone initial is in the index only as a whole word: it would rule out the full first name.
    words = [token for token in tokens if _beginnings(token) - {token} or len(token) >= _PREFIX_MIN] or tokens
    if words:
        found.append([SearchTerm(NAME, word[:_PREFIX_MAX]) for word in dict.fromkeys(words)])
    return found


def _phones(text: str, region: str) -> Sequence[str]:
    ascii_digits = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    if not _PHONE.fullmatch(ascii_digits):
        return []
    asked = [ascii_digits] if ascii_digits.startswith("+") else [ascii_digits, f"+{ascii_digits.lstrip('0')}"]
    return [number for item in asked if (number := _read(FieldType.PHONE, item, region))]


def _read(kind: FieldType, text: str, region: str) -> str | None:
    given = Given(Field("query", kind, "", "", {"en": ""}), region, date.min)
    read = {
        FieldType.EMAIL: normalise_email,
        FieldType.PHONE: normalise_phone,
        FieldType.BANK_ACCOUNT: normalise_bank,
    }
    try:
        return str(read[kind](text, given))
    except BadValue:
        return None
