"""What each kind makes of several fields together."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from changedesk import kinds
from changedesk.base.json import State, Value
from changedesk.kinds import Checked, Proposal
from changedesk.rules.fields import Catalogue

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
PHONE, EMAIL = "+442079460018", "anna@example.com"
CARD = {"token": "tok_9fQx77", "brand": "visa", "last4": "4242"}
GERMAN, BRITISH = "DE89370400440532013000", "GB29NWBK60161331926819"
HOME = {"country": "DE", "lines": "Hauptstr. 1", "city": "Berlin", "postal_code": "10115"}


def checked(kind: str, catalogue: Catalogue, before: State, after: Mapping[str, Value]) -> Checked:
    return kinds.find(kind).check(Proposal(before, after, catalogue, "DE", AT))


def refused(answer: Checked) -> list[str]:
    return [item.code for item in answer.refusals]


def worried(answer: Checked) -> list[tuple[str, str]]:
    return [(item.path.split(".")[1], item.code) for item in answer.concerns]


def test_a_customer_keeps_a_name(catalogue: Catalogue) -> None:
    answer = checked("personal_details", catalogue, {"personal.name": "Anna Berg"}, {"personal.name": None})
    assert refused(answer) == ["name-required"]


def test_a_full_name_without_its_parts_is_a_concern(catalogue: Catalogue) -> None:
    before = {"personal.name": "Anna Berg", "personal.given_name": "Anna", "personal.family_name": "Berg"}
    assert worried(checked("personal_details", catalogue, before, {"personal.name": "Anna Tal"})) == [
        ("name", "name_parts_differ")
    ]
    both = {"personal.name": "Anna Tal", "personal.family_name": "Tal"}
    assert worried(checked("personal_details", catalogue, before, both)) == []
    assert worried(checked("personal_details", catalogue, {}, {"personal.given_name": "Anna"})) == []


@pytest.mark.parametrize(
    ("born", "codes", "concerns"),
    [
        ("2026-11-23", ["bad-value"], []),
        ("2026-11-22", [], [("birth_date", "minor")]),
        ("2027-01-01", ["bad-value"], []),
        ("2008-11-22", [], []),
        ("2008-11-23", [], [("birth_date", "minor")]),
        (None, [], []),
    ],
)
def test_a_birth_is_today_at_the_latest_and_a_minor_is_a_concern(
    catalogue: Catalogue, born: Value, codes: list[str], concerns: list[tuple[str, str]]
) -> None:
    answer = checked("personal_details", catalogue, {}, {"personal.birth_date": born})
    assert refused(answer) == codes
    assert worried(answer) == concerns


def test_the_last_contact_point_cannot_be_removed(catalogue: Catalogue) -> None:
    before = {"contact.email": EMAIL}
    assert refused(checked("contact_details", catalogue, before, {"contact.email": None})) == ["last-contact-point"]
    swapped = {"contact.email": None, "contact.phone_home": PHONE}
    assert refused(checked("contact_details", catalogue, before, swapped)) == []
    two = {"contact.email": EMAIL, "contact.phone_home": PHONE}
    assert refused(checked("contact_details", catalogue, two, {"contact.email": None})) == []
    assert refused(checked("contact_details", catalogue, two, {"contact.email": None, "contact.phone_home": None})) == [
        "last-contact-point"
    ]
    assert refused(checked("contact_details", catalogue, {}, {"contact.nickname": "an"})) == []


def test_one_contact_point_twice_is_a_concern(catalogue: Catalogue) -> None:
    before = {"contact.email": EMAIL, "contact.phone_home": PHONE}
    answer = checked("contact_details", catalogue, before, {"contact.email_billing": EMAIL.upper()})
    assert worried(answer) == [("email_billing", "same_as_other_contact")]
    assert worried(checked("contact_details", catalogue, before, {"contact.phone_mobile": "+4930901820"})) == []
    moved = {"contact.phone_mobile": PHONE, "contact.phone_home": None}
    assert worried(checked("contact_details", catalogue, before, moved)) == []


@pytest.mark.parametrize(
    ("expiry", "codes", "concerns"),
    [
        ("2026-10", ["card-expired"], []),
        ("2026-11", [], [("card", "card_expires_soon")]),
        ("2026-12", [], [("card", "card_expires_soon")]),
        ("2027-01", [], []),
    ],
)
def test_an_expired_card_is_refused_and_one_that_ends_soon_a_concern(
    catalogue: Catalogue, expiry: str, codes: list[str], concerns: list[tuple[str, str]]
) -> None:
    answer = checked("billing_payment", catalogue, {}, {"payment.card": {**CARD, "expiry": expiry}})
    assert refused(answer) == codes
    assert worried(answer) == concerns


def test_the_method_in_use_keeps_what_it_is_paid_from(catalogue: Catalogue) -> None:
    before: State = {"payment.method": "credit_card", "payment.card": {**CARD, "expiry": "2030-01"}}
    assert refused(checked("billing_payment", catalogue, before, {"payment.card": None})) == ["method-without-means"]
    to_invoice: Mapping[str, Value] = {"payment.card": None, "payment.method": "invoice"}
    assert refused(checked("billing_payment", catalogue, before, to_invoice)) == []
    answer = checked("billing_payment", catalogue, before, {"payment.method": "direct_debit"})
    assert refused(answer) == []
    assert worried(answer) == [("method", "method_without_means")]
    assert (
        worried(checked("billing_payment", catalogue, {"payment.method": "credit_card"}, {"payment.limit": None})) == []
    )


def test_an_account_abroad_or_in_another_currency_is_a_concern(catalogue: Catalogue) -> None:
    before: State = {"payment.billing_address": HOME, "payment.limit": {"amount": "10.00", "currency": "EUR"}}
    assert worried(checked("billing_payment", catalogue, before, {"payment.bank_account": GERMAN})) == []
    assert worried(checked("billing_payment", catalogue, before, {"payment.bank_account": BRITISH})) == [
        ("bank_account", "account_country"),
        ("bank_account", "account_currency"),
    ]
    american = {"country": "US", "bank_code": "021000021", "account": "12345678"}
    answer = checked(
        "billing_payment", catalogue, {"payment.billing_address": HOME}, {"payment.bank_account": american}
    )
    assert worried(answer) == [("bank_account", "account_country")]
    assert worried(checked("billing_payment", catalogue, {}, {"payment.bank_account": BRITISH})) == []


def test_opting_out_of_the_last_channel_clears_topics_and_frequency(catalogue: Catalogue) -> None:
    before: State = {
        "pref.marketing_email": True,
        "pref.marketing_topics": ["news"],
        "pref.marketing_frequency": "weekly",
    }
    answer = checked("marketing_preferences", catalogue, before, {"pref.marketing_email": False})
    assert answer.follows == {"pref.marketing_topics": None, "pref.marketing_frequency": None}
    assert not answer.refusals
    assert not answer.concerns


def test_an_opt_out_with_new_topics_is_told_but_never_refused(catalogue: Catalogue) -> None:
    asked: Mapping[str, Value] = {"pref.marketing_email": False, "pref.marketing_topics": ["news"]}
    answer = checked("marketing_preferences", catalogue, {"pref.marketing_email": True}, asked)
    assert worried(answer) == [("marketing_topics", "frequency_without_channel")]
    assert answer.follows == {"pref.marketing_topics": None}
    assert not answer.refusals


def test_with_a_channel_left_nothing_is_cleared(catalogue: Catalogue) -> None:
    before: State = {"pref.marketing_email": True, "pref.marketing_sms": True, "pref.marketing_topics": ["news"]}
    assert checked("marketing_preferences", catalogue, before, {"pref.marketing_email": False}) == Checked()
    assert checked("marketing_preferences", catalogue, {}, {"pref.other": "x"}) == Checked()
    assert checked("marketing_preferences", Catalogue.of([]), {}, {"pref.marketing_topics": ["news"]}) == Checked()
