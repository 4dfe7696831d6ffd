"""Consent, approval, conflict, holds, retention and the next step of a route."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Refusal
from changedesk.rules import approval, conflict, consent, holds, retention
from changedesk.rules.approval import Candidate
from changedesk.rules.lifecycle import STEPS, RequestState
from changedesk.rules.retention import Disposal, RetentionClass
from changedesk.rules.route import Route
from changedesk.rules.route_progress import next_step
from changedesk.rules.term import Term

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DIGEST = b"d" * 32


@dataclass(frozen=True)
class Asked:
    id: str = "r1"
    reference: str = "K7M2Q-9XTRA-C"
    paths: Collection[str] = ("contact.email",)


INES = Actor(ClientId(1), ActorType.STAFF, "s2", Channel.SYSTEM, "console", frozenset({Role.SUPERVISOR}), team="north")


def candidate(**other: Any) -> Candidate:
    told = {"id": "r1", "state": RequestState.AWAITING_APPROVAL, "entered_by": "s1", "team": "north", "digest": DIGEST,
            "separation": ("maker",), "decided_by": ()}  # fmt: skip
    return Candidate(**{**told, **other})


@pytest.mark.parametrize(
    ("request_", "approver", "refusal"),
    [
        (candidate(), INES, None),
        (candidate(), replace(INES, roles=frozenset({Role.COMPLIANCE})), None),
        (candidate(), replace(INES, roles=frozenset({Role.AGENT, Role.ADMINISTRATOR})), approval.NotAnApprover),
        (candidate(), replace(INES, type=ActorType.AUTOMATION), approval.NotAnApprover),
        (candidate(entered_by="s2"), INES, approval.SameHand),
        (candidate(separation=("maker", "team")), INES, approval.SameTeam),
        (candidate(separation=("maker", "team")), replace(INES, team="south"), None),
        (candidate(separation=("maker", "team"), team=""), replace(INES, team=""), None),
        (candidate(decided_by=("s2",)), INES, approval.AlreadyDecided),
        (candidate(state=RequestState.WITHDRAWN), INES, approval.TooLate),
        (candidate(digest=b"edited"), INES, approval.DifferentContent),
        (candidate(id="unseen"), INES, approval.DifferentContent),
    ],
)
def test_who_may_approve_what(request_: Candidate, approver: Actor, refusal: type | None) -> None:
    allowed, refused = approval.screen([request_], approver, seen={"r1": DIGEST})
    assert (allowed == [request_]) is (refusal is None)
    assert [type(found) for found in refused.values()] == ([refusal] if refusal else [])


def test_one_refused_request_does_not_stop_the_others() -> None:
    mine, theirs = candidate(id="a", entered_by="s2"), candidate(id="b")
    allowed, refused = approval.screen([mine, theirs], INES, seen={"a": DIGEST, "b": DIGEST})
    assert (allowed, list(refused)) == ([theirs], ["a"])


@dataclass(frozen=True)
class Signed:
    actor: str = "s2"
    digest: bytes = DIGEST
    statement: str = "marketing"


@dataclass(frozen=True)
class Words:
    wording: dict[str, str] = field(default_factory=lambda: {"en": "I agree."})


STATEMENTS = {("marketing", 2): Words()}


def test_consent_names_statement_version_language_and_way() -> None:
    told: dict[str, Any] = {
        "wanted": "marketing",
        "statement": "marketing",
        "version": 2,
        "language": "en",
        "way": "read_aloud",
    }
    assert consent.require_wording(STATEMENTS, **told) == "I agree."
    assert consent.require_wording(STATEMENTS, **{**told, "wanted": None}) == "I agree."
    other: list[tuple[dict[str, object], type[Refusal], dict[str, object]]] = [
        ({"way": "assumed"}, consent.WayUnknown, {"way": "assumed"}),
        ({"statement": "terms"}, consent.WrongStatement, {"wanted": "marketing", "given": "terms"}),
        ({"version": 1}, consent.WordingUnknown, {"statement": "marketing", "version": 1, "language": "en"}),
        ({"language": "ar"}, consent.WordingUnknown, {"statement": "marketing", "version": 2, "language": "ar"}),
    ]
    for change, refusal, data in other:
        with pytest.raises(refusal) as refused:
            consent.require_wording(STATEMENTS, **{**told, **change})
        assert refused.value.data == data


def test_consent_to_other_words_or_another_content_is_none() -> None:
    route = Route(level=0, approvals=0, consent="marketing")
    assert consent.consented(route, [Signed()], digest=DIGEST)
    assert not consent.consented(route, [Signed(statement="terms")], digest=DIGEST)
    assert not consent.consented(route, [Signed()], digest=b"edited")
    assert consent.consented(Route(level=0, approvals=0), [], digest=DIGEST)


def test_a_field_of_an_open_request_is_taken() -> None:
    conflict.require_free(["personal.name"], [Asked()])
    with pytest.raises(conflict.FieldTaken) as refusal:
        conflict.require_free(["personal.name", "contact.email"], [Asked()])
    assert refusal.value.data == {"reference": "K7M2Q-9XTRA-C", "paths": ["contact.email"]}


def test_the_same_values_again_are_no_change() -> None:
    assert conflict.differing({"a": "1", "b": "2"}, {"a": "1", "b": None, "c": "3"}) == {"b": None, "c": "3"}
    with pytest.raises(conflict.NoChange):
        conflict.differing({"a": "1"}, {"a": "1", "c": None})


def test_a_request_is_stale_only_when_its_own_fields_moved() -> None:
    conflict.require_unmoved({"a": "1"}, {"a": "1", "b": "moved"}, ["a"])
    with pytest.raises(conflict.Stale) as refusal:
        conflict.require_unmoved({"a": "1", "b": "2"}, {"a": "9"}, ["b", "a"])
    assert refusal.value.data == {"paths": ["a", "b"]}


_states = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"))


@given(_states, _states, _states)
def test_a_three_way_comparison_accounts_for_every_field_once(
    base: dict[str, str], current: dict[str, str], wanted: dict[str, str]
) -> None:
    found = conflict.three_way(base, current, wanted)
    assert sorted(found.free + found.already + found.conflicting) == sorted(wanted)
    assert all(current.get(path) == base.get(path) for path in found.free)
    assert all(current.get(path) == wanted[path] for path in found.already)
    assert all(current.get(path) not in (base.get(path), wanted[path]) for path in found.conflicting)


def test_a_reversal_keeps_what_others_wrote_since() -> None:
    set_by_change, before = {"a": "new", "b": "new", "c": "new"}, {"a": "old", "b": "old", "c": "old"}
    found = conflict.three_way(set_by_change, {"a": "new", "b": "old", "c": "later"}, before)
    assert (found.free, found.already, found.conflicting) == (("a",), ("b",), ("c",))


@dataclass(frozen=True)
class Block:
    blocks: Collection[str] = ("payout",)
    starts: datetime = NOW
    ends: datetime | None = NOW + timedelta(days=1)
    released_at: datetime | None = None


def test_a_hold_stands_from_its_start_until_its_end_or_release() -> None:
    def stands(hold: Block, at: datetime) -> bool:
        return bool(holds.active([hold], at))

    assert [stands(Block(), NOW + timedelta(hours=h)) for h in (-1, 0, 23, 24)] == [False, True, True, False]
    assert stands(Block(ends=None), NOW + timedelta(days=999))
    assert not stands(Block(released_at=NOW + timedelta(hours=1)), NOW + timedelta(hours=1))
    assert stands(Block(released_at=NOW + timedelta(hours=1)), NOW)


def test_a_hold_stops_what_it_names_and_a_freeze_stops_all_but_an_opt_out() -> None:
    bank = holds.operations_of(["payment.bank"])
    assert bank == {"payment.bank", "payee", "payout"}
    assert "reset" in holds.operations_of(["auth.password"])
    assert holds.blocking([Block()], bank, NOW) == [Block()]
    assert holds.blocking([Block()], {"reissue"}, NOW) == []
    frozen = Block(blocks=(holds.EVERYTHING,), ends=None)
    assert holds.blocking([frozen], holds.operations_of(["pref.marketing"]), NOW) == [frozen]
    holds.require_clear([frozen], {"pref.marketing"}, NOW, opts_out=True)
    holds.require_clear([frozen], set(), NOW - timedelta(1))
    with pytest.raises(holds.OnHold) as refusal:
        holds.require_clear([Block(), frozen], bank, NOW)
    assert refusal.value.data == {"blocks": ["*"], "ends": None}
    later = Block(ends=NOW + timedelta(days=3))
    with pytest.raises(holds.OnHold) as refusal:
        holds.require_clear([later, Block()], bank, NOW)
    assert refusal.value.data["ends"] == later.ends


SIX = RetentionClass("account", 6, 8, "closure")


def test_a_record_is_kept_then_may_go_then_must() -> None:
    closed = datetime(2020, 2, 29, 10, tzinfo=UTC)
    on = [datetime(*day, tzinfo=UTC) for day in ((2026, 2, 27), (2026, 2, 28), (2028, 2, 28), (2028, 2, 29))]
    assert [retention.disposal(SIX, closed, now=at) for at in on] == [
        Disposal.KEEP, Disposal.MAY_GO, Disposal.MAY_GO, Disposal.MUST_GO
    ]  # fmt: skip
    assert retention.keep_until(SIX, closed) == date(2026, 2, 28)
    assert retention.gone_by(SIX, closed) == date(2028, 2, 29)
    assert retention.gone_by(replace(SIX, years_max=None), closed) is None
    assert retention.disposal(replace(SIX, years_max=None), closed, now=on[-1]) is Disposal.MAY_GO


def test_legal_hold_and_an_open_account_beat_every_maximum() -> None:
    long_ago = datetime(1990, 1, 1, tzinfo=UTC)
    assert retention.disposal(SIX, long_ago, now=NOW) is Disposal.MUST_GO
    assert retention.disposal(SIX, long_ago, now=NOW, legal_hold=True) is Disposal.KEEP
    assert retention.disposal(SIX, None, now=NOW) is Disposal.KEEP


def test_a_class_that_must_go_before_it_may_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 6 years and at most 5 years"):
        RetentionClass("odd", 6, 5)


@pytest.mark.parametrize(
    ("route", "least", "most"),
    [((0, 0), 6, 8), ((7, 0), 7, 8), ((0, 7), 6, 7), ((10, 0), 10, 10), ((0, 20), 6, 8)],
)
def test_a_routes_rules_lengthen_or_shorten_its_class(route: tuple[int, int], least: int, most: int) -> None:
    asked = Route(
        level=0, approvals=0, retention_class="account", retention_least=Term(route[0]),
        retention_most=Term(route[1]) if route[1] else None,
    )  # fmt: skip
    found = retention.class_of(asked, {"account": SIX})
    assert (found.years_min, found.years_max) == (least, most)
    assert retention.class_of(asked, {"account": RetentionClass("account", 1)}).years_max == (route[1] or None)


FULL = Route(level=4, approvals=2, consent="change_of_record", confirm_new_contacts=True)
DONE = {
    "level": 3,
    "consented": True,
    "approvals": 2,
    "new_contacts_confirmed": True,
    "effective_at": None,
    "now": NOW,
    "held": False,
    "decided": True,
}


@pytest.mark.parametrize(
    ("given_", "step"),
    [
        ({"level": 2}, "ask_verification"),
        ({"new_contacts_confirmed": False}, "ask_verification"),
        ({"consented": False}, "ask_consent"),
        ({"approvals": 1}, "ask_approval"),
        ({"decided": False}, "approve"),
        ({"held": True}, "hold"),
        ({"effective_at": NOW + timedelta(seconds=1)}, "schedule"),
        ({"effective_at": NOW}, "apply"),
        ({}, "apply"),
    ],
)
def test_a_request_takes_the_next_step_that_it_owes(given_: dict[str, object], step: str) -> None:
    assert next_step(FULL, **{**DONE, **given_}) == step  # type: ignore[arg-type]  # the parts of one call
    assert step in STEPS


def test_a_route_that_asks_for_nothing_goes_straight_on() -> None:
    nothing = {**DONE, "level": 0, "consented": False, "approvals": 0, "new_contacts_confirmed": False}
    assert next_step(Route(level=0, approvals=0), **nothing) == "apply"  # type: ignore[arg-type]  # as above
