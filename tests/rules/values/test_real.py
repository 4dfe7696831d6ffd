"""Real names, phones, e-mails and addresses are taken: fewer than one in a hundred is refused without cause."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.rules.values.ask import URL, field, why

from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values.address import countries

DATA = Path(__file__).parents[4] / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real input data is not beside the repository"),
]
T = FieldType
Rows = Iterator[tuple[object, str]]


def rows(name: str) -> Iterator[dict[str, str]]:
    path = DATA / name
    opened = gzip.open(path, "rt", encoding="utf-8") if name.endswith("gz") else path.open(encoding="utf-8")
    with opened as file:
        yield from csv.DictReader(file)


def country(name: str) -> str:
    return countries().get(name.casefold(), "ZZ")


def refusals(asked: Field | FieldType, values: Rows, *, lenient: bool = False) -> tuple[int, Counter[str]]:
    found: Counter[str] = Counter()
    count = 0
    for raw, region in values:
        if raw:
            count += 1
            answer = why(asked, raw, region, lenient=lenient)
            found[answer if not answer.startswith("read as") else ""] += 1
    del found[""]
    return count, found


EMBASSIES = "international-contacts/snapshot_last_of_2021.csv.gz"
STORE = "crm-customers/adventureworks_contacts.csv.gz"
SMALL = [("crm-customers/chinook_customers.csv", "State"), ("crm-customers/northwind_customers.csv", "Region")]


def small_addresses() -> Rows:
    for name, region in SMALL:
        for row in rows(name):
            parts = {
                "country": row["Country"],
                "lines": row["Address"],
                "city": row["City"],
                "region": row[region],
                "postal_code": row["PostalCode"],
            }
            yield (parts if row["Address"] else None), "US"


def world_addresses() -> Rows:
    with gzip.open(DATA / "addresses-world/addresses.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            item = json.loads(line)
            parts = {key: str(value) for key, value in item["components"].items()}
            code = item["country"].upper()
            address = {
                "country": code,
                "lines": item["expected"].split("\n")[0],
                "city": parts.get("city") or parts.get("town") or parts.get("village", ""),
                "region": parts.get("state", ""),
                "postal_code": parts.get("postcode", ""),
            }
            yield (address if country(code) != "ZZ" else None), code


REAL: list[tuple[str, Field | FieldType, Callable[[], Rows], bool, float]] = [
    ("names", T.NAME, lambda: ((row["native"], "GB") for row in rows("names-multiscript/names.csv.gz")), False, 0.001),
    ("latin", T.NAME, lambda: ((row["latin"], "GB") for row in rows("names-multiscript/names.csv.gz")), False, 0.001),
    ("e-mails", T.EMAIL, lambda: ((row["email"], "GB") for row in rows(EMBASSIES)), False, 0.0),
    ("store e-mails", T.EMAIL, lambda: ((row["email"], "GB") for row in rows(STORE)), False, 0.0),
    ("websites", URL, lambda: ((row["website"], "GB") for row in rows(EMBASSIES)), False, 0.0),
    ("imported", field(T.ADDRESS, length_max=400), small_addresses, True, 0.0),
    ("world", field(T.ADDRESS, length_max=400), world_addresses, True, 0.0),
]


@pytest.mark.parametrize(("name", "asked", "values", "lenient", "most"), REAL, ids=[item[0] for item in REAL])
def test_real_values_are_taken(
    name: str,
    asked: Field | FieldType,
    values: Callable[[], Rows],
    lenient: bool,
    most: float,
) -> None:
    count, found = refusals(asked, values(), lenient=lenient)
    print(f"{name}: {found.total()} of {count} refused", dict(found))  # noqa: T201
    assert count > 50
    assert found.total() <= most * count


def test_phones_of_embassies_are_refused_only_for_an_impossible_length_or_country() -> None:
    count, found = refusals(T.PHONE, ((row["phone"], country(row["country"])) for row in rows(EMBASSIES)))
    print(f"phones: {found.total()} of {count} refused", dict(found))  # noqa: T201
    assert count == 768
    # 17 in this source lack or repeat digits, or use a country code that was withdrawn: not false refusals.
    assert set(found) <= {"phone_too_short", "phone_too_long", "phone_country"}
    assert found.total() <= 17


def test_addresses_of_a_shop_are_refused_only_for_postal_codes_that_do_not_exist() -> None:
    values: list[tuple[object, str]] = [
        (
            {
                "country": row["country"],
                "lines": [row["line1"], row["line2"]],
                "city": row["city"],
                "region": row["region"],
                "postal_code": row["postal_code"],
            },
            row["country"],
        )
        for row in rows(STORE)
        if row["line1"]
    ]
    count, found = refusals(T.ADDRESS, iter(values))
    print(f"shop addresses: {found.total()} of {count} refused", dict(found))  # noqa: T201
    assert set(found) <= {"address_postal_code"}
    british, wrong = refusals(T.ADDRESS, (item for item in values if item[1] != "GB"))
    print(f"outside Britain, whose codes this source cuts short: {wrong.total()} of {british} refused")  # noqa: T201
    assert wrong.total() <= 0.01 * british


def test_invented_card_numbers_that_pass_the_check_never_enter_a_field() -> None:
    numbers = [row["card_number_fictional"] for row in rows(STORE) if row["card_number_fictional"]]
    found = Counter(why(T.TEXT, number) == "card_number" for number in numbers)
    assert found[True] == 1917
