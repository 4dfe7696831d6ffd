"""Hooks are set by administrators, on record each time, and nobody else's are seen, touched or told."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings
from tests.cast import START, Desk, desk, soon, staff

from changedesk import flow, outbound
from changedesk.base.actor import Actor, Role, automation
from changedesk.base.clock import now
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import hooks, resending
from changedesk.flow.hooks import HookChange, HookUnfit, NewHook, Opened
from changedesk.flow.resending import HookStopped
from changedesk.outbound import find
from changedesk.outbound.hooks import follow
from changedesk.reading import audit_search
from changedesk.rules.hooks import OLD_SECRET_FOR
from changedesk.store import hooks as store
from changedesk.store.begin import begin
from changedesk.store.tx import look

URL = "https://hooks.example.com/in?key=s3cr3t"
NEW = NewHook(url=URL)
SAME = HookChange(url=URL)


@pytest.fixture
def ada(d: Desk) -> Actor:
    return staff(d.client, 9, Role.ADMINISTRATOR)


@pytest.fixture
def made(ada: Actor) -> Opened:
    return hooks.register_hook(NEW, actor=ada, at=START)


def kept(who: Actor, id_: UUID) -> store.Hook:
    with look(who.client) as seen:
        found = store.one(seen, id_)
    assert found
    return found


def waiting(who: Actor, id_: UUID) -> list[store.Delivery]:
    with look(who.client) as seen:
        return store.deliveries(seen, id_, before=now() + timedelta(days=1), limit=50)


def told(d: Desk) -> list[Mapping[str, Any]]:
    """The facts of all entries about hooks, oldest first."""
    while outbound.sequence(d.client) or find.run(d.client):
        pass
    found = audit_search.search("action:hook.changed OR action:hook.resent", actor=d.otto, at=START, language="en")
    with look(d.client) as seen:
        from changedesk.store import past, subjects  # noqa: PLC0415 - here alone
        from changedesk.store.audit_search import entries  # noqa: PLC0415

        rows = entries(seen, sorted(one.place for one in found.items))
        own = subjects.load(seen, {row.subject_id for row in rows})
        return [past.opened(seen, row, own[row.subject_id]).facts for row in rows]


def test_every_setting_of_a_hook_is_found_in_the_history_without_its_address_or_secret(
    d: Desk, ada: Actor, made: Opened
) -> None:
    hooks.change_hook(made.id, HookChange(events=["change.applied"]), actor=ada, at=soon(START))
    second = hooks.rotate_hook(made.id, actor=ada, at=soon(START, 2)).secret
    hooks.pause_hook(made.id, actor=ada, at=soon(START, 3))
    hooks.resume_hook(made.id, actor=ada, at=soon(START, 4))
    delivery = resending.try_hook(made.id, actor=ada, at=soon(START, 5))
    resending.resend(made.id, delivery, actor=ada, at=soon(START, 6))
    hooks.remove_hook(made.id, actor=ada, at=soon(START, 7))
    found = told(d)
    steps = ["registered", "changed", "rotated", "paused", "resumed", None, "removed"]
    assert [one.get("step") for one in found] == steps
    assert {(one["hook"], one["host"]) for one in found} == {(str(made.id), "hooks.example.com")}
    assert (found[0]["values"], found[1]["values"], found[1]["events"]) == ("masked", "masked", ["change.applied"])
    assert found[5]["type"] == "hook.test"
    for secret in (made.secret, second, "s3cr3t", "/in"):
        assert secret not in str(found)


def test_what_changes_nothing_is_no_entry(d: Desk, ada: Actor, made: Opened) -> None:
    hooks.change_hook(made.id, SAME, actor=ada, at=soon(START))
    hooks.resume_hook(made.id, actor=ada, at=soon(START))
    assert len(told(d)) == 1


def test_two_secrets_live_side_by_side_for_a_day_and_never_three(ada: Actor, made: Opened) -> None:
    second = hooks.rotate_hook(made.id, actor=ada, at=START).secret
    first, *old = kept(ada, made.id).secrets
    assert (first.text, first.until) == (second, None)
    assert [(one.text, one.until) for one in old] == [(made.secret, START + OLD_SECRET_FOR)]
    third = hooks.rotate_hook(made.id, actor=ada, at=soon(START)).secret
    assert [one.text for one in kept(ada, made.id).secrets] == [third, second]
    assert len({made.secret, second, third}) == 3


def test_a_retried_call_gives_the_same_hook_secret_and_test(ada: Actor) -> None:
    def twice(verb: Callable[..., Any], *args: Any, name: str) -> list[Any]:
        return [verb(*args, actor=ada, at=START, key=flow.Once(name, b"x")) for _ in range(2)]

    one, other = twice(hooks.register_hook, NEW, name="a")
    assert one == other
    rotated, again = twice(hooks.rotate_hook, one.id, name="b")
    assert rotated == again
    assert len(kept(ada, one.id).secrets) == 2
    test, retried = twice(resending.try_hook, one.id, name="c")
    assert test == retried
    assert len(waiting(ada, one.id)) == 1
    assert twice(resending.resend, one.id, test, name="d") == [False, True]
    assert twice(hooks.pause_hook, one.id, name="e") == [False, True]


def test_a_removed_hook_is_gone_with_its_address_and_what_waited(ada: Actor, made: Opened) -> None:
    resending.try_hook(made.id, actor=ada, at=START)
    hooks.remove_hook(made.id, actor=ada, at=soon(START))
    assert [(one.state, one.error) for one in waiting(ada, made.id)] == [("given_up", "removed")]
    with look(ada.client) as seen:
        (sealed,) = seen.connection.execute("SELECT sealed FROM desk.hook").fetchone() or ("still there",)
    assert sealed is None
    for verb in (hooks.pause_hook, hooks.rotate_hook, resending.try_hook, hooks.remove_hook):
        with pytest.raises(NotFound):
            verb(made.id, actor=ada, at=START)


def test_nothing_is_sent_to_a_hook_that_is_paused(ada: Actor, made: Opened) -> None:
    delivery = resending.try_hook(made.id, actor=ada, at=START)
    hooks.pause_hook(made.id, actor=ada, at=START)
    with pytest.raises(HookStopped) as stopped:
        resending.try_hook(made.id, actor=ada, at=START)
    assert stopped.value.data == {"state": "paused"}
    with pytest.raises(HookStopped):
        resending.resend(made.id, delivery, actor=ada, at=START)
    with look(ada.client) as seen:
        assert store.standing(seen, now=soon(START)).awake == ()


@pytest.mark.parametrize(
    ("new", "path"),
    [
        (replace(NEW, url="http://hooks.example.com/"), "url"),
        (replace(NEW, url="https://169.254.169.254/latest"), "url"),
        (replace(NEW, url="https://user:pa55@hooks.example.com/"), "url"),
        (replace(NEW, events=["change.invented"]), "events"),
        (replace(NEW, events=["change.applied", "change.applied"]), "events"),
        (replace(NEW, kinds=["nothing"]), "kinds"),
    ],
)
def test_an_unfit_part_is_named(ada: Actor, made: Opened, new: NewHook, path: str) -> None:
    with pytest.raises(HookUnfit) as unfit:
        hooks.register_hook(new, actor=ada, at=START)
    assert unfit.value.data["path"] == path
    assert "pa55" not in str(unfit.value.data)
    with pytest.raises(HookUnfit):
        hooks.change_hook(made.id, HookChange(url=new.url, events=new.events, kinds=new.kinds), actor=ada, at=START)


def test_where_things_are_tried_out_a_hook_may_lead_inside(ada: Actor, settings: Settings) -> None:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    made = hooks.register_hook(NewHook(url="http://127.0.0.1:9/x"), actor=ada, at=START)
    assert kept(ada, made.id).place == "127.0.0.1:9"


def test_a_client_has_twenty_hooks_at_most(ada: Actor) -> None:
    for _ in range(hooks.MOST):
        hooks.register_hook(NEW, actor=ada, at=START)
    with pytest.raises(HookUnfit) as unfit:
        hooks.register_hook(NEW, actor=ada, at=START)
    assert unfit.value.data["most"] == hooks.MOST


def test_only_administrators_set_hooks(d: Desk, made: Opened) -> None:
    everything_else = staff(d.client, 8, *(set(Role) - {Role.ADMINISTRATOR}))
    for who in (everything_else, d.crm):
        for verb in (hooks.pause_hook, hooks.resume_hook, hooks.rotate_hook, resending.try_hook, hooks.remove_hook):
            with pytest.raises(Forbidden):
                verb(made.id, actor=who, at=START)
        with pytest.raises(Forbidden):
            hooks.register_hook(NEW, actor=who, at=START)
        with pytest.raises(Forbidden):
            hooks.change_hook(made.id, SAME, actor=who, at=START)
        with pytest.raises(Forbidden):
            resending.resend(made.id, uuid4(), actor=who, at=START)


def test_another_clients_hooks_are_not_there_and_are_told_nothing(d: Desk, ada: Actor, made: Opened) -> None:
    other = desk("nordcell")
    eve = staff(other.client, 9, Role.ADMINISTRATOR)
    theirs = hooks.register_hook(NEW, actor=eve, at=START)
    for verb in (hooks.pause_hook, hooks.rotate_hook, resending.try_hook, hooks.remove_hook):
        with pytest.raises(NotFound):
            verb(made.id, actor=eve, at=START)
    delivery = resending.try_hook(made.id, actor=ada, at=START)
    with pytest.raises(NotFound):
        resending.resend(theirs.id, delivery, actor=eve, at=START)
    d.customer(at=soon(START))
    for one in (d, other):
        while outbound.sequence(one.client):
            pass
        with begin(automation(one.client, "hooks")) as tx:
            follow.run(tx, {}, at=now())
    assert {one.type for one in waiting(ada, made.id)} >= {"hook.test", "customer.created"}
    assert {one.type for one in waiting(eve, theirs.id)} == {"hook.changed", "desk.opened"}
    with look(other.client) as seen:
        assert store.one(seen, made.id) is None
