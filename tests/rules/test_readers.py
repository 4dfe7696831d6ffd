"""Readers who stand out among their peers: by numbers that a few bad readers cannot move, and never by small ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from changedesk.rules.readers import (
    COMPARED,
    HABIT_LEAST,
    LEAST,
    PEERS_LEAST,
    Reading,
    fits,
    outside,
    peers_of,
    unusual,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGENT = frozenset({"agent"})
CALM = Reading(
    actor="s1", roles=AGENT, team="one", days=20, customers=200, found=100, reveals=20, unasked=10, outside=0,
    own_name=0, colleagues=0,
)  # fmt: skip


def team(*more: Reading, size: int = 6) -> list[Reading]:
    return [*(replace(CALM, actor=f"s{number}") for number in range(1, size + 1)), *more]


def measures(readings: list[Reading], actor: str) -> dict[str, tuple[int, float | None, int]]:
    return {why.measure: (why.value, why.usual, why.peers) for why in unusual(readings)[actor]}


def test_who_looks_as_the_others_do_has_no_reason() -> None:
    assert set(unusual(team()).values()) == {()}


def test_who_opens_many_more_customers_than_peers_in_as_many_days_is_told_with_what_is_usual() -> None:
    odd = replace(CALM, actor="s9", days=10, customers=180, found=50)
    assert measures(team(odd), "s9") == {"customers": (180, 100.0, 6)}
    assert measures(team(replace(odd, days=20)), "s9") == {}  # in twice the days it is nothing


@given(st.sampled_from(COMPARED), st.integers(0, 2_000), st.integers(1, 60))
def test_a_reason_needs_more_than_the_least_and_more_than_chance(measure: str, value: int, days: int) -> None:
    changed: dict[str, Any] = {measure: value}
    odd = replace(CALM, actor="s9", days=days, **changed)
    for why in unusual(team(odd))["s9"]:
        assert why.value >= LEAST
        assert why.usual is not None
        assert why.value > why.usual + 3.5 * max(1.0, why.usual**0.5) - 1  # usual is rounded
        assert why.value == getattr(odd, why.measure)


def test_a_few_bad_readers_do_not_hide_one_another() -> None:
    bad = [replace(CALM, actor=f"s{number}", reveals=200) for number in (7, 8)]
    assert set(measures(team(*bad), "s7")) == {"reveals"}
    assert measures(team(*bad), "s1") == {}


def test_peers_have_the_same_roles_and_where_they_are_enough_the_same_team() -> None:
    others = [replace(CALM, actor=f"s2{number}", team="two", customers=900) for number in range(PEERS_LEAST)]
    lead = replace(CALM, actor="s30", roles=frozenset({"supervisor"}))
    readings = team(*others, lead)
    assert {one.team for one in peers_of(CALM, readings)} == {"one"}
    assert len(peers_of(others[0], readings)) == 8  # two of the own team are too few: all agents then
    assert peers_of(lead, readings) == []
    assert measures([replace(lead, customers=100_000), *team()], "s30") == {}  # nobody to compare with: no verdict


def test_namesakes_are_a_reason_however_many_the_others_have() -> None:
    odd = replace(CALM, actor="s9", own_name=1, colleagues=2)
    assert measures(team(odd), "s9") == {"own_name": (1, None, 0), "colleagues": (2, None, 0)}


def test_looks_at_hours_next_to_ones_own_are_usual_and_others_are_not() -> None:
    before = dict.fromkeys(range(9, 17), HABIT_LEAST)
    assert outside({8: 3, 12: 5, 17: 2}, before) == 0
    assert outside({3: 4, 7: 1, 12: 5}, before) == 5
    assert outside({1: 7}, {0: HABIT_LEAST, 5: 0}) == 0
    assert outside({23: 7, 6: 2}, {0: HABIT_LEAST, 5: 0}) == 2  # midnight has two neighbours; no look is no habit


def test_whose_habit_is_not_known_yet_has_no_unusual_hours() -> None:
    assert outside({3: 100}, {12: HABIT_LEAST - 1}) == 0


def test_a_time_is_certified_when_it_is_over_and_no_longer_than_a_quarter() -> None:
    assert fits(START, START + timedelta(days=92), START + timedelta(days=92))
    assert not fits(START, START + timedelta(days=92, seconds=1), START + timedelta(days=100))
    assert not fits(START, START + timedelta(days=2), START + timedelta(days=1))
    assert not fits(START, START, START + timedelta(days=1))
