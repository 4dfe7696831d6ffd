"""The consumer that counts: it follows a client's log, and pages about trends read what it counted.

Nothing here is a source of anything: dropped (``store.trends.drop``), it is counted anew from the log.
"""

from typing import Final

from changedesk.base.actor import automation
from changedesk.base.ids import ClientId
from changedesk.store import log, trends
from changedesk.store.begin import begin
from changedesk.store.settings_read import configuration

AT_ONCE: Final = 4_096


def run(client_id: int) -> int:
    """Count the next entries of a client's log; return how many that were. A duty of the worker.

    The counts and the place in the log are written together, so that an entry is counted exactly once. Zero when
    another worker is at it.
    """
    client = ClientId(client_id)
    with begin(automation(client, trends.CONSUMER)) as tx, log.following(tx, trends.CONSUMER) as start:
        until = 0 if start is None else min(log.size(tx), start + AT_ONCE)
        if start is None or until <= start:
            return 0
        trends.count(tx, start, until, zone=configuration(client).settings.time_zone)
        log.advance(tx, trends.CONSUMER, until)
    return until - start
