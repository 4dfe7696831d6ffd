"""Two records are weighed field by field, with reasons that add up; no one kind of evidence is enough alone."""
# ruff: noqa: RUF001 - names in several scripts are what is compared

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.values.ask import field

from changedesk.rules.fields import Catalogue, FieldType
from changedesk.rules.matching import (
    DEFAULT_THRESHOLD,
    Likeness,
    Reason,
    Role,
    block_keys,
    candidates,
    reason_text,
    record_of,
    score,
)

S, N, L, D = Likeness.SAME, Likeness.NEAR, Likeness.SIMILAR, Likeness.DIFFERENT
ANNA = {
    "given_name": "Anna", "family_name": "Featherstone", "birth_date": "1980-03-12", "email": "anna@example.com",
    "phone": "+442079460018", "street": "12 High Street", "postal_code": "LS1 4AP", "city": "Leeds",
    "national_id": "QQ123456C", "bank_account": "DE89370400440532013000",
}  # fmt: skip

ALIKE = [
    ("name", "Anna Smith", "Smith, ANNA", S),
    ("name", "Björn O’Brien", "Bjorn Obrien", S),
    ("name", "Christopher Smith", "Cristopher Smith", N),
    ("name", "Anna Smith", "Anna Smyth", N),
    ("name", "Anna Phillips", "Anna Fillips", L),
    ("name", "A Smith", "Anna Smith", L),
    ("name", "Robinson", "Rnbinsoo", L),
    ("name", "Anna Smith", "Bertha Kowalski", D),
    ("name", "王小明", "王小红", D),
    ("name", "محمد علي", "مُحَمَّد علي", S),
    ("name", "Иван Петров", "Петров Иван", S),
    ("name", "محمد علي", "Mohammed Ali", None),
    ("organisation", "Holy Angels School", "Archdiocese - Holy Angels School", L),
    ("organisation", "Corkery", "Chicago Public Schools Corkery, Daniel", L),
    ("organisation", "Little Tykes GmbH", "Little Tikes GmbH", N),
    ("organisation", "Little Tykes GmbH", "LITTLE TYKES GmbH", S),
    ("organisation", "Corkery", "South East Asia Center", D),
    ("birth_date", "1980-03-12", "1980-03-12", S),
    ("birth_date", "1980-03-12", "1980-12-03", N),
    ("birth_date", "1980-03-12", "1980-03-13", N),
    ("birth_date", "1980-03-12", "1980-03-29", L),
    ("birth_date", "1980-03-12", "1954-11-30", D),
    ("email", "Anna@example.com", "anna@example.com", S),
    ("email", "anna@example.com", "ana@example.com", N),
    ("email", "anna.smith@example.com", "anna.smith@work.example", L),
    ("email", "anna@example.com\nsecond@example.com", "third@example.org\nsecond@example.com", S),
    ("email", "anna@example.com", "bertha@example.org", D),
    ("phone", "+442079460018", "020 7946 0018", S),
    ("phone", "+442079460018", "+442079460081", N),
    ("phone", "+442079460018", "+442079991234", D),
    ("street", "12 High Street", "12 High St.", S),
    ("street", "5423 W Diversey", "5423 West Diversey Ave.", S),
    ("street", "33 straliaplace", "33 Stralia Place", S),
    ("street", "12 High Street", "14 High Street", L),
    ("street", "1711 W 35th St", "1723 W 35th St", L),
    ("street", "Hauptstraße 5", "Hauptstr. 5", S),
    ("street", "12 High Street", "12 Castle Road", D),
    ("street", "94 Langdon Garden Road", "94 Langdon Road West", N),
    ("postal_code", "LS1 4AP", "ls14ap", S),
    ("postal_code", "4814", "4184", N),
    ("postal_code", "4814", "2000", D),
    ("city", "München", "Munchen", S),
    ("city", "Birmingham", "Birmingam", N),
    ("city", "Leeds", "York", D),
    ("national_id", "QQ 12 34 56 C", "QQ123456C", S),
    ("national_id", "7368009", "7364009", N),
    ("national_id", "7364009", "1112223", D),
    ("bank_account", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", S),
]


@pytest.mark.parametrize(("role", "one", "other", "likeness"), ALIKE)
def test_values_are_as_alike_as_people_would_say(role: str, one: str, other: str, likeness: Likeness | None) -> None:
    found = score({role: one}, {role: other}).reasons
    assert [(item.role, item.likeness) for item in found] == ([(role, likeness)] if likeness else [])


def test_the_reasons_say_what_speaks_for_and_against_and_add_up() -> None:
    moved = {**ANNA, "given_name": "Ana", "street": "3 Mill Lane", "postal_code": "YO1 7HH", "city": "York"}
    found = score({key: ANNA[key] for key in ANNA if key != "bank_account"}, moved)
    assert found.reasons[0].weight == max(item.weight for item in found.reasons)
    assert {item.role for item in found.reasons if item.weight < 0} == {"street", "postal_code", "city"}
    assert found.score == sum(item.weight for item in found.reasons) > DEFAULT_THRESHOLD


def test_a_reason_is_told_in_words_without_the_value() -> None:
    [reason] = score({"birth_date": "1980-03-12"}, {"birth_date": "1980-12-03"}).reasons
    assert reason_text(reason) == reason_text(reason, "fr") == "Birth date: a slip of a key apart (+6)"
    texts = {reason_text(Reason(role, level, -1.5), language) for role in Role for level in Likeness
             for language in ("en", "de-AT", "ar")}  # fmt: skip
    assert len(texts) == len(Role) * 4 * 3
    assert "Ort: verschieden (-1.5)" in texts


GROUPS = [
    {"given_name", "family_name"}, {"name"}, {"organisation"}, {"birth_date"}, {"email", "phone"},
    {"street", "postal_code", "city"}, {"national_id", "bank_account"}, {"name", "city"},
]  # fmt: skip


@pytest.mark.parametrize("roles", GROUPS)
def test_one_kind_of_evidence_alone_is_no_suggestion(roles: set[str]) -> None:
    whole = {**ANNA, "name": "Anna Maria van Featherstone", "organisation": "Featherstone Mills of Leeds"}
    record = {role: whole[role] for role in roles}
    assert 0 < score(record, record).score < DEFAULT_THRESHOLD
    assert candidates([record, record]) == []


def test_people_of_one_household_are_no_suggestion() -> None:
    ben = {**ANNA, "given_name": "Ben", "birth_date": "2009-07-01", "national_id": "AB654321A"}
    for unknown in ([], ["birth_date", "national_id", "bank_account"]):
        one, other = ({key: item[key] for key in item if key not in unknown} for item in (ANNA, ben))
        assert score(one, other).score < DEFAULT_THRESHOLD


def test_a_lone_given_name_says_nothing_of_a_lone_family_name() -> None:
    assert score({"given_name": "Evans"}, {"family_name": "Eleanor"}).reasons == ()
    assert score({"given_name": "Anna", "name": "Anna Smith"}, {"name": "Anna Smith"}).reasons[0].likeness is S


def test_what_a_side_does_not_know_says_nothing() -> None:
    assert score(ANNA, {}).reasons == ()
    assert block_keys({}) == frozenset()


def test_a_record_holds_what_a_customer_is_known_by_and_no_confidential_contact() -> None:
    catalogue = Catalogue.of([
        field(FieldType.NAME, "personal.name", category="personal.name"),
        field(FieldType.NAME, "personal.given_name", category="personal.name"),
        field(FieldType.NAME, "business.name", category="business.name", tags=frozenset({"organisation"})),
        field(FieldType.DATE, "personal.birth_date", category="personal.dob"),
        field(FieldType.DATE, "document.expires_on", category="personal.gov_id"),
        field(FieldType.NATIONAL_ID, "personal.national_id", category="personal.gov_id"),
        field(FieldType.EMAIL, "contact.email", category="contact.email"),
        field(FieldType.PHONE, "contact.phone_mobile", category="contact.phone"),
        field(FieldType.PHONE, "contact.phone_home", category="contact.phone"),
        field(FieldType.PHONE, "contact.fax", category="contact.phone", tags=frozenset({"fax"})),
        field(FieldType.ADDRESS, "contact.postal_address", category="contact.postal"),
        field(FieldType.PHONE, "confidential.phone", category="contact.confidential"),
        field(FieldType.NAME, "representative.name", category="access.authorised_rep"),
        field(FieldType.BANK_ACCOUNT, "payment.bank_account", category="payment.bank"),
    ])  # fmt: skip
    state = {
        "personal.name": "Anna Smith", "personal.given_name": "Anna", "business.name": "Smith Ltd",
        "personal.birth_date": "1980-03-12", "document.expires_on": "2030-01-01",
        "personal.national_id": {"country": "GB", "number": "QQ123456C"}, "contact.email": None,
        "contact.phone_mobile": "+447700900123", "contact.phone_home": "+442079460018", "contact.fax": "+4420794600",
        "contact.postal_address": {"country": "GB", "lines": "12 High St", "postal_code": "LS1 4AP"},
        "confidential.phone": "+447700900999", "representative.name": "Bob",
        "payment.bank_account": "DE89370400440532013000",
    }  # fmt: skip
    assert record_of(catalogue, state) == {
        "name": "Anna Smith", "given_name": "Anna", "organisation": "Smith Ltd", "birth_date": "1980-03-12",
        "national_id": "QQ123456C", "phone": "+447700900123\n+442079460018", "street": "12 High St",
        "postal_code": "LS1 4AP", "bank_account": "DE89370400440532013000",
    }  # fmt: skip


WORDS = ["Anna", "ana", "Smith", "Smyth", "王小明", "محمد", "", "Иван", "O’Brien", "van"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
NUMBER = st.text("0123456789", max_size=10)
RECORDS = st.fixed_dictionaries({}, optional={
    role: NUMBER if role in ("birth_date", "phone", "postal_code", "national_id") else TEXT | st.text(max_size=12)
    for role in Role
})  # fmt: skip


@given(RECORDS, RECORDS)
def test_the_order_of_two_records_does_not_matter_and_reasons_always_add_up(
    one: dict[str, str], other: dict[str, str]
) -> None:
    found = score(one, other)
    assert found == score(other, one)
    assert found.score == pytest.approx(sum(item.weight for item in found.reasons))
    assert found == score(dict(reversed(one.items())), other)


@given(st.lists(RECORDS, max_size=8), st.sampled_from([-20.0, 3.0, DEFAULT_THRESHOLD]))
def test_candidates_are_exactly_the_pairs_that_share_a_key_and_reach_the_threshold(
    records: list[dict[str, str]], threshold: float
) -> None:
    keys = [block_keys(record) for record in records]
    near = {
        (left, right)
        for left, right in combinations(range(len(records)), 2)
        if keys[left] & keys[right] and score(records[left], records[right]).score >= threshold
    }
    found = candidates(records, threshold)
    assert {(pair.left, pair.right) for pair in found} == near
    assert [pair.match.score for pair in found] == sorted((pair.match.score for pair in found), reverse=True)


def test_a_key_that_too_many_share_opens_no_block() -> None:
    crowd = [{"email": "shared@example.com", "name": f"Anna {'abcdefgh'[number]}"} for number in range(5)]
    assert len(candidates(crowd, 0, block_most=5)) == 10
    assert candidates(crowd, 0, block_most=4) == []


def test_keys_are_the_same_for_the_same_in_another_dress() -> None:
    dressed = {
        **ANNA, "given_name": "FEATHERSTONE", "family_name": "Ánna", "email": "ANNA@example.com",
        "postal_code": "ls14ap", "street": "High Street 12", "phone": "(020) 7946 0018",
    }  # fmt: skip
    assert block_keys(ANNA) == block_keys(dressed)
    assert len(block_keys(ANNA)) <= 20
