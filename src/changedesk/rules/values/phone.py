"""Telephone numbers (ITU-T E.164) by phonenumbers."""

import re
from functools import cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, ValidationResult

from changedesk.rules.values.concern import Concern
from changedesk.rules.values.given import Given
from changedesk.rules.values.text import DOTS, checked

_WHY = {
    ValidationResult.TOO_LONG: "phone_too_long",
    ValidationResult.TOO_SHORT: "phone_too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "phone_too_short",
    ValidationResult.INVALID_COUNTRY_CODE: "phone_country",
    ValidationResult.INVALID_LENGTH: "phone_invalid",
}
_UNREAD = {
    NumberParseException.INVALID_COUNTRY_CODE: "phone_country",
    NumberParseException.TOO_LONG: "phone_too_long",
}
_PLAIN: Final = re.compile(r"\+[1-9](?:[ \-]?[0-9]){7,14}")
_SEPARATORS: Final = str.maketrans("", "", " -")
_CODE_MOST: Final = 3
_GROUP: Final = re.compile(r"\\(\d)")
"""How a template names a part of the number."""


def _metadata(code: str) -> PhoneMetadata | None:
    """Return how a country's numbers are built; None for no such code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    return PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0]) if regions else None


@cache
def _plan(code: str) -> tuple[frozenset[int], re.Pattern[str]] | None:
    """Return the lengths of a country's numbers and what its national prefix looks like; None for no such code."""
    metadata = _metadata(code)
    if metadata is None or metadata.general_desc is None:
        return None
    return (
        frozenset(metadata.general_desc.possible_length),
        re.compile(metadata.national_prefix_for_parsing or r"(?!)"),
    )


def _plain(text: str) -> str | None:
    """Return the E.164 form of a number written internationally with nothing to read into it; None when in doubt."""
    if _PLAIN.fullmatch(text) is None:
        return None
    number = text.translate(_SEPARATORS)
    for end in range(2, _CODE_MOST + 2):
        plan = _plan(number[1:end])
        if plan is not None:
            lengths, prefix = plan
            national = number[end:]
            sure = national[:1] != "0" and len(national) in lengths and prefix.match(national) is None
            return number if sure else None
    return None


@cache
def _layouts(code: str) -> tuple[tuple[re.Pattern[str], str], ...] | None:
    """Return how a country's numbers are written from abroad: what the national number looks like, and its form.

    The first that fits counts. None for no such code. Choosing among them is all that ``phonenumbers.format_number``
    does; it costs a fifth so.
    """
    metadata = _metadata(code) if code.isdecimal() else None
    if metadata is None:
        return None
    return tuple(
        (
            # Which numbers it is for, by their leading digits, and the parts of one, which its form takes one after the
            # other. A zero in front says things that only the library reads.
            re.compile(f"(?!0)(?={''.join(one.leading_digits_pattern[-1:])})(?:{one.pattern or ''})", re.ASCII),
            f"+{code} " + _GROUP.sub("%s", one.format or ""),
        )
        for one in metadata.intl_number_format or metadata.number_format
    )


def normalise_phone(raw: object, given: Given) -> str:
    """Return the number in E.164.

    Numbers of an impossible length are refused; a number in no range known to be in use is a concern, because
    ranges open more often than software is updated.
    """
    text = checked(raw, given, numbers=True)
    plain = _plain(text)
    if plain is not None:
        return plain
    number, reason = None, ""
    try:
        number = phonenumbers.parse(text, given.region)
    except NumberParseException as error:
        reason = _UNREAD.get(error.error_type, "phone_invalid")
    if number is None:
        raise given.bad(reason)
    if number.extension:
        raise given.bad("phone_extension")
    why = phonenumbers.is_possible_number_with_reason(number)
    if why != ValidationResult.IS_POSSIBLE:
        raise given.bad(_WHY[why])
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def phone_concerns(path: str, number: str) -> list[Concern]:
    """Warn of a number whose range is not known to be in use."""
    return [] if phonenumbers.is_valid_number(phonenumbers.parse(number)) else [Concern(path, "phone_unassigned")]


def mask_phone(number: str) -> str:
    return f"{DOTS} {number[-2:]}"


def display_phone(number: str) -> str:
    """Return the number as it is written internationally."""
    for end in range(2, _CODE_MOST + 2):
        layouts = _layouts(number[1:end])
        if layouts is not None:
            national = number[end:]
            for whole, form in layouts:
                parts = whole.fullmatch(national)
                if parts is not None:
                    return form % parts.groups()
            if national[:1] != "0" and number[1:].isdecimal():
                return f"{number[:end]} {national}"
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
