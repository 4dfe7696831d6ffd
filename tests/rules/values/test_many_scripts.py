"""What people type in their own script and digits is read right, or refused with a sentence that says what to do."""
# ruff: noqa: RUF001 - look-alike signs are what is tested

import pytest
from tests.rules.values.ask import BIRTH, field, read, why

from changedesk.base.json import Value
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values import BadValue, same
from changedesk.rules.values.reasons import REASONS

T = FieldType
DE = {"country": "DE", "lines": "Hauptstr. 1", "city": "Berlin"}


def post(country: str, code: str, **more: str) -> dict[str, str]:
    return {"country": country, "lines": "Строка 1", "city": "城市", "postal_code": code, **more}


def posted(country: str, code: str, **more: str) -> Value:
    parts = post(country, code, **more)
    return {part: parts[part] for part in ("country", "lines", "city", "region", "postal_code") if part in parts}


RIGHT: list[tuple[Field | FieldType, object, str, Value]] = [
    (T.TEXT, "  मेरा\u00a0पता  ", "IN", "मेरा पता"),
    (T.TEXT, "\u200fمرحبا\u061c", "AE", "مرحبا"),
    (T.NAME, "José “Conny” Varela", "PR", "José “Conny” Varela"),
    (T.NAME, "陳蕾（チェン）", "JP", "陳蕾（チェン）"),
    (T.NAME, "ジョン・スミス", "JP", "ジョン・スミス"),
    (T.NAME, "Nguye\u0302\u0303n Thị Minh Khai", "VN", "Nguyễn Thị Minh Khai"),
    (T.NAME, "דוד בן־גוריון", "IL", "דוד בן־גוריון"),
    (T.NAME, "Нұрсұлтан Әбішұлы", "KZ", "Нұрсұлтан Әбішұлы"),
    (T.NAME, "ஸ்ரீநிவாசன்", "IN", "ஸ்ரீநிவாசன்"),
    (T.NAME, "สมชาย ใจดี", "TH", "สมชาย ใจดี"),
    (T.REFERENCE, "счёт-12", "RU", "СЧЁТ-12"),
    (T.EMAIL, "анна@пример.рф", "RU", "анна@пример.рф"),
    (T.EMAIL, "用户@例子.中国", "CN", "用户@例子.中国"),
    (T.EMAIL, "Anna@BÜCHER.example", "DE", "Anna@bücher.example"),
    (T.PHONE, "０３-１２３４-５６７８", "JP", "+81312345678"),
    (T.PHONE, "०११ २३४५ ६७८९", "IN", "+911123456789"),
    (T.PHONE, "۰۲۱ ۸۸۷۷ ۶۶۵۵", "IR", "+982188776655"),
    (T.PHONE, "8 (495) 123-45-67", "RU", "+74951234567"),
    (T.PHONE, "0049 (0) 30 / 90 18 20", "DE", "+4930901820"),
    (T.PHONE, "1-800-FLOWERS", "US", "+18003569377"),
    (T.ADDRESS, post("PL", "00950"), "PL", posted("PL", "00-950")),
    (T.ADDRESS, post("PT", "1170 169"), "PT", posted("PT", "1170-169")),
    (T.ADDRESS, post("LV", "1073"), "LV", posted("LV", "LV-1073")),
    (T.ADDRESS, post("AZ", "AZ 1014"), "AZ", posted("AZ", "1014")),
    (T.ADDRESS, post("CH", "CH-8001"), "CH", posted("CH", "8001")),
    (T.ADDRESS, post("EG", "١١٥١١", region="القاهرة"), "EG", posted("EG", "11511", region="القاهرة")),
    (T.ADDRESS, post("Deutschland", "１０１１５"), "DE", posted("DE", "10115")),
    (T.DATE, "२८/०२/२०२७", "IN", "2027-02-28"),
    (T.DATE, "28 февраля 2027", "RU", "2027-02-28"),
    (T.DATE, "29 Φεβρουαρίου 2028", "GR", "2028-02-29"),
    (T.DATE, "2028년 2월 29일", "KR", "2028-02-29"),
    (BIRTH, "29.02.2024", "DE", "2024-02-29"),
    (BIRTH, "2026-11-21", "DE", "2026-11-21"),
    (BIRTH, "1896-11-22", "DE", "1896-11-22"),
    (T.MONEY, "1 234,50 RUB", "RU", {"amount": "1234.50", "currency": "RUB"}),
    (T.MONEY, "1 234,50", "FR", {"amount": "1234.50", "currency": "EUR"}),
    (T.MONEY, "１２３", "JP", {"amount": "123", "currency": "JPY"}),
    (T.MONEY, "1’234.50 CHF", "CH", {"amount": "1234.50", "currency": "CHF"}),
    (T.BANK_ACCOUNT, "de89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "DE", "DE89370400440532013000"),
    (T.BANK_ACCOUNT, "SA03 8000 0000 6080 1016 7519", "SA", "SA0380000000608010167519"),
    (T.NATIONAL_ID, "1234 5678 9018", "JP", {"country": "JP", "number": "123456789018"}),
    (T.LANGUAGE, "русский", "RU", "ru"),
    (T.LANGUAGE, "日本語", "JP", "ja"),
    (T.BOOLEAN, "لا", "AE", False),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "raw", "region", "canonical"), RIGHT)
def test_own_scripts_and_digits_are_read(asked: Field | FieldType, raw: object, region: str, canonical: Value) -> None:
    assert read(asked, raw, region) == canonical
    assert read(asked, canonical, region) == canonical


WRONG: list[tuple[Field | FieldType, object, str, str]] = [
    (T.TEXT, "שלום\u202eabc", "IL", "control_characters"),
    (T.TEXT, "помогите <b>", "RU", "markup"),
    (T.TEXT, "カード ４１１１-１１１１-１１１１-１１１１", "JP", "card_number"),
    (T.TEXT, "البطاقة ٤١١١ ١١١١ ١١١١ ١١١١", "AE", "card_number"),
    (T.TEXT, "рамз \u2066x\u2069", "RU", "control_characters"),
    (T.NAME, "\u3164", "KR", "control_characters"),
    (T.NAME, "김\u115f민수", "KR", "control_characters"),
    (T.NAME, "محمد\u202e", "AE", "control_characters"),
    (T.NAME, "А" + "\u0301" * 7, "RU", "name_symbols"),
    (T.NAME, "王小明★", "CN", "name_symbols"),
    (T.NAME, "हरि ₹", "IN", "name_symbols"),
    (T.NAME, "१२३", "IN", "name_no_letter"),
    (T.NAME, "Αννα www.кошка.рф", "GR", "name_symbols"),
    (T.REFERENCE, "счёт№12", "RU", "reference_invalid"),
    (T.REFERENCE, "帳號？", "TW", "reference_invalid"),
    (T.EMAIL, "анна", "RU", "email_at"),
    (T.EMAIL, "用户＠例子.中国", "CN", "email_invalid"),
    (T.EMAIL, "अ@ब", "IN", "email_invalid"),
    (T.EMAIL, "אנה@דוגמה.קום, דוד@דוגמה.קום", "IL", "email_several"),
    (T.PHONE, "０３", "JP", "phone_too_short"),
    (T.PHONE, "звоните", "RU", "phone_invalid"),
    (T.PHONE, "+٩٩٩ ١٢٣٤٥٦٧", "AE", "phone_country"),
    (T.PHONE, "०११ २३४५ ६७८९ ६७८९ ६७८९", "IN", "phone_too_long"),
    (T.ADDRESS, post("PL", "0095"), "PL", "address_postal_code"),
    (T.ADDRESS, post("JP", "１００-０００", region="東京都"), "JP", "address_postal_code"),
    (T.ADDRESS, post("JP", "100-0001", region="Bayern"), "JP", "address_region"),
    (T.ADDRESS, post("Нарния", "1"), "RU", "address_country"),
    (T.ADDRESS, {"country": "CN", "lines": "长安街1号", "city": "北京"}, "CN", "address_required"),
    (T.ADDRESS, {**DE, "postal_code": "１０１"}, "DE", "address_postal_code"),
    (T.DATE, "30 февраля 2027", "RU", "date_invalid"),
    (T.DATE, "٣١/٠٤/٢٠٢٧", "AE", "date_invalid"),
    (T.DATE, "令和9年2月28日", "JP", "date_year"),
    (BIRTH, "29.02.2023", "DE", "date_invalid"),
    (BIRTH, "29 февраля 1900", "RU", "date_invalid"),
    (BIRTH, "٢٣/١١/٢٠٢٦", "AE", "date_future"),
    (BIRTH, "1896-11-21", "DE", "date_too_old"),
    (T.MONEY, "сто рублей", "RU", "money_amount"),
    (T.MONEY, "１,２,３", "JP", "money_amount"),
    (T.BANK_ACCOUNT, "ДЕ89370400440532013000", "RU", "bank_invalid"),
    (T.BANK_ACCOUNT, "DE٨٩370400440532013000", "DE", "bank_invalid"),
    (T.NATIONAL_ID, {"country": "JP", "number": "1234 5678 9012"}, "JP", "id_invalid"),
    (T.NATIONAL_ID, {"country": "CN", "number": "身份证"}, "CN", "id_invalid"),
    (T.LANGUAGE, "клингонский", "RU", "language_unknown"),
    (T.BOOLEAN, "может быть", "RU", "boolean_unknown"),
    (T.ENUM, "ежемесячно", "RU", "choice_unknown"),
    (T.MULTI_ENUM, ["每月"], "CN", "choice_unknown"),
    (T.CARD_TOKEN, "４１１１１１１１１１１１１１１１", "JP", "card_number"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "raw", "region", "reason"), WRONG)
def test_what_is_wrong_in_any_script_is_refused_with_what_to_do(
    asked: Field | FieldType, raw: object, region: str, reason: str
) -> None:
    assert why(asked, raw, region) == reason
    with pytest.raises(BadValue) as caught:
        read(asked, raw, region)
    bad = caught.value
    assert bad.sentence
    assert bad.hint
    assert len({bad.reason_in(language) for language in ("en", "de", "ar")}) == 3
    assert bad.reason_in("en") == REASONS[reason]["en"] == bad.reason_in("fr")


@pytest.mark.parametrize("code", ["00-950", "00950", "00 950", "PL-00950"])
def test_a_postal_code_in_another_dress_is_no_change(code: str) -> None:
    first, second = (read(T.ADDRESS, post("PL", item), "PL") for item in ("00-950", code))
    assert same(field(T.ADDRESS), first, second)
