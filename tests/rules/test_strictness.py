"""A client may ask for more than the law, never for less: what is less is named."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.rules.making import ASK, rule
from tests.rules.test_route import FULL, NOON

from changedesk.rules import obligations as duty
from changedesk.rules.policy import RulesContradict, Scope, decide, require_consistent
from changedesk.rules.route import Deadline, HoldDuty, NoticeDuty, Prohibition
from changedesk.rules.strictness import less_than
from changedesk.rules.term import Term

TOLD = NoticeDuty("applied", "new_contacts", security=False, channels=("email", "post"))
LATER = NOON + timedelta(seconds=1)
BEFORE = NOON - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("weaker", "names"),
    [
        ({"level": 2}, ["verification"]),
        ({"approvals": 1}, ["approvals"]),
        ({"consent": None}, ["consent"]),
        ({"confirm_new_contacts": False}, ["confirmation of new contacts"]),
        ({"human_review": False}, ["human review"]),
        ({"wait_seconds": 3_599}, ["waiting time"]),
        ({"retention_least": Term(1, 2, 2)}, ["retention at least"]),
        ({"retention_most": Term(7, 0, 2)}, ["retention at most"]),
        ({"retention_most": None}, ["retention at most"]),
        ({"methods_forbidden": ()}, ["methods forbidden"]),
        ({"separation": ("maker",)}, ["separation"]),
        ({"evidence": ()}, ["evidence"]),
        ({"recipients": ()}, ["recipients"]),
        ({"masks": ()}, ["masks"]),
        ({"lock_options": ()}, ["lock options"]),
        ({"holds": ()}, ["holds"]),
        ({"holds": (HoldDuty(("payout", "reissue"), 86_399, "compliance"),)}, ["holds"]),
        ({"holds": (HoldDuty(("payout",), 86_400, "compliance"),)}, ["holds"]),
        ({"notices": ()}, ["notices"]),
        ({"notices": (replace(TOLD, channels=("email",)),)}, ["notices"]),
        ({"deadlines": ()}, ["deadlines"]),
        ({"deadlines": (Deadline("answer", LATER),)}, ["deadlines"]),
        ({"prohibitions": FULL.prohibitions[:1]}, ["prohibitions"]),
        ({"prohibitions": (Prohibition("R4", "locked", BEFORE), FULL.prohibitions[1])}, ["prohibitions"]),
        ({"level": 0, "approvals": 0}, ["verification", "approvals"]),
    ],
)
def test_each_demand_that_got_weaker_is_named(weaker: dict[str, Any], names: list[str]) -> None:
    assert less_than(replace(FULL, **weaker), FULL) == names
    assert less_than(FULL, FULL) == []
    assert less_than(FULL, replace(FULL, **weaker)) == []


@pytest.mark.parametrize(
    "other",
    [
        {"consent": "another_statement"},
        {"notices": (replace(TOLD, channels=()),)},
        {"notices": (replace(TOLD, channels=("email", "post", "sms")),)},
        {"deadlines": (Deadline("answer", BEFORE),)},
        {"prohibitions": (Prohibition("R4", "locked", LATER), FULL.prohibitions[1])},
        {"prohibitions": (Prohibition("R4", "locked"), FULL.prohibitions[1])},
        {"holds": (HoldDuty(("payout", "port_out", "reissue"), 90_000, "compliance"),)},
        {"retention_class": "other", "rules": (), "policy_version": 9},
    ],
)
def test_what_is_other_or_more_is_not_less(other: dict[str, Any]) -> None:
    assert less_than(replace(FULL, **other), FULL) == []


@pytest.mark.parametrize(
    "wanted",
    [replace(TOLD, event="requested"), replace(TOLD, to="prior_contacts"), replace(TOLD, security=True)],
)
def test_a_notice_of_something_else_does_not_stand_for_the_one_that_is_wanted(wanted: NoticeDuty) -> None:
    assert less_than(FULL, replace(FULL, notices=(wanted,))) == ["notices"]


def test_a_prohibition_names_its_rule_its_reason_and_its_end() -> None:
    lately = rule("NEW-SIM", duty.Prohibit("moved"), scope=Scope(changed_within={"auth.sim": 60}))
    ask = replace(ASK, attributes={"last_changed.auth.sim": NOON.isoformat()})
    found = decide(ask, [rule("NO", duty.Prohibit("locked")), lately], policy_version=1)
    assert found.prohibitions == (
        Prohibition("NEW-SIM", "moved", NOON + timedelta(seconds=60)), Prohibition("NO", "locked"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("least", "most", "why"),
    [
        (duty.Approve(2), duty.Approve(most=1), "2 or more approvals, 1 or fewer approvals"),
        (duty.Verify(3), duty.Verify(most=2), "verify to level 3 or more, verify to level 2 or less"),
        (duty.Retain("a", 3), duty.Retain("a", 0, 2), "keep at least 3 years, keep at most 2 years"),
    ],
)
def test_rules_that_nobody_can_keep_together_are_named_with_what_they_ask(
    least: duty.Obligation, most: duty.Obligation, why: str
) -> None:
    floor = rule("FLOOR", least, scope=Scope(jurisdictions=frozenset({"DE"}), industries=frozenset({"bank"})))
    ceiling = rule("CEILING", most)
    with pytest.raises(RulesContradict) as refused:
        require_consistent([floor, ceiling], jurisdictions=["DE"], industries=["bank"])
    assert refused.value.data == {"rule_a": "FLOOR", "rule_b": "CEILING", "why": why}
    require_consistent([floor, ceiling], jurisdictions=["US"], industries=["bank"])
    require_consistent([floor, ceiling], jurisdictions=["DE"], industries=["telecom"])
