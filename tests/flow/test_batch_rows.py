"""What is said of each row of a file: the cell that cannot be read, the hold that stops it, the concern."""

from uuid import uuid4

from tests.cast import START, Desk
from tests.flow.test_batch import BUSINESS, add, d, enter, orgs

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.kinds import Edit
from changedesk.rules.holds import EVERYTHING
from changedesk.store import evidence
from changedesk.store.begin import begin

__all__ = ["d", "orgs"]

UNREAD = flow.Terms(reason="correction_of_error", initiated_by="business")


def seen(d: Desk, *rows: flow.Asked, terms: flow.Terms = BUSINESS) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    found = flow.preview_rows(rows, terms, actor=d.sofia, at=START)
    return [(one.row.outcome, tuple(one.row.reasons)) for one in found]


def test_a_cell_that_cannot_be_read_is_named_with_what_is_wrong(d: Desk, orgs: list[SubjectId]) -> None:
    odd = {"org.established": (Edit("replace", ("9" * 5000,)),), "org.aliases": (Edit("add", ("C*en",)),)}
    rows = [add(2, orgs[0], values=odd), add(3, orgs[1])]
    (refused, asked) = seen(d, *rows)
    assert (refused[0], [path for _, path in refused[1]]) == ("refused", ["org.established"])
    assert refused[1][0][0] != "many-bad"
    assert asked == ("requested", ())
    _, became = enter(d, rows)
    assert [(one.row.outcome, tuple(one.row.reasons)) for one in became] == [refused, asked]


def test_a_row_that_a_hold_stops_is_refused_in_the_preview_as_it_would_be(d: Desk, orgs: list[SubjectId]) -> None:
    with begin(d.ines) as tx:
        hold = evidence.Hold(
            id=uuid4(), subject_id=orgs[0], request_id=None, blocks=(EVERYTHING,), rule="check", release="fraud",
            placed_by=d.ines.id, starts_at=START, ends_at=None,
        )  # fmt: skip
        evidence.place_holds(tx, [hold])
    rows = [add(2, orgs[0]), add(3, orgs[1])]
    found = seen(d, *rows)
    assert [(outcome, [code for code, _ in reasons]) for outcome, reasons in found] == [
        ("refused", ["on-hold"]), ("requested", []),
    ]  # fmt: skip
    _, became = enter(d, rows)
    assert [one.row.outcome for one in became] == ["refused", "requested"]


def test_a_concern_that_nobody_looked_into_stops_the_row(d: Desk, orgs: list[SubjectId]) -> None:
    row = add(2, orgs[0], "without its language")
    assert seen(d, row, terms=UNREAD) == [("refused", (("language_missing", "org.aliases"),))]
    assert seen(d, row) == [("requested", (("language_missing", "org.aliases"),))]
