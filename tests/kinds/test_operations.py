"""Kinds with operations of their own: what they read out of values, refuse, bring along and announce."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk import kinds
from changedesk.kinds import Announce, Kind, Proposal
from changedesk.kinds.communication_preferences import KIND as COMMS
from changedesk.kinds.device import KIND as DEVICE
from changedesk.kinds.device import SLOTS
from changedesk.kinds.refusals import GrantEnded, LastChannel, NoPlan, QuietHoursUnclear, SlotIncomplete
from changedesk.packs import load

CATALOGUE = load(("telecom",)).catalogue
AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
PLAN, GRANT = kinds.find("plan"), kinds.find("access_grant")
SECURITY, LOYALTY, ROLE = kinds.find("security_settings"), kinds.find("loyalty"), kinds.find("role_standing")


def proposal(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> Proposal:
    plain = Proposal(before, after, CATALOGUE, "US", AT, "", "account")
    return replace(plain, operation=kind.operation_of(plain))


def refusals(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[type]:
    return [type(item) for item in kind.check(proposal(kind, before, after)).refusals]


def announced(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Mapping[str, object]]:
    found = kind.effects(proposal(kind, before, after))
    return {item.event: item.facts for item in found if isinstance(item, Announce)}


def tiers() -> list[str]:
    return list(CATALOGUE["plan.name"].options)


@given(st.data())
def test_a_plan_goes_up_or_down_by_the_order_of_the_tiers(data: Any) -> None:
    old, new = data.draw(st.lists(st.sampled_from(tiers()), min_size=2, max_size=2, unique=True))
    does = proposal(PLAN, {"plan.name": old}, {"plan.name": new}).operation
    assert does == ("upgrade" if tiers().index(new) > tiers().index(old) else "downgrade")


def test_a_first_plan_is_an_upgrade_and_a_plan_is_never_emptied() -> None:
    first, *_ = tiers()
    assert proposal(PLAN, {}, {"plan.name": first}).operation == "upgrade"
    assert refusals(PLAN, {"plan.name": first}, {"plan.name": None}) == [NoPlan]
    assert refusals(PLAN, {"plan.name": first}, {"plan.addons": []}) == []


@pytest.mark.parametrize(
    ("after", "operation"),
    [
        ({"plan.cycle": "yearly"}, "change_cycle"),
        ({"plan.addons": ["insurance"]}, "change_addons"),
        ({"plan.price": {"amount": "5.00", "currency": "EUR"}}, "update"),
    ],
)
def test_billing_is_told_what_was_and_what_is(after: dict[str, Any], operation: str) -> None:
    before = {"plan.name": tiers()[0], "plan.cycle": "monthly"}
    told = announced(PLAN, before, after)["billing.plan_changed"]
    assert told["operation"] == operation
    assert told["from"] == before
    assert told["to"] == {**before, **after}
    assert told["at"] == AT.isoformat()


WHOLE = {"access.1.person": "Kim", "access.1.role": "family", "access.1.scope": ["view"]}


def test_a_permission_is_whole_or_not_at_all() -> None:
    assert refusals(GRANT, {}, WHOLE) == []
    assert refusals(GRANT, {}, {"access.1.person": "Kim"}) == [SlotIncomplete]
    assert refusals(GRANT, {}, {**WHOLE, "access.1.role": "attorney"}) == [SlotIncomplete]
    assert refusals(GRANT, {}, {**WHOLE, "access.1.role": "attorney", "access.1.mandate": "D-7"}) == []
    assert refusals(GRANT, {}, {**WHOLE, "access.1.until": "2026-05-03"}) == [GrantEnded]
    assert refusals(GRANT, {}, {**WHOLE, "access.1.until": "2026-05-04"}) == []
    assert refusals(GRANT, WHOLE, {"access.1.scope": None}) == [SlotIncomplete]


def test_with_the_person_goes_the_whole_permission() -> None:
    ends = proposal(GRANT, WHOLE, {"access.1.person": None})
    checked = GRANT.check(ends)
    assert ends.operation == "revoke"
    assert checked.refusals == ()
    assert checked.follows == {"access.1.role": None, "access.1.scope": None}
    assert proposal(GRANT, WHOLE, {"access.1.scope": ["view", "close"]}).operation == "change"
    assert proposal(GRANT, WHOLE, {"access.2.person": "Lee"}).operation == "grant"
    assert "Kim" not in repr(announced(GRANT, {}, WHOLE))


def test_several_slots_at_once_are_a_change() -> None:
    both = {"device.1.type": None, "device.2.type": "phone"}
    assert SLOTS.operation({"device.1.type": "phone"}, both) == "replace"


def test_a_field_beside_the_slots_is_none_of_them() -> None:
    """A client's own field of the kind is neither an incomplete device nor an operation of one."""
    beside: dict[str, Any] = {
        "custom.pet": "Rex",
        "device.count": 2,
        "access.1.person": "Kim",
        "device.1.sim.lock": "on",
    }
    assert SLOTS.touched(beside) == []
    assert refusals(DEVICE, {}, {"custom.pet": "Rex"}) == []
    both = {**beside, "device.2.type": "phone"}
    assert SLOTS.touched(both) == ["device.2"]
    assert SLOTS.operation({}, both) == "register"
    removed = proposal(DEVICE, {"device.2.type": "phone", "custom.pet": "Rex"}, {"device.2.type": None})
    assert DEVICE.check(removed).follows == {}


def test_a_new_sim_makes_other_systems_wait() -> None:
    assert "downstream.freeze" in announced(DEVICE, {}, {"device.1.type": "phone", "device.1.sim": "89440000"})
    assert "downstream.freeze" not in announced(DEVICE, {}, {"device.1.type": "phone"})
    removed = {"device.1.type": "phone", "device.1.sim": "89440000"}
    assert "downstream.freeze" not in announced(DEVICE, removed, {"device.1.type": None, "device.1.sim": None})


def test_a_device_is_known_by_its_type() -> None:
    assert refusals(DEVICE, {}, {"device.1.model": "X"}) == [SlotIncomplete]
    gone = proposal(DEVICE, {"device.1.type": "phone", "device.1.model": "X"}, {"device.1.type": None})
    assert DEVICE.check(gone).follows == {"device.1.model": None}


def test_a_field_of_an_account_is_none_of_a_customer() -> None:
    with pytest.raises(kinds.ManyBad) as caught:
        kinds.changes(
            PLAN, CATALOGUE, {}, {"plan.cycle": "monthly"}, region="US", today=AT.date(), subject_type="customer"
        )
    assert [type(item) for item in caught.value.refusals.values()] == [kinds.UnknownField]


def test_a_kind_without_operations_takes_values_as_they_are() -> None:
    contact = kinds.find("contact_details")
    typed: dict[str, object] = {"contact.url": "x"}
    assert contact.asked("", typed, {}) == typed
    assert proposal(contact, {}, {"contact.url": None}).operation == "remove"
    assert proposal(contact, {}, {"contact.url": "x"}).operation == "update"
    assert contact.effects(proposal(contact, {}, {"contact.url": "x"})) == ()


def test_a_reset_is_started_and_never_set() -> None:
    asked: Any = dict(SECURITY.asked("start_reset", {}, {}))
    assert asked == {"security.password_reset": "started"}
    assert SECURITY.asked("set", {"security.mfa": "on"}, {}) == {"security.mfa": "on"}
    told = announced(SECURITY, {}, asked)
    assert told["security.reset_started"] == {"what": "password"}
    assert told["security.sessions_end"] == {"fields": ["security.password_reset"]}
    assert proposal(SECURITY, {}, {"security.mfa": "off"}).operation == "remove"
    assert proposal(SECURITY, {}, {"security.mfa": "on"}).operation == "set"
    assert "security.reset_started" not in announced(SECURITY, {}, {"security.mfa": "on"})


def test_who_leaves_the_programme_keeps_no_tier() -> None:
    member: dict[str, Any] = {"loyalty.enrolled": True, "loyalty.tier": "gold", "loyalty.number": "L-1"}
    leaving: dict[str, Any] = dict(LOYALTY.asked("leave", {}, member))
    assert LOYALTY.check(proposal(LOYALTY, member, leaving)).follows == {"loyalty.tier": None}
    assert LOYALTY.check(proposal(LOYALTY, member, {"loyalty.reward": None})).follows == {}
    assert LOYALTY.asked("enrol", {}, {}) == {"loyalty.enrolled": True}
    assert LOYALTY.asked("change", {"loyalty.tier": "gold"}, member) == {"loyalty.tier": "gold"}
    assert announced(LOYALTY, {}, {"loyalty.enrolled": True})["loyalty.changed"] == {"operation": "enrol"}


def test_somebody_who_cannot_be_reached_cannot_be_warned() -> None:
    assert refusals(COMMS, {"comms.channels": ["email"]}, {"comms.channels": []}) == [LastChannel]
    assert refusals(COMMS, {"comms.channels": ["email"]}, {"comms.channels": ["sms"]}) == []


@pytest.mark.parametrize("hours", ["22:00-07:00", "00:00-00:30"])
def test_quiet_hours_are_two_times_of_day(hours: str) -> None:
    assert refusals(COMMS, {}, {"comms.quiet_hours": hours}) == []


@pytest.mark.parametrize("hours", ["at night", "22-7", "22:00", "25:00-07:00", "22:00-07:00-09:00"])
def test_other_quiet_hours_are_refused(hours: str) -> None:
    assert refusals(COMMS, {}, {"comms.quiet_hours": hours}) == [QuietHoursUnclear]


def test_a_role_is_told_to_the_systems_that_grant_rights() -> None:
    told = announced(ROLE, {"role.enterprise": "viewer"}, {"role.enterprise": "admin"})
    assert told == {"access.role_changed": {"from": "viewer", "to": "admin"}}
    assert announced(ROLE, {}, {"role.vip": True}) == {}
