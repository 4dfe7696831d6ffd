"""What the law keeps outlasts a wish to be forgotten; time alone ends nothing before the last rule has let go."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.rules.making import ASK, NOON, rule

from changedesk.rules import obligations as duty
from changedesk.rules.forgetting import Decision, Keeping, Verdict, keepings, possible_from, standing
from changedesk.rules.policy import Rule, Scope, Status
from changedesk.rules.retention import RetentionClass

CLASSES = {
    "event": RetentionClass("event", 2, 8, "event"),
    "closed": RetentionClass("closed", 1, None, "closure"),
}
# Half an hour before midnight in UTC is the next day in Berlin.
STARTED = datetime(2024, 2, 28, 23, 30, tzinfo=UTC)
FIVE = rule("LAW-5", duty.Retain("event", 5))
HOUSE = rule("HOUSE-9", duty.Retain("event", 9), status=Status.STANDARD)
OPEN = rule("LAW-OPEN", duty.Retain("closed", 3), scope=Scope(categories=frozenset({"contact.*"})))


def kept(*rules: Rule, law_only: bool = True, zone: str = "UTC", **starts: datetime | None) -> list[Keeping]:
    return keepings(rules, ASK, CLASSES, {"event": STARTED, **starts}, zone=zone, law_only=law_only)


def test_a_rule_keeps_from_its_start_event_and_no_longer_than_the_class_lets_it() -> None:
    assert kept(FIVE) == [Keeping("LAW-5", "event", date(2029, 2, 28), date(2032, 2, 28))]
    assert kept(FIVE, zone="Europe/Berlin") == [Keeping("LAW-5", "event", date(2029, 2, 28), date(2032, 2, 29))]
    limited = rule("LAW-6", duty.Retain("event", 1, 6))
    assert kept(limited) == [Keeping("LAW-6", "event", date(2026, 2, 28), date(2030, 2, 28))]
    closed = datetime(2025, 6, 1, tzinfo=UTC)
    assert kept(OPEN, closure=closed) == [Keeping("LAW-OPEN", "closed", date(2028, 6, 1), None)]


def test_what_has_not_begun_to_count_has_no_end_and_lasts_longest() -> None:
    assert kept(OPEN, FIVE, closure=None) == [
        Keeping("LAW-5", "event", date(2029, 2, 28), date(2032, 2, 28)),
        Keeping("LAW-OPEN", "closed", None),
    ]
    assert kept(OPEN) == [Keeping("LAW-OPEN", "closed", None)]


def test_the_longest_keeps_and_of_equals_the_order_is_by_name() -> None:
    seven, also = rule("LAW-7", duty.Retain("event", 7)), rule("LAW-4", duty.Retain("event", 5))
    assert [one.rule for one in kept(seven, FIVE, also)] == ["LAW-4", "LAW-5", "LAW-7"]


def test_a_wish_gives_way_to_law_alone() -> None:
    assert kept(HOUSE) == []
    assert [one.rule for one in kept(HOUSE, FIVE, law_only=False)] == ["LAW-5", "HOUSE-9"]
    soon = rule("LAW-SOON", duty.Retain("event", 5), status=Status.NOT_YET_EFFECTIVE, default_on=True)
    assert [one.rule for one in kept(HOUSE, soon, FIVE)] == ["LAW-5", "LAW-SOON"]


@pytest.mark.parametrize(
    "other",
    [
        replace(FIVE, effective_from=date(2026, 3, 3)),
        replace(FIVE, effective_to=date(2026, 3, 1)),
        replace(FIVE, status=Status.VACATED),
        replace(FIVE, scope=Scope(categories=frozenset({"payment.*"}))),
        rule("LAW-MASK", duty.HumanReview()),
    ],
)
def test_a_rule_that_is_out_of_force_or_about_something_else_keeps_nothing(other: Rule) -> None:
    assert [one.rule for one in kept(other, HOUSE, OPEN, law_only=False)] == ["HOUSE-9", "LAW-OPEN"]


def test_a_rule_on_a_deed_keeps_what_the_deed_is_about() -> None:
    deed = rule("LAW-DEED", duty.Retain("event", 5), scope=Scope(categories=frozenset({"contact.update"})))
    assert [one.rule for one in kept(deed)] == ["LAW-DEED"]


def test_a_rule_stands_until_the_day_on_which_the_field_may_go() -> None:
    found = kept(FIVE, HOUSE, law_only=False)
    assert standing(found, now=NOON) == found[1]
    assert standing(found[:1], now=datetime(2029, 2, 27, 23, 59, tzinfo=UTC)) == found[0]
    assert standing(found[:1], now=datetime(2029, 2, 28, tzinfo=UTC)) is None
    assert standing(found[:1], now=datetime(2029, 2, 27, 23, 59, tzinfo=UTC), zone="Europe/Berlin") is None
    endless = Keeping("LAW-OPEN", "closed", None)
    assert standing([*found, endless], now=datetime(2999, 1, 1, tzinfo=UTC)) == endless


def test_the_first_day_is_named_on_which_something_may_go() -> None:
    days = [date(2030, 1, 2), None, date(2029, 1, 2)]
    assert possible_from(Decision("a", Verdict.KEEP, until=day) for day in days) == date(2029, 1, 2)
    assert possible_from([Decision("a", Verdict.ERASE)]) is None
    assert possible_from([]) is None
