"""Two records that are one: merged with nothing lost, and parted again as far as it is clear what was whose."""

from datetime import timedelta

import pytest
from tests.cast import START, Desk, soon
from tests.flow.join import merged_now, merging, unmerged_now
from tests.flow.walk import LATER, URL, history, holds, kinds, record, stands

from changedesk import flow
from changedesk.base.ids import SubjectId


@pytest.fixture
def dora(d: Desk) -> SubjectId:
    """Dana again, taken in a second time by another shop."""
    return d.customer(
        personal__name="Dora Novak", contact__email="dora@old.example", contact__phone_mobile="+1 202 555 0155",
        contact__fax="+1 202 555 0177",
    )  # fmt: skip


def test_a_merge_stands_in_both_streams_and_nothing_is_lost(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    before = stands(d, dora)
    plan = flow.preview_merge(dora, dana, actor=d.ben, at=LATER)
    assert {one.path for one in plan.choices} == {
        "personal.name", "contact.email", "contact.phone_mobile", "contact.fax",
    }  # fmt: skip
    done = merged_now(d, dora, dana, choices={"contact.email": "merged"})
    assert kinds(d, dora)[-1] == "merge.applied"
    assert "merge.applied" in kinds(d, dana)
    assert stands(d, dora).status == "merged"
    assert holds(d, dana, "contact.fax") == "+12025550177"
    assert holds(d, dana, "contact.email") == "dora@old.example"
    assert holds(d, dana, "personal.name") == "Dana Novak"
    now = stands(d, dora)
    assert {path: now.state[path] for path in before.state} == dict(before.state)
    entry = next(one for one in history(d, dana) if one.kind.value == "merge.applied")
    assert entry.facts["merged"] == str(dora)
    assert entry.facts["survivorship"]["take"]["contact.email"] == "chosen"  # type: ignore[index,call-overload]
    assert done.change is not None


def test_undone_it_is_as_it_was(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    mine, theirs = stands(d, dana).values(), stands(d, dora).values()
    done = merged_now(d, dora, dana)
    at = LATER + timedelta(days=3)
    unmerged_now(d, done.change, dora, at)
    assert stands(d, dana).values() == mine
    left = stands(d, dora).values()
    assert {path: left[path] for path in theirs} == theirs
    assert stands(d, dora).status == "active"
    again = merged_now(d, dora, dana, at + timedelta(days=3))
    assert again.state == "applied"
