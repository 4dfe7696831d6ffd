"""Queries that only panels ask."""

from collections.abc import Sequence
from datetime import datetime

from changedesk.store import past
from changedesk.store.past import Entry
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look


def timeline(
    look: Look,
    subject: Subject,
    *,
    before: int,
    limit: int,
    kinds: Sequence[str] | None = None,
    fields: Sequence[str] | None = None,
    channel: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Entry]:
    """Return a subject's entries with their place in the log, newest first, from before an entry id on.

    ``fields``: only entries that touch at least one of these paths. An absent condition is None.
    """
    rows = look.rows(
        "reading.timeline",
        subject=subject.id,
        before=before,
        limit=limit,
        kinds=None if kinds is None else list(kinds),
        fields=None if fields is None else list(fields),
        channel=channel,
        actor=actor,
        since=since,
        until=until,
    )
    return [past.opened(look, row, subject) for row in rows]
