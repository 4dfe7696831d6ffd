"""The consumer that follows a client's log and makes a delivery for each event and each hook that wants it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import automation
from changedesk.base.clock import now
from changedesk.base.ids import ClientId
from changedesk.rules.hooks import KEPT_FOR
from changedesk.store import hooks, log
from changedesk.store.begin import begin
from changedesk.store.hooks import Delivery
from changedesk.store.tx import Tx

AT_ONCE: Final = 2000
LEASE: Final = timedelta(seconds=60)
"""What is taken for sending is somebody else's to send from then on."""
SWEPT_AT_ONCE: Final = 5000
_GRACE: Final = timedelta(days=1)
"""So that whoever looks at the oldest page still finds it."""


def run(tx: Tx, room: Mapping[UUID, int], *, at: datetime) -> tuple[int, list[Delivery]]:
    """Make the deliveries of the next entries of a client's log; return how many entries that were, and what was
    taken for sending: as many for each hook as there is ``room``, with a lease.

    Deliveries and the place in the log are written together, so that each event has one.
    """
    tx.ahead(log.size_asks())
    with log.following(tx, hooks.CONSUMER) as start:
        until = 0 if start is None else min(log.size(tx), start + AT_ONCE)
        if start is None or start >= until:
            return 0, []
        log.advance(tx, hooks.CONSUMER, until)
        return until - start, hooks.queue(tx, start, until, room, at=at, lease=LEASE)


def sweep(client_id: int) -> int:
    """Take away deliveries that are too old to be looked at; return how many. A duty of the worker."""
    with begin(automation(ClientId(client_id), hooks.CONSUMER)) as tx:
        return hooks.sweep(tx, before=now() - KEPT_FOR - _GRACE, limit=SWEPT_AT_ONCE)
