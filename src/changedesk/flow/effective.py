"""Future-dated assertions: when their time comes, the state follows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import Actor, Channel, automation
from changedesk.base.clock import micros
from changedesk.base.ids import ClientId, SubjectId
from changedesk.flow.indexing import terms_for
from changedesk.flow.submit import enter
from changedesk.flow.turns import together
from changedesk.flow.wish import Wish
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.fold import flatten
from changedesk.rules import status
from changedesk.store import history, past, subjects
from changedesk.store.begin import begin
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

AT_ONCE: Final = 100


def make_effective(client: ClientId, *, at: datetime) -> int:
    """Bring records to what their assertions say of this moment; return how many changed.

    A value that another change has overtaken meanwhile leaves no entry; only its moment is struck off.
    """
    with look(client) as seen:
        due = subjects.due(seen, at, limit=AT_ONCE)
    return together(due, lambda ids: _make_effective(client, ids, at=at)) if due else 0


def _make_effective(client: ClientId, due: Sequence[SubjectId], *, at: datetime) -> int:
    actor = automation(client, "clock")
    with begin(actor) as tx:
        drafts: list[history.Draft] = []
        over: list[Wish] = []
        for item in subjects.hold(tx, due).values():
            if item.next_effective_at is None or item.next_effective_at > at:
                continue  # another worker was faster
            made, following = _assertions(tx, item, at=at)
            asks = _reinstating(item, made)
            if asks is not None:
                over.append(asks)
                made = [one for one in made if not one.path.startswith("status.")]
                following = item.next_effective_at  # until the request has brought it about
            if made:
                drafts.append(history.Draft(item, EntryKind.CHANGE_EFFECTIVE, actor, at, made, next_at=following))
            elif asks is None:
                subjects.set_next(tx, item.id, following)
        done = len(history.append(tx, drafts, terms=terms_for(client)))
    return done + _reinstate(over, actor=actor, at=at)


def _reinstating(subject: Subject, made: Sequence[Assertion]) -> Wish | None:
    """Return what the clock asks for when a suspension is over: a change of status has its request, whoever asks it.

    So billing and services hear of it, and the customer, as of every other one.
    """
    states = [one for one in made if one.path == status.STATE]
    if not states or status.status_of(subject.values()) is not status.Status.SUSPENDED:
        return None
    return Wish(
        subject=subject.id,
        kind="account_status",
        operation="reinstate",
        values={},
        reason="other",
        note="The time of the suspension is over.",
        channel=Channel.SYSTEM,
        requested_by="clock",
        initiated_by="system",
    )


def _reinstate(over: Sequence[Wish], *, actor: Actor, at: datetime) -> int:
    """Ask for the end of suspensions, each by itself; what cannot be done now is tried again in an hour."""
    done = 0
    for wish in over:
        outcome = enter([wish], actor=actor, at=at)
        done += len(outcome.done)
        if outcome.refused:
            with begin(actor) as tx:
                held = subjects.hold(tx, [wish.subject])[wish.subject]
                if held.next_effective_at is not None and held.next_effective_at <= at:
                    subjects.set_next(tx, wish.subject, at + _AGAIN)
    return done


_AGAIN: Final = timedelta(hours=1)


def _assertions(seen: Look, subject: Subject, *, at: datetime) -> tuple[list[Assertion], datetime | None]:
    """Return what holds now and is not in the state yet, each with its range; and when the next value is due."""
    if subject.key is None:
        return [], None
    now_us = micros(at) // 1000 * 1000
    stored, snapshot = past.versions(seen, subject, newest=subject.ver)
    pieces = flatten(stored, FOREVER, snapshot)
    now = {item.path: item for item in pieces if item.valid_from_us <= now_us < item.valid_to_us}
    edges = [
        (item.path, edge)
        for item in pieces
        for edge in (item.valid_from_us, item.valid_to_us)
        if now_us < edge < FOREVER
    ]
    made = []
    for path in sorted(now.keys() | subject.state.keys()):
        held, due = subject.state.get(path), now.get(path)
        old, new = None if held is None else held.text, None if due is None else due.new
        if old != new:
            until = min((edge for edged, edge in edges if edged == path), default=FOREVER)
            made.append(Assertion(path, old, new, now_us, until))
    following = min((edge for _, edge in edges), default=None)
    return made, None if following is None else history.moment(following)
