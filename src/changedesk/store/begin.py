"""The only door to a write."""

from collections.abc import Iterator
from contextlib import contextmanager

from changedesk.base.actor import Actor
from changedesk.store.tx import Tx, transaction
from changedesk.store.wake import CRIER


@contextmanager
def begin(actor: Actor) -> Iterator[Tx]:
    """Open a write transaction in the actor's client; it commits when the block ends well.

    What is acknowledged after the block has been made durable: ``synchronous_commit`` is on, and start-up refuses
    a server that has it off.
    """
    with transaction(Tx, actor.client, "start.write") as made:
        yield made
    if made.grew:
        CRIER.tell(actor.client)
