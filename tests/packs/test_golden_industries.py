"""Cases whose outcome is fixed by law or standard, in further industries; the number is the case's."""

import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from tests.packs.asking import BANKING, NOON, ask, route

from changedesk import packs
from changedesk.packs import Pack, load
from changedesk.rules import obligations as duty
from changedesk.rules.policy import RulesContradict, Status
from changedesk.rules.retention import Disposal, class_of, disposal, keep_until
from changedesk.rules.route_progress import next_step
from changedesk.rules.term import least

EU = frozenset({"EU", "DE"})
CLOSED = datetime(2026, 8, 3, tzinfo=UTC)


def kept_by_law(names: Sequence[str], category: str, where: frozenset[str]) -> dict[str, date]:
    """Which rules of law keep a field after the account was closed, and until which day: GDPR 17(3)(b).

    House policy, however strict, is no legal obligation, and does not stand against an erasure.
    """
    pack, asked = load(names), ask(tuple(names), category, jurisdictions=where, at=CLOSED)
    return {
        rule.id: keep_until(
            pack.retention[kept.retention_class].within(least(kept), None),
            CLOSED,
        )
        for rule in pack.rules
        if rule.status is Status.IN_FORCE and rule.in_force(CLOSED) and rule.scope.matches(asked)
        for kept in rule.obligations
        if isinstance(kept, duty.Retain)
    }


def test_case_9_erasure_keeps_identity_until_five_years_after_closure_and_lets_marketing_go_now() -> None:
    answer = {field.path: kept_by_law(BANKING, field.category, EU) for field in load(BANKING).catalogue}
    for path in ("personal.name", "personal.birth_date", "personal.national_id", "contact.postal_address"):
        assert answer[path] == {"EU-UK-AML": date(2031, 8, 3)}, path
    for path in ("pref.marketing_email", "pref.marketing_topics", "loyalty.tier", "service.language"):
        assert answer[path] == {}, path
    assert load(BANKING).retention["customer_identification"].start == "closure"


def test_case_9_those_who_got_the_data_are_told() -> None:
    assert "recipients_of_the_field" in route(BANKING, "privacy.erase", jurisdictions=EU).recipients


@pytest.mark.parametrize(("year", "due"), [(2026, date(2026, 2, 28)), (2028, date(2028, 2, 29))])
@pytest.mark.parametrize(("pack", "category"), [("travel", "personal.dob"), ("retail", "contact.postal")])
def test_case_11_a_request_of_31_january_is_due_at_the_end_of_february_in_every_industry(
    pack: str, category: str, year: int, due: date
) -> None:
    received = datetime(year, 1, 31, 23, 30, tzinfo=UTC)
    found = route((pack,), category, jurisdictions=EU, at=received, received_at=received)
    assert [item.due.date() for item in found.deadlines if item.rule == "EU-GDPR-12"] == [due]


def test_case_13_a_denied_amendment_is_told_within_sixty_days_and_the_disagreement_stays_linked() -> None:
    received = datetime(2026, 3, 2, 15, tzinfo=UTC)
    denied = route(
        ("healthcare",),
        "care.provider",
        reason="record_amendment",
        received_at=received,
        at=received + timedelta(days=58),
        attributes={"amendment_denied": "true"},
    )
    (due,) = (item.due for item in denied.deadlines if item.duty == "answer")
    assert received + timedelta(days=58) < due < received + timedelta(days=61)
    assert {"denial_basis", "denial_linked", "statement_of_disagreement_linked"} <= set(denied.evidence)
    assert "recipients_of_later_disclosures" in denied.recipients
    assert denied.human_review
    assert class_of(denied, load(["healthcare"]).retention).years_min >= 6
    plain = route(("healthcare",), "care.provider", received_at=received)
    assert "statement_of_disagreement_linked" not in plain.evidence


def step(found: object, *, consented: bool) -> str:
    return next_step(
        found,  # type: ignore[arg-type]  # a route
        level=4,
        consented=consented,
        approvals=9,
        new_contacts_confirmed=True,
        effective_at=None,
        now=NOON,
        held=False,
        decided=True,
    )


def test_case_19_an_agents_marketplace_change_goes_nowhere_without_the_consent_and_is_kept_ten_years_with_it() -> None:
    found = route(("healthcare",), "service.marketplace_plan", kind="plan", operation="update")
    assert found.consent == "marketplace_assistance"
    assert step(found, consented=False) == "ask_consent"
    assert step(found, consented=True) == "apply"
    wanted = {"consent_scope", "consent_duration", "consent_agent", "how_to_rescind", "attestations_explained"}
    assert wanted <= set(found.evidence)
    kept = class_of(found, load(["healthcare"]).retention)
    assert (kept.name, kept.years_min) == ("marketplace_consent", 10)
    assert keep_until(kept, datetime(2024, 2, 29, tzinfo=UTC)) == date(2034, 2, 28)


def test_case_19_the_customers_own_change_needs_no_record_of_an_agent() -> None:
    alone = route(("healthcare",), "service.marketplace_plan", kind="plan", attended=False)
    assert alone.consent != "marketplace_assistance"


def test_case_23_a_legal_hold_beats_an_expired_term_and_with_its_end_the_record_must_go() -> None:
    kept = load(["retail"]).retention["trader_traceability"]
    later = CLOSED.replace(year=2028)
    assert disposal(kept, CLOSED, now=later, legal_hold=True) is Disposal.KEEP
    assert disposal(kept, CLOSED, now=later) is Disposal.MUST_GO
    half_a_year = datetime(2027, 2, 3, tzinfo=UTC)
    assert disposal(kept, CLOSED, now=half_a_year - timedelta(seconds=1)) is Disposal.KEEP
    assert disposal(kept, CLOSED, now=half_a_year) is Disposal.MUST_GO
    assert disposal(kept, None, now=later) is Disposal.KEEP


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    shutil.copytree(str(files("changedesk.packs")), tmp_path / "packs")
    pack = tmp_path / "packs" / "clinic"
    pack.mkdir()
    (pack / "pack.toml").write_text('name = "clinic"\nlabel = { en = "Clinic" }\nindustries = ["healthcare"]\n')
    (pack / "rules.toml").write_text(
        '[[rule]]\nid = "CLINIC-FIVE"\nversion = 1\ncitation = "a"\nconfidence = "M-"\nchecked_on = 2026-11-22\n'
        '[rule.scope]\ncategories = ["service.medicare_plan"]\n'
        '[[rule.oblige]]\nretain = { retention_class = "hipaa_documentation", years_max = 5 }\n'
    )
    return tmp_path / "packs"


def activate(shelf: Path, *names: str) -> Pack:
    return packs.assemble([shelf / name for name in ("base", *names)], floor=shelf)


def test_case_25_a_pack_that_wants_at_most_five_years_is_not_activated_beside_one_that_wants_six_or_ten(
    shelf: Path,
) -> None:
    assert activate(shelf, "healthcare").retention["hipaa_documentation"].years_min == 6
    with pytest.raises(RulesContradict) as refusal:
        activate(shelf, "healthcare", "clinic")
    assert refusal.value.data["rule_b"] == "CLINIC-FIVE"
    assert refusal.value.data["rule_a"] in {"US-HIPAA-526-DENIED", "US-HIPAA-530j", "US-MA-422.504d"}
    assert str(refusal.value.data["why"]).endswith("keep at most 5 years")
