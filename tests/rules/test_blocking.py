"""The keys of the blind index: what a customer is found by when somebody alike comes in, and what moves together."""

from typing import Any

import pytest
from tests.rules.values.ask import field

from changedesk.base.json import State
from changedesk.rules.fields import Catalogue, FieldType
from changedesk.rules.matching import Group, block_keys, group_of
from changedesk.rules.matching.blocking import block_terms
from changedesk.rules.matching.likeness import sounds

T = FieldType
CATALOGUE = Catalogue.of(
    [
        field(T.NAME, "personal.name", category="personal.name"),
        field(T.DATE, "personal.birth_date", category="personal.dob"),
        field(T.EMAIL, "contact.email", category="contact.email"),
        field(T.BANK_ACCOUNT, "billing.iban", category="payment.bank"),
        field(T.NATIONAL_ID, "identity.number", category="personal.gov_id"),
        field(T.TEXT, "note", category="note"),
    ]
)
STATE: State = {
    "personal.name": "Anna Featherstone",
    "personal.birth_date": "1980-03-12",
    "contact.email": "anna.f@example.com",
    "billing.iban": "DE89370400440532013000",
    "identity.number": {"country": "GB", "type": "nino", "number": "QQ123456C"},
    "note": "Anna called",
}


def test_a_customers_keys_are_those_of_the_record_but_for_what_is_looked_up_as_it_is() -> None:
    terms = block_terms(CATALOGUE, STATE)
    assert {index for index, _ in terms} == {"block"}
    keys = {term for _, term in terms}
    alone = {key for key in keys if key.partition(":")[0] in ("mailbox", "id", "born")}
    assert alone == {"mailbox:anna.f", "id:QQ123456C", "born:19800312|a", "born:19800312|f"}
    assert not {key.partition(":")[0] for key in keys} & {"email", "bank", "note"}
    record = {
        "name": "Anna Featherstone", "birth_date": "1980-03-12", "email": "anna.f@example.com",
        "bank_account": "DE89370400440532013000", "national_id": "QQ123456C",
    }  # fmt: skip
    assert block_keys(record) == keys | {"email:anna.f@example.com", "bank:DE89370400440532013000"}


def test_each_key_joins_two_hints_unless_it_identifies_by_itself() -> None:
    anna, feather = sounds("anna"), sounds("featherstone")
    assert block_keys({"name": "Anna Featherstone", "birth_date": "1980-03-12", "postal_code": "LS1 4AP"}) == {
        f"names:{'|'.join(sorted((anna, feather)))}",
        "born:19800312|a",
        "born:19800312|f",
        *(f"year:1980|{word}" for word in (anna, feather)),
        *(f"day:0312|{word}" for word in (anna, feather)),
        *(f"post:LS14AP|{word}" for word in (anna, feather)),
    }
    assert block_keys({"birth_date": "1980-03-12"}) == {"born:19800312|"}
    assert block_keys({"name": "Anna"}) == frozenset()
    assert block_keys({"phone": "+442079460018"}) == {"phone:9460018"}


def test_a_mailbox_of_a_few_letters_is_no_key() -> None:
    assert block_keys({"email": "anna@example.com"}) == {"email:anna@example.com"}
    assert block_keys({"email": "annas@example.com"}) == {"email:annas@example.com", "mailbox:annas"}


def test_an_address_is_met_by_its_longest_word_and_each_house_number() -> None:
    castle = sounds("castle")
    found = block_keys({"street": "12 Castle Row", "postal_code": "LS1 4AP", "organisation": "Little Tykes"})
    firms = sorted({sounds("little"), sounds("tykes")})
    assert found == {
        f"firm:{'|'.join(firms)}",
        f"house:12|{castle}",
        f"post:LS14AP|{castle}",
        f"post:LS14AP|{firms[0]}",
    }


@pytest.mark.parametrize(
    ("category", "more", "group"),
    [
        ("personal.name", {}, Group.PERSON),
        ("personal.dob", {}, Group.PERSON),
        ("contact.postal", {}, Group.PERSON),
        ("business.name", {"tags": frozenset({"organisation"})}, Group.PERSON),
        ("personal.gov_id", {}, Group.NUMBER),
        ("contact.email", {}, Group.EMAIL),
        ("contact.phone", {}, Group.PHONE),
        ("payment.bank", {}, None),
        ("personal.name", {"subject": "account"}, None),
        ("personal.name", {"subject": "account", "tags": frozenset({"organisation"})}, None),
    ],
)
def test_a_field_moves_the_keys_of_its_group_and_an_accounts_field_none(
    category: str, more: dict[str, Any], group: Group | None
) -> None:
    assert group_of(field(T.TEXT, category=category, **more)) is group


def test_of_a_long_name_the_three_longest_words_count() -> None:
    long = sorted({sounds(word) for word in ("consolidated", "brotherhood", "telephone")})
    pairs = {f"firm:{one}|{two}" for one in long for two in long if one < two}
    assert block_keys({"organisation": "The Consolidated Telephone Brotherhood of Ayr"}) == pairs
    people = sorted({sounds(word) for word in ("maximiliane", "hildegard", "featherstone")})
    pairs = {f"names:{one}|{two}" for one in people for two in people if one < two}
    assert block_keys({"name": "Maximiliane Eva Hildegard Featherstone"}) == pairs
