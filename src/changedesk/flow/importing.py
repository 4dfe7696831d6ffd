"""Imports as runs: who brought which file in by which map, when, and what came of it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import uuid7
from changedesk.base.refusal import NotFound
from changedesk.rules import access
from changedesk.store import imported
from changedesk.store.begin import begin


def note_import(map_name: str, content: bytes, *, actor: Actor, at: datetime) -> UUID:
    """Note that an import starts; return its run. ``content``: SHA-256 of the file, kept under the client's key.

    A run that is never finished was ended from outside: what it had taken in stays in. Raises Forbidden.
    """
    access.require(actor, access.Verb.IMPORT_RUN)
    run = uuid7()
    with begin(actor) as tx:
        imported.start(tx, run, map_name=map_name, content=content, by=actor.id, at=at)
    return run


def finish_import(run: UUID, counts: Mapping[str, int], *, actor: Actor, at: datetime) -> None:
    """Note that a run came to its end, once, and with which counts. Raises Forbidden and NotFound."""
    access.require(actor, access.Verb.IMPORT_RUN)
    with begin(actor) as tx:
        if not imported.finish(tx, run, counts=counts, at=at):
            raise NotFound
