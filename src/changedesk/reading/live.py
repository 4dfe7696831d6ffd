"""What happens at a client, as it happens: which request or customer moved, and not one value of them."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.ledger.entry import EntryKind
from changedesk.reading import sight
from changedesk.reading.queue import TABS
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.lifecycle import RequestState
from changedesk.store import listen, log, past, requests
from changedesk.store.tx import look

LIMIT: Final = 500
SILENT: Final = frozenset(
    {EntryKind.RECORD_VIEWED, EntryKind.VALUE_REVEALED, EntryKind.RECORD_SEARCHED, EntryKind.GLASS_REVIEWED}
)
"""Looking changes nothing that a page shows; who looked at whom is for the auditor."""
_TABS: Final[Mapping[RequestState, tuple[str, ...]]] = {
    state: tuple(tab for tab, states in TABS.items() if state in states) for state in RequestState
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the log. ``ref`` and ``tabs``: its request, and the tabs of the queue where that stands now.

    ``glass``: who broke it, where the entry says that; that is for those only who ``may_hear_of_glass``.
    """

    index: int
    kind: str
    subject: str
    ref: str | None
    tabs: tuple[str, ...]
    glass: str | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """A stretch of the log; ``next`` is the place to read on from, ``size`` how long the log is."""

    items: tuple[Happening, ...]
    next: int
    size: int


def start(actor: Actor) -> int:
    """Return the index that the next entry will have, for whoever may read the queue. Raises Forbidden."""
    sight.require(actor, Verb.QUEUE_READ)
    return size(actor.client)


def size(client: ClientId) -> int:
    """Return how long a client's log is."""
    with look(client) as seen:
        return log.size(seen)


def happened(client: ClientId, *, start: int) -> Happened:
    """Return what happened from an index on, at most LIMIT entries. The caller has asked ``start`` who may hear it."""
    with look(client) as seen:
        whole = log.size(seen)
        rows = past.feed(seen, start=start, limit=LIMIT)
        touched = requests.load(seen, {row.request_id for row in rows if row.request_id is not None})
    items = []
    for row in rows:
        if row.kind in SILENT:
            continue
        request = touched.get(row.request_id)
        tabs = () if request is None else _TABS[request.state]
        ref = None if request is None else request.ref
        glass = row.actor if row.kind == EntryKind.GLASS_BROKEN else None
        items.append(Happening(row.idx, row.kind, str(row.subject_id), ref, tabs, glass))
    return Happened(tuple(items), next=rows[-1].idx + 1 if rows else start, size=whole)


def may_hear_of_glass(actor: Actor, who: str) -> bool:
    """Say whether to tell this viewer that somebody broke the glass: who may review it, and did not do it."""
    return actor.id != who and access.may(actor, Verb.ACCESS_REVIEW)


def grown() -> AsyncIterator[ClientId | None]:
    """Yield each client whose log has grown, for ever; None when any may have, since some news may have been missed."""
    return listen.grown()
