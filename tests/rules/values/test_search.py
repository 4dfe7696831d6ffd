"""A customer is found by what people type: the index terms of a value and the terms of a query meet."""
# ruff: noqa: RUF001 - look-alike signs are what is tested

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.rules.values.ask import field, read, why

from changedesk.rules.fields import FieldType
from changedesk.rules.values import SearchTerm, query_terms, search_terms
from changedesk.rules.values.search import name_tokens

T = FieldType


def found(kind: FieldType, stored: object, typed: str, region: str = "GB") -> bool:
    item = field(kind, searchable=True)
    index = {SearchTerm(*pair) for pair in search_terms(item, read(item, stored, region))}
    return any(set(alternative) <= index for alternative in query_terms(typed, region=region))


@pytest.mark.parametrize(
    ("kind", "stored", "typed"),
    [
        (T.EMAIL, "Anna@Example.com", "anna@EXAMPLE.com"),
        (T.EMAIL, "Anna@Example.com", " mailto:anna@example.com"),
        (T.PHONE, "020 7946 0018", "+44 20 7946 0018"),
        (T.PHONE, "+442079460018", "(020) 7946-0018"),
        (T.PHONE, "+442079460018", "442079460018"),
        (T.PHONE, "+442079460018", "0044 20 79460018"),
        (T.PHONE, "+442079460018", "٠٢٠ ٧٩٤٦ ٠٠١٨"),
        (T.REFERENCE, "AC-0012/4821", "ac00124821"),
        (T.REFERENCE, "4711", "47 11"),
        (T.BANK_ACCOUNT, "DE89370400440532013000", "de89 3704 0044 0532 0130 00"),
        (T.NAME, "Maria-José O\u2019Brien", "obrien mar"),
        (T.NAME, "Maria-José O\u2019Brien", "JOSE"),
        (T.NAME, "Björn Łukasz Øster", "bjorn lukasz oster"),
        (T.NAME, "Strauß", "STRAUSS"),
        (T.NAME, "John Smith", "J Smith"),
        (T.NAME, "J Smith", "J"),
        (T.NAME, "Christopher Featherstonehaugh", "featherstoneh"),
        (T.NAME, "王小明", "王"),
        (T.NAME, "김민수", "김민"),
        (T.NAME, "がぎ", "が"),
        (T.NAME, "हरि", "हरि"),
        (T.NAME, "مُحَمَّد علي", "محمد"),
        (T.NAME, "שָׁלוֹם", "שלום"),
        (T.NAME, "Ёлкин", "елк"),
        (T.NAME, "ＡＮＮＡ", "anna"),
    ],
)
def test_a_customer_is_found_by_what_people_type(kind: FieldType, stored: object, typed: str) -> None:
    assert found(kind, stored, typed)


@pytest.mark.parametrize(
    ("kind", "stored", "typed"),
    [
        (T.EMAIL, "anna@example.com", "anna"),
        (T.EMAIL, "anna@example.com", "ana@example.com"),
        (T.PHONE, "+442079460018", "7946 0018"),
        (T.NAME, "John Smith", "smith jane"),
        (T.NAME, "John Smith", "ohn"),
        (T.NAME, "がぎ", "か"),
        (T.REFERENCE, "AC-12", "AC"),
        (T.EMAIL, "anna@example.com", "@"),
    ],
)
def test_what_does_not_fit_does_not_match(kind: FieldType, stored: object, typed: str) -> None:
    assert not found(kind, stored, typed)


def test_only_searchable_fields_with_a_lookup_have_terms() -> None:
    assert search_terms(field(T.EMAIL), "anna@example.com") == []
    assert search_terms(field(T.EMAIL, searchable=True), None) == []
    assert search_terms(field(T.BOOLEAN, searchable=True), True) == []


def test_a_domestic_bank_account_is_indexed_by_its_number() -> None:
    value = {"country": "US", "bank_code": "021000021", "account": "12345678"}
    assert search_terms(field(T.BANK_ACCOUNT, searchable=True), value) == [("payment.bank_account", "12345678")]


@pytest.mark.parametrize("text", ["", "  ", "!!", "👍"])
def test_a_text_that_means_nothing_asks_for_nothing(text: str) -> None:
    assert query_terms(text, region="GB") == []


def test_an_unreadable_address_is_still_asked_for_as_typed() -> None:
    assert query_terms("Anna@localhost", region="GB") == [[SearchTerm("contact.email", "anna@localhost")]]


NAMES = st.text(alphabet="abcÄöŁøéßñÿ张王김민محمдСЖ'’- ", min_size=1, max_size=30)


@given(name=NAMES, data=st.data())
def test_every_beginning_of_every_word_of_a_name_finds_it(name: str, data: st.DataObject) -> None:
    assume(why(T.NAME, name).startswith("read as '"))
    words = name_tokens(name)[:8]
    word = data.draw(st.sampled_from(words))
    length = data.draw(st.integers(min_value=min(2, len(word)), max_value=len(word)))
    assert found(T.NAME, name, word[:length])


@given(st.text(max_size=60), st.sampled_from(["DE", "US", "ZZ"]))
def test_any_text_can_be_asked(text: str, region: str) -> None:
    assert all(
        alternative and all(term.term for term in alternative) for alternative in query_terms(text, region=region)
    )
