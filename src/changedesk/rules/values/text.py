"""Free text, names of people and businesses in any script, and references such as account numbers."""

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from changedesk.rules.fields import Field, Sensitivity
from changedesk.rules.values.concern import Concern
from changedesk.rules.values.given import Given
from changedesk.rules.values.lookalike import mixes_scripts
from changedesk.rules.values.screen import Finding, screen_text

DOTS: Final = "••••"
PLATFORM_ID: Final = "platform_id"
"""Tag of fields that hold the numbers of other platforms: one in ten looks like a card's by chance."""
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u061c\u2060\ufeff\u00ad"))
"""Marks that copying leaves behind. Joiners (U+200C, U+200D) stay: Persian needs them."""
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ue000-\uf8ff"
    "\U000f0000-\U000ffffd\U00100000-\U0010fffd\u115f\u1160\u3164\uffa0]"
)
"""Control characters that are no blanks (Cc), halves of pairs (Cs), private use (Co), what turns the direction, and
the Hangul fillers: letters that nobody sees."""
_NAME_SIGNS: Final = frozenset(
    "'`\".,-()/&+:\u2019\u2018\u02bc\u00b4\u2010\u2011\u2013\u2014\u00b7\u30fb\u2027\u05be\u05f3\u05f4\u060c\uff1d\u30a0"
    "\u201c\u201d\u201e\u00ab\u00bb\uff08\uff09"
)
_NAME_KINDS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Zs"})
_NAME_JOINERS: Final = frozenset("\u200c\u200d")
_PILE: Final = re.compile("M{7}")
"""More marks on one letter than any script writes, in the classes of its signs."""
_MARKUP: Final = re.compile(r"<[^>]*>?|&(?:#\d+|#x[0-9a-f]+|[a-z]+\d*);", re.IGNORECASE)
_WEB: Final = re.compile(r"://|\bwww\.|//", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"[^\W_][\w\-./ ]*")


def fold(text: str) -> str:
    """Return text in NFC, every run of blanks one space, no blank at either end, copying marks gone."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    return " ".join(text.split())


def checked(raw: object, given: Given, *, numbers: bool = False) -> str:
    """Return folded text of an allowed length, without control characters or card data."""
    if isinstance(raw, bool) or not isinstance(raw, str | int if numbers else str):
        raise given.bad("type")
    text = str(raw)
    if _FORBIDDEN.search(text):
        raise given.bad("control_characters")
    text = fold(text)
    if len(text) > given.field.length_max:
        raise given.bad("too_long")
    return text


def refuse_card_data(text: str, given: Given, part: str = "") -> None:
    """Raise when a text holds a card number or a card's security code."""
    for finding in screen_text(text).findings:
        raise given.bad("card_number" if finding is Finding.CARD_NUMBER else "security_code", part)


def normalise_text(raw: object, given: Given) -> str:
    """Return plain text, line ends kept. A field named or tagged ``url`` holds a web address (RFC 3986)."""
    if not isinstance(raw, str):
        raise given.bad("type")
    lines = [checked(line, given) for line in raw.splitlines()]
    text = "\n".join(lines).strip("\n")
    if len(text) > given.field.length_max:
        raise given.bad("too_long")
    if _MARKUP.search(text):
        raise given.bad("markup")
    if PLATFORM_ID not in given.field.tags:
        refuse_card_data(text, given)
    return _url(text, given) if _is_url(given.field) else text


def _is_url(field: Field) -> bool:
    return "url" in field.tags or field.path.rsplit(".", 1)[-1] == "url"


def _url(text: str, given: Given) -> str:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = (parts.hostname or "").encode("idna").decode("ascii")
        hyphened = any(label != label.strip("-") for label in host.split("."))
        host = "" if hyphened or parts.port == 0 else host
    except ValueError:  # an unclosed bracket, a label of more than 63 letters, a port that there is not
        host = ""
    if (
        " " in text
        or "." not in host.strip(".")
        or parts.scheme.lower() not in ("http", "https")
        or "@" in parts.netloc
    ):
        raise given.bad("url_invalid")
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl()


def normalise_name(raw: object, given: Given) -> str:
    """Return a name: letters and marks of any script, the signs that names hold, at least one letter."""
    text = checked(raw, given)
    if _MARKUP.search(text) or "<" in text or ">" in text:
        raise given.bad("markup")
    refuse_card_data(text, given)
    if not any(sign.isalpha() for sign in text):
        raise given.bad("name_no_letter")
    kinds_ok = all(
        unicodedata.category(sign) in _NAME_KINDS or sign in _NAME_SIGNS or sign in _NAME_JOINERS for sign in text
    )
    if not kinds_ok or _WEB.search(text) or (not text.isascii() and _piled(text)):
        raise given.bad("name_symbols")
    return text


def _piled(text: str) -> bool:
    return bool(_PILE.search("".join(unicodedata.category(sign)[0] for sign in text)))


def name_concerns(path: str, name: str) -> list[Concern]:
    """Warn of a word that mixes scripts: a Cyrillic letter in a Latin name is found by nobody who types it."""
    words = () if name.isascii() else re.split(r"[\W_]+", name)
    return [Concern(path, "mixed_scripts")] if any(map(mixes_scripts, words)) else []


def normalise_reference(raw: object, given: Given) -> str:
    """Return a reference in capitals: letters, digits and - . / _ between them."""
    text = checked(raw, given, numbers=True).upper()
    if not _REFERENCE.fullmatch(text) or not any(sign.isalnum() for sign in text):
        raise given.bad("reference_invalid")
    refuse_card_data(text, given)
    return text


def compact(text: str) -> str:
    """Return the letters and digits of a reference in capitals, as it is looked up."""
    return "".join(filter(str.isalnum, text.upper()))


def mask_name(name: str) -> str:
    """Return each word's first letter and dots."""
    return " ".join(word[0] + "•••" for word in name.split())


def mask_text(field: Field, text: str) -> str:
    return text if field.sensitivity is Sensitivity.PUBLIC else DOTS


def last(text: str, count: int) -> str:
    """Return dots and the last letters, never more than a third of the text."""
    shown = min(count, len(text) // 3)
    return f"{DOTS} {text[-shown:]}" if shown else DOTS
