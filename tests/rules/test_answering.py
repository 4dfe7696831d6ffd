"""By when a data-subject request is answered: month ends, leap days, holidays, zones, more time, and stopped clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.making import rule

from changedesk import packs
from changedesk.base.actor import Channel
from changedesk.rules import answering, rights
from changedesk.rules.answering import Clock, Law, Stop
from changedesk.rules.deadline import calendars
from changedesk.rules.obligations import Respond
from changedesk.rules.rights import Right
from changedesk.rules.rule import Scope

GDPR = Clock("answer", "EU-GDPR-12", 1, 1, "months", "weekdays", 2)
CCPA = Clock("answer", "US-CA-7021", 1, 45, "days", "us-federal", 45)
UK = Clock("answer", "UK-DUAA-SAR", 1, 1, "months", "uk-england", 2, ("clarification", "identity"))
FIRM = Clock("answer", "BR-LGPD", 1, 15, "days", "br")
MOMENTS = st.integers(0, 70 * 365 * 86_400).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def at(*day: int) -> datetime:
    return datetime(*day, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day and on


def of(right: Right, *places: str, industry: str = "retail", when: datetime | None = None) -> Law:
    return answering.law(
        packs.load([industry]).rules,
        right,
        industries=[industry],
        jurisdictions={part for place in places for part in (place, place.split("-")[0])},
        channel=Channel.PHONE,
        received_at=when or at(2026, 8, 3, 12),
    )


def due_day(law: Law, when: datetime, zone: str, *, extended: bool = False) -> tuple[date, str]:
    found = answering.answer_by(law.clocks, when, extended=extended, now=when)
    return found.at.astimezone(ZoneInfo(zone)).date(), found.rule


@pytest.mark.parametrize(
    ("received", "day", "longer"),
    [
        (at(2026, 1, 31, 9), date(2026, 2, 28), date(2026, 4, 30)),
        (at(2028, 1, 31, 9), date(2028, 2, 29), date(2028, 4, 30)),
        (at(2026, 8, 31, 9), date(2026, 9, 30), date(2026, 11, 30)),
        (at(2026, 12, 31, 23, 59), date(2027, 1, 31), date(2027, 3, 31)),
        (at(2024, 2, 29, 0), date(2024, 3, 29), date(2024, 5, 29)),
    ],
)
def test_a_month_of_the_gdpr_ends_as_the_calendar_has_it(received: datetime, day: date, longer: date) -> None:
    assert answering.answer_by([GDPR], received, now=received).at.date() == day
    assert answering.may_extend([GDPR], received, extended=False, stops=(), now=received).at.date() == longer


@pytest.mark.parametrize(
    ("right", "place", "industry", "zone", "rule", "day", "longer"),
    [
        (Right.ACCESS, "EU", "retail", "UTC", "EU-GDPR-12", date(2026, 9, 3), date(2026, 11, 3)),
        (Right.ACCESS, "GB", "retail", "Europe/London", "UK-DUAA-SAR", date(2026, 9, 3), date(2026, 11, 3)),
        (Right.ERASURE, "GB", "retail", "Europe/London", "UK-GDPR-12", date(2026, 9, 3), date(2026, 11, 3)),
        (Right.ERASURE, "US-CA", "retail", "America/New_York", "US-CA-7021", date(2026, 9, 17), date(2026, 11, 1)),
        (Right.RECTIFICATION, "US-CO", "retail", "America/New_York", "US-STATES-CORRECT", date(2026, 9, 17),
         date(2026, 11, 1)),
        (Right.ACCESS, "US", "healthcare", "America/New_York", "US-HIPAA-524", date(2026, 9, 2), date(2026, 10, 2)),
        (Right.AMENDMENT, "US", "healthcare", "America/New_York", "US-HIPAA-526", date(2026, 10, 2),
         date(2026, 11, 1)),
        (Right.ACCOUNTING, "US", "healthcare", "America/New_York", "US-HIPAA-528", date(2026, 10, 2),
         date(2026, 11, 1)),
        (Right.ACCESS, "US", "education", "America/New_York", "US-FERPA-10", date(2026, 9, 17), None),
        (Right.AMENDMENT, "US", "education", "America/New_York", "US-FERPA-20", date(2026, 9, 17), None),
        (Right.RECTIFICATION, "BR", "retail", "America/Sao_Paulo", "BR-LGPD", date(2026, 8, 18), None),
        (Right.RECTIFICATION, "AU", "retail", "UTC", "AU-APP13", date(2026, 9, 2), None),
        (Right.RECTIFICATION, "CA", "retail", "UTC", "CA-PIPEDA", date(2026, 9, 2), None),
        (Right.OPT_OUT, "US-CA", "retail", "UTC", "US-CANSPAM", date(2026, 8, 18), None),
        (Right.ACCESS, "JP", "retail", "UTC", "HOUSE-ANSWER", date(2026, 9, 2), date(2026, 10, 2)),
    ],
)  # fmt: skip
def test_each_law_has_its_own_clock(
    right: Right, place: str, industry: str, zone: str, rule: str, day: date, longer: date | None
) -> None:
    when, law = at(2026, 8, 3, 12), of(right, place, industry=industry)
    assert due_day(law, when, zone) == (day, rule)
    if longer is None:
        with pytest.raises(answering.ExtensionNotGiven):
            answering.may_extend(law.clocks, when, extended=False, stops=(), now=when)
    else:
        assert due_day(law, when, zone, extended=True) == (longer, rule)


def test_ten_business_days_to_acknowledge_leave_out_weekends_and_holidays() -> None:
    found = answering.acknowledge_by(of(Right.ACCESS, "US-CA").clocks, at(2026, 11, 20, 17))
    assert found is not None
    # Thanksgiving and two weekends lie between.
    assert found.at.astimezone(ZoneInfo("America/New_York")).date() == date(2026, 12, 7)
    assert found.rule == "US-CA-7021"
    assert answering.acknowledge_by(of(Right.ACCESS, "EU").clocks, at(2026, 11, 20)) is None


def test_receipt_counts_in_the_zone_of_the_law() -> None:
    """What comes in at three in the morning in London is still yesterday's in New York."""
    found = answering.answer_by([CCPA], at(2026, 8, 4, 3), now=at(2026, 8, 4, 3))
    assert found.at == datetime(2026, 9, 17, 23, 59, 59, tzinfo=ZoneInfo("America/New_York"))


def test_of_several_laws_the_strictest_wins_and_is_named() -> None:
    law = of(Right.ACCESS, "EU", "US-CA", "BR")
    assert {"EU-GDPR-12", "US-CA-7021", "BR-LGPD-19"} <= {clock.rule for clock in law.clocks}
    assert due_day(law, at(2026, 8, 3, 12), "America/Sao_Paulo") == (date(2026, 8, 18), "BR-LGPD-19")


def test_an_extension_is_taken_once_in_time_and_where_every_law_gives_one() -> None:
    when = at(2026, 8, 3)
    with pytest.raises(answering.ExtendedBefore):
        answering.may_extend([GDPR], when, extended=True, stops=(), now=when)
    with pytest.raises(answering.ExtensionLate) as late:
        answering.may_extend([GDPR], when, extended=False, stops=(), now=at(2026, 9, 4))
    assert late.value.data["due"] == datetime(2026, 9, 3, 23, 59, 59, tzinfo=UTC)
    with pytest.raises(answering.ExtensionNotGiven) as firm:
        answering.may_extend([GDPR, FIRM], when, extended=False, stops=(), now=when)
    assert firm.value.data["rule"] == "BR-LGPD"


def test_the_clock_stops_only_where_its_law_stops_it() -> None:
    when, stops = at(2026, 8, 3), [Stop("clarification", at(2026, 8, 10), at(2026, 8, 17))]
    assert answering.answer_by([UK], when, stops=stops, now=at(2026, 9, 1)).at.date() == date(2026, 9, 10)
    assert answering.answer_by([GDPR], when, stops=stops, now=at(2026, 9, 1)).at.date() == date(2026, 9, 3)
    assert answering.answer_by([UK, GDPR], when, stops=stops, now=at(2026, 9, 1)).rule == "EU-GDPR-12"
    answering.may_pause([UK, Clock("acknowledge", "X", 1, 1, "days")], "identity")
    with pytest.raises(answering.PauseNotGiven) as refused:
        answering.may_pause([UK, GDPR], "clarification")
    assert refused.value.data["rule"] == "EU-GDPR-12"
    with pytest.raises(answering.PauseNotGiven):
        answering.may_pause(of(Right.ERASURE, "GB").clocks, "clarification")
    answering.may_pause(of(Right.ERASURE, "GB").clocks, "identity")


def test_while_the_person_is_asked_the_answer_moves_away_with_every_day() -> None:
    when, stops = at(2026, 8, 3), [Stop("identity", at(2026, 8, 10))]
    ends = [answering.answer_by([UK], when, stops=stops, now=at(2026, 8, day)).at for day in (10, 11, 20)]
    assert [(end - ends[0]).days for end in ends] == [0, 1, 10]
    answering.may_extend([UK], when, extended=False, stops=stops, now=at(2026, 9, 20))


def test_a_clock_is_what_its_rule_gives_and_the_house_gives_one_where_none_does() -> None:
    waits = Respond("honour", 10, "business_days", "us-federal", 5, frozenset({"identity", "clarification"}))
    mine = rule("LAW-A", waits, Respond("acknowledge", 5, "days"), Respond("correct", 1, "days"), version=7)
    other = replace(mine, id="LAW-B", scope=Scope(jurisdictions=frozenset({"BR"})))
    asked: dict[str, Any] = {"industries": ["retail"], "jurisdictions": ["EU"], "received_at": at(2026, 8, 3)}
    found = answering.law([mine, other], Right.ACCESS, channel=Channel.PHONE, **asked)
    assert found.clocks == (
        Clock("acknowledge", "LAW-A", 7, 5, "days"),
        Clock("honour", "LAW-A", 7, 10, "business_days", "us-federal", 5, ("clarification", "identity")),
    )
    later = [replace(mine, effective_from=date(2026, 8, 4))]
    nothing = answering.law(later, Right.ACCESS, channel=Channel.PHONE, **asked)
    assert nothing.clocks == (Clock("answer", answering.HOUSE, 1, 30, "days", extend=30),)


def test_an_appeal_has_a_clock_where_the_law_gives_one() -> None:
    asked = at(2026, 8, 3, 12)
    found = {place: answering.appeal_by(of(Right.ACCESS, place).clocks, asked) for place in ("US-VA", "US-CO", "EU")}
    assert found["EU"] is None
    told = {place: (one.at.date() - timedelta(days=1), one.rule) for place, one in found.items() if one is not None}
    assert told == {"US-VA": (date(2026, 10, 2), "US-STATES-APPEAL"), "US-CO": (date(2026, 9, 17), "US-CO-APPEAL")}


def test_nobody_proves_who_they_are_to_say_no_to_marketing_and_everybody_before_data_is_handed_over() -> None:
    assert of(Right.OPT_OUT, "US-CA").level == 0
    assert of(Right.OBJECTION, "EU").level == 0
    assert [of(right, "EU").level for right in (Right.ACCESS, Right.PORTABILITY, Right.ERASURE)] == [2, 2, 2]
    assert of(Right.RECTIFICATION, "EU").level == 1


@given(MOMENTS, st.integers(0, 40), st.integers(0, 40), st.sampled_from([GDPR, CCPA, UK, FIRM]))
def test_more_time_and_stops_never_bring_an_answer_forward(when: datetime, wait: int, stop: int, clock: Clock) -> None:
    now = when + timedelta(days=wait + stop)
    stops = [Stop("identity", when + timedelta(days=wait), now)]
    plain = answering.answer_by([clock], when, now=now).at
    assert plain > when
    assert answering.answer_by([clock], when, stops=stops, now=now).at >= plain
    assert answering.answer_by([clock], when, extended=True, now=now).at >= plain
    both = answering.answer_by([clock, GDPR], when, stops=stops, now=now)
    assert both.at == min(answering.answer_by([one], when, stops=stops, now=now).at for one in (clock, GDPR))


@given(MOMENTS, st.sampled_from([GDPR, CCPA, UK, FIRM]))
def test_days_left_reach_zero_on_the_last_day(when: datetime, clock: Clock) -> None:
    zone = calendars()[clock.calendar].zone
    end = answering.answer_by([clock], when, now=when).at
    assert answering.days_left(end, now=end, zone=zone) == 0
    assert answering.days_left(end, now=end + timedelta(seconds=1), zone=zone) == -1
    assert answering.days_left(end, now=when, zone=zone) > 0


def test_a_clock_is_stored_as_plain_data_and_read_again() -> None:
    assert Clock.read(UK.plain()) == UK


def test_a_request_without_any_clock_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="clock"):
        answering.answer_by([], at(2026, 8, 3), now=at(2026, 8, 3))


def test_a_pack_names_only_what_a_clock_can_stop_for() -> None:
    with pytest.raises(ValueError, match="pauses"):
        Respond("answer", 1, "days", pauses=frozenset({"holiday"}))


@pytest.mark.parametrize("words", [rights.RIGHT_WORDS, rights.GROUND_WORDS, rights.DELAY_WORDS])
def test_every_word_to_the_person_is_there_in_three_languages(words: dict[str, dict[str, str]]) -> None:
    assert all(set(texts) == {"en", "de", "ar"} for texts in words.values())
    assert set(rights.RIGHT_WORDS) == set(Right) == set(rights.CATEGORY)
    assert set(rights.GROUND_WORDS) == set(rights.Ground)
    assert rights.say(rights.RIGHT_WORDS[Right.ERASURE], "de-AT") == "die Löschung Ihrer Daten"
    assert rights.say(rights.RIGHT_WORDS[Right.ERASURE], "fr") == "the erasure of your data"
