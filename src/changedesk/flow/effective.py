"""Future-dated assertions: when their time comes, the state follows."""

from datetime import datetime
from typing import Final

from changedesk.base.actor import automation
from changedesk.base.clock import micros
from changedesk.base.ids import ClientId
from changedesk.flow.indexing import terms_for
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.fold import flatten
from changedesk.store import history, past, subjects
from changedesk.store.begin import begin
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

AT_ONCE: Final = 100


def make_effective(client: ClientId, *, at: datetime) -> int:
    """Bring records to what their assertions say of this moment; return how many changed.

    Raced by another worker, one of the two finds the subject moved and writes nothing.
    """
    with look(client) as seen:
        due = subjects.due(seen, at, limit=AT_ONCE)
    if not due:
        return 0
    actor = automation(client, "clock")
    with begin(actor) as tx:
        held = [item for item in subjects.hold(tx, due).values() if item.next_effective_at is not None]
        drafts = [
            history.Draft(item, EntryKind.CHANGE_EFFECTIVE, actor, at, _assertions(tx, item, at=at))
            for item in held
            if item.key is not None and item.next_effective_at is not None and item.next_effective_at <= at
        ]
        return len(history.append(tx, drafts, terms=terms_for(client)))


def _assertions(seen: Look, subject: Subject, *, at: datetime) -> list[Assertion]:
    """Return what the history says holds now and is not in the state yet, with the range in which it holds."""
    now_us = micros(at) // 1000 * 1000
    stored, snapshot = past.versions(seen, subject, newest=subject.ver)
    pieces = flatten(stored, FOREVER, snapshot)
    now = {item.path: item for item in pieces if item.valid_from_us <= now_us < item.valid_to_us}
    coming = [item.valid_from_us for item in pieces if item.valid_from_us > now_us]
    made = []
    for path in sorted(now.keys() | subject.state.keys()):
        held, due = subject.state.get(path), now.get(path)
        old, new = None if held is None else held.text, None if due is None else due.new
        if old != new:
            until = FOREVER if due is None else due.valid_to_us
            if due is None:
                until = min((edge for edge in coming), default=FOREVER)
            made.append(Assertion(path, old, new, now_us, until))
    return made
