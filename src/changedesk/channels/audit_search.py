"""The search of the history as every channel offers it: found, put on record, and only then handed out."""

from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.flow import audit_trail
from changedesk.reading import audit_search
from changedesk.reading.audit_search import Found


def searched(
    text: str,
    *,
    actor: Actor,
    at: datetime,
    language: str,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
    with_facets: bool = False,
) -> Found:
    """Return a page of a search; the first page of each is recorded. Raises what ``reading.audit_search`` does."""
    found = audit_search.search(
        text, actor=actor, at=at, language=language, before=before, after=after, limit=limit, with_facets=with_facets
    )
    if before is None and after is None:
        audit_trail.note_search(found.asked, shown=len(found.items), actor=actor, at=at)
    return found
