"""Healthcare and insurance, retail, travel, education: what their packs ask, and when their law is in force."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.packs.asking import CALIFORNIA, NOON, US, ask, route, told

from changedesk import kinds, packs
from changedesk.base.actor import ActorType, Channel
from changedesk.rules.policy import Rule, Status, as_strict_as, decide
from changedesk.rules.route import Route
from changedesk.rules.rule import globs_meet
from changedesk.rules.term import Term

HEALTHCARE, RETAIL, TRAVEL, EDUCATION = ("healthcare",), ("retail",), ("travel",), ("education",)
INDUSTRIES = (HEALTHCARE, RETAIL, TRAVEL, EDUCATION)
EU = frozenset({"EU", "DE"})
REQUESTED_WITHOUT_A_FIELD = ("privacy.",)
"""What can be asked for although no field holds it: access, erasure, a complaint."""


def rules_of(found: Route) -> set[str]:
    return {rule for rule, _ in found.rules}


def own(pack: tuple[str, ...]) -> list[Rule]:
    return [rule for rule in packs.load(pack).rules if rule.pack == pack[0]]


@pytest.mark.parametrize("pack", INDUSTRIES, ids="+".join)
def test_every_rule_says_by_what_authority_and_how_sure(pack: tuple[str, ...]) -> None:
    for rule in packs.load(pack).rules:
        assert rule.citation, rule.id
        assert rule.confidence[0] in "RSM", rule.id
        assert rule.checked_on, rule.id
        assert rule.obligations, rule.id


@pytest.mark.parametrize("pack", INDUSTRIES, ids="+".join)
def test_every_field_belongs_to_a_kind_that_a_desk_can_ask_for(pack: tuple[str, ...]) -> None:
    fresh = [field for field in packs.load(pack).catalogue if field.path not in packs.load([]).catalogue]
    assert fresh
    assert {field.kind for field in fresh} <= {*kinds.KINDS, "account_reference"}


@pytest.mark.parametrize("pack", INDUSTRIES, ids="+".join)
def test_every_rule_can_meet_a_field_of_its_industry(pack: tuple[str, ...]) -> None:
    held = {field.category for field in packs.load(pack).catalogue}
    for rule in own(pack):
        for wanted in rule.scope.categories:
            met = any(globs_meet(wanted, category) for category in held)
            assert met or wanted.startswith(REQUESTED_WITHOUT_A_FIELD), (rule.id, wanted)


@pytest.mark.parametrize("pack", INDUSTRIES, ids="+".join)
def test_no_field_of_an_industry_falls_below_the_floor(pack: tuple[str, ...]) -> None:
    rules = packs.load(pack).rules
    floor = [rule for rule in rules if rule.pack == "floor"]
    everywhere = frozenset({"US", "US-CA", "EU", "DE", "GB", "IN", "SG", "AU", "CA", "CA-QC", "BR"})
    for category in sorted({field.category for field in packs.load(pack).catalogue}):
        for attended, channel in ((True, Channel.PHONE), (False, Channel.WEB_PORTAL)):
            for flag in ({}, {"opts_out": "true"}, {"no_factor": "true"}, {"initiated_by": "business"}):
                asked = ask(
                    pack,
                    category,
                    channel=channel,
                    attended=attended,
                    actor=ActorType.STAFF if attended else ActorType.CUSTOMER,
                    attributes=flag,
                    jurisdictions=everywhere,
                )
                assert as_strict_as(decide(asked, rules, policy_version=1), decide(asked, floor, policy_version=1)), (
                    asked
                )


def test_a_confidential_address_silences_the_known_ones_and_two_people_of_other_teams_decide() -> None:
    found = route(HEALTHCARE, "contact.confidential")
    assert (found.level, found.approvals, found.separation) == (2, 2, ("maker", "team"))
    assert found.consent == "confidential_communication"
    assert {to for to, _ in found.suppressed} == {"prior_contacts", "all_contacts"}
    assert not [notice for notice in found.notices if notice.to != "new_contacts"]
    assert "suppression_reason" in found.evidence


def test_a_patient_at_risk_is_told_nothing_at_the_known_addresses() -> None:
    found = route(HEALTHCARE, "contact.email", attributes={"safe_contact": "true"})
    assert told(found) == {("applied", "new_contacts", False)}
    assert found.human_review


def test_an_authorisation_to_share_health_data_is_signed_and_taking_it_away_is_not() -> None:
    given = route(HEALTHCARE, "access.health_disclosure")
    taken = route(HEALTHCARE, "access.health_disclosure", operation="remove")
    assert (given.consent, taken.consent) == ("health_disclosure", None)
    assert {"revoked_in_writing", "revoked_from"} <= set(taken.evidence)
    assert "authorised_recipient" in taken.recipients


def test_a_beneficiary_is_changed_under_dual_control_and_the_former_one_is_told() -> None:
    found = route(HEALTHCARE, "access.beneficiary", jurisdictions=EU)
    assert (found.level, found.approvals, found.consent) == (4, 2, "beneficiary_designation")
    assert "prior_irrevocable_beneficiary" in found.recipients


def test_medicare_advantage_is_kept_ten_years_from_the_end_of_the_contract() -> None:
    found = route(HEALTHCARE, "service.medicare_plan")
    assert (found.retention_class, found.retention_least) == ("medicare_advantage", Term(10))
    assert packs.load(HEALTHCARE).retention[found.retention_class].start == "closure"


def test_cancelling_a_subscription_meets_no_obstacle_and_signing_up_needs_the_terms_agreed() -> None:
    leave = route(RETAIL, "service.subscription_cancel", kind="plan", jurisdictions=CALIFORNIA)
    assert (leave.level, leave.approvals, leave.consent, leave.wait_seconds, leave.holds) == (1, 0, None, 0, ())
    join = route(RETAIL, "service.plan", kind="plan", operation="upgrade", jurisdictions=CALIFORNIA)
    assert join.consent == "automatic_renewal"
    assert join.level >= leave.level
    assert join.retention_least >= Term(3)


def test_a_sellers_account_for_payouts_has_the_floor_of_payees_and_ten_days_to_be_checked() -> None:
    found = route(RETAIL, "payment.payee", kind="billing_payment")
    assert (found.level, found.approvals) == (3, 2)
    due = {deadline.rule: deadline.due.date() for deadline in found.deadlines}
    assert due["US-INFORM"] == (NOON + timedelta(days=11)).date()  # the last second of the tenth day, New York
    assert "US-INFORM-CERTIFY" not in rules_of(found)
    certified = route(RETAIL, "payment.payee", attributes={"high_volume_seller": "true"})
    assert "US-INFORM-CERTIFY" in rules_of(certified)


def test_a_name_within_three_days_of_a_flight_is_compared_with_the_document_by_a_person() -> None:
    later = route(TRAVEL, "personal.document_gender", kind="personal_details")
    soon = route(
        TRAVEL, "personal.document_gender", kind="personal_details", attributes={"travels_within_72_hours": "true"}
    )
    assert later.consent == soon.consent == "travel_document"
    assert (later.human_review, soon.human_review) == (False, True)
    assert (soon.level, soon.approvals) == (3, 1)
    assert "travel_document_seen" in soon.evidence
    assert as_strict_as(soon, later)


def test_diet_and_help_need_consent_in_europe_and_taking_them_away_does_not() -> None:
    for category in ("service.meal", "service.assistance"):
        assert route(TRAVEL, category, jurisdictions=EU).consent == "special_needs"
        assert route(TRAVEL, category, jurisdictions=EU, operation="remove").consent is None
    assert route(TRAVEL, "service.seat", jurisdictions=EU).consent is None


def test_staying_out_of_the_directory_is_never_hard_and_leaving_records_is_signed() -> None:
    quiet = route(EDUCATION, "privacy.directory")
    assert (quiet.level <= 1, quiet.approvals, quiet.consent, quiet.wait_seconds) == (True, 0, None, 0)
    shared = route(EDUCATION, "access.records_release")
    assert (shared.consent, shared.level >= 2) == ("records_release", True)
    assert "knowledge" in shared.methods_forbidden
    assert "education_record" in packs.load(EDUCATION).retention


def test_a_childs_guardian_is_changed_by_two_people_of_other_teams() -> None:
    found = route(EDUCATION, "access.guardian")
    assert (found.level, found.approvals, found.separation) == (3, 2, ("maker", "team"))
    assert ("requested", "prior_contacts", True) in told(found)


def test_rules_count_from_their_first_day_and_a_vacated_one_never() -> None:
    def on(day: str, category: str, where: frozenset[str], pack: tuple[str, ...]) -> set[str]:
        return rules_of(route(pack, category, jurisdictions=where, at=datetime.fromisoformat(f"{day}T12:00:00+00:00")))

    assert "EU-WITHDRAW" not in on("2026-06-18", "service.withdrawal", EU, RETAIL)
    assert "EU-WITHDRAW" in on("2026-06-19", "service.withdrawal", EU, RETAIL)
    gb = frozenset({"GB"})
    assert "UK-DPA-164A" not in on("2026-06-18", "privacy.complaint", gb, RETAIL)
    assert "UK-DPA-164A" in on("2026-06-19", "privacy.complaint", gb, RETAIL)
    assert "US-CA-ARL" not in on("2025-06-30", "service.plan", CALIFORNIA, RETAIL)
    assert "US-CA-ARL" in on("2025-07-01", "service.plan", CALIFORNIA, RETAIL)
    for day in ("2025-06-01", "2026-11-22"):
        assert "US-FTC-425" not in on(day, "service.subscription_cancel", US, RETAIL)
    assert packs.load(RETAIL).rule("US-FTC-425").status is Status.VACATED


def test_a_rule_to_come_counts_only_where_we_follow_it_as_policy() -> None:
    form = packs.load(HEALTHCARE).rule("US-CMS-155.220j-FORM")
    assert (form.status, form.in_force(NOON)) == (Status.NOT_YET_EFFECTIVE, False)
    found = route(RETAIL, "privacy.erase", jurisdictions=frozenset({"IN"}))
    assert {"IN-DPDP-R8", "IN-DPDP-12"} <= rules_of(found)
    assert found.wait_seconds >= 48 * 3_600
    assert "IN-DPDP-R8" not in rules_of(route(TRAVEL, "privacy.erase", jurisdictions=frozenset({"IN"})))


def test_the_clock_of_a_request_for_access_in_the_united_kingdom_can_be_shown_to_have_stopped() -> None:
    found = route(RETAIL, "privacy.access", jurisdictions=frozenset({"GB"}))
    assert {"clock_stopped_at", "clock_restarted_at"} <= set(found.evidence)
    due = {deadline.rule: deadline.due for deadline in found.deadlines if deadline.duty == "answer"}
    assert due == {"UK-DUAA-SAR": datetime(2026, 9, 3, 22, 59, 59, tzinfo=UTC)}  # the last second in London
