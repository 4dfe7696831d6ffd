"""Demonstration clients of further industries, made on request: each small, with people of the whole world.

As in ``demo_customers``, nobody exists: phone numbers are of the ranges kept for fiction, e-mail domains those of
RFC 2606, and the same customers come each time.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from changedesk.channels.terminal.demo_customers import Invented
from changedesk.flow.configure import NewClient

PER_CLIENT: Final = 30
_SEED: Final = 20_261_122


class Name(StrEnum):
    """The industries, each by the name of its pack; telecommunications and banking have clients from the start."""

    HEALTHCARE = "healthcare"
    RETAIL = "retail"
    TRAVEL = "travel"
    EDUCATION = "education"
    UTILITIES = "utilities"


@dataclass(frozen=True, slots=True)
class _Person:
    """``name`` as the person writes it; ``mailbox`` as it can be typed everywhere."""

    name: str
    given: str
    family: str
    mailbox: str


def _latin(name: str) -> _Person:
    given, family = name.split(" ", 1)
    return _Person(name, given, family, name.lower().replace(" ", ".").replace("'", ""))


_EVERYWHERE: Final = (
    _Person("ليلى الحداد", "ليلى", "الحداد", "layla.haddad"),
    _Person("Łukasz Wiśniewski", "Łukasz", "Wiśniewski", "lukasz.wisniewski"),
    _Person("王小明", "小明", "王", "wang.xiaoming"),
    _Person("अनन्या शर्मा", "अनन्या", "शर्मा", "ananya.sharma"),
    _Person("Олена Коваль", "Олена", "Коваль", "olena.koval"),
    _Person("佐藤 花子", "花子", "佐藤", "hanako.sato"),
    _Person("José Nascimento", "José", "Nascimento", "jose.nascimento"),
    _Person("김민준", "민준", "김", "kim.minjun"),
    _Person("Ελένη Παππά", "Ελένη", "Παππά", "eleni.pappa"),
    _Person("Nguyễn Thị Hồng", "Hồng", "Nguyễn", "nguyen.hong"),
    _Person("נועה ברק", "נועה", "ברק", "noa.barak"),
    _Person("สมชาย ใจดี", "สมชาย", "ใจดี", "somchai.jaidee"),
    _Person("Zoë van der Meer", "Zoë", "van der Meer", "zoe.vandermeer"),
    _Person("عمر النجار", "عمر", "النجار", "omar.najjar"),
    _Person("ნინო ბერიძე", "ნინო", "ბერიძე", "nino.beridze"),
    _Person("கார்த்திக் ராஜன்", "கார்த்திக்", "ராஜன்", "karthik.rajan"),
    _Person("Siân O'Rourke", "Siân", "O'Rourke", "sian.orourke"),
    _Person("Анна Кузнецова", "Анна", "Кузнецова", "anna.kuznetsova"),
    _Person("陈美玲", "美玲", "陈", "chen.meiling"),
    _Person("Անի Սարգսյան", "Անի", "Սարգսյան", "ani.sargsyan"),
    _Person("রিনা দাস", "রিনা", "দাস", "rina.das"),
    _Person("Björk Jónsdóttir", "Björk", "Jónsdóttir", "bjork.jonsdottir"),
    _Person("ሰላም ተስፋዬ", "ሰላም", "ተስፋዬ", "selam.tesfaye"),
    _Person("Ngozi Eze", "Ngozi", "Eze", "ngozi.eze"),
)
_US: Final = (
    ("Sacramento", "CA", "95814", "916"), ("San Jose", "CA", "95112", "408"), ("Fresno", "CA", "93721", "559"),
    ("Phoenix", "AZ", "85004", "602"), ("Boise", "ID", "83702", "208"), ("Austin", "TX", "78701", "512"),
)  # fmt: skip
_TEXAS: Final = (
    ("Houston", "TX", "77002", "713"), ("Dallas", "TX", "75201", "214"), ("Austin", "TX", "78704", "512"),
    ("Lubbock", "TX", "79401", "806"), ("Waco", "TX", "76701", "254"), ("El Paso", "TX", "79901", "915"),
)  # fmt: skip
_GERMANY: Final = (
    ("Hamburg", "20095"), ("Bremen", "28195"), ("Köln", "50667"), ("Leipzig", "04109"), ("Lübeck", "23552"),
)  # fmt: skip
_WORLD: Final = (
    {"country": "GB", "lines": "14 Quay Street", "city": "Bristol", "postal_code": "BS1 5TX"},
    {"country": "SG", "lines": "8 Lorong Teratai #04-02", "city": "Singapore", "postal_code": "239922"},
    {"country": "IN", "lines": "22 Lotus Lane", "city": "Pune", "region": "Maharashtra", "postal_code": "411001"},
    {"country": "AU", "lines": "5 Wattle Street", "city": "Sydney", "region": "NSW", "postal_code": "2000"},
    {"country": "CA", "lines": "77 Maple Avenue", "city": "Ottawa", "region": "ON", "postal_code": "K1P 1A4"},
    {"country": "BR", "lines": "Rua das Acácias, 40", "city": "Curitiba", "dependent_locality": "Centro",
     "region": "PR", "postal_code": "80010-000"},
)  # fmt: skip
_STREETS_US: Final = ("Juniper St", "Meadow Ln", "Orchard Rd", "Prairie Ave", "Quarry Ct", "Sycamore Dr")
_STREETS_DE: Final = ("Ahornweg", "Deichstraße", "Gartenstraße", "Lindenallee", "Mühlenweg", "Speicherstraße")


@dataclass(frozen=True, slots=True)
class Industry:
    """One demonstration client: what it is, whom the first customers are called, what it knows of each."""

    client: NewClient
    first: tuple[str, ...]
    """Six names, each of two words: the customers with an authenticator, whose requests are on their way."""
    number: str
    """How its account numbers begin."""
    plans: tuple[tuple[str, str], ...]
    """Plans with their monthly price."""
    currency: str
    place: Callable[[int, random.Random], Mapping[str, Any]]
    """Phone and postal address."""
    more: Callable[[int, _Person, random.Random], Mapping[str, Any]]
    """What only this industry knows of a customer."""
    asks: tuple[str, Mapping[str, Any]]
    """A request of this industry: kind and values."""


def invent(industry: Industry) -> list[Invented]:
    """Return the customers of a demonstration client, in the same order with the same values each time."""
    rng = random.Random(f"{_SEED}-{industry.client.slug}")  # noqa: S311 - sameness is wanted, not secrecy
    people = [_latin(name) for name in industry.first] + list(_EVERYWHERE)
    return [_customer(industry, number, person, rng) for number, person in enumerate(people[:PER_CLIENT])]


def _customer(industry: Industry, number: int, person: _Person, rng: random.Random) -> Invented:
    day = f"{rng.randint(1945, 2004)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    values = {
        "personal.name": person.name,
        "personal.given_name": person.given,
        "personal.family_name": person.family,
        "personal.birth_date": day,
        "contact.email": f"{person.mailbox}@{('example.com', 'example.net', 'example.org')[number % 3]}",
        "pref.marketing_email": rng.random() < 0.4,  # noqa: PLR2004 - some do, most do not
        "account.number": f"C{industry.number}-{500_000 + number}",
        **industry.place(number, rng),
        **industry.more(number, person, rng),
    }
    plan, price = rng.choice(industry.plans)
    own = {
        "plan.name": plan,
        "plan.cycle": "monthly",
        "plan.price": {"amount": price, "currency": industry.currency},
        "status.state": _STATES.get(number, "active"),
    }
    account = (f"{industry.number}-{500_000 + number}", "owner", own)
    return Invented(f"{industry.client.slug}-{number}", values, (account,))


_STATES: Final[Mapping[int, str]] = {12: "pending", 17: "suspended", 22: "deactivated", 27: "closed"}
"""Most accounts are active; a few show how the others look."""


def _in_america(places: tuple[tuple[str, str, str, str], ...]) -> Callable[[int, random.Random], Mapping[str, Any]]:
    def place(number: int, rng: random.Random) -> Mapping[str, Any]:
        city, state, code, area = places[number % len(places)]
        street = f"{rng.randint(10, 990)} {rng.choice(_STREETS_US)}"
        return {
            "contact.phone_mobile": f"+1 {area} 555 01{number:02d}",
            "contact.postal_address": {
                "country": "US", "lines": street, "city": city, "region": state, "postal_code": code,
            },
        }  # fmt: skip

    return place


def _in_germany(number: int, rng: random.Random) -> Mapping[str, Any]:
    city, code = _GERMANY[number % len(_GERMANY)]
    street = f"{rng.choice(_STREETS_DE)} {rng.randint(1, 120)}"
    return {
        "contact.phone_mobile": f"+44 7700 900{300 + number}",  # nobody's, as for the Czech bank
        "contact.postal_address": {"country": "DE", "lines": street, "city": city, "postal_code": code},
    }


def _anywhere(number: int, _rng: random.Random) -> Mapping[str, Any]:
    return {
        "contact.phone_mobile": f"+44 7700 900{400 + number}",
        "contact.postal_address": _WORLD[number % len(_WORLD)],
    }


def _patient(number: int, _person: _Person, rng: random.Random) -> Mapping[str, Any]:
    return {
        "member.number": f"SQ{7_000_000 + number}",
        "coverage.covers": rng.choice(("individual", "couple", "family", "group")),
        "coverage.marketplace_plan": rng.choice(("bronze", "silver", "gold")),
        "care.primary_provider": rng.choice(("Dr. Imani Cole", "Dr. Rafael Ortiz", "Dr. Hannah Lindgren")),
        "care.pharmacy": rng.choice(("Cedar Pharmacy", "Riverside Pharmacy")),
    }


def _shopper(number: int, person: _Person, rng: random.Random) -> Mapping[str, Any]:
    sells = number % 6 == 5  # noqa: PLR2004 - every sixth sells as well
    seller = {
        "seller.legal_name": f"{person.mailbox.split('.')[-1].title()} Handel",
        "seller.register_number": f"HRB {90_000 + number}",
        "seller.certified_on": f"2026-0{rng.randint(1, 9)}-15",
    }
    return {"delivery.standard": rng.choice(("home", "work", "pickup")), **(seller if sells else {})}


def _traveller(number: int, person: _Person, rng: random.Random) -> Mapping[str, Any]:
    return {
        "traveller.name": person.mailbox.replace(
            ".", " "
        ).title(),  # the machine-readable lines know Latin letters only
        "traveller.document_type": "passport",
        "traveller.document_number": f"X{1_000_000 + number}",
        "traveller.document_country": _WORLD[number % len(_WORLD)]["country"],
        "traveller.document_expires_on": f"20{rng.randint(27, 35)}-{rng.randint(1, 12):02d}-10",
        "travel.seat": rng.choice(("window", "aisle", "front", "any")),
        "travel.meal": rng.choice(("standard", "vegetarian", "vegan", "halal", "kosher")),
        "loyalty.enrolled": True,
        "loyalty.number": f"MA{300_000 + number}",
        "loyalty.tier": rng.choice(("member", "silver", "gold", "platinum")),
    }


def _student(number: int, _person: _Person, rng: random.Random) -> Mapping[str, Any]:
    return {
        "student.number": f"S{2026_000 + number}",
        "student.programme": rng.choice(("Biology", "Civil Engineering", "History", "Computer Science", "Nursing")),
        "student.level": rng.choice(("bachelor", "master", "doctorate")),
        "student.enrolment": rng.choice(("enrolled", "enrolled", "on_leave")),
        "student.expected_graduation": f"{rng.randint(2027, 2030)}-06-15",
        "directory.withheld": number % 7 == 6,  # noqa: PLR2004 - a few, none of those with requests on their way
    }


def _consumer(_number: int, _person: _Person, rng: random.Random) -> Mapping[str, Any]:
    return {"service.paperless": rng.random() < 0.5}  # noqa: PLR2004 - half of them


INDUSTRIES: Final[Mapping[Name, Industry]] = {
    Name.HEALTHCARE: Industry(
        client=NewClient(
            slug="sequoia", name="Sequoia Health Plan", origin="sequoia.demo.changedesk.example/log",
            packs=("healthcare",), jurisdictions=("US", "US-CA"), industries=("healthcare", "insurance"),
            languages=("en", "de", "ar"), time_zone="America/Los_Angeles", region="US", color="#2b8a3e",
        ),
        first=("Grace Okonkwo", "Martin Bell", "Lucia Romero", "Henry Walsh", "Ivy Chandler", "Noah Petit"),
        number="SH", plans=(("essential", "210.00"), ("standard", "320.00"), ("comprehensive", "455.00")),
        currency="USD", place=_in_america(_US), more=_patient,
        asks=("service_preferences", {"care.pharmacy": "Harbor Pharmacy"}),
    ),
    Name.RETAIL: Industry(
        client=NewClient(
            slug="hansekontor", name="Hansekontor", origin="hansekontor.demo.changedesk.example/log",
            packs=("retail",), jurisdictions=("EU", "DE"), industries=("retail",),
            languages=("de", "en", "ar"), time_zone="Europe/Berlin", region="DE", color="#c2255c",
        ),
        first=("Lena Vogel", "Till Hansen", "Merle Brandt", "Arne Kruse", "Silke Lorenz", "Jonas Thiel"),
        number="HK", plans=(("free", "0.00"), ("plus", "4.99"), ("premium", "9.99")),
        currency="EUR", place=_in_germany, more=_shopper,
        asks=("contact_details", {"delivery.work": {
            "country": "DE", "lines": "Speicherstraße 12", "city": "Hamburg", "postal_code": "20457"}}),
    ),
    Name.TRAVEL: Industry(
        client=NewClient(
            slug="meridian", name="Meridian Air", origin="meridian.demo.changedesk.example/log",
            packs=("travel",), jurisdictions=("GB", "EU", "US"), industries=("travel",),
            languages=("en", "de", "ar"), time_zone="Europe/London", region="GB", color="#1864ab",
        ),
        first=("Harriet Lowe", "Callum Reid", "Nisha Patel", "Owen Price", "Freya Marsh", "Dylan Shaw"),
        number="ME", plans=(("classic", "0.00"), ("flex", "12.00"), ("lounge", "29.00")),
        currency="GBP", place=_anywhere, more=_traveller,
        asks=("service_preferences", {"travel.assistance": ["wheelchair"]}),
    ),
    Name.EDUCATION: Industry(
        client=NewClient(
            slug="northfield", name="Northfield University", origin="northfield.demo.changedesk.example/log",
            packs=("education",), jurisdictions=("US", "US-CA"), industries=("education",),
            languages=("en", "de", "ar"), time_zone="America/Los_Angeles", region="US", color="#5f3dc4",
        ),
        first=("Maya Ellison", "Caleb Norris", "Ruth Santos", "Peter Lang", "Tessa Boyd", "Elias Grant"),
        number="NU", plans=(("guest", "150.00"), ("part_time", "900.00"), ("full_time", "1800.00")),
        currency="USD", place=_in_america(_US), more=_student,
        asks=("service_preferences", {"directory.withheld": True}),
    ),
    Name.UTILITIES: Industry(
        client=NewClient(
            slug="bluebonnet", name="Bluebonnet Power", origin="bluebonnet.demo.changedesk.example/log",
            packs=("utilities",), jurisdictions=("US", "US-TX"), industries=("utilities",),
            languages=("en", "de", "ar"), time_zone="America/Chicago", region="US", color="#e8590c",
        ),
        first=("Carla Jensen", "Wade Foster", "Irene Castillo", "Doug Farmer", "Nell Hobbs", "Victor Salas"),
        number="BP", plans=(("default_supply", "92.00"), ("fixed_price", "84.00"), ("green", "97.00")),
        currency="USD", place=_in_america(_TEXAS), more=_consumer,
        asks=("service_preferences", {"service.language": "es"}),
    ),
}  # fmt: skip
