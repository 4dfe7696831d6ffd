"""Customers who do not exist: the same ones each time, with numbers and addresses that are nobody's.

Phone numbers are of the ranges kept for fiction (North America: 555-0100 to 555-0199; United Kingdom: Ofcom's 07700
900000 to 900999, which the Czech bank's customers have too, since Czechia keeps none); e-mail domains are those of
RFC 2606.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PER_CLIENT: Final = 150
_SEED: Final = 20_260_302
_GIVEN: Final = (
    "Amara", "Bela", "Carlos", "Delphine", "Emre", "Farida", "Goran", "Hana", "Iker", "Jelena", "Kofi", "Lucie",
    "Mateo", "Nadia", "Oskar", "Petra", "Quentin", "Rosa", "Samir", "Tereza", "Uma", "Viktor", "Wanda", "Ximena",
    "Yusuf", "Zdenek", "Anneke", "Boris", "Chiara", "Dmitri", "Eszter", "Felix", "Gwen", "Hugo", "Ingrid", "Jamal",
)  # fmt: skip
_FAMILY: Final = (
    "Abara", "Brandt", "Cervenka", "Dufour", "Eriksen", "Fabbri", "Gallo", "Horvat", "Ibsen", "Janda", "Kowal",
    "Lindqvist", "Moravec", "Novotny", "Okafor", "Pereira", "Quist", "Rahman", "Svoboda", "Tamm", "Urban", "Vasquez",
    "Weiss", "Yilmaz", "Zeman", "Adeyemi", "Beck", "Castell", "Dolezal", "Farkas", "Grant", "Hassan",
)  # fmt: skip
_US: Final = (
    ("San Francisco", "CA", "94110", "415"), ("Oakland", "CA", "94607", "510"), ("Los Angeles", "CA", "90012", "213"),
    ("San Diego", "CA", "92103", "619"), ("Portland", "OR", "97205", "503"), ("Seattle", "WA", "98104", "206"),
    ("Denver", "CO", "80203", "303"), ("Chicago", "IL", "60614", "312"), ("New York", "NY", "10011", "212"),
)  # fmt: skip
_CZ: Final = (
    ("Brno", "602 00"), ("Olomouc", "779 00"), ("Ostrava", "702 00"), ("Praha 1", "110 00"), ("Plzeň", "301 00"),
    ("Zlín", "760 01"), ("Jihlava", "586 01"), ("Liberec", "460 01"),
)  # fmt: skip
_STREETS_US: Final = ("Alder St", "Bay View Ave", "Cedar Ct", "Dover Rd", "Elm St", "Foothill Blvd", "Garden Way")
_STREETS_CZ: Final = ("Dlouhá", "Jabloňová", "Květná", "Lipová", "Polní", "Sadová", "Školní", "Zahradní")
_FIRST: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "aurora": (("Dana", "Whitfield"), ("Marcus", "Okafor"), ("Priya", "Raman"), ("Tomas", "Lindqvist")),
    "moravia": (("Klara", "Dolezal"), ("Jonas", "Weiss"), ("Eva", "Moravec"), ("Pavel", "Janda")),
}
"""Whom the documentation speaks of."""


@dataclass(frozen=True, slots=True)
class Invented:
    """One customer, as an import would bring it. ``accounts``: number, role, values."""

    key: str
    values: Mapping[str, Any]
    accounts: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()


def invent(slug: str) -> list[Invented]:
    """Return the customers of a client of the demonstration, in the same order with the same values each time."""
    rng = random.Random(f"{_SEED}-{slug}")  # noqa: S311 - sameness is wanted, not secrecy
    make = _of_telecom if slug == "aurora" else _of_bank
    return [make(number, *_name(slug, number, rng), rng) for number in range(PER_CLIENT)]


def _name(slug: str, number: int, rng: random.Random) -> tuple[str, str]:
    first = _FIRST[slug]
    return first[number] if number < len(first) else (rng.choice(_GIVEN), rng.choice(_FAMILY))


def _person(number: int, given: str, family: str, rng: random.Random) -> dict[str, Any]:
    domain = ("example.com", "example.net", "example.org")[number % 3]
    day = f"{rng.randint(1941, 2006)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    return {
        "personal.name": f"{given} {family}",
        "personal.given_name": given,
        "personal.family_name": family,
        "personal.birth_date": day,
        "contact.email": f"{given}.{family}{number or ''}@{domain}".lower(),
        "pref.marketing_email": rng.random() < 0.4,  # noqa: PLR2004 - some do, most do not
        "pref.marketing_sms": rng.random() < 0.2,  # noqa: PLR2004 - as above
    }


def _of_telecom(number: int, given: str, family: str, rng: random.Random) -> Invented:
    city, state, code, area = rng.choice(_US)
    street = f"{rng.randint(10, 990)} {rng.choice(_STREETS_US)}"
    account = f"AM-{100_000 + number}"
    values = _person(number, given, family, rng) | {
        "account.number": f"C{account}",
        "contact.phone_mobile": f"+1 {area} 555 01{number % 100:02d}",
        "contact.postal_address": {
            "country": "US",
            "lines": street,
            "city": city,
            "region": state,
            "postal_code": code,
        },
        "payment.method": rng.choice(("credit_card", "electronic_check", "bank_transfer")),
        "service.contract": rng.choice(("month_to_month", "one_year", "two_year")),
        "service.internet": rng.choice(("dsl", "fiber_optic", "no")),
        "service.phone": True,
        "service.paperless": rng.random() < 0.6,  # noqa: PLR2004 - most do
    }
    return Invented(f"aurora-{number}", values, ((account, "owner", {}),))


def _of_bank(number: int, given: str, family: str, rng: random.Random) -> Invented:
    city, code = rng.choice(_CZ)
    street = f"{rng.choice(_STREETS_CZ)} {rng.randint(1, 120)}"
    values = _person(number, given, family, rng) | {
        "account.number": f"K-{200_000 + number}",
        "contact.phone_mobile": f"+44 7700 900{number:03d}",
        "contact.postal_address": {"country": "CZ", "lines": street, "city": city, "postal_code": code},
        "payment.method": rng.choice(("bank_transfer", "direct_debit", "credit_card")),
    }
    opened = f"{rng.randint(2009, 2025)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    own = {"account.frequency": rng.choice(("monthly", "weekly", "after_transaction")), "account.opened_on": opened}
    every = 6  # such a customer may also dispose of the account of the one before
    shared = ((f"MB-{300_000 + number - 1}", "disponent", dict[str, Any]()),) if number % every == every - 1 else ()
    return Invented(f"moravia-{number}", values, ((f"MB-{300_000 + number}", "owner", own), *shared))
