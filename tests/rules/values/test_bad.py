"""Bad input of every type: refused by name, never repeated in the refusal."""

import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rules.values.ask import BIRTH, TODAY, URL, field, read, why

from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values import BadValue, normalise
from changedesk.rules.values.reasons import REASONS

T = FieldType
PAN = "4111 1111 1111 1111"
CARD = {"token": "tok_9fQx77", "brand": "visa", "last4": "4242", "expiry": "2027-12"}
US = {"country": "US", "lines": "1 Main St", "city": "San Jose", "region": "CA", "postal_code": "95110"}
LONG = "a" * 201

BAD: dict[Any, list[tuple[object, str]]] = {
    T.TEXT: [
        (1, "type"), (True, "type"), ([], "type"), ({}, "type"), (1.5, "type"), (b"x", "type"),
        (LONG, "too_long"), ("ab\n" * 80, "too_long"), ("a\x00b", "control_characters"),
        ("a\x1bb", "control_characters"), ("a\u202eb", "control_characters"), ("a\u2066b", "control_characters"),
        ("a\ud800b", "control_characters"), ("\ue000", "control_characters"), ("<b>x</b>", "markup"),
        ("<script", "markup"), ("&lt;b", "markup"), ("&#60;", "markup"), (f"pay with {PAN}", "card_number"),
        ("cvv 123", "security_code"),
    ],
    "url": [
        ("example", "url_invalid"), ("https://", "url_invalid"), ("ftp://example.com", "url_invalid"),
        ("javascript://example.com/%0aalert(1)", "url_invalid"), ("https://a b.com", "url_invalid"),
        ("https://user@example.com", "url_invalid"), ("https://[::1", "url_invalid"), ("https://.", "url_invalid"),
        ("https://" + "a" * 64 + ".com", "url_invalid"), ("data://text.html", "url_invalid"),
        ("//shop.example", "url_invalid"), ("mailto:dana@shop.example", "url_invalid"), ("https://x", "url_invalid"),
        ("https://-shop.example", "url_invalid"), ("https://shop-.example", "url_invalid"),
        ("https://shop.example:99999/", "url_invalid"), ("https://shop.example:0/", "url_invalid"),
        ("https://:pw@shop.example", "url_invalid"), ("https://@shop.example", "url_invalid"),
        ("https://shop..example", "url_invalid"), ("https://магазин", "url_invalid"),
        ("https://shop.example/<b>", "markup"), ("https://shop.example/\u202egpj", "control_characters"), (7, "type"),
    ],
    T.NAME: [
        ("12345", "name_no_letter"), ("...", "name_no_letter"), ("--", "name_no_letter"), ("👍", "name_no_letter"),
        ("Anna 👍", "name_symbols"), ("Anna❤", "name_symbols"), ("a@b", "name_symbols"), ("a=b", "name_symbols"),
        ("a{b}", "name_symbols"), ("a|b", "name_symbols"), ("a\\b", "name_symbols"), ("a;b", "name_symbols"),
        ("www.win.example", "name_symbols"), ("see https://x.example", "name_symbols"), ("<i>Anna</i>", "markup"),
        ("a<b", "markup"), ("Anna &amp; Bo", "markup"), ("An\x07na", "control_characters"), (LONG, "too_long"),
        (f"Anna {PAN}", "card_number"), (["Anna"], "type"),
    ],
    T.REFERENCE: [
        ("-", "reference_invalid"), ("-1", "reference_invalid"), ("_a", "reference_invalid"),
        ("a@b", "reference_invalid"),
        ("a?b", "reference_invalid"), ("a=1", "reference_invalid"), ("a'b", "reference_invalid"),
        ('a"b', "reference_invalid"), ("a;b", "reference_invalid"), ("<a>", "reference_invalid"),
        ("a\\b", "reference_invalid"), ("a%b", "reference_invalid"), ("a#b", "reference_invalid"),
        ("a(b)", "reference_invalid"), ("👍", "reference_invalid"), (PAN, "card_number"),
        (4111111111111111, "card_number"), (LONG, "too_long"), ("a\x00", "control_characters"), (1.5, "type"),
    ],
    T.EMAIL: [
        ("anna", "email_at"), ("@", "email_invalid"), ("a@@b.de", "email_several"), ("a@b.de, c@d.de", "email_several"),
        ("a@b.de;", "email_several"), ("Anna <a@b.de>", "email_several"), ("a@b", "email_invalid"),
        ("a@b.", "email_invalid"), ("a@.de", "email_invalid"), ("@b.de", "email_invalid"),
        ("a b@c.de", "email_invalid"),
        ("a..b@c.de", "email_invalid"), (".a@c.de", "email_invalid"), ("a@-c.de", "email_invalid"),
        ("a@c..de", "email_invalid"), ("a@[127.0.0.1]", "email_invalid"), ('"a b"@c.de', "email_invalid"),
        ("a@localhost", "email_invalid"), ("a@x.invalid", "email_reserved"), ("a@x.test", "email_reserved"),
        ("a" * 65 + "@c.de", "email_invalid"), ("a@c.de\r\nBcc: x", "email_invalid"), (7, "type"),
        ("a\uff20b.de", "email_invalid"),
    ],
    T.PHONE: [
        ("call me", "phone_invalid"), ("?", "phone_invalid"), ("-", "phone_invalid"), ("0", "phone_invalid"),
        ("1", "phone_invalid"), ("12", "phone_too_short"), ("+44", "phone_invalid"), ("+44 20", "phone_too_short"),
        ("7946", "phone_too_short"), ("+999 123456789", "phone_country"), ("+0 123456789", "phone_country"),
        ("+442079460018000", "phone_too_long"), ("1" * 40, "phone_too_long"),
        ("020 7946 0018 ext. 5", "phone_extension"),
        ("020 7946 0018 x12", "phone_extension"), ("anna@example.com", "phone_invalid"), ("<020>", "phone_too_short"),
        ("+49 30", "phone_too_short"), ("020\x007946 0018", "control_characters"), (True, "type"), ({}, "type"),
    ],
    T.ADDRESS: [
        ("1 Main St", "address_parts"), (["1 Main St"], "address_parts"), (7, "address_parts"),
        ({}, "address_required"),
        ({"country": "US"}, "address_required"), ({**US, "planet": "Earth"}, "address_unknown_part"),
        ({**US, "country": "Atlantis"}, "address_country"), ({**US, "country": "ZZ"}, "address_country"),
        ({**US, "city": ""}, "address_required"), ({**US, "lines": None}, "address_required"),
        ({**US, "region": ""}, "address_required"), ({**US, "postal_code": ""}, "address_required"),
        ({**US, "region": "Bavaria"}, "address_region"), ({**US, "postal_code": "9511"}, "address_postal_code"),
        ({**US, "postal_code": "10115"}, "address_postal_code"),
        ({**US, "postal_code": "ABCDE"}, "address_postal_code"),
        ({**US, "lines": "<b>1 Main</b>"}, "markup"), ({**US, "lines": PAN}, "card_number"),
        ({**US, "city": "a\x00b"}, "control_characters"), ({**US, "city": {"name": "x"}}, "type"),
        ({**US, "postal_code": 95110.0}, "type"), ({**US, "city": True}, "type"), ({**US, "city": LONG}, "too_long"),
    ],
    T.DATE: [
        ("tomorrow", "date_invalid"), ("2027", "date_invalid"), ("2027-02", "date_invalid"),
        ("2027-02-30", "date_invalid"),
        ("2027-13-01", "date_invalid"), ("2027-00-01", "date_invalid"), ("31/04/2027", "date_invalid"),
        ("29/02/2027", "date_invalid"), ("1/1/27", "date_year"), ("01.01.00001", "date_year"), ("1-2-3", "date_year"),
        ("2027-02-01T00:00:00", "date_invalid"), ("2027-02-01-04", "date_invalid"), ("Smarch 1 2027", "date_invalid"),
        ("Feb March 2027", "date_invalid"), ("<2027-02-01>", "date_invalid"), ("1899-12-31", "date_range"),
        ("2201-01-01", "date_range"), ("0000-01-01", "date_invalid"), (20270201, "type"), (1.0, "type"),
        ("99/99/2027", "date_invalid"), (PAN, "date_invalid"),
    ],
    "birth": [
        ("2026-11-23", "date_future"), ("2027-01-01", "date_future"), ("1896-11-21", "date_too_old"),
        ("2100-02-29", "date_invalid"), ("2025-02-29", "date_invalid"),
        ("0001-01-01", "date_too_old"), ("9999-12-31", "date_future"), ("1980-02-30", "date_invalid"),
        ("22/13/1980", "date_invalid"), ("31.04.1980", "date_invalid"), ("1980", "date_invalid"),
        ("80-01-01", "date_year"), ("1980-1-1x", "date_invalid"), ("1980-W01-1", "date_invalid"),
        ("1980-01-01T00:00", "date_invalid"), ("born in 1980", "date_invalid"), ("1980/01/01/01", "date_invalid"),
        ("29.02.1900", "date_invalid"), ("٣١/٠٤/١٩٨٠", "date_invalid"), ("१९८०-१३-०१", "date_invalid"),
        ("1980-01-01\u202e", "control_characters"), (19800101, "type"), ([], "type"),
    ],
    T.MONEY: [
        ("much", "money_amount"), ("EUR", "money_amount"), ("12.345 EUR", "money_decimals"),
        ("12,34.5 EUR", "money_amount"),
        ("1 EUR USD", "money_currency"), ("12 XXY", "money_currency"), ("12.5 JPY", "money_decimals"),
        ("--1", "money_amount"),
        ("1e5", "money_amount"), ("NaN", "money_currency"), ("1,2,3 EUR", "money_amount"), ("0x10", "money_amount"),
        ("1" * 16 + " EUR", "money_amount"), ({"amount": "1"}, "money_parts"), ({}, "money_parts"),
        ({"amount": "1", "currency": "EUR", "x": 1}, "money_parts"), ({"amount": 1.5, "currency": "EUR"}, "type"),
        ({"amount": "x", "currency": "EUR"}, "money_amount"), ({"amount": "1", "currency": ""}, "money_currency"),
        (1.5, "type"), (True, "type"), ("1,\u0663,", "money_amount"),
    ],
    T.ENUM: [
        (item, "choice_unknown")
        for item in ("daily", "x", "0", "monthly weekly", "month", "<monthly>", "monthly;", "null", "None", "true",
                     "👍", "1.5", "[]", "мonthly", "weekly,never", 4, -1)
    ] + [(["monthly"], "type"), ({"a": 1}, "type"), (True, "type"), ("monthly\x00", "control_characters")],
    T.MULTI_ENUM: [
        (item, "choice_unknown")
        for item in ("daily", "monthly;weekly", "monthly weekly", ["daily"], ["monthly", "x"], "x,,y", [7], ["null"],
                     "monthly,weekly,daily", ("a", "b"), ["monthly,weekly"], "[]", ["<b>"])
    ] + [(7, "type"), (True, "type"), ({"monthly": True}, "type"), ([None], "type"), ([["monthly"]], "type"),
         ([True], "type"), (["monthly\x00"], "control_characters"), (1.5, "type")],
    T.BOOLEAN: [
        (item, "boolean_unknown")
        for item in ("maybe", "2", "-1", 2, -1, "yes!", "no way", "nope", "yep", "ok", "null", "None", "t", "f",
                     "ya", "tru e", "👍", "yes no")
    ] + [([], "type"), ({}, "type"), (1.0, "type")],
    T.BANK_ACCOUNT: [
        ("DE89370400440532013001", "bank_invalid"), ("DE8937040044053201300", "bank_invalid"), ("DE", "bank_invalid"),
        ("XX89370400440532013000", "bank_invalid"), ("370400440532013000", "bank_invalid"), ("hello", "bank_invalid"),
        ("US64SVBKUS6S3300958879", "bank_invalid"), ("DE00370400440532013000", "bank_invalid"), ("👍", "bank_invalid"),
        ("\u0391\u039289370400440532013000", "bank_invalid"), (PAN, "card_number"),
        ("GB29NWBK60161331926818", "bank_invalid"),
        ({"iban": "DE89370400440532013000", "bic": "NOPE"}, "bank_bic"),
        ({"iban": "DE89370400440532013000", "bic": "DEUTDEFF"}, "bank_bic"),
        ({"country": "DE", "bank_code": "37040044", "account": "532013000"}, "bank_needs_iban"),
        ({"country": "Narnia", "bank_code": "1", "account": "1"}, "bank_country"),
        ({"country": "US", "bank_code": "021000022", "account": "12345678"}, "bank_code"),
        ({"country": "US", "bank_code": "021000021", "account": "1"}, "bank_invalid"),
        ({"country": "IN", "bank_code": "", "account": "12345678"}, "bank_code"), ({"cvv": "123"}, "type"), (7, "type"),
        ({}, "bank_needs_iban"),
    ],
    T.CARD_TOKEN: [
        (PAN, "card_number"), (4111111111111111, "card_number"), ("tok_9fQx77", "card_parts"), ({}, "card_parts"),
        ([], "card_parts"), ({**CARD, "cvv": "123"}, "security_code"), ({**CARD, "CVC2": "123"}, "security_code"),
        ({**CARD, "pin": "1234"}, "security_code"), ({**CARD, "pan": PAN}, "card_number"),
        ({**CARD, "number": "1"}, "card_number"), ({**CARD, "holder": "A"}, "card_parts"),
        ({**CARD, "token": PAN}, "card_number"), ({**CARD, "token": "tok_4111111111111111"}, "card_number"),
        ({**CARD, "token": "a b c d e f"}, "card_token"), ({**CARD, "token": "x"}, "card_token"),
        ({**CARD, "brand": "gold"}, "card_brand"), ({**CARD, "last4": "424"}, "card_last4"),
        ({**CARD, "last4": "٤٢٤٢"}, "card_last4"), ({**CARD, "expiry": "2027-13"}, "card_expiry"),
        ({**CARD, "expiry": "soon"}, "card_expiry"), ({**CARD, "expiry": "2099-01"}, "card_expiry"),
        ({**CARD, "last4": PAN}, "card_number"), ({**CARD, "token": None}, "type"),
    ],
    T.NATIONAL_ID: [
        ({"country": "DE", "number": number}, "id_invalid")
        for number in ("36574261808", "1", "abc", "00000000000", "365742618099", "x" * 11, "3657426180", "👍", "<b>")
    ] + [
        ({"country": "ES", "number": "54362315Z"}, "id_invalid"),
        ({"country": "US", "number": "000-12-3456"}, "id_invalid"),
        ({"country": "GB", "number": "abc"}, "id_invalid"), ({"country": "GB", "number": "1"}, "id_invalid"),
        ({"country": "IN", "number": "1234 5678 9012"}, "id_invalid"),
        ({"country": "Narnia", "number": "1"}, "id_country"),
        ({"number": None}, "type"), ({"country": "DE"}, "type"), ({"number": "1", "x": "y"}, "type"), ([], "type"),
        (True, "type"), ({"country": 7, "number": "1"}, "type"), (LONG, "too_long"),
    ],
    T.LANGUAGE: [
        (item, "language_unknown")
        for item in ("klingonish", "x", "de-", "-", "de-DE-DE", "12", "d3", "e n", "en;fr", "<de>", "de/at", "../de",
                     "zz-ZZ", "de-Xxxxxxx", "👍", "en-USA-x", "qqx", "en_US.UTF-8")
    ] + [(1, "type"), ([], "type"), ("d\x00e", "control_characters")],
}  # fmt: skip

FIELDS: dict[Any, Field] = {"url": URL, "birth": BIRTH}
CASES = [(FIELDS.get(asked, asked), raw, reason) for asked, cases in BAD.items() for raw, reason in cases]


@pytest.mark.parametrize(("asked", "raw", "reason"), CASES)
def test_bad_input_is_refused_for_its_own_reason(asked: Field | FieldType, raw: object, reason: str) -> None:
    assert why(asked, raw) == reason


def test_every_type_has_twenty_bad_inputs() -> None:
    assert set(T) < set(BAD)
    assert {kind for kind, cases in BAD.items() if len(cases) < 20} == set()


def test_an_import_is_lenient_about_lacking_parts_not_about_card_data() -> None:
    assert why(T.ADDRESS, {"lines": PAN}, lenient=True) == "card_number"
    assert why(T.ADDRESS, {"lines": ""}, lenient=True) == "address_required"
    assert why(T.NATIONAL_ID, "no digit", "DE", lenient=True) == "id_invalid"


@pytest.mark.parametrize(("asked", "raw"), [(asked, raw) for asked, raw, _ in CASES if len(str(raw)) > 5])
def test_a_refusal_never_carries_the_value(asked: Field | FieldType, raw: object) -> None:
    with pytest.raises(BadValue) as caught:
        read(asked, raw)
    bad = caught.value
    assert bad.__cause__ is None
    assert bad.__context__ is None, "a chained error would put the value into a log"
    spoken = "".join([*traceback.format_exception_only(bad), str(bad.data), bad.pointer, repr(bad)])
    pieces = [item for item in (raw.values() if isinstance(raw, dict) else [raw]) if isinstance(item, str)]
    assert not [piece for piece in pieces if len(piece) > 5 and piece in spoken]


def test_each_reason_has_a_sentence_in_each_language() -> None:
    assert BadValue.reasons["choice_unknown"] == "Choose one of the options in the list."
    bad = BadValue(path="a~b/c", reason="address_required", part="city")
    assert bad.pointer == "/a~0b~1c/city"
    assert BadValue(path="a.b", reason="type").pointer == "/a.b"
    assert bad.reason_in("de-CH").startswith("Bitte")
    assert bad.reason_in("fr") == bad.reason_in("en")
    assert all(set(texts) == {"en", "de", "ar"} and all(texts.values()) for texts in REASONS.values())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=6,
)
KNOWN_PARTS = st.dictionaries(
    st.sampled_from(["country", "lines", "city", "region", "postal_code", "amount", "currency", "iban", "bic", "number",
                     "token", "brand", "last4", "expiry", "account", "bank_code"]),
    st.text(max_size=12)
    | st.sampled_from(["DE", "US", "JP", "EUR", "12.30", "visa", "2027-12", "DE89370400440532013000"]),
)  # fmt: skip
TYPED = st.text(alphabet="0123456789+-./,: @aeäDEUSÅ٣ü\u0663\u200d\u202e<&;日", max_size=30)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(T), raw=ANYTHING | KNOWN_PARTS | TYPED, region=st.sampled_from(["DE", "US", "JP", "AE", "ZZ"])
)
def test_anything_at_all_is_read_to_a_stable_value_or_refused_by_name(
    kind: FieldType, raw: object, region: str
) -> None:
    item = field(kind)
    refused: list[BadValue] = []
    value = None
    try:
        value = normalise(item, raw, region=region, today=TODAY)
    except BadValue as bad:
        refused.append(bad)
    assert all(bad.reason in REASONS and bad.path == item.path for bad in refused)
    assert normalise(item, value, region=region, today=TODAY) == value


@pytest.mark.parametrize(
    ("asked", "raw", "part"),
    [
        (T.CARD_TOKEN, {**CARD, "token": "x"}, "token"),
        (T.CARD_TOKEN, {**CARD, "brand": "gold"}, "brand"),
        (T.CARD_TOKEN, {**CARD, "last4": "424"}, "last4"),
        (T.CARD_TOKEN, {**CARD, "expiry": "soon"}, "expiry"),
        (T.CARD_TOKEN, {**CARD, "token": PAN}, "token"),
        (T.NAME, "12345", ""),
    ],
)
def test_a_refusal_names_the_part_that_is_wrong(asked: FieldType, raw: object, part: str) -> None:
    with pytest.raises(BadValue) as bad:
        read(asked, raw)
    assert bad.value.part == part
