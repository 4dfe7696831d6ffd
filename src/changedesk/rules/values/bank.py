"""Bank accounts: IBAN (ISO 13616) and BIC (ISO 9362) by schwifty; US routing numbers by python-stdnum."""

import re
from collections.abc import Mapping
from typing import Any, Final

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum.us import rtn

from changedesk.base.json import Value
from changedesk.rules.values.address import countries
from changedesk.rules.values.concern import Concern
from changedesk.rules.values.given import Given
from changedesk.rules.values.screen import like_card
from changedesk.rules.values.text import checked, compact, last

_KEYS: Final = {"iban", "bic", "country", "bank_code", "account"}
_ACCOUNT: Final = re.compile(r"[0-9A-Z]{4,34}")
_BANK_CODE: Final = re.compile(r"[0-9A-Z]{2,12}")


def normalise_bank(raw: object, given: Given) -> Value:
    """Return an IBAN without blanks, or ``{"country", "bank_code", "account"}`` where there are no IBANs."""
    if isinstance(raw, str):
        return _iban(checked(raw, given), given)
    if not isinstance(raw, Mapping) or not set(raw) <= _KEYS:
        raise given.bad("type")
    parts = {str(key): checked(value, given, numbers=True) for key, value in raw.items() if value not in (None, "")}
    if "iban" in parts:
        account = _iban(parts["iban"], given)
        if "bic" in parts and not _bic_fits(parts["bic"], account):
            raise given.bad("bank_bic", "bic")
        return account
    return _domestic(parts, given)


def _iban(text: str, given: Given) -> str:
    bare = compact(text)
    if bare.isdigit() and like_card(bare):
        raise given.bad("card_number")
    iban = IBAN(bare.removeprefix("IBAN"), allow_invalid=True)
    if not re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]+", iban.compact, re.ASCII) or not _valid(iban):
        raise given.bad("bank_invalid")
    return str(iban.compact)


def _valid(code: Any) -> bool:
    try:
        return bool(code.validate())
    except (SchwiftyException, ValueError, KeyError, AttributeError):
        return False


def _bic_fits(text: str, account: str) -> bool:
    bic = BIC(text, allow_invalid=True)
    if not _valid(bic):
        return False
    home = IBAN(account).bic
    return bic.country_code == account[:2] if home is None else bic.compact[:6] == home.compact[:6]


def _domestic(parts: Mapping[str, str], given: Given) -> Value:
    country = countries().get(parts.get("country", given.region).casefold())
    if country is None:
        raise given.bad("bank_country", "country")
    if _has_iban(country):
        raise given.bad("bank_needs_iban")
    account, bank = compact(parts.get("account", "")), compact(parts.get("bank_code", ""))
    if not _ACCOUNT.fullmatch(account):
        raise given.bad("bank_invalid", "account")
    if not (rtn.is_valid(bank) if country == "US" else _BANK_CODE.fullmatch(bank)):
        raise given.bad("bank_code", "bank_code")
    return {"country": country, "bank_code": bank, "account": account}


def _has_iban(country: str) -> bool:
    try:
        return bool(IBAN(f"{country}00", allow_invalid=True).spec)
    except SchwiftyException:
        return False


def bank_country(account: object) -> str:
    """Return the country that an account is held in."""
    return str(account["country"]) if isinstance(account, Mapping) else str(account)[:2]


def bank_concerns(path: str, account: object) -> list[Concern]:
    """Warn of an account number that a card scheme could have issued."""
    if isinstance(account, Mapping) and like_card(str(account["account"])):
        return [Concern(path, "account_like_card")]
    return []


def number_of(account: object) -> str:
    return str(account["account"]) if isinstance(account, Mapping) else str(account)


def mask_bank(account: object) -> str:
    return last(number_of(account), 4)


def display_bank(account: object) -> str:
    """Return an IBAN in groups of four, or country, bank and account."""
    if isinstance(account, Mapping):
        return f"{account['country']} {account['bank_code']} {account['account']}"
    text = str(account)
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))
