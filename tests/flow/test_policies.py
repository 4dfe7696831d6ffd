"""A client's own policy: two people make it, it asks more than the packs, and never of what is under way."""

import json
from datetime import datetime
from typing import Any

import pytest
from tests.cast import Desk, desk, soon, staff
from tests.flow.walk import EMAIL, LATER, ask, kinds, ready, request_of, wish

from changedesk import flow, packs
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import configure, policies
from changedesk.flow.client_rules import RuleUnclear
from changedesk.flow.policies import OwnPolicy, PolicyOutdated
from changedesk.reading import policies as reading
from changedesk.rules.limits import Limits, LimitUnfit
from changedesk.rules.policy import LoosensFloor, RulesContradict
from changedesk.store import policies as policies_kept
from changedesk.store import settings_read

OURS = "AURORA-MAIL"
REACH = {"categories": ["contact.email", "contact.phone"]}


def two_approvals(**more: Any) -> dict[str, Any]:
    return {
        "id": OURS,
        "citation": "Aurora policy 4.2",
        "scope": {"categories": ["contact.email"]},
        "oblige": [{"approve": {"count": 2}}],
        **more,
    }


def toml(value: Any) -> str:
    """A value as TOML writes it in one line: tables in braces, the rest as JSON does."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def source(*rules: dict[str, Any]) -> str:
    return "\n".join(
        "[[rule]]\n" + "\n".join(f"{key} = {toml(value)}" for key, value in rule.items()) for rule in rules
    )


@pytest.fixture
def ada(d: Desk) -> Actor:
    return staff(d.client, 7, Role.ADMINISTRATOR)


@pytest.fixture
def cora(d: Desk) -> Actor:
    return staff(d.client, 9, Role.COMPLIANCE)


def write(actor: Actor, *rules: dict[str, Any], **more: Any) -> int:
    told = settings_read.client(actor.client)
    given: dict[str, Any] = {
        "source": source(*rules), "packs": told.packs, "jurisdictions": told.jurisdictions,
        "industries": told.industries, **more,
    }  # fmt: skip
    return policies.write_policy(policies.NewPolicy(**given), actor=actor, at=LATER)


def put(d: Desk, *rules: dict[str, Any], at: datetime = LATER, **more: Any) -> int:
    """One writes, another publishes; the configuration version."""
    number = write(staff(d.client, 7, Role.ADMINISTRATOR), *rules, **more)
    return policies.publish_policy(number, actor=staff(d.client, 9, Role.COMPLIANCE), at=at)


def test_a_client_that_asks_for_two_approvals_gets_two(d: Desk, dana: SubjectId, ada: Actor) -> None:
    before = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    assert before.approvals == 1
    version = put(d, two_approvals())
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
    version = put(d, two_approvals(), at=soon(LATER, 3))
    assert version > before.route["policy_version"]
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4)).one().state == "applied"
    after = request_of(d, asked.ref)
    assert after.route == before.route
    assert OURS not in dict(after.route["rules"])


def test_a_rule_given_up_asks_no_more_and_the_packs_still_do(d: Desk, dana: SubjectId, ada: Actor) -> None:
    before = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    put(d, two_approvals())
    version = put(d)
    after = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    assert (after.rules, after.approvals, after.policy_version) == (before.rules, 1, version)
    assert settings_read.client_rules(d.client) == ()


def test_each_wording_of_a_rule_is_a_version_of_its_own(d: Desk, dana: SubjectId, ada: Actor) -> None:
    put(d, two_approvals())
    put(d, two_approvals(citation="Aurora policy 4.3"))
    route = flow.preview(wish(dana), actor=d.ben, at=LATER).route
    assert dict(route.rules)[OURS] == settings_read.OWN_VERSIONS + 2
    newest = settings_read.config_changes(d.client)[0]
    assert (newest.verb, newest.target, newest.actor) == ("policy.publish", "policy/2", "s9")
    assert newest.old["policy"] == 1


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
        write(ada, weaker)
    assert refusal.value.data["rule"] == weaker["id"]
    assert settings_read.configuration(d.client) == before


def test_rules_that_contradict_are_refused_and_both_are_named(d: Desk, ada: Actor) -> None:
    harder = two_approvals(scope={"attributes": {"opts_out": "true"}}, oblige=[{"verify": {"level": 3}}])
    with pytest.raises(RulesContradict) as refusal:
        write(ada, harder)
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
        write(ada, wrong)
    assert says in str(refusal.value.data["reason"])


def test_packs_that_cannot_carry_the_clients_rules_are_refused(d: Desk, ada: Actor) -> None:
    telecom, base = (
        {name for header in pack.headers for name in header.attributes}
        for pack in (settings_read.configuration(d.client).pack, packs.load([]))
    )
    own = min(telecom - base)
    scope = {"categories": ["contact.email"], "attributes": {own: "true"}}
    put(d, two_approvals(scope=scope))
    with pytest.raises(RuleUnclear) as refusal:
        write(ada, two_approvals(scope=scope), packs=["banking"], industries=["banking"])
    assert OURS in str(refusal.value.data["reason"])
    assert settings_read.client(d.client).packs == ("telecom",)


def test_a_rule_of_one_client_says_nothing_to_another(d: Desk, ada: Actor) -> None:
    other = desk("borealis")
    put(d, two_approvals())
    asked = flow.preview(wish(other.customer(), EMAIL), actor=other.ben, at=LATER).route
    assert (OURS in dict(asked.rules), asked.approvals) == (False, 1)


def test_what_would_be_loosened_is_said(ada: Actor) -> None:
    with pytest.raises(LoosensFloor) as refusal:
        write(ada, two_approvals(id="FLOOR-REACH", status="standard", scope=REACH))
    assert "notices" in str(refusal.value.data["why"])
    assert "holds" in str(refusal.value.data["why"])


@pytest.mark.parametrize("wrong", ["[[rule", "[other]\nx = 1", "rule = 3", "# x" * 70_000])
def test_what_is_no_list_of_rules_is_refused(ada: Actor, wrong: str) -> None:
    with pytest.raises(RuleUnclear):
        write(ada, source=wrong)


def test_one_rule_by_one_id(ada: Actor) -> None:
    with pytest.raises(RuleUnclear):
        write(ada, two_approvals(), two_approvals())


def test_the_author_does_not_publish_and_the_second_person_may(d: Desk, ada: Actor, cora: Actor) -> None:
    number = write(ada, two_approvals())
    assert write(ada, two_approvals()) == number
    with pytest.raises(OwnPolicy):
        policies.publish_policy(number, actor=ada, at=LATER)
    assert settings_read.client_rules(d.client) == ()
    version = policies.publish_policy(number, actor=cora, at=LATER)
    assert policies.publish_policy(number, actor=cora, at=LATER) == version
    kept = policies_kept.one(d.client, number)
    assert (kept.author, kept.published_by, kept.published_at, kept.config_version) == ("s7", "s9", LATER, version)
    with pytest.raises(NotFound):
        policies.publish_policy(99, actor=cora, at=LATER)


def test_of_two_drafts_on_the_same_policy_one_is_published(d: Desk, ada: Actor, cora: Actor) -> None:
    first, second = write(ada, two_approvals()), write(ada, two_approvals(citation="Another"))
    policies.publish_policy(first, actor=cora, at=LATER)
    with pytest.raises(PolicyOutdated):
        policies.publish_policy(second, actor=cora, at=LATER)
    assert policies.publish_policy(write(ada, two_approvals(citation="Another")), actor=cora, at=LATER)


def test_packs_are_enabled_where_they_count_by_two_people_only(d: Desk, dana: SubjectId, ada: Actor) -> None:
    for name, value in (("packs", ["banking"]), ("jurisdictions", ["DE"]), ("industries", ["banking"])):
        with pytest.raises(configure.BadSetting):
            configure.change_client({name: value}, actor=ada, at=LATER)
    version = put(d, packs=["telecom", "banking"], jurisdictions=["US", "EU"], industries=["telecom", "banking"])
    told = settings_read.client(d.client)
    assert (told.packs, told.jurisdictions, told.config_version) == (("banking", "telecom"), ("EU", "US"), version)
    assert flow.preview(wish(dana), actor=d.ben, at=LATER).route.policy_version == version
    put(d, packs=["telecom"], jurisdictions=["US"], industries=["telecom"])
    assert settings_read.configuration(d.client).pack.names == ("telecom",)
    wrongs: list[dict[str, Any]] = [{"packs": ["nothing"]}, {"jurisdictions": ["Mars"]}, {"industries": ["mining"]}]
    for wrong in wrongs:
        with pytest.raises(RuleUnclear):
            write(ada, **wrong)


def test_a_policy_is_shown_beside_what_is_in_force(d: Desk, ada: Actor, cora: Actor) -> None:
    number = write(ada, two_approvals(), packs=["telecom", "banking"])
    panel = reading.policy_panel(number, actor=cora)
    assert (panel.policy.state, panel.may_publish, panel.settings) == (
        "draft", True, {"packs": (("telecom",), ("banking", "telecom"))},
    )  # fmt: skip
    changed = {one.rule: (one.change, one.pack) for one in panel.rules}
    assert changed.pop(OURS) == ("added", "client")
    assert set(changed.values()) == {("added", "banking")}
    assert '+id = "AURORA-MAIL"' in panel.lines
    assert not reading.policy_panel(number, actor=ada).may_publish
    policies.publish_policy(number, actor=cora, at=LATER)
    write(ada)
    assert [one.state for one in reading.policies(actor=cora)] == ["draft", "in_force"]
    assert reading.in_force(actor=ada)[0] == source(two_approvals())
    with pytest.raises(NotFound):
        reading.policy_panel(99, actor=cora)


def test_a_simulation_says_what_past_requests_would_have_needed(d: Desk, dana: SubjectId, ada: Actor) -> None:
    mail = ask(d, dana, at=LATER)
    ask(d, dana, {"pref.marketing_email": False}, kind="marketing_preferences", at=LATER)
    before = kinds(d, dana)
    found = reading.simulate(write(ada, two_approvals()), actor=ada)
    assert (found.looked_at, found.counts) == (2, {"same": 1, "more": 1, "less": 0, "mixed": 0, "unknown": 0})
    assert [(one.ref, one.more, one.less) for one in found.samples] == [(mail.ref, ("approvals",), ())]
    put(d, two_approvals())
    assert reading.simulate(write(ada), actor=ada).counts["less"] == 1
    assert kinds(d, dana) == before
    assert reading.simulate(write(ada), last=1, actor=ada).counts == {
        "same": 1, "more": 0, "less": 0, "mixed": 0, "unknown": 0,
    }  # fmt: skip


def test_a_simulation_asks_what_was_asked_then(d: Desk, dana: SubjectId, ada: Actor) -> None:
    """What policy was told of the customer is kept with the request, sealed: a rule about it is decided by that."""
    asked = ask(d, dana, at=LATER)
    route = request_of(d, asked.ref).route
    found = reading.simulate(write(ada), actor=ada)
    assert found.counts["same"] == 1
    told = request_of(d, asked.ref).proposal
    assert told is not None
    assert told.told["initiated_by"] == "customer"
    assert "false" not in told.told.values()
    assert route["level"] == request_of(d, asked.ref).needs_level


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_nobody_but_the_administrator_writes_and_few_publish_or_read(d: Desk, ada: Actor, role: Role) -> None:
    other = staff(d.client, 8, role)
    with pytest.raises(Forbidden):
        write(other, two_approvals())
    number = write(ada, two_approvals())
    if role is not Role.COMPLIANCE:
        with pytest.raises(Forbidden):
            policies.publish_policy(number, actor=other, at=LATER)
    if role not in (Role.COMPLIANCE, Role.AUDITOR):
        for look_at in (reading.policies, reading.in_force):
            with pytest.raises(Forbidden):
                look_at(actor=other)
        with pytest.raises(Forbidden):
            reading.policy_panel(number, actor=other)
        with pytest.raises(Forbidden):
            reading.simulate(number, actor=other)


def test_another_client_reads_and_publishes_none_of_it(d: Desk, ada: Actor) -> None:
    number = write(ada, two_approvals())
    other = desk("borealis")
    cora = staff(other.client, 9, Role.COMPLIANCE)
    for ask_for in (reading.policy_panel, reading.simulate):
        with pytest.raises(NotFound):
            ask_for(number, actor=cora)
    with pytest.raises(NotFound):
        policies.publish_policy(number, actor=cora, at=LATER)
    assert reading.policies(actor=cora) == ()


def test_limits_come_into_force_with_the_policy_that_another_publishes(d: Desk, ada: Actor, cora: Actor) -> None:
    number = write(ada, limits={"reveals_an_hour": 5, "export_entries": 100})
    assert settings_read.client(d.client).limits == Limits()
    panel = reading.policy_panel(number, actor=cora)
    assert panel.limits == {"reveals_an_hour": (30, 5), "export_entries": (50_000, 100)}
    policies.publish_policy(number, actor=cora, at=LATER)
    assert settings_read.client(d.client).limits == Limits(reveals_an_hour=5, export_entries=100)
    # Who changes the rules only leaves the limits as they are, and the draft says so.
    later = write(ada, two_approvals())
    assert reading.policy_panel(later, actor=cora).limits == {}
    assert reading.policy_panel(later, actor=cora).policy.limits == Limits(reveals_an_hour=5, export_entries=100)


def test_limits_outside_their_bounds_or_outside_a_policy_are_refused(ada: Actor) -> None:
    with pytest.raises(LimitUnfit):
        write(ada, limits={"glass_minutes": 61})
    with pytest.raises(configure.BadSetting):
        configure.change_client({"limits": {"glass_minutes": 5}}, actor=ada, at=LATER)
