"""What status, restriction and inactivation read out of values, refuse and announce."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.json import Value
from changedesk.kinds import Announce, Proposal, Say, account_status, inactivation, restriction
from changedesk.kinds.account_status.refusals import (
    GraceOver,
    GraceWrong,
    MoveImpossible,
    NotOfThisOperation,
    OneOperation,
    UntilPast,
)
from changedesk.kinds.restriction import GroundMissing
from changedesk.packs import load
from changedesk.rules.status import MOVES, OPERATIONS, STATE, Status

CATALOGUE = load([]).catalogue
AT = datetime(2026, 3, 5, 9, tzinfo=UTC)


def proposal(before: dict[str, Value], after: dict[str, Any], *, operation: str = "", zone: str = "UTC") -> Proposal:
    return Proposal(before, after, CATALOGUE, "US", AT, operation, zone=zone)


def asked(operation: str, before: dict[str, Value], **typed: Any) -> Proposal:
    values = account_status.asked(operation, {f"status.{name}": value for name, value in typed.items()}, before)
    changed = {path: value for path, value in values.items() if before.get(path) != value}
    return proposal(before, changed, operation=operation)


def refusals(one: Proposal) -> list[type]:
    return [type(refusal) for refusal in account_status.check(one).refusals]


@given(operation=st.sampled_from(OPERATIONS), was=st.sampled_from(Status))
def test_what_is_asked_by_name_is_read_back_by_that_name(operation: str, was: Status) -> None:
    before: dict[str, Value] = {STATE: was.value}
    if operation in ("unlock", "release", "legal_release", "unrestrict"):
        before |= dict.fromkeys(
            ("status.change_locked", "status.on_hold", "status.legal_hold", "status.restricted"), True
        )
    one = asked(operation, before, **({"blocks": ["orders"]} if operation == "suspend" else {}))
    possible = operation not in MOVES or was in MOVES[operation].sources
    if possible:
        assert account_status.operation_of(one) == operation
        assert refusals(one) == []
    else:
        assert account_status.operation_of(one) != operation or refusals(one) == [MoveImpossible]


def test_one_change_does_one_thing_with_the_fields_that_belong_to_it() -> None:
    assert refusals(proposal({}, {STATE: "closed", "status.legal_hold": True})) == [OneOperation]
    assert refusals(proposal({}, {STATE: "merged"})) == [MoveImpossible]
    assert refusals(proposal({}, {STATE: "suspended", "status.feedback": "Bye"})) == [NotOfThisOperation]
    assert refusals(proposal({}, {"status.until": "2026-04-01"})) == [NotOfThisOperation]
    assert account_status.operation_of(proposal({}, {"status.reason_detail": "More"})) == "correct"


def test_days_are_those_of_the_client() -> None:
    late = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    for zone, expected in (("UTC", []), ("Asia/Kolkata", [UntilPast])):
        one = Proposal({}, {STATE: "suspended", "status.until": "2026-03-05"}, CATALOGUE, "US", late, zone=zone)
        assert refusals(one) == expected


def test_grace_is_seven_to_ninety_days_and_over_when_it_is_over() -> None:
    assert refusals(proposal({}, {STATE: "closed", "status.grace_until": "2026-03-08"})) == [GraceWrong]
    assert refusals(proposal({}, {STATE: "closed", "status.grace_until": "2026-04-08"})) == []
    closed: dict[str, Value] = {STATE: "closed", "status.grace_until": "2026-03-04"}
    assert refusals(proposal(closed, {STATE: "active"})) == [GraceOver]
    assert refusals(proposal({**closed, "status.grace_until": "2026-03-05"}, {STATE: "active"})) == []


def test_a_suspension_with_a_last_day_says_what_holds_afterwards() -> None:
    one = asked("suspend", {}, until="2026-03-28", blocks=["orders"])
    one = Proposal(one.before, one.after, CATALOGUE, "US", AT, "suspend", zone="Europe/Berlin")
    said = [effect for effect in account_status.effects(one) if isinstance(effect, Say)]
    ends = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert Say(STATE, "active", ends) in said
    assert {effect.path for effect in said if effect.starts == ends} == {STATE, "status.until", "status.blocks"}


@pytest.mark.parametrize(
    ("operation", "before", "freezes"),
    [("suspend", {}, True), ("reinstate", {STATE: "suspended"}, False), ("lock", {}, True),
     ("unlock", {"status.change_locked": True}, False), ("close", {}, True), ("legal_hold", {}, None)],
)  # fmt: skip
def test_other_systems_wait_and_go_on(operation: str, before: dict[str, Value], freezes: bool | None) -> None:  # noqa: FBT001 - a table
    events = [
        effect.event for effect in account_status.effects(asked(operation, before)) if isinstance(effect, Announce)
    ]
    downstream = [event for event in events if event.startswith("downstream.")]
    assert downstream == ([] if freezes is None else ["downstream.freeze" if freezes else "downstream.release"])


def test_a_restriction_needs_its_ground_and_takes_it_along() -> None:
    assert [type(one) for one in restriction.check(proposal({}, {"restriction.active": True})).refusals] == [
        GroundMissing
    ]
    stands: dict[str, Value] = {"restriction.active": True, "restriction.ground": "claims"}
    lift = proposal(stands, dict(restriction.asked("lift", {}, stands)))
    assert (restriction.operation_of(lift), restriction.check(lift).refusals) == ("lift", ())
    assert [effect.event for effect in restriction.effects(lift) if isinstance(effect, Announce)] == [
        "privacy.unrestricted"
    ]
    assert restriction.operation_of(proposal(stands, {"restriction.ground": "objection"})) == "correct"
    assert list(restriction.effects(proposal(stands, {"restriction.ground": "objection"}))) == []


def test_a_profile_at_rest_wakes_after_its_last_day() -> None:
    rest = proposal({}, dict(inactivation.asked("inactivate", {"inactivation.until": "2028-02-29"}, {})))
    said = [effect for effect in inactivation.effects(rest) if isinstance(effect, Say)]
    assert Say("inactivation.active", None, datetime(2028, 3, 1, tzinfo=UTC)) in said
    stands: dict[str, Value] = {"inactivation.active": True}
    assert inactivation.operation_of(proposal(stands, dict(inactivation.asked("wake", {}, stands)))) == "wake"
    assert inactivation.check(proposal(stands, {"inactivation.until": "2026-03-04"})).refusals
    endless = inactivation.effects(proposal({}, {"inactivation.active": True}))
    assert Say("inactivation.active", value=True) in endless
