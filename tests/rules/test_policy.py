import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules import making
from tests.rules.making import ASK, NOON, rule

from changedesk.base.actor import ActorType, Channel
from changedesk.rules import obligations as duty
from changedesk.rules.policy import (
    Ask,
    LoosensFloor,
    Rule,
    RulesContradict,
    Scope,
    Status,
    as_strict_as,
    contradictions,
    decide,
    from_json,
    require_consistent,
    tighten,
    to_json,
)
from changedesk.rules.route import HoldDuty, NoticeDuty, Route
from changedesk.rules.rule import globs_meet
from changedesk.rules.term import Term


@given(making.asks, st.lists(making.rules, max_size=8), making.rules)
def test_a_further_rule_never_weakens_a_route(ask: Ask, rules: list[Rule], further: Rule) -> None:
    before = decide(ask, rules, policy_version=1)
    assert as_strict_as(decide(ask, [*rules, further], policy_version=1), before)


@given(making.asks, st.lists(making.rules, max_size=8), st.randoms())
def test_the_order_of_rules_does_not_matter(ask: Ask, rules: list[Rule], random: object) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert decide(ask, shuffled, policy_version=1) == decide(ask, rules, policy_version=1)


@given(making.asks, st.lists(making.rules, max_size=8))
def test_deciding_twice_gives_the_same_route_and_so_does_every_rule_twice(ask: Ask, rules: list[Rule]) -> None:
    once = decide(ask, rules, policy_version=3)
    assert decide(ask, iter(rules), policy_version=3) == once
    assert decide(ask, rules + rules, policy_version=3) == once


@given(making.asks, st.lists(making.rules, max_size=8))
def test_a_route_comes_back_from_json_as_it_was(ask: Ask, rules: list[Rule]) -> None:
    route = decide(ask, rules, policy_version=3)
    assert from_json(json.loads(json.dumps(to_json(route)))) == route


def test_without_rules_nothing_is_asked() -> None:
    assert decide(ASK, [], policy_version=7) == Route(level=0, approvals=0, policy_version=7)


@pytest.mark.parametrize(
    ("scope", "ask"),
    [
        (Scope(jurisdictions=frozenset({"US"})), replace(ASK, jurisdictions=frozenset({"US", "US-CA"}))),
        (Scope(industries=frozenset({"telecom"})), replace(ASK, industry=frozenset({"telecom"}))),
        (Scope(kinds=frozenset({"personal_details"})), replace(ASK, kind="personal_details")),
        (Scope(categories=frozenset({"payment.*"})), replace(ASK, categories=frozenset({"payment.bank"}))),
        (Scope(operations=frozenset({"remove"})), replace(ASK, operation="remove")),
        (Scope(channels=frozenset({"api"})), replace(ASK, channel=Channel.API)),
        (Scope(actors=frozenset({"customer"})), replace(ASK, actor=ActorType.CUSTOMER)),
        (Scope(attended=False), replace(ASK, attended=False)),
        (Scope(attributes={"minor": "true"}), replace(ASK, attributes={"minor": "true"})),
        (
            Scope(changed_within={"auth.sim": 60}),
            replace(ASK, attributes={"last_changed.auth.sim": (NOON - timedelta(seconds=59)).isoformat()}),
        ),
    ],
)
def test_each_condition_of_a_scope_lets_in_only_what_meets_it(scope: Scope, ask: Ask) -> None:
    assert scope.matches(ask)
    assert not scope.matches(ASK)


def test_an_excepted_reason_takes_a_change_out_of_scope() -> None:
    scope = Scope(except_reasons=frozenset({"typo"}))
    assert scope.matches(ASK)
    assert not scope.matches(replace(ASK, reason="typo"))


def test_an_absent_attribute_reads_as_false() -> None:
    assert Scope(attributes={"opts_out": "false"}).matches(ASK)
    assert not Scope(attributes={"opts_out": "true"}).matches(ASK)


def test_an_instant_without_an_offset_is_refused_rather_than_guessed() -> None:
    ask = replace(ASK, attributes={"last_changed.auth.sim": "2026-03-02T09:00:00"})
    with pytest.raises(ValueError, match="no offset"):
        ask.last_changed("auth.sim")


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("contact.email", "contact.email", True),
        ("contact.*", "contact.email", True),
        ("contact.email", "contact.*", True),
        ("contact.*", "contact.*", True),
        ("contact.*", "contact.phone.*", True),
        ("contact.phone.*", "contact.*", True),
        ("*", "payment.bank", True),
        ("contact.*", "contacts.email", False),
        ("contact.*", "payment.*", False),
        ("contact.email", "contact.phone", False),
        ("contact.email", "payment.*", False),
    ],
)
def test_category_patterns_meet_where_they_share_a_category(one: str, other: str, meet: bool) -> None:  # noqa: FBT001 - the expectation
    assert globs_meet(one, other) is meet


@pytest.mark.parametrize(
    ("given_", "counts"),
    [
        ({}, True),
        ({"status": Status.STANDARD}, True),
        ({"status": Status.GUIDANCE}, True),
        ({"status": Status.VACATED}, False),
        ({"status": Status.VACATED, "default_on": True}, False),
        ({"status": Status.NOT_YET_EFFECTIVE}, False),
        ({"status": Status.NOT_YET_EFFECTIVE, "default_on": True, "effective_from": date(2030, 1, 1)}, True),
        ({"effective_from": date(2026, 3, 3)}, False),
        ({"effective_from": date(2026, 3, 2)}, True),
        ({"effective_to": date(2026, 3, 1)}, False),
        ({"effective_to": date(2026, 3, 2)}, True),
    ],
)
def test_only_a_rule_in_force_counts(given_: dict[str, Any], counts: bool) -> None:  # noqa: FBT001 - the expectation
    route = decide(ASK, [rule("R", duty.Verify(level=2), **given_)], policy_version=1)
    assert (route.level, route.rules) == ((2, (("R", 1),)) if counts else (0, ()))


def test_of_each_sort_the_strictest_wins() -> None:
    route = decide(
        ASK,
        [
            rule("A", duty.Verify(2, forbid=frozenset({"knowledge"})), duty.Retain("short", 2, 9)),
            rule("B", duty.Verify(3, confirm_new=True), duty.Retain("long", 5, 7), duty.HumanReview()),
            rule(
                "C", duty.Hold(frozenset({"payout"}), 60), duty.Consent("mild", 1), duty.Mask("payment.card", "last4")
            ),
            rule("D", duty.Hold(frozenset({"payout", "reset"}), 90), duty.Consent("full", 2), duty.LockOption("sim")),
            rule("E", duty.Approve(1), duty.Hold(frozenset(), 30, trigger="approved")),
            rule("F", duty.Approve(2, separation=frozenset({"team"})), duty.Propagate(frozenset({"bureau"}))),
            rule("G", duty.Respond("answer", 1, "months"), duty.Record(frozenset({"purpose"}))),
            rule("H", duty.Respond("answer", 10, "business_days")),
        ],
        policy_version=4,
    )
    assert (route.level, route.methods_forbidden, route.confirm_new_contacts) == (3, ("knowledge",), True)
    assert (route.retention_class, route.retention_least, route.retention_most) == ("long", Term(5), Term(7))
    assert route.holds == (HoldDuty(("payout", "reset"), 90, "supervisor", "D"),)
    assert (route.consent, route.approvals, route.separation) == ("full", 2, ("maker", "team"))
    assert (route.wait_seconds, route.recipients, route.evidence) == (30, ("bureau",), ("purpose",))
    assert (route.masks, route.lock_options, route.human_review) == ((("payment.card", "last4"),), ("sim",), True)
    assert [(found.duty, found.due.date(), found.rule) for found in route.deadlines] == [
        ("answer", date(2026, 3, 16), "H")
    ]


def test_a_wide_short_hold_does_not_swallow_a_narrow_long_one() -> None:
    holds = decide(
        ASK,
        [
            rule("A", duty.Hold(frozenset({"a", "b"}), 10)),
            rule("B", duty.Hold(frozenset({"a"}), 20)),
            rule("C", duty.Hold(frozenset({"a"}), 5, release="compliance")),
            rule("D", duty.Hold(frozenset({"a", "b"}), 8)),
        ],
        policy_version=1,
    ).holds
    assert {(hold.blocks, hold.seconds, hold.release) for hold in holds} == {
        (("a", "b"), 10, "supervisor"),
        (("a",), 20, "supervisor"),
        (("a",), 5, "compliance"),
    }


def test_one_notice_is_sent_for_all_the_rules_that_want_it() -> None:
    sms, post = (duty.Notify("applied", "prior_contacts", channels=frozenset({way})) for way in ("sms", "post"))
    assert decide(ASK, [rule("B", sms), rule("A", post)], policy_version=1).notices == (
        NoticeDuty("applied", "prior_contacts", True, "A,B", ("post", "sms")),
    )
    everywhere = duty.Notify("applied", "prior_contacts")
    assert decide(ASK, [rule("B", sms), rule("A", everywhere)], policy_version=1).notices[0].channels == ()


def test_suppression_comes_last_and_is_on_record() -> None:
    told = rule(
        "LOUD", duty.Notify("applied", "prior_contacts"), duty.Notify("applied", "new_contacts", security=False)
    )
    quiet = rule("QUIET", duty.Suppress("prior_contacts"), scope=Scope(attributes={"safe_contact": "true"}))
    safe = replace(ASK, attributes={"safe_contact": "true"})
    route = decide(safe, [quiet, told], policy_version=1)
    assert [notice.to for notice in route.notices] == ["new_contacts"]
    assert route.suppressed == (("prior_contacts", "QUIET"),)
    assert len(decide(ASK, [quiet, told], policy_version=1).notices) == 2


def test_what_else_a_quiet_request_changes_is_told_of() -> None:
    told = rule("LOUD", duty.Notify("applied", "prior_contacts"))
    quiet = rule("QUIET", duty.Suppress("prior_contacts"), scope=Scope(categories=frozenset({"contact.confidential"})))
    alone = replace(ASK, categories=frozenset({"contact.confidential"}))
    mixed = replace(ASK, categories=frozenset({"contact.confidential", "contact.email"}))
    assert decide(alone, [quiet, told], policy_version=1).notices == ()
    assert len(decide(mixed, [quiet, told], policy_version=1).notices) == 1


def test_level_four_always_brings_two_approvals_from_another_team() -> None:
    route = decide(ASK, [rule("A", duty.Verify(4))], policy_version=1)
    assert (route.approvals, route.separation) == (2, ("maker", "team"))


def test_a_prohibition_ends_when_its_time_is_over() -> None:
    scope = Scope(changed_within={"auth.sim": 3600})
    ask = replace(ASK, attributes={"last_changed.auth.sim": NOON.isoformat()})
    (found,) = decide(ask, [rule("A", duty.Prohibit("sim_changed"), scope=scope)], policy_version=1).prohibitions
    assert found.until == NOON + timedelta(hours=1)
    later = replace(ask, at=NOON + timedelta(hours=1))
    assert decide(later, [rule("A", duty.Prohibit("sim_changed"), scope=scope)], policy_version=1).prohibitions == ()


def test_the_clock_starts_at_receipt_not_at_entry() -> None:
    ask = replace(ASK, received_at=NOON - timedelta(days=3))
    (found,) = decide(ask, [rule("A", duty.Respond("answer", 48, "hours"))], policy_version=1).deadlines
    assert found.due == NOON - timedelta(days=1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: duty.Verify(level=5),
        lambda: duty.Approve(separation=frozenset({"family"})),
        lambda: duty.Hold(frozenset(), 1, trigger="someday"),
        lambda: duty.Notify("dreamt", "prior_contacts"),
        lambda: duty.Notify("applied", "neighbours"),
        lambda: duty.Notify("applied", "new_contacts", security=True),
        lambda: duty.Respond("answer", 1, "fortnights"),
        lambda: duty.Suppress("everybody"),
    ],
)
def test_an_obligation_that_says_nonsense_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"is|goes"):
        wrong()  # type: ignore[operator]  # each is a function of nothing


STRICT = Route(
    level=2,
    approvals=1,
    consent="x",
    confirm_new_contacts=True,
    methods_forbidden=("knowledge",),
    holds=(HoldDuty(("payout",), 60),),
    notices=(NoticeDuty("applied", "prior_contacts", channels=("sms",)),),
    deadlines=decide(ASK, [rule("A", duty.Respond("answer", 5, "days"))], policy_version=1).deadlines,
    prohibitions=decide(ASK, [rule("A", duty.Prohibit("no"))], policy_version=1).prohibitions,
    evidence=("purpose",),
    retention_least=Term(2),
    retention_most=Term(5),
    recipients=("bureau",),
    wait_seconds=10,
    masks=(("a", "b"),),
    lock_options=("sim",),
    human_review=True,
)


@pytest.mark.parametrize(
    "weaker",
    [
        {"level": 1},
        {"approvals": 0},
        {"consent": None},
        {"confirm_new_contacts": False},
        {"methods_forbidden": ()},
        {"holds": (HoldDuty(("payout",), 59),)},
        {"holds": (HoldDuty(("reset",), 60),)},
        {"holds": (HoldDuty(("payout",), 60, "compliance"),)},
        {"notices": ()},
        {"notices": (NoticeDuty("applied", "prior_contacts", channels=("post",)),)},
        {"notices": (NoticeDuty("requested", "prior_contacts"),)},
        {"deadlines": decide(ASK, [rule("A", duty.Respond("answer", 6, "days"))], policy_version=1).deadlines},
        {"prohibitions": ()},
        {"prohibitions": tuple(replace(p, until=NOON) for p in STRICT.prohibitions)},
        {"evidence": ()},
        {"retention_least": Term(1, 11, 29)},
        {"retention_most": None},
        {"retention_most": Term(5, 0, 1)},
        {"recipients": ()},
        {"wait_seconds": 9},
        {"masks": ()},
        {"lock_options": ()},
        {"human_review": False},
        {"separation": ()},
    ],
)
def test_less_in_any_part_is_less_strict(weaker: dict[str, object]) -> None:
    assert as_strict_as(STRICT, STRICT)
    assert not as_strict_as(replace(STRICT, **weaker), STRICT)  # type: ignore[arg-type]  # parts of a route


def test_a_notice_by_every_way_is_stricter_than_one_by_some_and_a_later_end_than_an_earlier() -> None:
    everywhere = replace(STRICT, notices=(NoticeDuty("applied", "prior_contacts"),))
    assert as_strict_as(everywhere, STRICT)
    assert not as_strict_as(STRICT, everywhere)
    short, long = (
        replace(STRICT, prohibitions=tuple(replace(p, until=until) for p in STRICT.prohibitions))
        for until in (NOON, NOON + timedelta(1))
    )
    assert as_strict_as(long, short)
    assert not as_strict_as(short, long)


def test_rules_that_cannot_both_be_kept_are_named_both() -> None:
    six = rule("KEEP-SIX", duty.Retain("a", years_min=6))
    five = rule("DROP-FIVE", duty.Retain("a", years_min=1, years_max=5))
    (clash,) = contradictions([six, five])
    assert (clash.rule_a, clash.rule_b) == ("KEEP-SIX", "DROP-FIVE")
    assert "6" in clash.why
    with pytest.raises(RulesContradict) as refusal:
        require_consistent([five, six])
    assert {refusal.value.data["rule_a"], refusal.value.data["rule_b"]} == {"KEEP-SIX", "DROP-FIVE"}
    assert refusal.value.sentence == ("Two of these rules cannot both be kept, so they cannot be in force together.")


@pytest.mark.parametrize(
    ("floor", "ceiling"),
    [(duty.Verify(level=2), duty.Verify(most=1)), (duty.Approve(count=1), duty.Approve(most=0))],
)
def test_more_proof_than_a_ceiling_allows_is_a_contradiction(floor: duty.Obligation, ceiling: duty.Obligation) -> None:
    assert [c.rule_a for c in contradictions([rule("HARD", floor), rule("EASY", ceiling)])] == ["HARD"]
    assert contradictions([rule("EASY", ceiling), rule("OTHER", duty.Record(frozenset()))]) == []


OPTS_OUT = Scope(attributes={"opts_out": "true"})


@pytest.mark.parametrize(
    ("hard", "easy"),
    [
        ({"scope": Scope(attributes={"opts_out": "false"})}, {"scope": OPTS_OUT}),
        ({"scope": Scope(categories=frozenset({"contact.*"}))}, {"scope": Scope(categories=frozenset({"pref.*"}))}),
        ({"scope": Scope(kinds=frozenset({"a"}))}, {"scope": Scope(kinds=frozenset({"b"}))}),
        ({"scope": Scope(operations=frozenset({"a"}))}, {"scope": Scope(operations=frozenset({"b"}))}),
        ({"scope": Scope(channels=frozenset({"a"}))}, {"scope": Scope(channels=frozenset({"b"}))}),
        ({"scope": Scope(actors=frozenset({"a"}))}, {"scope": Scope(actors=frozenset({"b"}))}),
        ({"scope": Scope(attended=True)}, {"scope": Scope(attended=False)}),
        ({"effective_to": date(2026, 1, 1)}, {"effective_from": date(2026, 1, 2)}),
        ({"status": Status.VACATED}, {}),
        ({"status": Status.NOT_YET_EFFECTIVE}, {}),
    ],
)
def test_rules_that_no_one_change_falls_under_do_not_contradict(hard: dict[str, Any], easy: dict[str, Any]) -> None:
    assert contradictions([rule("H", duty.Verify(3), **hard), rule("E", duty.Verify(most=1), **easy)]) == []


def test_rules_of_a_country_or_industry_that_a_client_is_not_in_are_left_out() -> None:
    us = rule("US", duty.Verify(3), scope=Scope(jurisdictions=frozenset({"US"})))
    bank = rule("BANK", duty.Verify(most=1), scope=Scope(industries=frozenset({"banking"})))
    assert len(contradictions([us, bank])) == 1
    assert len(contradictions([us, bank], jurisdictions={"US", "DE"}, industries={"banking"})) == 1
    assert contradictions([us, bank], jurisdictions={"DE"}) == []
    assert contradictions([us, bank], industries={"telecom"}) == []


BASE = rule("BASE", duty.Verify(2), duty.Notify("applied", "prior_contacts"))


def test_a_client_may_tighten_a_floor_rule_and_add_its_own() -> None:
    tighter = replace(BASE, obligations=(duty.Verify(3), duty.Notify("applied", "prior_contacts")), version=2)
    own = rule("OURS", duty.Approve(2))
    assert tighten([BASE, rule("OTHER")], [tighter, own]) == [rule("OTHER"), tighter, own]


@pytest.mark.parametrize(
    ("weaker", "why"),
    [
        (replace(BASE, obligations=(duty.Verify(2),)), "it demands less: notices"),
        (replace(BASE, scope=Scope(kinds=frozenset({"x"}))), "its scope differs"),
        (replace(BASE, status=Status.VACATED), "its status or dates differ"),
        (replace(BASE, effective_to=date(2020, 1, 1)), "its status or dates differ"),
        (rule("OURS", duty.Suppress("prior_contacts")), "only a pack may suppress notices"),
    ],
)
def test_a_client_never_loosens_the_floor(weaker: Rule, why: str) -> None:
    with pytest.raises(LoosensFloor) as refusal:
        tighten([BASE], [weaker])
    assert refusal.value.data == {"rule": weaker.id, "why": why}


def test_a_client_keeps_the_ceiling_of_an_opt_out() -> None:
    easy = rule("EASY", duty.Verify(most=1), scope=OPTS_OUT)
    assert tighten([easy], [replace(easy, obligations=(duty.Verify(most=0),))])
    for loose in (duty.Verify(most=2), duty.Verify(), duty.Approve(most=0)):
        with pytest.raises(LoosensFloor):
            tighten([easy], [replace(easy, obligations=(loose,))])
    with pytest.raises(RulesContradict):
        tighten([easy], [rule("OURS", duty.Verify(3), scope=OPTS_OUT)])


def test_a_client_never_takes_over_a_rule_that_protects_by_silence() -> None:
    quiet = rule("QUIET", duty.Suppress("prior_contacts"), scope=Scope(attributes={"safe_contact": "true"}))
    with pytest.raises(LoosensFloor):
        tighten([quiet], [replace(quiet, obligations=(duty.HumanReview(),))])


def test_dates_of_rules_are_days_in_utc() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC).astimezone(tz=None)
    assert rule("A", effective_to=date(2026, 3, 2)).in_force(late)
