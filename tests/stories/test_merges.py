"""Ten pairs of real duplicates are merged, edited and parted: what can be restored is, and the rest is listed."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cast import SECRET, START, Desk, desk, soon
from tests.flow.join import merged_now, unmerged_now
from tests.flow.walk import LATER, holds, record, stands
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.ledger.value import decode_value
from changedesk.reading import merging
from changedesk.store import past
from changedesk.store.tx import look

DATA = Path(__file__).parents[3] / "shared" / "data" / "duplicates" / "febrl_dataset1.csv.gz"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_file(), reason="the folder ../shared/data with the real files is not here"),
]
PAIRS = 10
Row = Mapping[str, str]


def pairs() -> Iterator[tuple[Row, Row]]:
    """Originals with their duplicates, in the order of the file, as long as both can be written to."""
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        rows = {row["rec_id"].strip(): row for row in csv.DictReader(file, skipinitialspace=True)}
    for name in sorted(rows):
        twin = rows.get(name.replace("-org", "-dup-0"))
        if name.endswith("-org") and twin is not None and rows[name]["given_name"] and twin["given_name"]:
            yield rows[name], twin


def values(row: Row, place: str) -> dict[str, object]:
    """What the row says, and a way to reach the person, which the data set does not have."""
    given: dict[str, object] = {
        "personal.name": f"{row['given_name']} {row['surname']}".strip(),
        "contact.email": f"{place}@people.example",
        "contact.phone_mobile": "+1 202 555 0143",
    }
    born = row["date_of_birth"].strip()
    if len(born) == 8 and "1900" < born[:4] < "2010" and "01" <= born[4:6] <= "12" and "01" <= born[6:] <= "28":
        given["personal.birth_date"] = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    if row["address_1"]:
        lines = f"{row['street_number']} {row['address_1']}".strip()
        given["contact.postal_address"] = {
            "country": "AU", "lines": lines, "city": row["suburb"].strip() or "Sydney",
            "region": (row["state"].strip() or "nsw").upper(), "postal_code": row["postcode"].strip().zfill(4),
        }  # fmt: skip
    return given


@pytest.fixture(scope="module")
def story() -> list[tuple[Row, Row]]:
    return [pair for pair, _ in zip(pairs(), range(PAIRS), strict=False)]


def taken_in(d: Desk, row: Row, place: str) -> SubjectId:
    new = flow.NewCustomer(values=values(row, place), accounts=[flow.NewAccount(f"N-{place}")], lenient=True)
    made = flow.create_customers([new], actor=d.crm, at=START).one()
    flow.bind_factor(made.subject, SECRET, actor=d.crm, at=START)
    return made.subject


def test_ten_real_duplicates_are_merged_edited_and_parted(database: Database, story: list[tuple[Row, Row]]) -> None:
    d = desk()
    told: list[tuple[int, int, int]] = []
    how = flow.How(reason="duplicate_account", channel=Channel.PHONE)
    for number, (one, two) in enumerate(story):
        mine, theirs = taken_in(d, one, f"o{number}"), taken_in(d, two, f"d{number}")
        before = {who: stands(d, who).values() for who in (mine, theirs)}
        at = LATER + timedelta(days=20 * number)
        taken = [item.path for item in flow.preview_merge(theirs, mine, how, actor=d.ben, at=at).choices]
        choices = dict.fromkeys(taken, "merged")
        done = merged_now(d, theirs, mine, at, choices=choices)
        assert {path: holds(d, mine, path) for path in taken} == {path: before[theirs].get(path) for path in taken}
        edited = _edit(d, mine, taken, number, at + timedelta(days=2))
        again = at + timedelta(days=4)
        unmerged_now(d, done.change, theirs, again)
        work = {
            item.what: item.why
            for item in merging.work_list(actor=d.ines, language="en", limit=100)
            if item.merged == theirs
        }
        assert work == edited
        restored = stands(d, mine).values()
        assert {path: restored.get(path) for path in before[mine] if path not in edited} == {
            path: value for path, value in before[mine].items() if path not in edited
        }
        assert set(restored) - set(before[mine]) == {path for path in edited if path not in before[mine]}
        left = stands(d, theirs).values()
        assert {path: left[path] for path in before[theirs]} == before[theirs]
        for who in (mine, theirs):
            _folds(d, who, soon(again, 60 * 48))
        told.append((len(taken), len(set(taken) - set(edited)), len(work)))
    assert len(told) == PAIRS
    print(*(f"{n}: {a} fields merged, {b} restored, {c} listed" for n, (a, b, c) in enumerate(told)), sep="\n")  # noqa: T201


def _edit(d: Desk, mine: SubjectId, taken: list[str], number: int, at: object) -> dict[str, str]:
    """Every second pair is edited while merged: a field that came with the merge, and one that did not."""
    if number % 2 == 0:
        return {}
    record(d, mine, {"contact.url": f"https://{number}.example/"}, at=at)  # type: ignore[arg-type]
    found = {"contact.url": "changed_while_merged"}
    if "contact.email" in taken and number % 4 == 1:
        record(d, mine, {"contact.email": f"moved{number}@people.example"}, at=at)  # type: ignore[arg-type]
        found["contact.email"] = "changed_since"
    return found


def _folds(d: Desk, who: SubjectId, at: object) -> None:
    """The state is what the history says, version by version."""
    with look(d.client) as seen:
        now = stands(d, who)
        version, texts = past.as_of(seen, now, known_at=at, valid_at=at)  # type: ignore[arg-type]
    assert version == now.ver
    assert {path: decode_value(text) for path, text in texts.items()} == now.values()
