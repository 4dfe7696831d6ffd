"""Amounts of money: ISO 4217 currencies and their decimals by Babel (CLDR)."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from babel.numbers import (
    NumberFormatError,
    format_currency,
    get_currency_precision,
    get_group_symbol,
    get_territory_currencies,
    list_currencies,
    parse_decimal,
)

from changedesk.base.json import Value
from changedesk.rules.values.given import Given
from changedesk.rules.values.locales import locale_in, locale_of
from changedesk.rules.values.text import checked

_CODE: Final = re.compile(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])")
_PLAIN: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d+)?", re.ASCII)
_DIGITS: Final = 15


def currency_of(country: str) -> str:
    """Return the currency in use in a country, empty when unknown."""
    return next(iter(get_territory_currencies(country)), "")


def normalise_money(raw: object, given: Given) -> Value:
    """Return ``{"amount": "12.30", "currency": "EUR"}`` with exactly the decimals of the currency."""
    if isinstance(raw, Mapping):
        if set(raw) != {"amount", "currency"}:
            raise given.bad("money_parts")
        amount, currency = checked(raw["amount"], given, numbers=True), checked(raw["currency"], given)
    else:
        text = checked(raw, given, numbers=True)
        codes = _CODE.findall(text)
        amount = _CODE.sub("", text).strip()
        if len(codes) > 1:
            raise given.bad("money_currency", "currency")
        currency = codes[0] if codes else currency_of(given.region)
    currency = currency.upper()
    if currency not in list_currencies():
        raise given.bad("money_currency", "currency")
    number = _number(amount, given)
    decimals = get_currency_precision(currency)
    if number.as_tuple().exponent < -decimals:  # type: ignore[operator] # finite, so an int
        raise given.bad("money_decimals", "amount")
    return {"amount": f"{number:.{decimals}f}", "currency": currency}


def _number(amount: str, given: Given) -> Decimal:
    number = Decimal(amount) if _PLAIN.fullmatch(amount) else _local(amount, given.region)
    if number is None or not number.is_finite() or number.adjusted() >= _DIGITS:
        raise given.bad("money_amount", "amount")
    return number + 0  # no minus zero


def _local(amount: str, region: str) -> Decimal | None:
    if not re.fullmatch(r"[+-]?\d[\d.,'\u2019\u066b\u066c\s]*", amount):
        return None
    locale = locale_in(region)
    group = get_group_symbol(locale)
    if group.isspace():  # CLDR groups by a blank that no keyboard has
        amount = re.sub(r"\s", group, amount)
    try:
        return parse_decimal(amount, locale, strict=True)
    except (NumberFormatError, ValueError, ArithmeticError):
        return None


def display_money(money: Mapping[str, str], language: str) -> str:
    return format_currency(Decimal(money["amount"]), money["currency"], locale=locale_of(language))
