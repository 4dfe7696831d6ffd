"""Duplicates with a known truth are found, few others are suggested, and namesakes alone never are.

The desk finds them through the blind index, which knows no value: as many as the rules find in clear.
"""

import csv
import gzip
from collections import Counter, defaultdict
from itertools import combinations

import pytest
from bench.matching import DATA, measured, rows, samples
from tests.cast import START, desk
from tests.flow.walk import stands
from tests.postgres import Database
from tests.stories.test_merges import values

from changedesk import flow
from changedesk.reading import merging
from changedesk.rules.matching import DEFAULT_THRESHOLD, Likeness, Match, Role, candidates, record_of, score
from changedesk.store.settings_read import configuration

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data with the real files is not here"),
]
BARS = {
    "febrl 1, with the number of the state": (0.999, 0.995),
    "febrl 1, without it": (0.999, 0.935),
    "febrl 2, with the number of the state": (0.999, 0.985),
    "febrl 2, without it": (0.999, 0.93),
    "Chicago sites": (0.94, 0.865),
    "splink fake 1000": (0.999, 0.61),
}


def test_known_duplicates_are_found_at_the_default_threshold() -> None:
    met = {}
    for item in samples():
        found = measured(item)
        print(f"{item.name}: precision {found.precision:.3f}, recall {found.recall:.3f}")  # noqa: T201
        precision, recall = BARS[item.name]
        met[item.name] = found.precision >= precision and found.recall >= recall
    assert met == dict.fromkeys(BARS, True)


def namesakes() -> list[Match]:
    """Return every pair of persons of one group: the same name in one region, by the maintainers' own list."""
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(DATA.parent / "person-directory-changes/duplicate_groups.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            record = {
                "name": row["name"], "given_name": row["given_name"], "family_name": row["family_name"],
                "email": row["email"],
            }  # fmt: skip
            groups[row["group"]].append({role: text for role, text in record.items() if text})
    return [score(*pair) for group in groups.values() for pair in combinations(group, 2)]


def test_one_name_is_one_person_only_where_another_field_agrees() -> None:
    pairs = namesakes()
    assert len(pairs) > 270
    for match in pairs:
        agrees = {item.role for item in match.reasons if item.likeness in (Likeness.SAME, Likeness.NEAR)}
        assert match.score < DEFAULT_THRESHOLD or agrees > {Role.NAME}
    found = Counter(match.score >= DEFAULT_THRESHOLD for match in pairs)
    print(f"namesakes: {found[True]} of {len(pairs)} pairs suggested")  # noqa: T201
    assert found[True] > 0


PAIRS = 150
REACHED_AT = ("contact.email", "contact.phone_mobile")
"""What the story of merges gives people, of which the data set knows nothing."""


def test_the_desk_suggests_exactly_what_the_rules_find_in_clear(database: Database) -> None:
    """Pairs of FEBRL 1, taken in as customers whom no address or number of theirs leads to."""
    d = desk()
    people = {row["rec_id"].strip(): row for row in rows("febrl_dataset1.csv.gz")}
    names = [name for name in sorted(people) if name.endswith("-org")][:PAIRS]
    names += [name.replace("-org", "-dup-0") for name in names]
    known = [
        {path: value for path, value in values(people[name], name).items() if path not in REACHED_AT} for name in names
    ]
    taken = flow.create_customers([flow.NewCustomer(values=one, lenient=True) for one in known], actor=d.crm, at=START)
    ids = [made.subject for made in taken.done]
    place = {one: number for number, one in enumerate(ids)}
    told = {(number, place[item.id]) for number, one in enumerate(ids)
            for item in merging.candidates(one, actor=d.ben, at=START, language="en")}  # fmt: skip
    catalogue = configuration(d.client).catalogue
    in_clear = candidates([record_of(catalogue, stands(d, one).values()) for one in ids])
    assert told == {way for pair in in_clear for way in ((pair.left, pair.right), (pair.right, pair.left))}
    right = {(number, (number + PAIRS) % len(ids)) for number in range(len(ids))}
    print(f"the desk: precision {len(told & right) / len(told):.3f}, recall {len(told & right) / len(right):.3f}")  # noqa: T201
    assert told <= right
    assert len(told & right) > 0.9 * len(right)
