from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.rules.deadline import (
    add_business_days,
    add_months,
    calendars,
    due,
    easter_sunday,
    parse,
)

US, UK, EU, PLAIN = (calendars()[name] for name in ("us-federal", "uk-england", "eu-target", "weekdays"))


@pytest.mark.parametrize(
    ("day", "amount", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 31), 24, date(2028, 12, 31)),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_months_last(day: date, amount: int, later: date) -> None:
    assert add_months(day, amount) == later


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 60))
def test_adding_months_lands_in_the_month_that_is_so_many_ahead(day: date, amount: int) -> None:
    later = add_months(day, amount)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == amount
    assert later.day <= day.day


@pytest.mark.parametrize(
    ("calendar", "holidays"),
    [
        (US, ["2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-09-07"]),
        (US, ["2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25", "2021-12-31", "2022-12-26", "2023-01-02"]),
        (UK, ["2026-01-01", "2026-04-03", "2026-04-06", "2026-05-04", "2026-05-25", "2026-08-31", "2026-12-28"]),
        (UK, ["2022-06-02", "2022-06-03", "2022-09-19", "2022-12-26", "2022-12-27", "2022-01-03", "2021-12-28"]),
        (EU, ["2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25"]),
    ],
)
def test_holidays_are_no_business_days(calendar: object, holidays: list[str]) -> None:
    assert [day for day in holidays if calendar.is_business_day(date.fromisoformat(day))] == []  # type: ignore[attr-defined]  # a calendar


def test_days_that_are_holidays_elsewhere_or_were_moved_away_are_business_days() -> None:
    assert US.is_business_day(date(2026, 4, 3))
    assert UK.is_business_day(date(2022, 5, 30))
    assert UK.is_business_day(date(2020, 5, 4))
    assert US.is_business_day(date(2026, 12, 31))
    assert not PLAIN.is_business_day(date(2026, 3, 7))
    assert PLAIN.is_business_day(date(2026, 12, 25))


@pytest.mark.parametrize(
    "day", ["1961-04-02", "2000-04-23", "2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05", "2038-04-25"]
)
def test_easter(day: str) -> None:
    assert easter_sunday(int(day[:4])).isoformat() == day


@given(st.integers(1900, 2200))
def test_easter_is_a_sunday_of_spring(year: int) -> None:
    found = easter_sunday(year)
    assert found.weekday() == 6
    assert date(year, 3, 22) <= found <= date(year, 4, 25)


def test_business_days_skip_weekends_and_holidays() -> None:
    assert add_business_days(date(2026, 12, 23), 3, US) == date(2026, 12, 29)
    assert add_business_days(date(2026, 12, 23), 3, PLAIN) == date(2026, 12, 28)
    assert add_business_days(date(2026, 3, 7), 0, US) == date(2026, 3, 7)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 60))
def test_so_many_business_days_lie_behind_the_due_day(day: date, amount: int) -> None:
    last = add_business_days(day, amount, US)
    passed = sum(US.is_business_day(day + timedelta(days=step)) for step in range(1, (last - day).days + 1))
    assert passed == amount


def test_a_period_ends_with_its_last_second_where_the_calendar_is() -> None:
    received = datetime(2026, 3, 2, 3, tzinfo=UTC)  # still the first of March in New York
    assert due(received, 2, "days", US) == datetime(2026, 3, 4, 4, 59, 59, tzinfo=UTC)
    assert due(received, 2, "days", PLAIN) == datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC)


def test_a_period_over_the_change_of_clocks_ends_at_the_local_midnight_of_then() -> None:
    received = datetime(2026, 3, 6, 15, tzinfo=UTC)
    assert due(received, 1, "days", US) == datetime(2026, 3, 8, 4, 59, 59, tzinfo=UTC)
    assert due(received, 2, "days", US) == datetime(2026, 3, 9, 3, 59, 59, tzinfo=UTC)
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert due(autumn, 1, "days", EU) == datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)


def test_hours_are_hours_whatever_the_clocks_do() -> None:
    received = datetime(2026, 3, 7, 20, tzinfo=UTC)
    assert due(received, 24, "hours", US) == received + timedelta(hours=24)


def test_a_calendar_is_read_from_its_table_and_what_the_table_leaves_out_is_usual() -> None:
    plain = parse("plain", {"zone": "Europe/Berlin"})
    assert (plain.name, str(plain.zone)) == ("plain", "Europe/Berlin")
    assert [plain.is_business_day(date(2026, 3, day)) for day in (6, 7, 8, 9)] == [True, False, False, True]
    full = parse(
        "full",
        {
            "zone": "UTC",
            "weekend": [4, 5],
            "fixed": [{"month": 5, "day": 3, "observed": "next"}],
            "nth": [{"month": 5, "nth": -1, "weekday": 0}],
            "easter": [1],
            "extra": [date(2026, 3, 4)],
            "omitted": [date(2026, 4, 6)],
        },
    )
    free = [date(2026, 3, 4), date(2026, 3, 6), date(2026, 5, 3), date(2026, 5, 25), date(2027, 3, 29)]
    assert [day for day in free if full.is_business_day(day)] == []
    assert full.is_business_day(date(2026, 3, 8))
    assert full.is_business_day(date(2026, 4, 6))


def test_a_holiday_on_a_free_day_is_observed_as_its_calendar_says() -> None:
    def off(observed: str, year: int, *fixed: tuple[int, int]) -> list[str]:
        rules = [{"month": month, "day": day, "observed": observed} for month, day in fixed]
        calendar = parse(f"{observed}{fixed}", {"zone": "UTC", "fixed": rules})
        days = (date(year, fixed[0][0], 1) + timedelta(days=step) for step in range(31))
        return [day.isoformat()[5:] for day in days if day.weekday() < 5 and not calendar.is_business_day(day)]

    assert off("nearest", 2026, (7, 4)) == ["07-03"]  # a Saturday
    assert off("nearest", 2027, (7, 4)) == ["07-05"]  # a Sunday
    assert off("next", 2027, (12, 25), (12, 26)) == ["12-27", "12-28"]  # Saturday and Sunday
    assert off("", 2027, (12, 25), (12, 27)) == ["12-27"]
    assert off("next", 2026, (12, 25)) == ["12-25"]
    # New Year's Day of 2022 was a Saturday: the day before is free, though it is of the year before.
    new_year = parse("new year", {"zone": "UTC", "fixed": [{"month": 1, "day": 1, "observed": "nearest"}]})
    assert not new_year.is_business_day(date(2021, 12, 31))
    assert new_year.is_business_day(date(2020, 12, 31))
    fifth = parse("fifth", {"zone": "UTC", "fixed": [{"month": 1, "day": 1}]})
    assert fifth.is_business_day(date(2021, 12, 31))


def test_a_period_in_months_or_business_days_ends_where_the_calendar_is() -> None:
    received = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    assert due(received, 1, "months", PLAIN) == datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    assert due(received, 1, "months", EU) == datetime(2026, 3, 1, 22, 59, 59, tzinfo=UTC)  # the first in Berlin
    assert due(received, 2, "business_days", PLAIN) == datetime(2026, 2, 3, 23, 59, 59, tzinfo=UTC)
    assert due(received, 0, "hours", PLAIN).tzinfo is UTC
