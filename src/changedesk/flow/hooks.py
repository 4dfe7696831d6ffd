"""Hooks: where a client's own systems are told of what happens. Set by administrators, each time with an entry.

Entries say which hook and which host, never its whole address or a secret; they stand in the desk's own record.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk import kinds
from changedesk.base.actor import Actor
from changedesk.base.ids import uuid7
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import audit_trail, named
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, egress
from changedesk.rules import hooks as rules
from changedesk.rules.access import Verb
from changedesk.store import hooks as store
from changedesk.store import once
from changedesk.store.begin import begin
from changedesk.store.hooks import Hook, Secret
from changedesk.store.tx import Tx

MOST: Final = 20
"""Hooks of one client: each event is sent once to each."""


class HookUnfit(Refusal):
    """This part of the hook cannot be as it was given.

    ``data``: path, the part (url, events, kinds); reason.
    """

    code = "hook-unfit"
    hint = "Correct the part named here and send it again."


class HookStopped(Refusal):
    """This hook is paused or disabled, so nothing is sent to it.

    ``data``: state.
    """

    code = "hook-stopped"
    hint = "Resume the hook first, then send again."
    status = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHook:
    """What a hook is told and where. No ``events`` or ``kinds``: all. ``full_values``: in clear, masked otherwise."""

    url: str = field(repr=False)
    events: Sequence[str] = ()
    kinds: Sequence[str] = ()
    full_values: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A hook with the secret that signs from now on. It is shown once."""

    id: UUID
    secret: str = field(repr=False)


def register_hook(new: NewHook, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Opened:
    """Add a hook; it is told of what is recorded from now on. Raises Forbidden, HookUnfit, and what a key is for."""
    access.require(actor, Verb.CONFIGURE_HOOKS)
    place = _checked(new)
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return _newest(_held(tx, UUID(claimed.reply["id"])))
        store.lock(tx)
        if len(store.of_client(tx)) >= MOST:
            raise HookUnfit(path="url", reason=f"a client has at most {MOST} hooks", most=MOST)
        hook = Hook(
            id=uuid7(), url=new.url, secrets=(_secret(),), place=place, events=tuple(new.events),
            kinds=tuple(new.kinds), full_values=new.full_values, state="on", why="", created_by=actor.id,
            created_at=at,
        )  # fmt: skip
        store.add(tx, hook)
        _note(tx, hook, "registered", actor=actor, at=at)
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, {"id": str(hook.id)})], at=at)
    return _newest(hook)


def change_hook(id_: UUID, new: NewHook, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Set where a hook leads and what it is told. Return whether the first call with this key did it already.

    Raises Forbidden, NotFound, HookUnfit, and what a key is refused for.
    """
    place = _checked(new)
    became = {
        "url": new.url, "place": place, "events": tuple(new.events), "kinds": tuple(new.kinds),
        "full_values": new.full_values,
    }  # fmt: skip
    return _set(id_, became, "changed", actor=actor, at=at, key=key)


def rotate_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Opened:
    """Give a hook a new secret; the one before it signs beside it for ``rules.hooks.OLD_SECRET_FOR``.

    Raises Forbidden, NotFound, and what a key is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    with begin(actor) as tx:
        done = named.done_before(tx, key, actor, at=at)
        hook = _held(tx, id_)
        if not done:
            # Two live ones at most: of a secret that leaked, no third lives on.
            before = replace(hook.secrets[0], until=at + rules.OLD_SECRET_FOR)
            hook = replace(hook, secrets=(_secret(), before))
            store.change(tx, hook, at=at)
            _note(tx, hook, "rotated", actor=actor, at=at)
    return _newest(hook)


def pause_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Send a hook nothing until it is resumed; what happens meanwhile waits. Raises and returns as ``change_hook``."""
    return _set(id_, {"state": "paused", "why": ""}, "paused", actor=actor, at=at, key=key)


def resume_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Send a hook what waits, and go on. Raises and returns as ``change_hook``."""
    return _set(
        id_, {"state": "on", "why": "", "failing_since": None}, "resumed", actor=actor, at=at, key=key
    )  # fmt: skip


def remove_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """End a hook for good and forget its address and secrets. Raises and returns as ``change_hook``."""
    return _set(id_, {"state": "removed", "why": ""}, "removed", actor=actor, at=at, key=key)


def try_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> UUID:
    """Send a hook an event that tells nothing, signed like any other; return its delivery.

    Raises Forbidden, NotFound, HookStopped, and what a key is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    delivery = uuid7()
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return UUID(claimed.reply["id"])
        _must_be_on(_held(tx, id_))
        store.queue_test(tx, id_, id_=delivery, event=uuid7(), at=at)
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, {"id": str(delivery)})], at=at)
    return delivery


def resend(id_: UUID, delivery: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Send an event to a hook once more, under the same id, as the log tells of it now.

    Return whether the first call with this key did it already. Raises Forbidden, NotFound, HookStopped, and what a key
    is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        hook = _held(tx, id_)
        _must_be_on(hook)
        row = store.again(tx, id_, delivery, at=at)
        if row is None:
            raise NotFound
        facts: dict[str, Json] = {"hook": str(id_), "host": hook.place, "event": str(row.event_id), "type": row.type}
        audit_trail.note(tx, EntryKind.HOOK_RESENT, facts, actor=actor, at=at)
    return False


def _set(
    id_: UUID, became: Mapping[str, object], step: str, *, actor: Actor, at: datetime, key: once.Once | None
) -> bool:
    access.require(actor, Verb.CONFIGURE_HOOKS)
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        was = _held(tx, id_)
        hook = replace(was, **became)  # type: ignore[arg-type]  # members of a hook, by name
        if hook != was:
            store.change(tx, hook, at=at)
            _note(tx, hook, step, actor=actor, at=at)
            tx.grew = True
    return False


def _held(tx: Tx, id_: UUID) -> Hook:
    found = store.hold(tx, id_)
    if found is None:
        raise NotFound
    return found


def _must_be_on(hook: Hook) -> None:
    if hook.state != "on":
        raise HookStopped(state=hook.state)


def _checked(new: NewHook) -> str:
    """Return the place of a hook's address. Raises HookUnfit."""
    try:
        place = egress.read(new.url, inside=store.inside()).place
    except egress.AddressUnfit as unfit:
        raise HookUnfit(path="url", reason=unfit.reason) from None
    for name, given, known in (("events", new.events, set(EntryKind)), ("kinds", new.kinds, set(kinds.KINDS))):
        if len(set(given)) != len(given) or not set(given) <= known:
            raise HookUnfit(path=name, reason="choose from the list, each one once")
    return place


def _secret() -> Secret:
    return Secret(rules.SECRET_LABEL + base64.b64encode(secrets.token_bytes(rules.SECRET_BYTES)).decode())


def _newest(hook: Hook) -> Opened:
    return Opened(hook.id, hook.secrets[0].text)


def _note(tx: Tx, hook: Hook, step: str, *, actor: Actor, at: datetime) -> None:
    facts: dict[str, Json] = {
        "hook": str(hook.id),
        "step": step,
        "host": hook.place,
        "events": list(hook.events),
        "kinds": list(hook.kinds),
        "values": "full" if hook.full_values else "masked",
    }
    audit_trail.note(tx, EntryKind.HOOK_CHANGED, facts, actor=actor, at=at)
