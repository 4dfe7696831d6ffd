"""A client's own rules: they ask more than the packs, never less, and never of what is under way."""

from typing import Any

import pytest
from tests.cast import Desk, desk, soon, staff
from tests.flow.walk import EMAIL, LATER, ready, request_of, wish

from changedesk import flow, packs
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import configure
from changedesk.flow.client_rules import RuleUnclear
from changedesk.rules.policy import LoosensFloor, RulesContradict
from changedesk.store import settings_read

OURS = "AURORA-MAIL"


def two_approvals(**more: Any) -> dict[str, Any]:
    return {
        "id": OURS,
        "citation": "Aurora policy 4.2",
        "scope": {"categories": ["contact.email"]},
        "oblige": [{"approve": {"count": 2}}],
        **more,
    }


@pytest.fixture
def ada(d: Desk) -> Actor:
    return staff(d.client, 7, Role.ADMINISTRATOR)


def test_a_client_that_asks_for_two_approvals_gets_two(d: Desk, dana: SubjectId, ada: Actor) -> None:
    before = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    assert before.approvals == 1
    version = configure.set_rule(two_approvals(), actor=ada, at=LATER)
    shown = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    assert (shown.approvals, shown.policy_version) == (2, version)
    assert OURS in dict(shown.rules)
    assert set(before.rules) < set(shown.rules)
    asked = ready(d, dana)
    kept = request_of(d, asked.ref)
    assert kept.needs_approvals == 2
    assert [OURS, settings_read.OWN_VERSIONS + 1] in kept.route["rules"]
    once = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 5)).one()
    assert once.state == "awaiting_approval"
    assert flow.approve({asked.ref: asked.digest}, actor=d.omar, at=soon(LATER, 6)).one().state == "applied"


def test_a_request_under_way_keeps_its_route_and_policy_version(d: Desk, dana: SubjectId, ada: Actor) -> None:
    asked = ready(d, dana)
    before = request_of(d, asked.ref)
    version = configure.set_rule(two_approvals(), actor=ada, at=soon(LATER, 3))
    assert version > before.route["policy_version"]
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4)).one().state == "applied"
    after = request_of(d, asked.ref)
    assert after.route == before.route
    assert OURS not in dict(after.route["rules"])


def test_a_rule_given_up_asks_no_more_and_the_packs_still_do(d: Desk, dana: SubjectId, ada: Actor) -> None:
    before = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    configure.set_rule(two_approvals(), actor=ada, at=LATER)
    version = configure.drop_rule(OURS, actor=ada, at=LATER)
    after = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    assert (after.rules, after.approvals, after.policy_version) == (before.rules, 1, version)
    with pytest.raises(NotFound):
        configure.drop_rule(OURS, actor=ada, at=LATER)


def test_each_wording_of_a_rule_is_a_version_of_its_own(d: Desk, dana: SubjectId, ada: Actor) -> None:
    configure.set_rule(two_approvals(), actor=ada, at=LATER)
    configure.set_rule(two_approvals(citation="Aurora policy 4.3"), actor=ada, at=LATER)
    route = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    assert dict(route.rules)[OURS] == settings_read.OWN_VERSIONS + 2
    newest = settings_read.config_changes(d.client)[0]
    assert (newest.verb, newest.target) == ("rule.set", f"rule/{OURS}")
    assert newest.old["citation"] == "Aurora policy 4.2"


@pytest.mark.parametrize(
    "weaker",
    [
        # The floor's own rule of this name asks for an approval, a hold and notices.
        two_approvals(id="FLOOR-REACH", scope={"categories": ["contact.email", "contact.phone"]}),
        two_approvals(id="FLOOR-REACH"),
        two_approvals(oblige=[{"suppress": {"to": "prior_contacts"}}]),
    ],
    ids=["less", "elsewhere", "silence"],
)
def test_a_rule_that_loosens_is_refused(d: Desk, dana: SubjectId, ada: Actor, weaker: dict[str, Any]) -> None:
    before = settings_read.configuration(d.client)
    with pytest.raises(LoosensFloor) as refusal:
        configure.set_rule(weaker, actor=ada, at=LATER)
    assert refusal.value.data["rule"] == weaker["id"]
    assert settings_read.configuration(d.client) == before


def test_rules_that_contradict_are_refused_and_both_are_named(d: Desk, ada: Actor) -> None:
    harder = two_approvals(scope={"attributes": {"opts_out": "true"}}, oblige=[{"verify": {"level": 3}}])
    with pytest.raises(RulesContradict) as refusal:
        configure.set_rule(harder, actor=ada, at=LATER)
    assert refusal.value.data["rule_a"] == OURS
    assert refusal.value.data["rule_b"] in {rule.id for rule in settings_read.configuration(d.client).pack.rules}
    assert settings_read.client_rules(d.client) == ()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (two_approvals(id="a b"), "rule.id"),
        (two_approvals(oblige=[{"approve": {"count": "2"}}]), "count"),
        (two_approvals(oblige=[{"approve": {"count": 10**12}}]), "1000000000000"),
        (two_approvals(oblige=[{"hold": {"blocks": ["reset"], "hours": -1}}]), "-1"),
        (two_approvals(oblige=[{"consent": {"statement": "no_such"}}]), "no_such"),
        (two_approvals(scope={"attributes": {"left_handed": "true"}}), "left_handed"),
        (two_approvals(effective_from="tomorrow"), "effective_from"),
        (two_approvals(pack="floor"), "pack"),
        ({"id": OURS, "scope": {}, "oblige": []}, "citation"),
        (two_approvals(oblige="approve"), "oblige"),
        (two_approvals(scope=["contact.email"]), "scope"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_with_its_place(
    d: Desk, ada: Actor, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(RuleUnclear) as refusal:
        configure.set_rule(wrong, actor=ada, at=LATER)
    assert says in str(refusal.value.data["reason"])


def test_packs_that_cannot_carry_the_clients_rules_are_refused(d: Desk, ada: Actor) -> None:
    telecom, base = (
        {name for header in pack.headers for name in header.attributes}
        for pack in (settings_read.configuration(d.client).pack, packs.load([]))
    )
    own = min(telecom - base)
    scope = {"categories": ["contact.email"], "attributes": {own: "true"}}
    configure.set_rule(two_approvals(scope=scope), actor=ada, at=LATER)
    with pytest.raises(RuleUnclear) as refusal:
        configure.change_client({"packs": ["banking"]}, actor=ada, at=LATER)
    assert OURS in str(refusal.value.data["reason"])
    assert settings_read.client(d.client).packs == ("telecom",)


def test_a_rule_of_one_client_says_nothing_to_another(d: Desk, ada: Actor) -> None:
    other = desk("borealis")
    configure.set_rule(two_approvals(), actor=ada, at=LATER)
    asked = flow.preview(wish(other.customer(), EMAIL), actor=other.ben, at=LATER).route
    assert (OURS in dict(asked.rules), asked.approvals) == (False, 1)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_nobody_but_the_administrator_sets_rules(d: Desk, role: Role) -> None:
    other = staff(d.client, 8, role)
    with pytest.raises(Forbidden):
        configure.set_rule(two_approvals(), actor=other, at=LATER)
    with pytest.raises(Forbidden):
        configure.drop_rule(OURS, actor=other, at=LATER)
