"""What a merge, its undoing and a transfer take along, leave behind and refuse, read out of values alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from changedesk.base.json import Value
from changedesk.kinds import (
    Announce,
    Merge,
    Proposal,
    Transfer,
    UnknownKind,
    Unmerge,
    account_status,
    find,
    inactivation,
    merge,
    ownership_transfer,
    unmerge,
)
from changedesk.kinds.merge import NotMergeable, SurvivorshipUnreadable
from changedesk.kinds.ownership_transfer import NotTransferable
from changedesk.kinds.unmerge import NotMerged
from changedesk.packs import load

CATALOGUE = load(["telecom"]).catalogue
AT = datetime(2026, 3, 5, 9, tzinfo=UTC)
ELSE = "7f2d3c1e-0000-4000-8000-000000000001"
HELD: dict[str, Value] = {
    "account.number": "555-1",
    "plan.name": "essential",
    "device.1.model": "Fairphone 6",
    "access.1.person": "Otto Novak",
    "loyalty.tier": "gold",
    "hobby.likes": "chess",  # of a field that the client has taken back
}


def proposal(before: dict[str, Value], after: dict[str, Any], **more: Any) -> Proposal:
    return Proposal(before, after, CATALOGUE, "US", AT, "", **more)


def choices(**more: Any) -> str:
    return json.dumps({"base": 3, **more}, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("keep", "stays"),
    [
        (None, {"plan.name", "device.1.model"}),
        (["plan"], {"plan.name"}),
        (["members", "loyalty"], {"access.1.person", "loyalty.tier"}),
        ([], set()),
    ],
)
def test_of_an_account_that_changes_hands_stays_what_was_agreed_on(keep: list[str] | None, stays: set[str]) -> None:
    after = {"transfer.to": ELSE, **({} if keep is None else {"transfer.keep": keep})}
    checked = ownership_transfer.check(proposal(HELD, after))
    assert checked.refusals == ()
    ends = {path for path, value in checked.follows.items() if path in HELD and value is None}
    assert ends == HELD.keys() - stays - {"account.number"}
    told, transfer = ownership_transfer.effects(proposal(HELD, after))
    assert isinstance(told, Announce)
    assert transfer == Transfer(ELSE, ("plan", "devices") if keep is None else tuple(keep))
    assert told.facts["keep"] == list(transfer.keep)


def test_a_transfer_names_the_new_holder() -> None:
    (refused,) = ownership_transfer.check(proposal(HELD, {"transfer.keep": ["plan"]})).refusals
    assert (type(refused), refused.data) == (NotTransferable, {"why": "unknown"})


@pytest.mark.parametrize(
    ("after", "status", "refusal", "data"),
    [
        ({}, "active", NotMergeable, {"why": "unknown"}),
        ({"merge.into": ELSE}, "merged", NotMergeable, {"why": "merged"}),
        ({"merge.into": ELSE}, "active", SurvivorshipUnreadable, {"paths": []}),
        ({"merge.into": ELSE, "merge.survivorship": "{}"}, "active", SurvivorshipUnreadable, {"paths": []}),
        (
            {"merge.into": ELSE, "merge.survivorship": choices(take={"status.state": "x", "no.such": "x"})},
            "active", SurvivorshipUnreadable, {"paths": ["no.such", "status.state"]},
        ),
    ],
)  # fmt: skip
def test_a_merge_is_refused_for_what_it_names(after: dict[str, Any], status: str, refusal: type, data: object) -> None:
    (refused,) = merge.check(proposal({}, after, status=status)).refusals
    assert (type(refused), refused.data) == (refusal, data)


def test_a_merge_leaves_its_own_way_back() -> None:
    after = {"merge.into": ELSE.upper(), "merge.survivorship": choices(take={"contact.email": "newer"})}
    before: dict[str, Value] = {"status.state": "suspended"}
    follows = merge.check(proposal(before, after)).follows
    assert follows["status.state"] == "merged"
    told, joined = merge.effects(proposal(before, after))
    assert isinstance(told, Announce)
    assert (told.facts["into"], joined) == (ELSE, Merge(ELSE.upper(), 3, {"contact.email": "newer"}, {}))
    merged: dict[str, Value] = {**before, **after, **follows}
    back = unmerge.check(proposal(merged, {"unmerge.change": ELSE}))
    assert (back.refusals, back.follows["status.state"]) == ((), "suspended")
    assert {path for path, value in back.follows.items() if value is None} == {"merge.into", "merge.survivorship"}
    assert unmerge.effects(proposal(merged, {"unmerge.change": ELSE}))[1] == Unmerge()


@pytest.mark.parametrize("before", [{}, {"merge.into": ELSE}])
def test_what_is_not_merged_is_not_parted(before: dict[str, Value]) -> None:
    after = {} if before else {"unmerge.change": ELSE}
    (refused,) = unmerge.check(proposal(before, after)).refusals
    assert isinstance(refused, NotMerged)


def test_who_wakes_is_told_of_at_once() -> None:
    asleep: dict[str, Value] = {"inactivation.active": True}
    assert inactivation.effects(proposal(asleep, {"inactivation.active": None})) == (Announce("profile.active", {}),)


def test_a_lock_is_told_of_and_blocks_no_service() -> None:
    found = account_status.effects(proposal({}, {"status.change_locked": True}))
    events = [one.event for one in found if isinstance(one, Announce)]
    assert events[0].startswith("status.")
    assert not [event for event in events if event.startswith("services.")]


def test_the_state_that_stands_said_again_is_a_correction() -> None:
    assert account_status.operation_of(proposal({}, {"status.state": "active"})) == "correct"


def test_a_kind_that_there_is_not_is_refused() -> None:
    assert find("merge") is merge.KIND
    with pytest.raises(UnknownKind):
        find("haircut")
