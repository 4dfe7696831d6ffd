"""Values leave in clear once two people said so: what one sets is a draft, and exactly that draft is approved."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.cast import START, Desk, soon, staff
from tests.flow.race import together
from tests.flow.test_hooks import NEW, URL, kept, told

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import hooks, resending
from changedesk.flow.hooks import DraftOutdated, HookChange, HookUnfit, HookWaits, NewHook, Opened, OwnHook
from changedesk.store import hooks as store
from changedesk.store import network
from changedesk.store.tx import look

CLEAR = replace(NEW, full_values=True)
IN_CLEAR = HookChange(full_values=True)
OTHER = "https://other.example.com/in"


@pytest.fixture
def ada(d: Desk) -> Actor:
    return staff(d.client, 9, Role.ADMINISTRATOR)


@pytest.fixture
def bea(d: Desk) -> Actor:
    return staff(d.client, 10, Role.COMPLIANCE)


def drafted(who: Actor, id_: UUID) -> store.Draft:
    found = kept(who, id_).draft
    assert found
    return found


def opened(ada: Actor, bea: Actor, new: NewHook = CLEAR) -> Opened:
    """A hook that is told values in clear."""
    made = hooks.register_hook(new, actor=ada, at=START)
    assert made.draft
    hooks.approve_hook(made.id, made.draft, actor=bea, at=soon(START))
    return made


def test_a_new_hook_in_clear_is_sent_nothing_until_another_person_approves_it(d: Desk, ada: Actor, bea: Actor) -> None:
    made = hooks.register_hook(CLEAR, actor=ada, at=START)
    assert made.draft
    with look(ada.client) as seen:
        assert store.standing(seen, now=soon(START)).awake == ()
    for verb in (hooks.pause_hook, hooks.resume_hook, resending.try_hook):
        with pytest.raises(HookWaits):
            verb(made.id, actor=ada, at=START)
    with pytest.raises(OwnHook):
        hooks.approve_hook(made.id, made.draft, actor=ada, at=START)
    assert hooks.approve_hook(made.id, made.draft, actor=bea, at=soon(START, 2)) is False
    now = kept(ada, made.id)
    assert (now.state, now.full_values, now.since, now.draft) == ("on", True, soon(START, 2), None)
    assert [(one["step"], one["values"]) for one in told(d)] == [("drafted", "full"), ("approved", "full")]


def test_until_it_is_approved_a_hook_is_sent_as_before(ada: Actor, bea: Actor) -> None:
    made = hooks.register_hook(NEW, actor=ada, at=START)
    hooks.change_hook(made.id, HookChange(full_values=True, url=OTHER), actor=ada, at=soon(START))
    now = kept(ada, made.id)
    assert (now.state, now.full_values, now.url) == ("on", False, URL)
    hooks.approve_hook(made.id, drafted(ada, made.id).id, actor=bea, at=soon(START, 2))
    now = kept(ada, made.id)
    assert (now.full_values, now.url, now.place, now.since) == (True, OTHER, "other.example.com", START)


@pytest.mark.parametrize(
    ("wanted", "waits"),
    [
        (HookChange(url=OTHER), True),
        (HookChange(events=[]), True),
        (HookChange(events=["change.applied", "customer.created", "hook.changed"]), True),
        (HookChange(kinds=["contact_details", "marketing_preferences"]), True),
        (HookChange(kinds=[]), True),
        (HookChange(events=["change.applied"]), False),
        (HookChange(full_values=False), False),
        (HookChange(full_values=False, url=OTHER), False),
        (HookChange(full_values=True), False),
        (HookChange(), False),
    ],
)
def test_more_in_clear_or_to_elsewhere_needs_a_second_person_and_less_does_not(
    ada: Actor, bea: Actor, wanted: HookChange, *, waits: bool
) -> None:
    narrow = replace(CLEAR, events=["change.applied", "customer.created"], kinds=["contact_details"])
    made = opened(ada, bea, narrow)
    before = kept(ada, made.id)
    hooks.change_hook(made.id, wanted, actor=ada, at=soon(START, 2))
    now = kept(ada, made.id)
    assert (now.draft is not None) is waits
    if waits:
        assert replace(now, draft=None) == before


def test_what_is_approved_is_what_was_looked_at_and_nothing_later(ada: Actor, bea: Actor) -> None:
    made = hooks.register_hook(NEW, actor=ada, at=START)
    hooks.change_hook(made.id, IN_CLEAR, actor=ada, at=soon(START))
    first = drafted(ada, made.id).id
    hooks.change_hook(made.id, IN_CLEAR, actor=staff(ada.client, 11, Role.ADMINISTRATOR), at=soon(START, 2))
    assert (drafted(ada, made.id).id, drafted(ada, made.id).by) == (first, ada.id), "the same again is the same draft"
    hooks.change_hook(made.id, replace(IN_CLEAR, url=OTHER), actor=ada, at=soon(START, 3))
    for verb in (hooks.approve_hook, hooks.drop_draft):
        with pytest.raises(DraftOutdated):
            verb(made.id, first, actor=bea, at=soon(START, 4))
    hooks.approve_hook(made.id, drafted(ada, made.id).id, actor=bea, at=soon(START, 4))
    with pytest.raises(DraftOutdated):
        hooks.approve_hook(made.id, first, actor=bea, at=soon(START, 5))
    with pytest.raises(NotFound):
        hooks.approve_hook(uuid4(), first, actor=bea, at=soon(START, 5))


def test_a_change_that_needs_nobody_ends_a_draft(d: Desk, ada: Actor, bea: Actor) -> None:
    made = hooks.register_hook(NEW, actor=ada, at=START)
    for wanted, step in ((HookChange(full_values=False), "dropped"), (HookChange(url=OTHER), "changed")):
        hooks.change_hook(made.id, IN_CLEAR, actor=ada, at=soon(START))
        hooks.change_hook(made.id, wanted, actor=ada, at=soon(START, 2))
        assert kept(ada, made.id).draft is None
        assert told(d)[-1]["step"] == step
    new = hooks.register_hook(CLEAR, actor=ada, at=START)
    hooks.change_hook(new.id, HookChange(url=OTHER), actor=ada, at=soon(START, 3))
    assert (kept(ada, new.id).place, kept(ada, new.id).state) == ("other.example.com", "draft")
    hooks.change_hook(new.id, HookChange(full_values=False), actor=ada, at=soon(START, 4))
    assert (kept(ada, new.id).state, kept(ada, new.id).since, told(d)[-1]["step"]) == (
        "on",
        soon(START, 4),
        "registered",
    )
    del bea


def test_a_draft_is_dropped_and_a_hook_that_never_was_is_removed_with_it(ada: Actor, bea: Actor) -> None:
    made = hooks.register_hook(NEW, actor=ada, at=START)
    hooks.change_hook(made.id, IN_CLEAR, actor=ada, at=soon(START))
    hooks.drop_draft(made.id, drafted(ada, made.id).id, actor=bea, at=soon(START, 2))
    assert (kept(ada, made.id).draft, kept(ada, made.id).state) == (None, "on")
    new = hooks.register_hook(CLEAR, actor=ada, at=START)
    assert new.draft
    hooks.drop_draft(new.id, new.draft, actor=ada, at=soon(START))
    with look(ada.client) as seen:
        assert store.one(seen, new.id) is None
    gone = hooks.register_hook(CLEAR, actor=ada, at=START)
    hooks.remove_hook(gone.id, actor=ada, at=soon(START))
    with pytest.raises(NotFound):
        hooks.approve_hook(gone.id, gone.draft or uuid4(), actor=bea, at=soon(START))


def test_what_leads_inside_by_the_time_it_is_approved_is_not_approved(
    ada: Actor, bea: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hooks.register_hook(CLEAR, actor=ada, at=START)
    assert made.draft
    monkeypatch.setattr(network, "resolved", lambda *_: ["10.0.0.1"])
    with pytest.raises(HookUnfit):
        hooks.approve_hook(made.id, made.draft, actor=bea, at=soon(START))
    assert kept(ada, made.id).state == "draft"


def test_who_may_neither_set_hooks_nor_publish_approves_and_drops_nothing(d: Desk, ada: Actor) -> None:
    made = hooks.register_hook(CLEAR, actor=ada, at=START)
    assert made.draft
    for who in (staff(d.client, 8, *(set(Role) - {Role.ADMINISTRATOR, Role.COMPLIANCE})), d.crm):
        for verb in (hooks.approve_hook, hooks.drop_draft):
            with pytest.raises(Forbidden):
                verb(made.id, made.draft, actor=who, at=START)


def test_a_retried_approval_is_one_and_what_is_registered_again_names_its_draft(ada: Actor, bea: Actor) -> None:
    made, again = (
        hooks.register_hook(CLEAR, actor=ada, at=START, key=flow.Once("a", b"x")) for _ in range(2)
    )  # fmt: skip
    assert made == again
    assert made.draft
    done = [
        hooks.approve_hook(made.id, made.draft, actor=bea, at=START, key=flow.Once("b", b"x")) for _ in range(2)
    ]  # fmt: skip
    assert done == [False, True]


def test_of_an_approval_and_a_change_at_once_no_address_is_in_force_that_nobody_approved(
    ada: Actor, bea: Actor
) -> None:
    for _ in range(4):
        made = hooks.register_hook(CLEAR, actor=ada, at=START)
        draft = made.draft or uuid4()

        def approve(made: Opened = made, draft: UUID = draft) -> Any:
            return hooks.approve_hook(made.id, draft, actor=bea, at=soon(START))

        def change(made: Opened = made) -> Any:
            return hooks.change_hook(made.id, HookChange(url=OTHER), actor=ada, at=soon(START))

        answers = together([approve, change])
        now = kept(ada, made.id)
        assert now.draft
        assert now.draft.url == OTHER
        approved = not isinstance(answers[0], DraftOutdated)
        assert (now.state, now.url) == (("on", URL) if approved else ("draft", OTHER))
        hooks.remove_hook(made.id, actor=ada, at=soon(START, 2))


def test_of_two_approvals_at_once_one_is_recorded(d: Desk, ada: Actor, bea: Actor) -> None:
    made = hooks.register_hook(CLEAR, actor=ada, at=START)
    draft = made.draft or uuid4()
    cleo = staff(d.client, 12, Role.ADMINISTRATOR)
    answers = together([partial(hooks.approve_hook, made.id, draft, actor=who, at=soon(START)) for who in (bea, cleo)])
    assert sorted(type(one).__name__ for one in answers) == ["DraftOutdated", "bool"]
    assert [one["step"] for one in told(d)] == ["drafted", "approved"]
