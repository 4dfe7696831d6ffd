"""What is read the short way is read exactly as the libraries read it, and nothing slips through that they refuse."""

import re
import sys
import unicodedata

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneNumberFormat

from changedesk.rules.values import email, phone, text

LOCALS = st.text("ab.z09_+-@A%", min_size=1, max_size=70)
LABELS = st.text("abxn019-_", min_size=1, max_size=66) | st.sampled_from(["xn--mnchen-3ya", "test", "local", "invalid"])
DOMAINS = st.builds(".".join, st.lists(LABELS, min_size=1, max_size=5))
ENDINGS = st.sampled_from(
    [".com", ".example", ".test", ".onion", ".arpa", ".c", ".12", ".invalid", ".local", ".localhost", "", "."]
)
CODES = st.sampled_from([str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE])
DIGITS = st.text("0123456789", min_size=2, max_size=16)


def _by_library(number: str, region: str) -> str | None:
    try:
        read = phonenumbers.parse(number, region)
    except NumberParseException:
        return None
    if read.extension or not phonenumbers.is_possible_number(read):
        return None
    return phonenumbers.format_number(read, PhoneNumberFormat.E164)


@given(LOCALS, DOMAINS, ENDINGS)
def test_an_address_taken_as_it_stands_is_what_the_validator_returns(local: str, domain: str, ending: str) -> None:
    address = f"{local}@{domain}{ending}"
    if email._plain(address):
        assert validate_email(address, check_deliverability=False, strict=True).normalized == address


@given(st.from_regex(r"[a-z0-9_+\-.]{1,64}@[a-z0-9\-.]{1,80}\.[a-z]{1,6}", fullmatch=True))
def test_a_likely_address_taken_as_it_stands_is_what_the_validator_returns(address: str) -> None:
    try:
        read = validate_email(address, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        assert not email._plain(address)
    else:
        assert not email._plain(address) or read == address


def test_everyday_addresses_take_the_short_way() -> None:
    assert all(email._plain(one) for one in ("dana@old-house.de", "j.r_r+t@mail.co.uk", "7@x.org"))


@given(CODES, DIGITS, st.sampled_from(["US", "DE", "RU", "IT", "AR", "BR", "001"]), st.data())
def test_a_number_taken_as_it_stands_is_what_the_library_returns(
    code: str, national: str, region: str, data: st.DataObject
) -> None:
    number = f"+{code}{national}"
    place = data.draw(st.integers(2, len(number) - 1))
    for written in (number, f"{number[:place]} {number[place:]}", f"{number[:place]}-{number[place:]}"):
        plain = phone._plain(written)
        assert plain is None or plain == _by_library(written, region)


def test_everyday_numbers_take_the_short_way() -> None:
    assert phone._plain("+12025550143") == "+12025550143"
    assert phone._plain("+44 20 7946 0991") == "+442079460991"
    assert phone._plain("+49-1512-3456789") == "+4915123456789"


def test_the_forbidden_signs_are_those_of_the_categories() -> None:
    signs = map(chr, range(sys.maxunicode + 1))
    by_category = {
        sign
        for sign in signs
        if (unicodedata.category(sign) in ("Cc", "Cs", "Co") and not sign.isspace())
        or sign in "\u115f\u1160\u3164\uffa0"
        or "\u202a" <= sign <= "\u202e"
        or "\u2066" <= sign <= "\u2069"
    }
    assert {sign for sign in map(chr, range(sys.maxunicode + 1)) if text._FORBIDDEN.search(sign)} == by_category


@given(st.text(st.characters(codec="ascii")))
def test_plain_text_folds_as_any_other(given_text: str) -> None:
    assert text.fold(given_text) == " ".join(
        unicodedata.normalize("NFC", given_text).translate(text._INVISIBLE).split()
    )


@given(CODES, st.text("0123456789", min_size=4, max_size=14))
def test_a_number_is_written_as_the_library_writes_it(code: str, national: str) -> None:
    number = f"+{code}{national}"
    try:
        read = phonenumbers.parse(number)
    except NumberParseException:
        return
    if f"+{read.country_code}{phonenumbers.national_significant_number(read)}" == number:
        assert phone.display_phone(number) == phonenumbers.format_number(read, PhoneNumberFormat.INTERNATIONAL)


def test_every_countrys_own_numbers_are_written_as_the_library_writes_them() -> None:
    asked = [
        phonenumbers.example_number_for_type(region, sort)
        for region in phonenumbers.SUPPORTED_REGIONS
        for sort in phonenumbers.PhoneNumberType.values()
    ]
    examples = [one for one in asked if one is not None]
    assert len(examples) > len(phonenumbers.SUPPORTED_REGIONS)
    for example in examples:
        number = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        assert phone.display_phone(number) == phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)


def test_every_form_takes_the_parts_of_a_number_one_after_the_other() -> None:
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        metadata = phone._metadata(str(code))
        assert metadata is not None
        for one in metadata.intl_number_format or metadata.number_format:
            parts = re.compile(one.pattern or "").groups
            assert re.findall(r"\$\d|\\\d|%", one.format or "") == [f"\\{place + 1}" for place in range(parts)]


@pytest.mark.parametrize("number", ["+12025550143", "+390612345678", "+3906698", "+8001234567890", "+35312345678"])
def test_a_number_is_written_as_it_is_with_or_without_a_zero(number: str) -> None:
    read = phonenumbers.parse(number)
    assert phone.display_phone(number) == phonenumbers.format_number(read, PhoneNumberFormat.INTERNATIONAL)
