"""Imports as runs: who brought which file in by which map, when, and what came of it.

A file that a page sent waits in parts, sealed, and the worker takes them in: each goes with its counts, so a worker
that was ended goes on with the next. Rows of the part that it was in are known by then, and are counted so.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from changedesk.base.actor import Actor, automation
from changedesk.base.ids import ClientId, uuid7
from changedesk.base.refusal import NotFound
from changedesk.flow.batch import complete
from changedesk.rules import access
from changedesk.store import batches, handed, imported
from changedesk.store.begin import begin
from changedesk.store.handed import Part
from changedesk.store.tx import look


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
        if not imported.count(tx, run, counts, finished_at=at):
            raise NotFound


def hand_import(map_name: str, content: bytes, parts: Sequence[bytes], *, actor: Actor, at: datetime) -> UUID:
    """Note a run, and let the parts of its file wait for the worker; return the run. Raises Forbidden."""
    access.require(actor, access.Verb.IMPORT_RUN)
    run = uuid7()
    with begin(actor) as tx:
        imported.start(tx, run, map_name=map_name, content=content, by=actor.id, at=at)
        handed.add_parts(tx, run, parts, by=actor.id)
    return run


def hand_batch(map_name: str, content: bytes, parts: Sequence[bytes], *, actor: Actor, at: datetime) -> UUID:
    """Let the parts of a file of requests wait for the worker; return its batch, as ``start_batch`` does.

    A batch that has come to its end, or waits already, stays as it is. Raises Forbidden.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT)
    with begin(actor) as tx:
        found = batches.start(tx, uuid7(), map_name=map_name, content=content, by=actor.id, at=at)
        if found.digest is None and not handed.left(tx, [found.id]):
            handed.add_parts(tx, found.id, parts, by=actor.id)
    return found.id


def next_part(client: ClientId) -> Part | None:
    """Return what the worker takes in next: a part of the file that waits longest. It stays until ``part_taken``."""
    with look(client) as seen:
        return handed.next_part(seen)


def part_taken(part: Part, counts: Mapping[str, int], *, client: ClientId, at: datetime) -> None:
    """Say that a part is in, with what became of its rows; with the last one its run or batch has come to its end."""
    last = part.number == part.parts
    with begin(automation(client, "files")) as tx:
        if not handed.drop_part(tx, part):
            return  # another worker said so
        if not imported.count(tx, part.run, counts, finished_at=at if last else None) and last:
            complete(tx, part.run, at=at)


def leave_file(part: Part, counts: Mapping[str, int], *, client: ClientId, at: datetime) -> None:
    """Take in no more of a file, from this part on. Its batch stays open: whoever may can give the same file again."""
    with begin(automation(client, "files")) as tx:
        handed.drop_file(tx, part.run)
        imported.count(tx, part.run, counts, finished_at=at)
