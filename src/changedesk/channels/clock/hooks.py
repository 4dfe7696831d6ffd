"""Telling hooks: the duty of the worker. What is sent is the event of the feed, as the log tells of it now."""

from collections.abc import Sequence
from typing import Final

import msgspec

from changedesk.base.ids import ClientId
from changedesk.outbound.hooks import Delivery, Sender, sender
from changedesk.reading import feed

_SENDER: Final[list[Sender]] = []


def run(client_id: int) -> int:
    """Follow a client's log, and begin to send what is due to its hooks; return how much was done.

    A duty of the worker. It waits for no receiver.
    """
    if not _SENDER:
        _SENDER.append(sender(bodies))
    return _SENDER[0].run(ClientId(client_id))


def stop() -> None:
    """End what is on its way, and begin nothing any more."""
    while _SENDER:
        _SENDER.pop().close()


def bodies(client: ClientId, deliveries: Sequence[Delivery], *, values: bool) -> list[bytes]:
    """Return what is sent of each delivery. One of no place in the log is a test."""
    places = [one.idx for one in deliveries if one.idx is not None]
    told = iter(feed.at_places(client, places, values=values))
    return [
        msgspec.json.encode(
            feed.test_event(client, one.event_id, one.hook_id, one.created_at) if one.idx is None else next(told)
        )
        for one in deliveries
    ]
