"""What names a merged record goes to its survivor and says so; what names an erased one is refused with the reason."""

from pathlib import Path
from typing import Any

import pytest
from tests.cast import SECRET, START, Desk, soon
from tests.flow.join import merged_now
from tests.flow.test_forget import begun
from tests.flow.walk import LATER, holds, request_of

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.flow.asking import Gone
from changedesk.kinds import Edit
from changedesk.kinds.merge import MERGED_INTO
from changedesk.store import subjects
from changedesk.store.tx import look

DAYS = LATER.replace(day=20)
BUSINESS = flow.Terms(reason="correction_of_error", initiated_by="business")


def taken_in(d: Desk, name: str, *numbers: str) -> flow.Created:
    """A customer by a row of a source; the same row again once there is one."""
    new = flow.NewCustomer(
        values={
            "personal.name": f"Dana {name}", "contact.email": f"{name}@old.example",
            "contact.phone_mobile": "+1 202 555 0143",
        },
        accounts=[flow.NewAccount(number) for number in numbers],
        source=flow.SourceRow("crm", name, b"as it was"),
    )  # fmt: skip
    made = flow.create_customers([new], actor=d.crm, at=START).one()
    if not made.unchanged:
        flow.bind_factor(made.subject, SECRET, actor=d.crm, at=START)
    return made


@pytest.fixture
def pair(d: Desk) -> tuple[SubjectId, SubjectId]:
    """Two records by their rows, the second merged into the first."""
    into, merged = taken_in(d, "one").subject, taken_in(d, "two").subject
    merged_now(d, merged, into)
    return into, merged


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def told(merged: SubjectId, url: str, key: str | None = None) -> flow.RecordedChange:
    once = None if key is None else flow.Once(key, url.encode())
    return flow.RecordedChange(subject=merged, changes=[flow.FieldChange(path="contact.url", new=url)], once=once)


def test_a_recorded_change_goes_to_the_survivor_and_says_so(d: Desk, pair: tuple[SubjectId, SubjectId]) -> None:
    into, merged = pair
    items = [told(merged, "https://a.example/", "one"), told(into, "https://b.example/", "two")]
    for _ in range(2):
        first, second = flow.record_changes(items, actor=d.crm, at=DAYS).done
        assert (first.subject, first.merged_from, second.merged_from) == (into, merged, None)
    assert (first.replayed, second.version) == (True, first.version + 1)
    assert holds(d, into, "contact.url") == "https://b.example/"
    assert holds(d, merged, "contact.url") is None


def test_a_chain_of_merges_is_followed_to_its_end(d: Desk, pair: tuple[SubjectId, SubjectId]) -> None:
    into, merged = pair
    last = taken_in(d, "three").subject
    merged_now(d, into, last, DAYS)
    at = DAYS.replace(day=25)
    made = flow.record_changes([told(merged, "https://a.example/")], actor=d.crm, at=at).one()
    assert (made.subject, made.merged_from) == (last, merged)


def test_a_row_of_a_merged_customer_brings_its_account_to_the_survivor(
    d: Desk, pair: tuple[SubjectId, SubjectId]
) -> None:
    into, merged = pair
    again = taken_in(d, "two", "A-7")
    assert (again.subject, again.merged_from, again.unchanged) == (into, merged, True)
    with look(d.client) as seen:
        [holding] = subjects.holders_of(seen, again.accounts)
    assert (holding.customer, holding.until) == (into, None)
    assert taken_in(d, "one").merged_from is None


def test_a_line_of_a_batch_is_asked_of_the_survivor(d: Desk, pair: tuple[SubjectId, SubjectId]) -> None:
    into, merged = pair
    values = {"loyalty.number": (Edit("replace", ("L-100",)),)}
    rows = [flow.Asked(number=1, subject=merged, kind="loyalty", values=values),
            flow.Asked(number=2, subject=merged, kind="unmerge", values={"unmerge.change": "none"})]  # fmt: skip
    for became in (
        flow.preview_rows(rows, BUSINESS, actor=d.ben, at=DAYS),
        flow.enter_rows(
            flow.start_batch("m", bytes(32), actor=d.ben, at=DAYS).id, rows, BUSINESS, actor=d.ben, at=DAYS
        ),
    ):
        assert [one.row.outcome for one in became] == ["requested", "refused"]
        assert became[0].row.reasons == ((MERGED_INTO, ""),)
        assert became[1].refusal is not None
        assert became[1].refusal.code != "merged-away"
    assert request_of(d, became[0].row.ref).subject_id == into


@pytest.mark.parametrize("body", [b"as it was", b"another"])
def test_what_names_someone_who_was_erased_is_refused_with_the_reason(d: Desk, body: bytes) -> None:
    gone = taken_in(d, "one").subject
    at = soon(begun(d, gone))
    with pytest.raises(Gone):
        flow.record_changes([told(gone, "https://a.example/")], actor=d.crm, at=at).one()
    again = flow.NewCustomer(values={"personal.name": "Dana"}, source=flow.SourceRow("crm", "one", body))
    with pytest.raises(Gone):
        flow.create_customers([again], actor=d.crm, at=at).one()
    asked = [flow.Asked(number=1, subject=gone, kind="loyalty", values={"loyalty.number": (Edit("replace", ("L",)),)})]
    [line] = flow.preview_rows(asked, BUSINESS, actor=d.ben, at=at)
    assert [code for code, _ in line.row.reasons] == ["erased"]
