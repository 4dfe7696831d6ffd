"""How long something is kept: years, months and days as laws count them, over month ends, leap days and offsets."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.rules import retention
from changedesk.rules.obligations import Retain
from changedesk.rules.retention import Disposal, RetentionClass
from changedesk.rules.route import Route
from changedesk.rules.term import Term, least, most

terms = st.builds(Term, years=st.integers(0, 30), months=st.integers(0, 30), days=st.integers(0, 400))
days = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("began", "term", "over"),
    [
        (date(2026, 8, 31), Term(months=6), date(2027, 2, 28)),
        (date(2027, 8, 31), Term(months=6), date(2028, 2, 29)),
        (date(2026, 8, 30), Term(months=6, days=1), date(2027, 3, 1)),
        (date(2028, 2, 29), Term(years=1), date(2029, 2, 28)),
        (date(2028, 2, 29), Term(years=4), date(2032, 2, 29)),
        (date(2028, 2, 29), Term(days=366), date(2029, 3, 1)),
        (date(2026, 12, 31), Term(days=1), date(2027, 1, 1)),
        (date(2026, 1, 31), Term(1, 1, 1), date(2027, 3, 1)),
        (date(2026, 5, 5), Term(), date(2026, 5, 5)),
    ],
)
def test_a_term_is_over_on_the_day_that_the_calendar_says(began: date, term: Term, over: date) -> None:
    assert term.after(began) == over


def test_twelve_months_are_a_year_and_say_so() -> None:
    assert Term(months=12) == Term(1)
    assert hash(Term(months=12)) == hash(Term(1))
    assert Term(1) != 1
    assert Term(months=6) < Term(days=183) < Term(months=7)
    assert Term(1) >= Term(days=365)
    assert (bool(Term()), bool(Term(days=1))) == (False, True)
    assert str(Term(1, 6, 2)) == "1 year and 6 months and 2 days"
    assert str(Term()) == "no time"
    with pytest.raises(ValueError, match="not negative"):
        Term(days=-1)


@given(terms, terms, days)
def test_the_longer_of_two_terms_ends_later_but_for_the_length_of_a_month(one: Term, other: Term, began: date) -> None:
    longer, shorter = max(one, other), min(one, other)
    # Where months are compared with days, what the calendar makes of them differs by some days at most.
    assert longer.after(began) >= shorter.after(began) - timedelta(days=6)


@given(terms, terms)
def test_terms_have_one_order(one: Term, other: Term) -> None:
    assert (one < other, one == other, one > other).count(True) == 1
    assert (one <= other) is not (one > other)


def test_at_least_and_at_most_are_said_in_any_unit_or_not_at_all() -> None:
    half = RetentionClass("half", months_min=6, months_max=6)
    assert (least(half), most(half)) == (Term(months=6), Term(months=6))
    assert most(RetentionClass("open", 1)) is None
    assert most(Retain("short", days_max=90)) == Term(days=90)
    with pytest.raises(ValueError, match="at least 1 year and at most 6 months"):
        RetentionClass("odd", 1, months_max=6)


def test_what_must_go_after_six_months_goes_at_midnight_of_the_client() -> None:
    half = RetentionClass("trader", months_min=6, months_max=6, start="closure")
    closed = datetime(2026, 8, 30, 22, 30, tzinfo=UTC)  # the 31st in Berlin
    over = datetime(2027, 2, 27, 23, tzinfo=UTC)  # the 28th begins in Berlin
    found = [
        retention.disposal(half, closed, now=moment, zone="Europe/Berlin")
        for moment in (over - timedelta(microseconds=1), over)
    ]
    assert found == [Disposal.KEEP, Disposal.MUST_GO]


@pytest.mark.parametrize(
    ("shortest", "longest", "becomes"),
    [
        (Term(), None, (Term(months=6), Term(1))),
        (Term(days=200), None, (Term(days=200), Term(1))),
        (Term(), Term(days=300), (Term(months=6), Term(days=300))),
        (Term(2), None, (Term(2), Term(2))),
        (Term(), Term(months=1), (Term(months=6), Term(months=6))),
    ],
)
def test_a_rules_months_and_days_lengthen_and_shorten_a_class(
    shortest: Term, longest: Term | None, becomes: tuple[Term, Term]
) -> None:
    kept = RetentionClass("kept", months_min=6, months_max=12)
    route = Route(level=0, approvals=0, retention_class="kept", retention_least=shortest, retention_most=longest)
    found = retention.class_of(route, {"kept": kept})
    assert (least(found), most(found)) == becomes
