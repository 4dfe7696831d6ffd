"""What became of tries: written down, hooks disabled that want no more or take nothing, and people told of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from changedesk.base.actor import Role, automation
from changedesk.ledger.entry import EntryKind
from changedesk.rules.hooks import DISABLED_AFTER
from changedesk.store import audit_search, history, hooks, settings_read, subjects
from changedesk.store.hooks import Hook, Tried
from changedesk.store.terms import Terms
from changedesk.store.tx import Tx

ALARM_EVERY: Final = timedelta(days=1)
TOLD: Final = frozenset({Role.ADMINISTRATOR})
log = structlog.get_logger("changedesk.hooks")


class Ended(NamedTuple):
    """A try that has ended. ``hook``: as it was; ``more``: other events wait for room."""

    hook: Hook
    tried: Tried
    more: bool


def settle(tx: Tx, ended: Sequence[Ended], *, at: datetime) -> None:
    """Write down what became of tries."""
    hooks.finish(tx, [one.tried for one in ended], at=at)
    for hook in {one.hook.id: one.hook for one in ended}.values():
        _judge(tx, hook, [one.tried for one in ended if one.hook.id == hook.id], at=at)
    # Last, in one order: two senders that settle at once wait for each other, never both.
    hooks.note_told(tx, [one.tried for one in ended], own=audit_search.own_record(tx.client), at=at)
    tx.grew |= any(one.more for one in ended)


def _judge(tx: Tx, hook: Hook, tried: Sequence[Tried], *, at: datetime) -> None:
    gone = any(one.gone for one in tried)
    long = hook.failing_since is not None and hook.failing_since < at - DISABLED_AFTER
    lost = [one for one in tried if one.state == "given_up"]
    disabled = None
    if gone or (long and not any(one.state == "sent" for one in tried)):
        disabled = hooks.disable(tx, hook.id, gone=gone, failing_before=at - DISABLED_AFTER)
    if disabled is not None:
        _note(tx, hook, *disabled, at=at)
        log.error("hook_disabled", client_id=int(tx.client), hook=str(hook.id), why=disabled[1])
    if lost:
        log.error("hook_given_up", client_id=int(tx.client), hook=str(hook.id), events=len(lost), why=lost[0].error)
    if disabled is not None or lost:
        people = settings_read.members_in(tx.client, TOLD)
        hooks.alarm(tx, hook.id, people, anyway=disabled is not None, before=at - ALARM_EVERY, at=at)


def _note(tx: Tx, hook: Hook, place: str, why: str, *, at: datetime) -> None:
    """Remember in the desk's own record, which the registration of the hook has opened, that it was disabled."""
    own = audit_search.own_record(tx.client)
    draft = history.Draft(
        subject=subjects.load(tx, [own])[own],
        kind=EntryKind.HOOK_CHANGED,
        actor=automation(tx.client, hooks.CONSUMER),
        at=at,
        facts={"hook": str(hook.id), "step": "disabled", "host": place, "why": why},
    )
    history.append(tx, [draft], terms=Terms())
