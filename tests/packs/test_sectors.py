"""Telecommunications, banking and utilities: what their law and their house rules ask of a change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.packs.asking import BANKING, NOON, TELECOM, US, route, told

from changedesk.base.actor import ActorType, Channel
from changedesk.packs import load
from changedesk.rules import holds
from changedesk.rules.route import Route
from changedesk.rules.term import Term

UTILITIES = ("utilities",)
NEW_YORK = ZoneInfo("America/New_York")
PRIOR = {("requested", "prior_contacts", True), ("applied", "prior_contacts", True)}


def due(found: Route, duty: str) -> datetime:
    return next(item.due for item in found.deadlines if item.duty == duty)


def blocked(found: Route, operation: str) -> int:
    """For how many seconds the change blocks an operation."""
    return max((hold.seconds for hold in found.holds if operation in hold.blocks), default=0)


def where(*places: str) -> frozenset[str]:
    return frozenset(places)


def test_a_number_leaves_only_after_two_factors_a_word_on_record_and_a_notice() -> None:
    found = route(TELECOM, "service.port_out", kind="plan")
    assert (found.level, found.consent) == (3, "number_release")
    assert "knowledge" in found.methods_forbidden
    assert told(found) >= PRIOR
    assert "account" in found.lock_options
    assert route(TELECOM, "service.port_out", jurisdictions=where("DE", "EU")).level == 3


def test_a_changed_sim_stops_a_port_and_codes_by_text_message_for_a_day() -> None:
    found = route(TELECOM, "auth.sim", kind="device", operation="replace")
    assert (found.level, blocked(found, "port_out")) == (3, 86_400)
    assert {"account", "sim"} <= set(found.lock_options)
    assert holds.operations_of(["service.port_out"]) >= {"port_out"}
    for hours, forbidden in ((23, True), (24, False)):
        moved = {"last_changed.held.auth.sim": (NOON - timedelta(hours=hours)).isoformat()}
        after = route(TELECOM, "contact.email", attributes=moved)
        assert ("code_sms" in after.methods_forbidden) is forbidden


@pytest.mark.parametrize("deed", ["start_reset", "set", "remove"])
def test_a_us_carrier_tells_at_once_of_every_change_of_a_password(deed: str) -> None:
    found = route(TELECOM, "auth.password", kind="security_settings", operation=deed)
    assert ("US-FCC-64.2010f", 1) in found.rules
    first = route(TELECOM, "auth.password", kind="security_settings", reason="service_initiation")
    assert ("US-FCC-64.2010f", 1) not in first.rules


def test_switch_and_freeze_of_a_us_line_want_words_of_their_own() -> None:
    switch, freeze = route(TELECOM, "service.provider_switch"), route(TELECOM, "service.freeze")
    assert (switch.consent, freeze.consent) == ("carrier_switch", "service_freeze")
    assert "service" in freeze.lock_options
    assert switch.retention_least >= Term(2)


def test_a_line_is_separated_within_two_business_days_and_in_silence() -> None:
    friday = datetime(2026, 8, 7, 12, tzinfo=UTC)
    found = route(TELECOM, "service.line_separation", at=friday, attributes={"safe_contact": "true"})
    assert due(found, "answer").date() <= date(2026, 8, 12)
    assert {to for to, _ in found.suppressed} == {"prior_contacts", "all_contacts"}
    assert not told(found)
    assert found.human_review


def test_australia_wants_two_factors_for_every_high_risk_change_and_none_from_the_operator_itself() -> None:
    australia = where("AU")
    for category in ("service.plan", "auth.sim", "access.owner_transfer", "service.new_order"):
        assert route(TELECOM, category, jurisdictions=australia).level >= 3
    close = {"kind": "account_status", "operation": "close", "jurisdictions": australia}
    assert route(TELECOM, "status.state", **close).level == 3
    assert route(TELECOM, "status.state", **close, attributes={"initiated_by": "business"}).level == 0


def test_the_philippines_deactivate_within_a_day() -> None:
    found = route(TELECOM, "status.state", kind="account_status", operation="deactivate", jurisdictions=where("PH"))
    assert due(found, "deactivate") == NOON + timedelta(hours=24)


def test_a_new_payee_is_named_twice_and_told_at_once() -> None:
    found = route(BANKING, "payment.payee", kind="billing_payment", jurisdictions=where("EU", "DE"))
    assert (found.level, found.approvals, found.consent) == (3, 2, "payment_details")
    assert told(found) >= PRIOR
    assert {"payee_name_check", "change_digest"} <= set(found.evidence)
    assert "knowledge" in found.methods_forbidden
    assert blocked(found, "payout") == 86_400
    american = route(BANKING, "payment.bank", kind="billing_payment")
    assert {"account_validation", "fraud_screening"} <= set(american.evidence)


def test_before_and_after_phase_two_of_nachas_fraud_monitoring() -> None:
    for day, asked in ((datetime(2026, 6, 21, tzinfo=UTC), False), (datetime(2026, 6, 22, tzinfo=UTC), True)):
        assert ("fraud_screening" in route(BANKING, "payment.payee", at=day).evidence) is asked


def test_singapore_cools_off_for_twelve_hours_and_offers_the_kill_switch() -> None:
    for category in ("auth.mfa", "auth.device", "payment.payee"):
        found = route(BANKING, category, jurisdictions=where("SG"))
        assert min(blocked(found, "payee"), blocked(found, "payout")) >= 43_200
        assert "kill_switch" in found.lock_options


def test_a_broker_tells_the_former_address_and_everybody_concerned_within_thirty_days() -> None:
    found = route(BANKING, "contact.postal", industry=where("securities"))
    assert {"joint_owners", "associated_person"} <= set(found.recipients)
    assert due(found, "notify_former_address").date() <= (NOON + timedelta(days=31)).date()
    assert found.retention_least >= Term(6)


def test_a_customer_who_may_be_exploited_is_held_and_looked_at() -> None:
    found = route(BANKING, "payment.bank", attributes={"vulnerable": "true"})
    assert blocked(found, "payout") == 15 * 86_400
    assert found.human_review
    assert due(found, "tell_trusted_contact") < due(found, "review_hold")
    assert due(found, "review_hold").astimezone(NEW_YORK).date() == date(2026, 8, 24)
    trusted = route(BANKING, "contact.trusted")
    assert (trusted.level, trusted.approvals) == (2, 1)
    assert "trusted_contact_asked" in trusted.evidence


def test_a_texan_switch_is_verified_agreed_to_recorded_and_can_be_taken_back() -> None:
    found = route(UTILITIES, "service.provider_switch", kind="plan", jurisdictions=where("US", "US-TX"))
    assert (found.level, found.consent) == (2, "supplier_switch")
    assert {"verification_recording", "agent_left_the_call"} <= set(found.evidence)
    assert due(found, "rescission_ends").astimezone(NEW_YORK).date() == date(2026, 8, 6)
    assert found.retention_least >= Term(2)


@pytest.mark.parametrize("category", ["service.critical_care", "service.priority_register"])
def test_what_keeps_the_supply_on_is_given_lightly_and_taken_away_gravely(category: str) -> None:
    given = route(UTILITIES, category, kind="service_preferences")
    taken = route(UTILITIES, category, kind="service_preferences", attributes={f"ends.{category}": "true"})
    assert (given.level, given.approvals, given.consent) == (1, 0, None)
    assert (taken.level, taken.approvals, taken.consent) == (3, 2, "critical_care_end")
    assert taken.separation == ("maker", "team")
    assert told(taken) >= PRIOR


def test_europe_switches_within_three_weeks_and_since_2026_technically_within_a_day() -> None:
    europe = where("EU", "DE")
    found = route(UTILITIES, "service.provider_switch", jurisdictions=europe)
    assert due(found, "switch").date() <= (NOON + timedelta(days=22)).date()
    assert due(found, "technical_switch") == NOON + timedelta(hours=24)
    before = route(UTILITIES, "service.provider_switch", jurisdictions=europe, at=datetime(2025, 12, 31, tzinfo=UTC))
    assert "technical_switch" not in {item.duty for item in before.deadlines}


def test_usage_data_goes_out_by_consent_and_stops_without_a_hurdle() -> None:
    asked = {
        "kind": "service_preferences",
        "jurisdictions": where("US", "US-CA"),
        "actor": ActorType.CUSTOMER,
        "channel": Channel.WEB_PORTAL,
        "attended": False,
    }
    given = route(UTILITIES, "service.usage_data", **asked)
    ended = route(UTILITIES, "service.usage_data", **asked, attributes={"ends.service.usage_data": "true"})
    assert given.consent == "usage_data_access"
    assert (ended.level, ended.approvals, ended.consent) == (1, 0, None)
    assert "recipients_of_usage_data" in ended.recipients


def test_a_utility_keeps_the_red_flags_rule_as_a_creditor() -> None:
    assert "red_flags" in route(UTILITIES, "contact.email", jurisdictions=US).evidence


@pytest.mark.parametrize("pack", [TELECOM, BANKING, UTILITIES])
def test_each_industry_has_plans_reasons_and_retention_of_its_own(pack: tuple[str, ...]) -> None:
    mine, base = load(pack), load([])
    assert mine.catalogue["plan.name"].options.keys().isdisjoint(base.catalogue["plan.name"].options)
    assert len(mine.catalogue["plan.name"].options) >= 3
    assert mine.reason_codes.keys() > base.reason_codes.keys()
    assert mine.retention.keys() > base.retention.keys()
    assert {name for name, _ in mine.statements} > {name for name, _ in base.statements}


def test_a_line_is_separated_in_silence_and_by_two_people() -> None:
    """Whoever it protects the survivor from reads the notices of the account; a thief would have it silent, too."""
    found = route(TELECOM, "service.line_separation", kind="plan")
    assert told(found) == set()
    assert {to for to, _ in found.suppressed} == {"prior_contacts", "all_contacts"}
    assert (found.level, found.approvals, found.separation) == (2, 2, ("maker", "team"))
    assert "suppression_reason" in found.evidence
