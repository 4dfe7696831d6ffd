"""The law of eight jurisdictions: when an answer is due, how easily one stops marketing, who works on which day."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.packs.asking import NOON, route

from changedesk.base.actor import ActorType, Channel
from changedesk.packs import load
from changedesk.rules.deadline import add_business_days, calendars
from changedesk.rules.route import Route

RETAIL, TRAVEL = ("retail",), ("travel",)
JURISDICTIONS = ("US", "US-CA", "EU", "GB", "IN", "SG", "AU", "CA", "BR")


def within(*names: str) -> frozenset[str]:
    return frozenset(names)


def day_of(found: Route, rule: str, zone: str, duty: str = "answer") -> date:
    (due,) = (item.due for item in found.deadlines if (item.duty, item.rule) == (duty, rule))
    return due.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("where", "category", "rule", "zone", "due"),
    [
        (within("SG"), "personal.name", "SG-PDPA-22", "Asia/Singapore", date(2026, 9, 2)),
        (within("SG"), "privacy.access", "SG-PDPA-21", "Asia/Singapore", date(2026, 9, 2)),
        (within("AU"), "personal.name", "AU-APP13", "UTC", date(2026, 9, 2)),
        (within("AU"), "privacy.access", "AU-APP12", "Australia/Sydney", date(2026, 9, 2)),
        (within("CA"), "privacy.access", "CA-PIPEDA-4.9", "America/Toronto", date(2026, 9, 2)),
        (within("CA-QC"), "contact.postal", "CA-QC-25", "America/Toronto", date(2026, 9, 2)),
        (within("BR"), "privacy.access", "BR-LGPD-19", "America/Sao_Paulo", date(2026, 8, 18)),
        (within("BR"), "personal.name", "BR-LGPD", "UTC", date(2026, 8, 18)),
        (within("IN"), "privacy.complaint", "IN-DPDP-13", "Asia/Kolkata", date(2026, 11, 1)),
        (within("GB"), "personal.name", "UK-GDPR-12", "Europe/London", date(2026, 9, 3)),
        (within("US-CA"), "personal.name", "US-CA-7021", "America/New_York", date(2026, 9, 17)),
    ],
)
def test_an_answer_is_due(where: frozenset[str], category: str, rule: str, zone: str, due: date) -> None:
    assert day_of(route(RETAIL, category, jurisdictions=where), rule, zone) == due


def test_brazils_service_desks_answer_in_seven_days_where_the_union_regulates_them() -> None:
    found = route(TRAVEL, "service.seat", jurisdictions=within("BR"))
    assert day_of(found, "BR-SAC-11034", "America/Sao_Paulo") == date(2026, 8, 10)
    assert "protocol_number" in found.evidence
    assert route(RETAIL, "service.delivery", jurisdictions=within("BR")).deadlines == ()


@pytest.mark.parametrize("where", JURISDICTIONS)
@pytest.mark.parametrize("pack", ["healthcare", "retail", "travel", "education"])
def test_stopping_marketing_is_never_harder_than_starting_it(pack: str, where: str) -> None:
    for attended, channel in ((True, Channel.PHONE), (False, Channel.WEB_PORTAL)):
        out, into = (
            route(
                (pack,),
                "pref.marketing",
                kind="marketing_preferences",
                jurisdictions=within(where),
                channel=channel,
                attended=attended,
                actor=ActorType.STAFF if attended else ActorType.CUSTOMER,
                attributes={"opts_out": word},
            )
            for word in ("true", "false")
        )
        assert (out.level, out.approvals, out.consent, out.holds, out.wait_seconds) == (0, 0, None, (), 0)
        assert into.consent == "marketing"
        assert into.level >= out.level


@pytest.mark.parametrize("where", ["GB", "BR", "CA-QC", "IN"])
def test_a_child_does_not_agree_to_marketing_alone(where: str) -> None:
    flags = {"minor": "true", "under_13": "true", "opts_out": "false"}
    found = route(RETAIL, "pref.marketing", jurisdictions=within(where), attributes=flags)
    assert found.consent == "parental_authorisation"


def test_five_australian_business_days_over_christmas_end_in_january() -> None:
    received = datetime(
        2026, 12, 24, 2, tzinfo=UTC
    )  # Thursday in Sydney; Friday and Monday are holidays, so is 1 January
    found = route(RETAIL, "pref.marketing", jurisdictions=within("AU"), at=received, attributes={"opts_out": "true"})
    assert day_of(found, "AU-SPAM-2003", "Australia/Sydney", "honour") == date(2027, 1, 5)


def test_singapore_honours_a_withdrawal_within_ten_business_days_and_the_shorter_of_two_terms_holds() -> None:
    found = route(RETAIL, "pref.marketing", jurisdictions=within("SG"), at=NOON, attributes={"opts_out": "true"})
    # National Day, 9 August 2026, is a Sunday: the Monday after is free.
    assert day_of(found, "SG-PDPA-16", "Asia/Singapore", "honour") == date(2026, 8, 18)


@pytest.mark.parametrize(
    ("name", "day", "works"),
    [
        ("sg", date(2026, 2, 17), False),  # Chinese New Year
        ("sg", date(2026, 8, 10), False),  # National Day, on a Sunday
        ("sg", date(2022, 1, 3), True),  # New Year 2022 was a Saturday: no Monday instead
        ("au", date(2027, 1, 26), False),
        ("au", date(2026, 12, 28), False),  # Boxing Day, on a Saturday
        ("au", date(2026, 6, 8), True),  # the King's Birthday is not one day for all
        ("ca", date(2026, 5, 18), False),
        ("ca", date(2026, 9, 7), False),
        ("ca", date(2027, 5, 24), False),
        ("br", date(2026, 11, 20), False),
        ("br", date(2023, 11, 20), True),  # not yet national
        ("br", date(2026, 2, 17), True),  # Carnival
        ("in", date(2026, 10, 2), False),
        ("in", date(2026, 11, 9), True),  # Diwali differs by state
    ],
)
def test_who_works_when(name: str, day: date, works: bool) -> None:  # noqa: FBT001 - the expectation
    assert calendars()[name].is_business_day(day) is works


@pytest.mark.parametrize("name", ["sg", "au", "ca", "br", "in"])
def test_a_calendar_never_ends_a_term_before_one_without_holidays(name: str) -> None:
    plain = calendars()["weekdays"]
    for month in range(1, 13):
        start = date(2026, month, 1)
        assert add_business_days(start, 10, calendars()[name]) >= add_business_days(start, 10, plain)


def test_no_jurisdiction_contradicts_another_in_any_industry() -> None:
    for pack in ("healthcare", "retail", "travel", "education"):
        rules = load([pack]).rules
        assert {place for rule in rules for place in rule.scope.jurisdictions} >= set(JURISDICTIONS) - {"US"}
