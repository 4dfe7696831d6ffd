"""Ways out and pauses: withdraw, cancel, hold, release, apply now, reschedule; and what the clock does."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from changedesk.base.actor import Actor, automation
from changedesk.base.ids import ClientId, RequestId
from changedesk.base.refusal import Refusal
from changedesk.flow import progress, standing
from changedesk.flow.asking import Receipt
from changedesk.flow.named import TooLate, on_request
from changedesk.flow.turns import together
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.rules.access import Verb
from changedesk.store import once, requests
from changedesk.store.begin import begin
from changedesk.store.requests import Request
from changedesk.store.tx import Tx, look

DUE_AT_ONCE: Final = 200


class InThePast(Refusal):
    """A day to wait for must be to come."""

    code = "in-the-past"
    hint = "Choose a later date, or apply the change now."


def withdraw(
    ref: str, *, seen_version: int | None, actor: Actor, at: datetime, key: once.Once | None = None
) -> Receipt:
    """Take a request back at the wish of whoever asked. Possible until it is applied."""
    return _move(
        ref, "withdraw", EntryKind.REQUEST_WITHDRAWN, Verb.REQUEST_WITHDRAW, seen_version, actor=actor, at=at, key=key
    )


def cancel(
    ref: str, *, reason: str, seen_version: int | None, actor: Actor, at: datetime, key: once.Once | None = None
) -> Receipt:
    """End a request for a reason of the house. Possible until it is applied."""
    return _move(
        ref, "cancel", EntryKind.REQUEST_CANCELLED, Verb.REQUEST_CANCEL, seen_version,
        reason=reason, actor=actor, at=at, key=key, facts={"cancel_reason": reason},
    )  # fmt: skip


def hold(
    ref: str,
    *,
    reason: str,
    until: datetime | None,
    seen_version: int | None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """Stop an approved or waiting request until a moment, or until somebody releases it."""
    if until is not None and until <= at:
        raise InThePast

    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        moved = requests.move(
            tx, [request.id], "hold", at=at, hold_until=None if until is None else {request.id: until}
        )
        if not moved:
            raise TooLate(state=request.state.value)
        facts = {"hold_reason": reason, "until": None if until is None else until.isoformat()}
        progress.observe(tx, moved, EntryKind.REQUEST_HELD, actor=actor, at=at, facts=facts, writing=writing)
        return moved[0]

    verb = Verb.REQUEST_HOLD
    return on_request(ref, act, verb=verb, seen_version=seen_version, reason=reason, actor=actor, at=at, key=key)


def release(ref: str, *, seen_version: int | None, actor: Actor, at: datetime, key: once.Once | None = None) -> Receipt:
    """Let a held request go on: to where its evidence carries it, which may be a queue for approval."""

    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        moved = _release(tx, request, at=at)
        if moved is None:
            raise TooLate(state=request.state.value)
        progress.observe(tx, [moved], EntryKind.HOLD_RELEASED, actor=actor, at=at, writing=writing)
        return progress.advance(tx, [moved], actor=actor, at=at, writing=writing)[moved.id]

    return on_request(ref, act, verb=Verb.REQUEST_RELEASE, seen_version=seen_version, actor=actor, at=at, key=key)


def _release(tx: Tx, request: Request, *, at: datetime) -> Request | None:
    """Return a held request to where it stood: approved only when its approvals are all there."""
    now = standing.standings(tx, [request], at=at)[request.id]
    step = "release" if len(now.hand.approvers) >= now.route.approvals else "release_to_approval"
    moved = requests.move(tx, [request.id], step, at=at)
    return moved[0] if moved else None


def apply_now(
    ref: str, *, seen_version: int | None, actor: Actor, at: datetime, key: once.Once | None = None
) -> Receipt:
    """Apply a scheduled request before its day. Waiting times that a rule demands are not shortened."""

    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        sooner = requests.reschedule(tx, request, at, at=at)
        if sooner is None:
            raise TooLate(state=request.state.value)
        return progress.advance(tx, [sooner], actor=actor, at=at, writing=writing)[sooner.id]

    return on_request(ref, act, verb=Verb.REQUEST_APPLY_NOW, seen_version=seen_version, actor=actor, at=at, key=key)


def reschedule(
    ref: str,
    *,
    effective_at: datetime,
    seen_version: int | None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """Put an approved request's day elsewhere, to come."""
    if effective_at <= at:
        raise InThePast

    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        moved = requests.reschedule(tx, request, effective_at, at=at)
        if moved is None:
            raise TooLate(state=request.state.value)
        facts = {"effective_at": effective_at.isoformat()}
        progress.observe(tx, [moved], EntryKind.REQUEST_SCHEDULED, actor=actor, at=at, facts=facts, writing=writing)
        return moved

    return on_request(ref, act, verb=Verb.REQUEST_APPLY_NOW, seen_version=seen_version, actor=actor, at=at, key=key)


def _move(
    ref: str,
    step: str,
    kind: EntryKind,
    verb: Verb,
    seen_version: int | None,
    *,
    reason: str | None = None,
    actor: Actor,
    at: datetime,
    key: once.Once | None,
    facts: dict[str, str] | None = None,
) -> Receipt:
    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        ended = requests.move(tx, [request.id], step, at=at)
        if not ended:
            raise TooLate(state=request.state.value)
        progress.observe(tx, ended, kind, actor=actor, at=at, facts=facts, writing=writing)
        return ended[0]

    return on_request(ref, act, verb=verb, seen_version=seen_version, reason=reason, actor=actor, at=at, key=key)


def apply_due(client: ClientId, *, at: datetime) -> int:
    """Apply what was scheduled for a moment that has come, and let go what was held until then; return how many.

    Several workers may do this at once: the rows are locked, and what one has moved the other finds moved.
    """
    with look(client) as seen:
        due = requests.due(seen, at, limit=DUE_AT_ONCE)
    if not due["apply"] and not due["release"]:
        return 0
    over = set(due["release"])
    return together([*due["apply"], *due["release"]], lambda ids: _apply_due(client, ids, over, at=at))


def _apply_due(client: ClientId, due: Sequence[RequestId], over: Collection[RequestId], *, at: datetime) -> int:
    actor = automation(client, "clock")
    with begin(actor) as tx:
        held = requests.hold(tx, due)
        going = [item for item in held if item.id not in over]
        for item in held:
            if item.id in over and (moved := _release(tx, item, at=at)) is not None:
                progress.observe(tx, [moved], EntryKind.HOLD_RELEASED, actor=actor, at=at)
                going.append(moved)
        now = progress.advance(tx, going, actor=actor, at=at)
        before = {item.id: item.state for item in held}
        return sum(1 for item in now.values() if item.state != before[item.id])


def expire_due(client: ClientId, *, at: datetime) -> int:
    """End what waited for people longer than it may; return how many that were."""
    with look(client) as seen:
        due = requests.due(seen, at, limit=DUE_AT_ONCE)["expire"]
    return together(due, lambda ids: _expire_due(client, ids, at=at)) if due else 0


def _expire_due(client: ClientId, due: Sequence[RequestId], *, at: datetime) -> int:
    actor = automation(client, "clock")
    with begin(actor) as tx:
        late = [item.id for item in requests.hold(tx, due) if item.expires_at <= at]
        ended = requests.move(tx, late, "expire", at=at)
        if ended:
            progress.observe(tx, ended, EntryKind.REQUEST_EXPIRED, actor=actor, at=at)
        return len(ended)
