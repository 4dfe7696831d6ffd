"""Which files were taken in: the runs of imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import imported
from changedesk.store.tx import look

LIMIT_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One import. ``file`` is the same for the same content, within one client; it tells nothing about it.

    ``finished_at`` is None for a run that is still going on, or that was ended from outside.
    """

    id: UUID
    map: str
    file: str
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int]


def runs(*, actor: Actor, limit: int = 50) -> tuple[ImportRun, ...]:
    """Return the client's imports, newest first. For who imports or reads the feed. Raises Forbidden."""
    if not access.may(actor, Verb.IMPORT_RUN) and not access.may(actor, Verb.FEED_READ):
        raise Forbidden(verb=str(Verb.IMPORT_RUN))
    with look(actor.client) as seen:
        rows = imported.runs(seen, limit=max(1, min(limit, LIMIT_MAX)))
    return tuple(
        ImportRun(
            id=row.id,
            map=row.map,
            file=bytes(row.file_hash).hex(),
            started_by=row.started_by,
            started_at=row.started_at,
            finished_at=row.finished_at,
            counts=row.counts,
        )
        for row in rows
    )
