"""Card tokens of a payment provider. Card numbers and security codes never enter (PCI DSS 3)."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from changedesk.base.json import Value
from changedesk.rules.values.given import Given
from changedesk.rules.values.screen import Finding, screen_text
from changedesk.rules.values.text import DOTS, checked

_KEYS: Final = {"token", "brand", "last4", "expiry"}
_SECRETS: Final = re.compile(r"cv[vcnd]2?|csc|cid|security_?code|card_?code|pin", re.IGNORECASE)
_NUMBERS: Final = re.compile(r"pan|number|card_?number", re.IGNORECASE)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_\-.:/+=~]{6,200}")
_MONTH: Final = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d?)|(?P<m>\d\d?) ?[/.-] ?(?P<y>\d{4}|\d\d)", re.ASCII)
_BRANDS: Final = {
    "visa": "visa", "mastercard": "mastercard", "master card": "mastercard", "mc": "mastercard",
    "amex": "amex",
    "american express": "amex", "discover": "discover", "diners": "diners", "diners club": "diners",
    "jcb": "jcb",
    "unionpay": "unionpay", "union pay": "unionpay", "maestro": "maestro", "rupay": "rupay", "mir": "mir",
    "elo": "elo", "mada": "mada", "girocard": "girocard",
    "cartes bancaires": "cartes_bancaires", "other": "other",
}  # fmt: skip
_CALLED: Final = {"amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay", "rupay": "RuPay"}


def normalise_card(raw: object, given: Given) -> Value:
    """Return ``{"token", "brand", "last4", "expiry"}`` with expiry as YYYY-MM."""
    parts = _parts(raw, given)
    if not _TOKEN.fullmatch(parts["token"]):
        raise given.bad("card_token", "token")
    brand = _BRANDS.get(parts["brand"].casefold().replace("_", " "))
    if brand is None:
        raise given.bad("card_brand", "brand")
    if not re.fullmatch(r"\d{4}", parts["last4"], re.ASCII):
        raise given.bad("card_last4", "last4")
    return {
        "token": parts["token"],
        "brand": brand,
        "last4": parts["last4"],
        "expiry": _expiry(parts["expiry"], given),
    }


def _parts(raw: object, given: Given) -> dict[str, str]:
    if isinstance(raw, str | int) and screen_text(str(raw)).findings:
        raise given.bad("card_number")
    if not isinstance(raw, Mapping):
        raise given.bad("card_parts")
    for key in map(str, raw):
        if key not in _KEYS and _SECRETS.fullmatch(key):
            raise given.bad("security_code")
        if key not in _KEYS and _NUMBERS.fullmatch(key):
            raise given.bad("card_number")
    if set(raw) != _KEYS:
        raise given.bad("card_parts")
    parts = {key: checked(raw[key], given, numbers=True) for key in _KEYS}
    for part, text in parts.items():
        if Finding.CARD_NUMBER in screen_text(text).findings:
            raise given.bad("card_number", part)
    return parts


def _expiry(text: str, given: Given) -> str:
    match = _MONTH.fullmatch(text)
    year = int(match["year"] or match["y"]) if match else 0
    month = int(match["month"] or match["m"]) if match else 0
    year += 2000 if year < 100 else 0  # noqa: PLR2004 - cards print two digits of the year
    if not 1 <= month <= 12 or not 2000 <= year <= given.today.year + 30:  # noqa: PLR2004
        raise given.bad("card_expiry", "expiry")
    return f"{year:04d}-{month:02d}"


def months_left(card: Mapping[str, str], today: date) -> int:
    """Return how many months a card is still good after this one; below nought it has expired."""
    year, month = map(int, card["expiry"].split("-"))
    return (year - today.year) * 12 + month - today.month


def mask_card(card: Mapping[str, str]) -> str:
    return f"{DOTS} {card['last4']}"


def display_card(card: Mapping[str, str]) -> str:
    """Return brand, last four digits and month of expiry, as a card prints it."""
    brand = _CALLED.get(card["brand"], card["brand"].replace("_", " ").title())
    year, month = card["expiry"].split("-")
    return f"{brand} {DOTS} {card['last4']}, {month}/{year}"
