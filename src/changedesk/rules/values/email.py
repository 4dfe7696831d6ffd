"""E-mail addresses (RFC 5321, 5322, 6531) by email-validator; look-alikes by confusables (UTS 39)."""

import re
from difflib import get_close_matches
from typing import Final

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, EmailSyntaxError, validate_email

from changedesk.rules.values.concern import Concern
from changedesk.rules.values.given import Given
from changedesk.rules.values.lookalike import all_twins, mixes_scripts
from changedesk.rules.values.text import checked

_BIG: Final = (
    "gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "protonmail.com",
    "yandex.ru", "mail.ru", "web.de", "t-online.de", "gmx.de", "gmx.net", "live.com", "msn.com", "aol.com",
    "hotmail.co.uk",
    "yahoo.co.uk", "btinternet.com", "orange.fr", "libero.it", "naver.com", "qq.com", "163.com",
)  # fmt: skip
_REAL: Final = frozenset(_BIG) | {
    "ymail.com",
    "mail.com",
    "gmx.at",
    "gmx.ch",
    "aim.com",
    "yahoo.co.in",
    "126.com",
}
_TYPO_LENGTH: Final = 8
"""Shorter names are a letter apart from too many real ones."""
_NEAR: Final = 0.885
"""One letter wrong, missing, doubled or swapped in names of this length; not another country's ending."""

_PLAIN: Final = re.compile(
    r"(?P<local>[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*)@(?P<domain>(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})"
)
_LOCAL_MOST: Final = 64
_PLAIN_MOST: Final = 200
_SPECIAL: Final = tuple("." + name for name in SPECIAL_USE_DOMAIN_NAMES)


def _plain(text: str) -> bool:
    """Tell whether an address is good as it stands, by RFC 5321 alone: most are. When in doubt, it is not."""
    found = _PLAIN.fullmatch(text)
    if found is None or len(text) > _PLAIN_MOST or len(found["local"]) > _LOCAL_MOST:
        return False
    domain = found["domain"]
    return "--" not in domain and not ("." + domain).endswith(_SPECIAL)


def normalise_email(raw: object, given: Given) -> str:
    """Return the address with its domain in lower case and in its own script."""
    text = checked(raw, given).removeprefix("mailto:")
    if _plain(text):
        return text
    if sum(text.count(sign) for sign in "@\uff20") != 1:
        raise given.bad("email_several" if text.count("@") > 1 else "email_at")
    if any(sign in text for sign in ",;<>"):
        raise given.bad("email_several")
    address, reason = "", ""
    try:
        address = validate_email(text, check_deliverability=False, strict=True).normalized
    except EmailSyntaxError as error:
        reason = "email_reserved" if "special-use" in str(error) else "email_invalid"
    except (
        EmailNotValidError,
        ValueError,
    ):  # pragma: no cover - only deliverability, which is off, ends here
        reason = "email_invalid"
    if reason:
        raise given.bad(reason)
    return address


def email_concerns(path: str, address: str) -> list[Concern]:
    """Warn of letters that imitate others, and of a domain one slip of a key away from a big one."""
    local, _, domain = address.rpartition("@")
    if mixes_scripts(local):
        return [Concern(path, "mixed_scripts")]
    if any(_imitates(label, domain) for label in domain.split(".")):
        return [Concern(path, "lookalike_domain")]
    if domain in _REAL or len(domain) < _TYPO_LENGTH:
        return []
    near = [big for big in get_close_matches(domain, _BIG, 1, _NEAR) if abs(len(big) - len(domain)) <= 1]
    return [Concern(path, "domain_typo", suggestion=big) for big in near]


def _imitates(label: str, domain: str) -> bool:
    # One foreign script all through, each letter with a Latin twin, under a Latin top domain.
    return mixes_scripts(label) or (domain.rpartition(".")[2].isascii() and all_twins(label))


def mask_email(address: str) -> str:
    """Return ``a***@e***.com``: the first letters and the top domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain[:1]}***.{domain.rpartition('.')[2]}"
