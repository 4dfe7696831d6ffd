"""Sending to hooks again: one event, or those of a time; and a test. Each by a person, with an entry that says who.

An event keeps its id, so that a receiver may drop what it has seen; it is signed anew, at the time it is sent.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import uuid7
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import audit_trail, named
from changedesk.flow.hooks import HookUnfit, approved, held
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import hooks as store
from changedesk.store import once
from changedesk.store.begin import begin
from changedesk.store.hooks import Hook
from changedesk.store.tx import Tx

RESENT_MOST: Final = 5_000
"""Events that one call sends again; the next call goes on behind them."""


class HookStopped(Refusal):
    """This hook is paused or disabled, so nothing is sent to it.

    ``data``: state.
    """

    code = "hook-stopped"
    hint = "Resume the hook first, then send again."
    status = "conflict"


@dataclass(frozen=True, slots=True)
class Resent:
    """How many events are sent again. ``next``: the delivery behind which another call goes on, None where all are."""

    events: int
    next: UUID | None


def try_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> UUID:
    """Send a hook an event that tells nothing, signed like any other; return its delivery.

    Raises Forbidden, NotFound, HookStopped, HookWaits, and what a key is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    delivery = uuid7()
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return UUID(claimed.reply["id"])
        _must_be_on(held(tx, id_))
        store.queue_test(tx, id_, id_=delivery, event=uuid7(), at=at)
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, {"id": str(delivery)})], at=at)
    return delivery


def resend(id_: UUID, delivery: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Send an event to a hook once more, under the same id, as the log tells of it now.

    Return whether the first call with this key did it already. Raises Forbidden, NotFound, HookStopped, HookWaits, and
    what a key is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        hook = held(tx, id_)
        _must_be_on(hook)
        row = store.again(tx, id_, delivery, at=at)
        if row is None:
            raise NotFound
        facts: dict[str, Json] = {"hook": str(id_), "host": hook.place, "event": str(row.event_id), "type": row.type}
        audit_trail.note(tx, EntryKind.HOOK_RESENT, facts, actor=actor, at=at)
    return False


def resend_range(
    id_: UUID,
    *,
    since: datetime,
    until: datetime,
    failed: bool = True,
    after: UUID | None = None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Resent:
    """Send the events of a time to a hook once more, under the same ids, as the log tells of them now.

    ``since`` until before ``until``: when they were queued. ``failed``: those alone of which the last try failed; what
    waits for its first try goes out anyway. ``after``: go on behind what the last call named. At most ``RESENT_MOST``
    a call. Raises Forbidden, NotFound, HookUnfit, HookStopped, HookWaits, and what a key is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    if not since < until:
        raise HookUnfit(path="until", reason="the end comes after the beginning")
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            told = claimed.reply["next"]
            return Resent(int(claimed.reply["events"]), UUID(told) if told else None)
        hook = held(tx, id_)
        _must_be_on(hook)
        start, behind = (since, store.NONE) if after is None else (_queued(tx, id_, after), after)
        rows = store.again_range(
            tx, id_, since=start, after=behind, until=until, failed=failed, limit=RESENT_MOST, at=at
        )
        done = Resent(len(rows), rows[-1] if len(rows) == RESENT_MOST else None)
        if rows:
            facts: dict[str, Json] = {
                "hook": str(id_), "host": hook.place, "since": since.isoformat(), "until": until.isoformat(),
                "which": "failed" if failed else "all", "events": len(rows),
            }  # fmt: skip
            audit_trail.note(tx, EntryKind.HOOK_RESENT, facts, actor=actor, at=at)
        if claimed is not None:
            reply: dict[str, Json] = {"events": done.events, "next": str(done.next) if done.next else ""}
            once.record(tx, actor.id, [(claimed, reply)], at=at)
    return done


def _queued(tx: Tx, id_: UUID, delivery: UUID) -> datetime:
    found = store.place_of(tx, id_, delivery)
    if found is None:
        raise NotFound
    return found


def _must_be_on(hook: Hook) -> None:
    if approved(hook).state != "on":
        raise HookStopped(state=hook.state)
