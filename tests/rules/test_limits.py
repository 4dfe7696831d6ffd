"""Limits of a client: within bounds, whole numbers, and what is left out stays."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.rules.limits import BOUNDS, Limits, LimitUnfit, read


def test_without_a_word_of_the_client_the_limits_are_those_of_the_house() -> None:
    assert read({}) == Limits() == Limits(30, 120, 50_000, 60)
    assert BOUNDS.keys() == asdict(Limits()).keys()


def test_what_is_left_out_stays_as_it_stands() -> None:
    standing = Limits(reveals_an_hour=5, glass_minutes=15)
    assert read({"export_entries": 10}, standing) == Limits(5, 120, 10, 15)


@given(st.sampled_from(sorted(BOUNDS)), st.integers(-5, 60_000))
def test_a_limit_is_taken_within_its_bounds_and_nowhere_else(name: str, value: int) -> None:
    least, most = BOUNDS[name]
    standing = Limits(reveals_an_hour=1, reveals_a_day=1_000)
    if least <= value <= most:
        assert asdict(read({name: value}, standing)) == {**asdict(standing), name: value}
    else:
        with pytest.raises(LimitUnfit) as refused:
            read({name: value}, standing)
        assert refused.value.data == {"limit": name, "least": least, "most": most}


@pytest.mark.parametrize("value", [True, "20", 20.0, None])
def test_a_limit_is_a_whole_number(value: object) -> None:
    with pytest.raises(LimitUnfit):
        read({"glass_minutes": value})


def test_a_limit_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(LimitUnfit) as refused:
        read({"reveals_a_week": 3})
    assert refused.value.data == {"limit": "reveals_a_week", "known": list(BOUNDS)}


def test_a_day_allows_no_fewer_reveals_than_an_hour() -> None:
    assert read({"reveals_an_hour": 120}).reveals_an_hour == 120
    with pytest.raises(LimitUnfit) as refused:
        read({"reveals_a_day": 29})
    assert refused.value.data == {"limit": "reveals_a_day", "least": 30, "most": 1_000}
