"""Telephone numbers (ITU-T E.164) by phonenumbers."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

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


def normalise_phone(raw: object, given: Given) -> str:
    """Return the number in E.164.

    Numbers of an impossible length are refused; a number in no range known to be in use is a concern, because
    ranges open more often than software is updated.
    """
    text = checked(raw, given, numbers=True)
    number, reason = None, ""
    try:
        number = phonenumbers.parse(text, given.region)
    except NumberParseException as error:
        country = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        reason = "phone_country" if country else "phone_invalid"
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
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
