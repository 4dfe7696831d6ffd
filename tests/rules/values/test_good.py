"""What people type is read to one canonical form; reading that again changes nothing; it is shown and hidden."""
# ruff: noqa: RUF001 - look-alike signs are what is tested

from datetime import UTC, date, datetime

import pytest
from tests.rules.values.ask import BIRTH, TODAY, URL, field, read, why

from changedesk.base.json import Value
from changedesk.rules import values
from changedesk.rules.fields import Field, FieldType, Sensitivity
from changedesk.rules.values import concerns, display, mask, normalise, same
from changedesk.rules.values.bank import bank_country
from changedesk.rules.values.card import months_left

T = FieldType
ADDRESS = {"country": "DE", "lines": "Hauptstr. 1\nHinterhof", "city": "Berlin", "postal_code": "10115"}
CARD = {"token": "tok_9fQx77", "brand": "Visa", "last4": "4242", "expiry": "12/27"}

READ = [
    (T.TEXT, "  two \t words \n and more ", "GB", "two words\nand more"),
    (T.TEXT, "\n\none\n", "GB", "one"),
    (URL, "Example.COM/Path", "GB", "https://example.com/Path"),
    (URL, "HTTP://bücher.example/?a=1", "DE", "http://bücher.example/?a=1"),
    (T.NAME, "Zoe\u0308  O\u2019Brien\u200b-Smith, Jr.", "IE", "Zo\u00eb O\u2019Brien-Smith, Jr."),
    (T.NAME, "عبد الله بن\u200cسعود", "SA", "عبد الله بن\u200cسعود"),
    (T.NAME, "王小明", "CN", "王小明"),
    (T.NAME, "ジャン゠ポール・サルトル", "JP", "ジャン゠ポール・サルトル"),
    (T.NAME, "X Æ A-12", "US", "X Æ A-12"),
    (T.REFERENCE, " ac-001/2 ", "GB", "AC-001/2"),
    (T.REFERENCE, 4711, "GB", "4711"),
    (T.EMAIL, "mailto:Jo.Doe@Example.COM", "GB", "Jo.Doe@example.com"),
    (T.EMAIL, "info@XN--BCHER-KVA.de", "DE", "info@bücher.de"),
    (T.PHONE, "020 7946 0018", "GB", "+442079460018"),
    (T.PHONE, "+44 (0)20 7946 0018", "US", "+442079460018"),
    (T.PHONE, "٠٤ ١٢٣ ٤٥٦٧", "AE", "+97141234567"),
    (T.PHONE, "tel:+49-30-901820", "US", "+4930901820"),
    (T.ADDRESS, ADDRESS, "GB", ADDRESS),
    (
        T.ADDRESS,
        {"country": "United Kingdom", "line1": "1 High St", "line2": None, "town": "Leeds", "zip": "ls1 4ap"},
        "US",
        {"country": "GB", "lines": "1 High St", "city": "Leeds", "postal_code": "LS1 4AP"},
    ),
    (
        T.ADDRESS,
        {"street": ["1 Main St", "Apt 2"], "city": "San Jose", "state": "California", "zip": 95110},
        "us",
        {"country": "US", "lines": "1 Main St\nApt 2", "city": "San Jose", "region": "CA", "postal_code": "95110"},
    ),
    (
        T.ADDRESS,
        {"country": "Sweden", "address": "Berguvsvägen 8", "city": "Luleå", "postcode": "S-958 22"},
        "DE",
        {"country": "SE", "lines": "Berguvsvägen 8", "city": "Luleå", "postal_code": "958 22"},
    ),
    (
        T.ADDRESS,
        {"country": "日本", "lines": "千代田1-1", "region": "東京都", "postal_code": "１００-0001"},
        "JP",
        {"country": "JP", "lines": "千代田1-1", "region": "東京都", "postal_code": "100-0001"},
    ),
    (T.DATE, "2027-02-28", "GB", "2027-02-28"),
    (T.DATE, "28.02.2027", "DE", "2027-02-28"),
    (T.DATE, "02/28/2027", "US", "2027-02-28"),
    (T.DATE, "28/02/2027", "GB", "2027-02-28"),
    (T.DATE, "2027年2月28日", "JP", "2027-02-28"),
    (T.DATE, "٢٨/٠٢/٢٠٢٧", "AE", "2027-02-28"),
    (T.DATE, "28 February 2027", "GB", "2027-02-28"),
    (T.DATE, "28. März 2027", "DE", "2027-03-28"),
    (T.DATE, "Feb 28, 2027", "ZZ", "2027-02-28"),
    (T.DATE, date(2027, 2, 28), "GB", "2027-02-28"),
    (T.DATE, datetime(2027, 2, 28, 23, tzinfo=UTC), "GB", "2027-02-28"),
    (BIRTH, "31.12.1960", "DE", "1960-12-31"),
    (T.MONEY, {"amount": "12.3", "currency": "eur"}, "GB", {"amount": "12.30", "currency": "EUR"}),
    (T.MONEY, "1.234,5 EUR", "DE", {"amount": "1234.50", "currency": "EUR"}),
    (T.MONEY, "GBP 1,234.50", "GB", {"amount": "1234.50", "currency": "GBP"}),
    (T.MONEY, 7, "JP", {"amount": "7", "currency": "JPY"}),
    (T.MONEY, "-0", "US", {"amount": "0.00", "currency": "USD"}),
    (T.ENUM, "MONTHLY", "GB", "monthly"),
    (T.ENUM, "wöchentlich", "DE", "weekly"),
    (T.MULTI_ENUM, "weekly, Monthly,weekly", "GB", ["monthly", "weekly"]),
    (T.MULTI_ENUM, ["شهريا"], "AE", ["monthly"]),
    (T.MULTI_ENUM, [], "GB", None),
    (T.BOOLEAN, True, "GB", True),
    (T.BOOLEAN, False, "GB", False),
    (T.BOOLEAN, "نعم", "AE", True),
    (T.BOOLEAN, "Nein", "DE", False),
    (T.BOOLEAN, 0, "GB", False),
    (T.BANK_ACCOUNT, "IBAN de89 3704 0044 0532 0130 00", "GB", "DE89370400440532013000"),
    (T.BANK_ACCOUNT, {"iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}, "DE", "DE89370400440532013000"),
    (T.BANK_ACCOUNT, {"iban": "NO93 8601 1117 947", "bic": ""}, "NO", "NO9386011117947"),
    (
        T.BANK_ACCOUNT,
        {"bank_code": "021000021", "account": "1234-5678"},
        "US",
        {"country": "US", "bank_code": "021000021", "account": "12345678"},
    ),
    (
        T.BANK_ACCOUNT,
        {"country": "India", "bank_code": "HDFC0000001", "account": "50100012345678"},
        "US",
        {"country": "IN", "bank_code": "HDFC0000001", "account": "50100012345678"},
    ),
    (T.CARD_TOKEN, CARD, "GB", {**CARD, "brand": "visa", "expiry": "2027-12"}),
    (
        T.CARD_TOKEN,
        {**CARD, "brand": "American_Express", "last4": 5, "expiry": "2027-1", "last4": "0005"},  # noqa: F601
        "GB",
        {**CARD, "brand": "amex", "last4": "0005", "expiry": "2027-01"},
    ),
    (T.NATIONAL_ID, "36 574 261 809", "DE", {"country": "DE", "number": "36574261809"}),
    (T.NATIONAL_ID, {"country": "Spain", "number": "54362315-k"}, "DE", {"country": "ES", "number": "54362315K"}),
    (T.NATIONAL_ID, {"country": "ES", "number": "x-2482300w"}, "DE", {"country": "ES", "number": "X2482300W"}),
    (T.NATIONAL_ID, "QQ 12 34 56 C", "GB", {"country": "GB", "number": "QQ123456C"}),
    (T.LANGUAGE, "DE", "GB", "de"),
    (T.LANGUAGE, "pt_br", "GB", "pt-BR"),
    (T.LANGUAGE, "zh-hant", "GB", "zh-Hant"),
    (T.LANGUAGE, "Deutsch", "GB", "de"),
    (T.LANGUAGE, "العربية", "GB", "ar"),
    (T.LANGUAGE, "French", "GB", "fr"),
]


@pytest.mark.parametrize(("asked", "raw", "region", "canonical"), READ)
def test_what_people_type_is_read_to_one_form_that_reads_as_itself(
    asked: Field | FieldType, raw: object, region: str, canonical: object
) -> None:
    assert read(asked, raw, region) == canonical
    assert read(asked, canonical, region) == canonical


@pytest.mark.parametrize("kind", T)
@pytest.mark.parametrize("nothing", [None, "", "  \t\n"])
def test_nothing_or_blanks_remove_a_value_of_any_type(kind: FieldType, nothing: object) -> None:
    assert read(kind, nothing) is None


def test_text_of_copying_marks_alone_is_nothing() -> None:
    assert read(T.TEXT, "\u200b\ufeff") is None


def test_an_import_may_lack_what_the_post_of_a_country_needs() -> None:
    assert read(T.ADDRESS, "Hauptstr. 1, Berlin", "DE", lenient=True) == {
        "country": "DE", "lines": "Hauptstr. 1, Berlin",
    }  # fmt: skip
    parts = {"country": "US", "city": "Springfield", "region": "Elsewhere", "postal_code": "x1"}
    assert read(T.ADDRESS, parts, lenient=True) == {**parts, "postal_code": "X1"}
    assert read(T.NATIONAL_ID, "12345", "DE", lenient=True) == {"country": "DE", "number": "12345"}


SHOWN = [
    (T.TEXT, "plain words", "de", "plain words", "••••"),
    (T.NAME, "Maria Anders", "de", "Maria Anders", "M••• A•••"),
    (T.REFERENCE, "ACC-0012-4821", "en", "ACC-0012-4821", "•••• 4821"),
    (T.REFERENCE, "47", "en", "47", "••••"),
    (T.EMAIL, "anna@example.com", "en", "anna@example.com", "a***@e***.com"),
    (T.PHONE, "+442079460018", "en", "+44 20 7946 0018", "•••• 18"),
    (T.ADDRESS, ADDRESS, "de", "Hauptstr. 1\nHinterhof\n10115 Berlin\nDeutschland", "Berlin, Deutschland"),
    (
        T.ADDRESS,
        {"country": "SG", "lines": "1 Raffles Pl", "city": "Singapore", "region": "Central", "postal_code": "048616"},
        "en",
        "1 Raffles Pl\nSINGAPORE 048616\nSingapore\nCentral\nSingapore",
        "Singapore, Singapore",
    ),
    (T.DATE, "1980-03-12", "de", "12. März 1980", "••••-03-12"),
    (T.DATE, "1980-03-12", "xx-nowhere", "12 March 1980", "••••-03-12"),
    (T.MONEY, {"amount": "1234.50", "currency": "EUR"}, "en", "€1,234.50", "•••• EUR"),
    (T.ENUM, "monthly", "ar", "شهريا", "شهريا"),
    (T.ENUM, "weekly", "ar", "Weekly", "Weekly"),
    (T.ENUM, "gone", "en", "gone", "gone"),
    (T.MULTI_ENUM, ["monthly", "never"], "ar", "شهريا، Never", "شهريا، Never"),
    (T.BOOLEAN, True, "ar", "نعم", "نعم"),
    (T.BOOLEAN, False, "fr", "No", "No"),
    (T.BANK_ACCOUNT, "DE89370400440532013000", "en", "DE89 3704 0044 0532 0130 00", "•••• 3000"),
    (
        T.BANK_ACCOUNT,
        {"country": "US", "bank_code": "021000021", "account": "12345678"},
        "en",
        "US 021000021 12345678",
        "•••• 78",
    ),
    (
        T.CARD_TOKEN,
        {**CARD, "brand": "visa", "expiry": "2027-12"},
        "en",
        "Visa •••• 4242, 12/2027",
        "•••• 4242",
    ),
    (T.NATIONAL_ID, {"country": "DE", "number": "36574261809"}, "en", "36574261809 (DE)", "•••• 09"),
    (T.LANGUAGE, "pt-BR", "de", "Portugiesisch (Brasilien)", "Portugiesisch (Brasilien)"),
    (T.LANGUAGE, "qqq", "de", "qqq", "qqq"),
]


@pytest.mark.parametrize(("kind", "value", "language", "shown", "masked"), SHOWN)
def test_a_value_is_shown_in_the_reader_s_language_and_hidden_by_its_class(
    kind: FieldType, value: Value, language: str, shown: str, masked: str
) -> None:
    assert display(field(kind), value, language) == shown
    assert mask(field(kind), value, language) == masked
    assert mask(field(kind, sensitivity=Sensitivity.PUBLIC), value, language) == shown
    assert mask(field(kind, sensitivity=Sensitivity.SECRET), value, language) == "••••"
    assert display(field(kind), None, language) == mask(field(kind), None) == ""


@pytest.mark.parametrize("kind", [T.ENUM, T.MULTI_ENUM, T.BOOLEAN, T.LANGUAGE])
def test_a_sensitive_choice_is_hidden_whole(kind: FieldType) -> None:
    shown: dict[FieldType, Value] = {T.ENUM: "monthly", T.MULTI_ENUM: ["monthly"], T.BOOLEAN: True, T.LANGUAGE: "de"}
    assert mask(field(kind, sensitivity=Sensitivity.SENSITIVE), shown[kind]) == "••••"


def test_the_same_value_in_another_dress_is_no_change() -> None:
    assert same(field(T.EMAIL), "Anna@example.com", "anna@example.com")
    assert same(field(T.REFERENCE), "AC-12/3", "AC123")
    assert same(field(T.MULTI_ENUM), ["weekly", "monthly"], ["monthly", "weekly"])
    spaced = {**ADDRESS, "country": "GB", "postal_code": "LS1 4AP"}
    assert same(field(T.ADDRESS), spaced, {**spaced, "postal_code": "LS14AP", "region": ""})
    assert not same(field(T.ADDRESS), spaced, ADDRESS)
    assert not same(field(T.ADDRESS), spaced, {**spaced, "postal_code": "LS1 4AQ"})
    assert not same(field(T.NAME), "Mcdonald", "McDonald"), "the case of a name is worth a correction"
    assert same(field(T.NAME), None, None)
    assert not same(field(T.BOOLEAN), False, None), "no is not the same as never asked"


CONCERNS = [
    (T.EMAIL, "anna@p\u0430ypal.com", ["lookalike_domain"]),
    (T.EMAIL, "anna@\u0440\u0430\u0443\u0440\u0430\u0443.com", ["lookalike_domain"]),
    (T.EMAIL, "anna@пример.рф", []),
    (T.EMAIL, "anna@münchen.de", []),
    (T.EMAIL, "anna@日本ひらカタ.jp", []),
    (T.EMAIL, "аnna@example.com", ["mixed_scripts"]),
    (T.EMAIL, "анна@пример.рф", []),
    (T.EMAIL, "anna@xn--pypal-4ve.com", ["lookalike_domain"]),
    (T.EMAIL, "anna@gmail.con", ["domain_typo"]),
    (T.EMAIL, "anna@gamil.com", ["domain_typo"]),
    (T.EMAIL, "anna@yaho.com", ["domain_typo"]),
    (T.EMAIL, "anna@gmial.com", ["domain_typo"]),
    (T.EMAIL, "anna@hotmial.com", ["domain_typo"]),
    (T.EMAIL, "anna@outlok.com", ["domain_typo"]),
    (T.EMAIL, "anna@gmail.com", []),
    (T.EMAIL, "anna@ymail.com", []),
    (T.EMAIL, "anna@outlook.de", []),
    (T.EMAIL, "anna@gmy.de", []),
    (T.PHONE, "+442079460018", []),
    (T.PHONE, "+16975550142", ["phone_unassigned"]),
    (
        T.BANK_ACCOUNT,
        {"country": "IN", "bank_code": "HDFC0000001", "account": "4111111111111111"},
        ["account_like_card"],
    ),
    (T.BANK_ACCOUNT, "DE89370400440532013000", []),
    (T.NAME, "Anna", []),
    (T.NAME, "Аnna Smith", ["mixed_scripts"]),
    (T.NAME, "Ρeter", ["mixed_scripts"]),
    (T.NAME, "Anna Иванова", []),
    (T.NAME, "김John ジョンSmith", []),
    (T.NAME, "Zoë Øster", []),
    (T.TEXT, "Аnna", []),
]


@pytest.mark.parametrize(("kind", "value", "codes"), CONCERNS)
def test_a_doubtful_value_is_a_concern_that_tells_what_to_check(
    kind: FieldType, value: Value, codes: list[str]
) -> None:
    value = read(kind, value)
    found = concerns(field(kind), value, before=None)
    assert [item.code for item in found] == codes
    assert all(item.text("de-AT") != item.text("en") == item.text("fr") for item in found)
    assert concerns(field(kind), value, before=value) == []
    assert concerns(field(kind), None, before=value) == []


def test_a_typo_is_answered_with_the_well_known_domain() -> None:
    [found] = concerns(field(T.EMAIL), "anna@gmial.com")
    assert found.suggestion == "gmail.com"
    assert all("gmail.com" in found.text(language) for language in ("en", "de", "ar"))


def test_regions_are_read_in_any_case() -> None:
    assert normalise(field(T.PHONE), "030 901820", region="de", today=TODAY) == "+4930901820"


def test_a_card_is_good_through_the_month_that_it_names() -> None:
    today = date(2026, 11, 22)
    left = [months_left({"expiry": month}, today) for month in ("2026-11", "2026-10", "2027-01", "2026-12", "2025-11")]
    assert left == [0, -1, 2, 1, -12]


def test_a_card_that_expired_long_ago_or_will_in_thirty_years_is_still_a_card() -> None:
    for said, month in (("2000-01", "2000-01"), ("12/2056", "2056-12"), ("1/00", "2000-01")):
        found = read(T.CARD_TOKEN, {**CARD, "expiry": said})
        assert isinstance(found, dict)
        assert found["expiry"] == month
    for said in ("2057-01", "1999-12", "2027-00"):
        assert why(T.CARD_TOKEN, {**CARD, "expiry": said}) == "card_expiry"


def test_an_account_is_held_where_its_number_says() -> None:
    assert bank_country("DE89370400440532013000") == "DE"
    assert bank_country({"country": "US", "account": "1", "bank_code": "2"}) == "US"


def test_a_choice_is_seen_by_everybody_unless_its_field_is_sensitive() -> None:
    shows = values._open(lambda field, value, language: f"{field.path} {value} {language}")
    for kind, seen in (
        (Sensitivity.PERSONAL, "a b de"),
        (Sensitivity.PUBLIC, "a b de"),
        (Sensitivity.SENSITIVE, "••••"),
    ):
        assert shows(field(T.ENUM, "a", sensitivity=kind), "b", "de") == seen


def test_a_choice_is_called_in_the_language_whatever_its_region_and_script() -> None:
    asked = field(T.ENUM)
    assert [display(asked, "monthly", tongue) for tongue in ("de", "de-CH", "de-Latn-CH", "fr")] == [
        "Monatlich", "Monatlich", "Monatlich", "Monthly",
    ]  # fmt: skip
    assert display(asked, "gone", "de") == "gone"
