"""A small catalogue with every field that the kinds know by name."""

from typing import Any

import pytest

from changedesk.rules.fields import Catalogue, Field, FieldType, Sensitivity

T = FieldType
KIND = {
    "personal": "personal_details",
    "contact": "contact_details",
    "payment": "billing_payment",
    "pref": "marketing_preferences",
}


def made(path: str, kind: FieldType, **more: Any) -> Field:
    more.setdefault("label", {"en": path})
    return Field(path, kind, KIND[path.split(".", maxsplit=1)[0]], more.pop("category", path), **more)


def options(*codes: str) -> dict[str, dict[str, str]]:
    return {code: {"en": code.replace("_", " ").title()} for code in codes}


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.of(
        [
            made("contact.nickname", T.TEXT, hint={"en": "As in the forum"}, length_max=40),
            made("personal.name", T.NAME, searchable=True, label={"en": "Name", "de": "Name"}),
            made("personal.given_name", T.NAME),
            made("personal.family_name", T.NAME),
            made("personal.birth_date", T.DATE, category="personal.dob"),
            made("personal.gender", T.ENUM, options=options("female", "male", "other")),
            made("personal.national_id", T.NATIONAL_ID),
            made("personal.password", T.TEXT, sensitivity=Sensitivity.SECRET),
            made("contact.email", T.EMAIL, contact_point=True, searchable=True),
            made("contact.email_billing", T.EMAIL, contact_point=True),
            made("contact.phone_mobile", T.PHONE, contact_point=True),
            made("contact.phone_home", T.PHONE, contact_point=True),
            made("contact.postal_address", T.ADDRESS, contact_point=True),
            made("payment.method", T.ENUM, options=options("credit_card", "direct_debit", "invoice")),
            made("payment.card", T.CARD_TOKEN),
            made("payment.bank_account", T.BANK_ACCOUNT),
            made("payment.billing_address", T.ADDRESS),
            made("payment.limit", T.MONEY),
            made("pref.marketing_email", T.BOOLEAN),
            made("pref.marketing_sms", T.BOOLEAN),
            made("pref.marketing_topics", T.MULTI_ENUM, options=options("offers", "news")),
            made("pref.marketing_frequency", T.ENUM, options=options("weekly", "monthly")),
        ]
    )
