"""No card number and no security code survives in free text, whatever stands between its digits."""
# ruff: noqa: RUF001 - look-alike signs are what is tested

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from stdnum import luhn
from tests.rules.values.ask import field, why

from changedesk.rules.fields import FieldType
from changedesk.rules.values import Finding, screen_text

CARD, CODE = Finding.CARD_NUMBER, Finding.SECURITY_CODE
GONE, HIDDEN = "[card number removed]", "[security code removed]"

FOUND = [
    ("pay with 4111111111111111 please", f"pay with {GONE} please", (CARD,)),
    ("4111 1111 1111 1111", GONE, (CARD,)),
    ("4111-1111-1111-1111, thanks", f"{GONE}, thanks", (CARD,)),
    ("4111\u00a01111\u200b1111.1111", GONE, (CARD,)),
    ("４１１１ １１１１ １１１１ １１１１", GONE, (CARD,)),
    ("٤١١١١١١١١١١١١١١١", GONE, (CARD,)),
    ("④①①①①①①①①①①①①①①①", GONE, (CARD,)),
    ("amex 3782 822463 10005 ok", f"amex {GONE} ok", (CARD,)),
    ("4222222222222", GONE, (CARD,)),
    ("6304 0000 0000 0000 000x", f"{GONE}x", (CARD,)),
    ("4111 1111 1111 1111 12/27 123", f"{GONE} 12/27 123", (CARD,)),
    ("4111111111111111 123", f"{GONE} 123", (CARD,)),
    ("2026 4111111111111111 4242424242424242", f"2026 {GONE} {GONE}", (CARD, CARD)),
    ("+4111111111111111", f"+{GONE}", (CARD,)),
    ("cvv 123", f"cvv {HIDDEN}", (CODE,)),
    ("CVC2: 1 2 3 4", f"CVC2: {HIDDEN}", (CODE,)),
    ("the security code is 987.", f"the security code is {HIDDEN}.", (CODE,)),
    ("Prüfziffer=(123)", f"Prüfziffer=({HIDDEN})", (CODE,)),
    ("رمز الأمان 123", f"رمز الأمان {HIDDEN}", (CODE,)),
    ("رمز الأمان ١٢٣", f"رمز الأمان {HIDDEN}", (CODE,)),
    ("el código de seguridad es 123", f"el código de seguridad es {HIDDEN}", (CODE,)),
    ("Cryptogramme : 123", f"Cryptogramme : {HIDDEN}", (CODE,)),
    ("код безопасности 123", f"код безопасности {HIDDEN}", (CODE,)),
    ("セキュリティコード：１２３", f"セキュリティコード：{HIDDEN}", (CODE,)),
    ("４１１１ １１１１ １１１１ １１１１", GONE, (CARD,)),
    ("4111111111111111 cvv 123", f"{GONE} cvv {HIDDEN}", (CARD, CODE)),
    ("cvv 4111 1111 1111 1111", f"cvv {GONE}", (CARD,)),
]


@pytest.mark.parametrize(("text", "clean", "findings"), FOUND)
def test_card_data_in_a_note_is_removed_before_it_is_stored(
    text: str, clean: str, findings: tuple[Finding, ...]
) -> None:
    screened = screen_text(text)
    assert screened.text == clean
    assert screened.findings == findings
    assert screen_text(clean).findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "call 020 7946 0018 before 10:00",
        "4111 1111 1111 1112",
        "411111111111111",
        "+49 1512 3456782 is the mobile",
        "+8613800138002",
        "call +86 138 0013 8002",
        "ticket 12345, account 99887766",
        "a cvv is never asked; page 1234567",
        "4111 1111 and later 1111 1111",
        "1" * 40,
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert screen_text(text).text == text


BRAND = st.sampled_from(["4", "51", "2221", "34", "37", "6011", "65", "3528", "62"])
LENGTH = {"34": 15, "37": 15}
DIGITS = "0123456789٠١٢٣٤٥٦٧٨٩０１２３４５６７８９०१२३४५६७८९"
WORDS = st.text(alphabet="abcdefgh ñ号مä!?\n", max_size=12)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    start = draw(BRAND)
    body = draw(
        st.text(
            "0123456789",
            min_size=LENGTH.get(start, 16) - len(start) - 1,
            max_size=LENGTH.get(start, 16) - len(start) - 1,
        )
    )
    return start + body + str(luhn.calc_check_digit(start + body))


@given(number=numbers(), data=st.data(), before=WORDS, after=WORDS)
def test_a_card_number_is_found_in_any_digits_behind_any_usual_separators(
    number: str, data: st.DataObject, before: str, after: str
) -> None:
    base = data.draw(st.sampled_from([0, 10, 20, 30]))
    gaps = st.sampled_from(["", "", "", " ", "-", ".", " - ", "\u200b", "\u00a0", "\u2011", "/"])
    hidden = (
        "".join(DIGITS[base + int(digit)] + data.draw(gaps) for digit in number[:-1]) + DIGITS[base + int(number[-1])]
    )
    screened = screen_text(before + hidden + after)
    assert screened.text == f"{before}{GONE}{after}"
    assert screened.findings == (CARD,)


@given(first=numbers(), second=numbers())
@example(first="4111111111111111", second="378282246310005")
def test_two_card_numbers_side_by_side_are_both_removed(first: str, second: str) -> None:
    screened = screen_text(f"{first} {second}")
    assert first not in screened.text
    assert second not in screened.text


@pytest.mark.parametrize(
    "words",
    [
        "CVV2", "cvc", "Cvn2", "CSC", "cvd", "card security code", "Card Verification Value", "security  code",
        "CODIGO DE SEGURIDAD", "codigo de verificacion", "code de securite", "cryptogramme", "codice di sicurezza",
        "Beveiligingscode", "Pruefziffer", "Kartenpruefnummer", "Kartensicherheitscode", "kartenpruefziffer",
    ],
)  # fmt: skip
def test_every_way_to_say_security_code_in_plain_letters_is_heard(words: str) -> None:
    assert screen_text(f"{words} 123").findings == (CODE,)


@given(st.text(alphabet="0123456789 -.cv:é٣\u200bÀab", max_size=80))
def test_what_is_left_can_be_screened_again_without_a_finding(text: str) -> None:
    screened = screen_text(text)
    assert bool(screened.findings) == (screened.text != text)
    assert len(screened.findings) == screened.text.count(GONE) + screened.text.count(HIDDEN)
    assert screen_text(screened.text).text == screened.text


@given(numbers(), st.sampled_from([FieldType.TEXT, FieldType.NAME, FieldType.REFERENCE, FieldType.CARD_TOKEN]))
def test_a_structured_field_refuses_a_card_number(number: str, kind: FieldType) -> None:
    assume(kind is not FieldType.NAME or number)
    raw = f"Anna {number}" if kind is FieldType.NAME else number
    assert why(field(kind), raw) == "card_number"


@given(numbers())
def test_a_card_number_is_no_bank_account(number: str) -> None:
    assert why(FieldType.BANK_ACCOUNT, number) == "card_number"


def test_what_a_platform_calls_somebody_by_is_no_card_number_whatever_its_digits() -> None:
    digits = "4111111111111111"
    assert why(field(FieldType.TEXT), digits) == "card_number"
    assert why(field(FieldType.TEXT, tags=("platform_id",)), digits) == f"read as {digits!r}"
