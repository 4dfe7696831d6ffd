"""The consumer that follows a client's log and makes a delivery for each event and each hook that wants it."""

from datetime import timedelta
from typing import Final

from changedesk.base.actor import automation
from changedesk.base.clock import now
from changedesk.base.ids import ClientId
from changedesk.rules.hooks import KEPT_FOR
from changedesk.store import hooks, log
from changedesk.store.begin import begin
from changedesk.store.tx import look

AT_ONCE: Final = 2000
SWEPT_AT_ONCE: Final = 5000
_GRACE: Final = timedelta(days=1)
"""So that whoever looks at the oldest page still finds it."""


def run(client_id: int) -> int:
    """Make the deliveries of the next entries of a client's log; return how many entries that were.

    Deliveries and the place in the log are written together, so that each event has one. A duty of the worker.
    """
    client = ClientId(client_id)
    with look(client) as seen:
        seen.ahead(last=True)
        size, place, some = hooks.standing(seen)
    if place is None or place >= size:
        return 0
    with begin(automation(client, hooks.CONSUMER)) as tx, log.following(tx, hooks.CONSUMER) as start:
        if start is None or start >= size:
            return 0
        until = min(size, start + AT_ONCE) if some else size
        if some:
            hooks.queue(tx, start, until, at=now())
        log.advance(tx, hooks.CONSUMER, until)
    return until - start


def sweep(client_id: int) -> int:
    """Take away deliveries that are too old to be looked at; return how many. A duty of the worker."""
    with begin(automation(ClientId(client_id), hooks.CONSUMER)) as tx:
        return hooks.sweep(tx, before=now() - KEPT_FOR - _GRACE, limit=SWEPT_AT_ONCE)
