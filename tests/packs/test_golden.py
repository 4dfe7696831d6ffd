"""Cases whose outcome is fixed by law or standard; the number is the case's."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.packs.asking import BANKING, CALIFORNIA, NOON, TELECOM, US, route, told

from changedesk.base.actor import ActorType, Channel
from changedesk.base.refusal import Refusal
from changedesk.packs import assemble, load
from changedesk.rules import holds, identity
from changedesk.rules import obligations as duty
from changedesk.rules.identity import CodeHistory
from changedesk.rules.policy import Rule, RulesContradict, Scope, require_consistent
from changedesk.rules.route import Route
from changedesk.rules.values import screen_text


def test_case_1_us_telecom_address_change_tells_the_prior_phone_at_once_and_not_the_new_address() -> None:
    found = route(TELECOM, "contact.postal")
    assert found.level == 2
    assert "knowledge" in found.methods_forbidden
    by_rule = [notice for notice in found.notices if "US-FCC-64.2010f" in notice.rule.split(",")]
    assert [(notice.event, notice.to, notice.security) for notice in by_rule] == [("applied", "prior_contacts", True)]
    assert not by_rule[0].channels or "sms" in by_rule[0].channels
    to_the_new = [notice for notice in found.notices if notice.to != "prior_contacts"]
    assert [notice.security for notice in to_the_new] == [False]
    assert ("US-FCC-64.2010f", 1) in found.rules


HIGH_RISK = (
    "contact.email",
    "payment.payee",
    "payment.limit",
    "auth.password",
    "access.owner_transfer",
    "status.merge",
)


@pytest.mark.parametrize("category", HIGH_RISK)
def test_a_new_authenticator_does_no_high_risk_change_for_twelve_hours_in_any_industry(category: str) -> None:
    """MAS E-Payments User Protection Guidelines: a new token authenticates no high-risk activity for 12 hours."""
    bound = {"last_changed.auth.mfa": NOON.isoformat()}
    for packs in (TELECOM, BANKING):
        for waited, forbidden in (
            (timedelta(0), True),
            (timedelta(hours=12, seconds=-1), True),
            (timedelta(hours=12), False),
        ):
            found = route(packs, category, at=NOON + waited, attributes=bound)
            assert ("totp" in found.methods_forbidden) is forbidden
        assert "totp" not in route(packs, "contact.postal", attributes=bound).methods_forbidden


@dataclass(frozen=True)
class Placed:
    blocks: tuple[str, ...]
    starts: datetime
    ends: datetime | None
    released_at: datetime | None = None


def placed(found: Route, at: datetime) -> list[Placed]:
    return [Placed(hold.blocks, at, at + timedelta(seconds=hold.seconds)) for hold in found.holds]


def test_case_3_card_reissue_is_blocked_on_day_29_and_free_on_day_31_but_california_still_tells() -> None:
    standing = placed(route(BANKING, "contact.postal", jurisdictions=CALIFORNIA), NOON)
    reissue = holds.operations_of(["payment.card_reissue"])
    assert holds.blocking(standing, reissue, NOON + timedelta(days=29))
    assert not holds.blocking(standing, reissue, NOON + timedelta(days=31))

    def on_day(days: int, where: frozenset[str]) -> set[str]:
        moved = {"last_changed.contact.postal": NOON.isoformat()}
        found = route(
            BANKING, "payment.card_reissue", jurisdictions=where, at=NOON + timedelta(days=days), attributes=moved
        )
        return {rule for notice in found.notices for rule in notice.rule.split(",")}

    assert "US-CA-1799.1b-REISSUE" in on_day(31, CALIFORNIA)
    assert "US-CA-1799.1b-REISSUE" not in on_day(61, CALIFORNIA)
    assert "US-CA-1799.1b-REISSUE" not in on_day(31, US)


def test_case_3_an_address_change_tells_the_former_address_within_thirty_days() -> None:
    found = route(BANKING, "contact.postal", jurisdictions=CALIFORNIA)
    assert ("applied", "prior_contacts", True) in told(found)
    due = {deadline.duty: deadline.due for deadline in found.deadlines}
    assert due["notify_former_address"].date() <= (NOON + timedelta(days=31)).date()


def test_case_5_a_slip_of_the_pen_is_exempt_from_1799_1b_and_from_nothing_else() -> None:
    moved = route(BANKING, "contact.postal", jurisdictions=CALIFORNIA)
    typo = route(BANKING, "contact.postal", jurisdictions=CALIFORNIA, reason="typo")
    assert {rule for rule, _ in moved.rules} - {rule for rule, _ in typo.rules} == {"US-CA-1799.1b"}
    assert (typo.level, typo.holds) == (moved.level, moved.holds)


@pytest.mark.parametrize(
    ("asked_at", "forbidden"),
    [("2026-07-08T09:59:00+05:30", True), ("2026-07-08T10:00:00+05:30", False)],
)
def test_case_7_india_port_out_within_seven_days_of_a_sim_swap(asked_at: str, forbidden: bool) -> None:  # noqa: FBT001 - the expectation
    found = route(
        TELECOM,
        "service.port_out",
        jurisdictions=frozenset({"IN"}),
        at=datetime.fromisoformat(asked_at),
        attributes={"last_changed.auth.sim": "2026-07-01T10:00:00+05:30"},
    )
    assert [(item.rule, item.until) for item in found.prohibitions] == (
        [("IN-TRAI-9A", datetime.fromisoformat("2026-07-08T10:00:00+05:30"))] if forbidden else []
    )


@pytest.mark.parametrize(("year", "due"), [(2026, date(2026, 2, 28)), (2028, date(2028, 2, 29))])
def test_case_11_gdpr_request_of_31_january_is_due_at_the_end_of_february(year: int, due: date) -> None:
    received = datetime(year, 1, 31, 12, tzinfo=UTC)
    found = route(
        BANKING, "personal.name", jurisdictions=frozenset({"EU", "DE"}), received_at=received, kind="personal_details"
    )
    assert [item.due.date() for item in found.deadlines if item.rule == "EU-GDPR-12"] == [due]


def test_case_15_pls_stop_needs_no_proof_ends_within_ten_business_days_and_is_confirmed_once() -> None:
    found = route(
        TELECOM,
        "pref.marketing",
        kind="marketing_preferences",
        actor=ActorType.CUSTOMER,
        channel=Channel.SOCIAL,
        attended=False,
        attributes={"opts_out": "true"},
    )
    assert (found.level, found.approvals, found.consent, found.holds, found.wait_seconds) == (0, 0, None, (), 0)
    honour = [item.due.astimezone(ZoneInfo("America/New_York")) for item in found.deadlines if item.duty == "honour"]
    assert [due.date() for due in honour] == [date(2026, 8, 17)]
    assert told(found) == {("applied", "all_contacts", False)}


@pytest.mark.parametrize("note", ["card is 4111 1111 1111 1111, please", "the cvv 123 she said"])
def test_case_17_card_numbers_and_security_codes_in_notes_are_taken_out_before_they_are_kept(note: str) -> None:
    screened = screen_text(note)
    assert screened.findings
    assert not {"4111", "1111", "123"} & set(screened.text.replace(",", " ").split())


DIGEST, EDITED = b"a" * 32, b"b" * 32
SENT = CodeHistory(sends=[NOON], sent_at=NOON, bound_digest=DIGEST)


def answer(history: CodeHistory, *, now: datetime = NOON, digest: bytes = DIGEST) -> str:
    try:
        identity.may_try(history, now, digest=digest)
    except Refusal as refusal:
        return refusal.code
    return "compared"


def test_case_21_a_code_dies_with_the_edit_with_time_and_with_five_wrong_tries() -> None:
    assert answer(SENT) == "compared"
    assert answer(SENT, digest=EDITED) == "code-for-other-content"
    assert answer(SENT, now=NOON + timedelta(minutes=10, seconds=1)) == "code-expired"
    wrong = replace(SENT, wrong=[NOON] * 5, wrong_on_code=5)
    assert answer(wrong) == "too-many-tries"


def test_case_21_a_new_code_does_not_reset_the_count() -> None:
    ten = replace(SENT, wrong=[NOON] * 10, wrong_on_code=0)
    assert answer(ten) == "too-many-tries"
    with pytest.raises(identity.TooManyTries):
        identity.may_send(ten, NOON)


def test_case_25_packs_that_contradict_are_not_activated_and_both_rules_are_named() -> None:
    six = Rule("A-SIX", 1, "a", "Law A", Scope(), (duty.Retain("account", years_min=6),))
    five = Rule("B-FIVE", 1, "b", "Law B", Scope(), (duty.Retain("account", years_max=5),))
    with pytest.raises(RulesContradict) as refusal:
        require_consistent([six, five])
    assert (refusal.value.data["rule_a"], refusal.value.data["rule_b"]) == ("A-SIX", "B-FIVE")
    require_consistent(load([*TELECOM, *BANKING]).rules)


def test_case_25_a_pack_that_contradicts_another_does_not_load(tmp_path: Path) -> None:
    shutil.copytree(str(files("changedesk.packs")), tmp_path / "packs")
    for name, years in (("keeps", "years_min = 6"), ("sheds", "years_max = 5")):
        (tmp_path / "packs" / name).mkdir()
        (tmp_path / "packs" / name / "pack.toml").write_text(f'name = "{name}"\nlabel = {{ en = "{name}" }}\n')
        (tmp_path / "packs" / name / "rules.toml").write_text(
            f'[[rule]]\nid = "{name.upper()}"\nversion = 1\ncitation = "Law"\n[rule.scope]\ncategories = ["custom.x"]\n'
            f'[[rule.oblige]]\nretain = {{ retention_class = "account", {years} }}\n'
        )
    shelf = [tmp_path / "packs" / name for name in ("base", "keeps", "sheds")]
    assert assemble(shelf[:2], floor=tmp_path / "packs").names == ("keeps",)
    with pytest.raises(RulesContradict) as refusal:
        assemble(shelf, floor=tmp_path / "packs")
    assert (refusal.value.data["rule_a"], refusal.value.data["rule_b"]) == ("KEEPS", "SHEDS")
