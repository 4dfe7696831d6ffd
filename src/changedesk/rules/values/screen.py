"""Card numbers and security codes in free text: found and removed before storage (PCI DSS 3.3, 3.5)."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stdnum import luhn

_SHORTEST: Final = 13
_LONGEST: Final = 19
_CODE_SHORTEST: Final = 3
_NEAR: Final = frozenset(
    " \t\n\r\u00a0-._/\u2010\u2011\u2012\u2013\u2014\u2212\u00b7\u2022,:|\u200b\u200c\u200d\u2060\ufeff\u00ad"
)
"""What people, and evaders, put between the digits of one number."""
_GAP: Final = 3
_CODE_WORDS: Final = re.compile(
    r"(?:\b(?:cvv2?|cvc2?|cvn2?|csc|cvd|card\s+(?:security|verification)\s+(?:code|value|number)|security\s+code"
    r"|c[oó]digo\s+de\s+(?:seguridad|seguran[cç]a|verificaci[oó]n)|code\s+de\s+s[eé]curit[eé]|cryptogramme"
    r"|codice\s+di\s+sicurezza|beveiligingscode|код\s+безопасности|安全码|セキュリティコード"
    r"|pr(?:ü|ue)fziffer|karten(?:pr(?:ü|ue)f|sicherheits)(?:nummer|code|ziffer))|رمز\s+(?:الأمان|التحقق))"
    r"(?:\s+(?:is|ist|was|number|code|es|est|è|é|هو))?[\s:\uff1a=#.\-\u2013()\[\]\"']{0,6}"
    r"(?P<code>\d(?:[ \-]?\d){2,3})(?!\d)",
    re.IGNORECASE,
)
_RANGES: Final = re.compile(
    r"(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d+|3[47]\d{13}|3(?:0[0-5]|[689])\d{11}"
    r"|(?:6011|64[4-9]|65)\d+|35\d{14}|(?:62|81)\d{14,17}|(?:50|5[6-9]|6[0-9])\d{10,17}|220[0-4]\d{12,15})"
)
"""Issuer ranges with lengths (ISO/IEC 7812), for a number that stands directly beside other digits."""


_UUID: Final = re.compile(
    r"(?<![0-9a-f])(?=[0-9-]*[a-f])[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-f])",
    re.IGNORECASE,
)
"""An id (RFC 9562) with a letter among its digits: some of them look like a card's by chance."""


class Finding(StrEnum):
    CARD_NUMBER = "card_number"
    SECURITY_CODE = "security_code"


@dataclass(frozen=True, slots=True)
class Screened:
    """``text`` without what must not be stored; ``findings`` in order of place. No value in either."""

    text: str
    findings: tuple[Finding, ...] = ()


_CODE_HINTS: Final = re.compile(r"c(?:v|sc|ard|od|rypto)|fziffer|karten")
"""In lower case, a piece of every word above that is written in ASCII."""


def screen_text(text: str) -> Screened:
    """Redact card numbers (13 to 19 digits of any script that pass ISO/IEC 7812 Luhn) and security codes."""
    digits = sum(map(str.isdigit, text))
    if digits < _CODE_SHORTEST:
        return Screened(text)
    cards = _cards(text) if digits >= _SHORTEST else []
    # Looking for the words at every place takes long, and most texts have no piece of one.
    codes = [] if text.isascii() and not _CODE_HINTS.search(text.lower()) else _CODE_WORDS.finditer(text)
    if not cards and not codes:
        return Screened(text)
    spans = [(start, end, Finding.CARD_NUMBER) for start, end in cards]
    taken = [(start, end) for start, end, _ in spans]
    for match in codes:
        start, end = match.span("code")
        if not any(start < right and left < end for left, right in taken):
            spans.append((start, end, Finding.SECURITY_CODE))
    parts, at = [], 0
    for start, end, finding in sorted(spans):
        parts += [text[at:start], _REPLACEMENT[finding]]
        at = end
    return Screened("".join([*parts, text[at:]]), tuple(finding for _, _, finding in sorted(spans)))


_REPLACEMENT: Final = {
    Finding.CARD_NUMBER: "[card number removed]",
    Finding.SECURITY_CODE: "[security code removed]",
}


def like_card(text: str) -> bool:
    """Tell whether the digits of a text alone make a number that a card scheme issues."""
    digits = "".join(_digit(symbol) for symbol in text)
    return _SHORTEST <= len(digits) <= _LONGEST and bool(_RANGES.fullmatch(digits)) and luhn.is_valid(digits)


def _digit(symbol: str) -> str:
    # Full-width, Arabic-Indic, superscript and circled digits all count as the digit they show.
    return str(unicodedata.digit(symbol)) if symbol.isdigit() else ""


def _cards(text: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for run in _runs(text):
        found += _in_run(text, run)
    return found


def _runs(text: str) -> list[list[int]]:
    """Return the places of digits, in runs whose gaps hold at most a few separators."""
    runs: list[list[int]] = []
    ids = {place for match in _UUID.finditer(text) for place in range(*match.span())}
    for place, symbol in enumerate(text):
        if not symbol.isdigit() or place in ids:
            continue
        between = text[runs[-1][-1] + 1 : place] if runs else ""
        if runs and len(between) <= _GAP and all(item in _NEAR for item in between):
            runs[-1].append(place)
        else:
            runs.append([place])
    return [run for run in runs if len(run) >= _SHORTEST]


def _in_run(text: str, run: list[int]) -> list[tuple[int, int]]:
    digits = "".join(_digit(text[place]) for place in run)
    if len(run) <= _LONGEST and luhn.is_valid(digits) and not _is_phone(text, run, digits):
        return [(run[0], run[-1] + 1)]
    # A card number beside a date, an amount or a code: it starts and ends where a group of digits does.
    starts = [0, *(index for index in range(1, len(run)) if run[index] - run[index - 1] > 1)]
    ends = {*starts[1:], len(run)}
    found: list[tuple[int, int]] = []
    free = 0
    for start in starts:
        if start < free:
            continue
        for end in range(min(start + _LONGEST, len(run)), start + _SHORTEST - 1, -1):
            part = digits[start:end]
            if end in ends and _RANGES.fullmatch(part) and luhn.is_valid(part):
                found.append((run[start], run[end - 1] + 1))
                free = end
                break
    return found


def _is_phone(text: str, run: list[int], digits: str) -> bool:
    # "+49 1512 3456789": a plus sign and no issuer's range. E.164 has at most 15 digits.
    return run[0] > 0 and text[run[0] - 1] == "+" and len(digits) <= 15 and not _RANGES.fullmatch(digits)  # noqa: PLR2004
