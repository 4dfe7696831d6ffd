"""What customers said was not them: which change, what stands still because of it, and what came out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.reading import lines, sight
from changedesk.reading.panels import HoldView, Page, RequestLine
from changedesk.reading.people import People
from changedesk.reading.queue import cursor, place
from changedesk.reading.sight import Eyes
from changedesk.rules.access import Verb
from changedesk.store import evidence, requests, subjects
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look

LIMIT_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRow:
    """A "this wasn't me" and the request that it is about. Open while ``resolved_at`` is None."""

    id: UUID
    subject: SubjectId
    title: str
    """The customer, masked as this viewer may see them."""
    title_masked: bool
    request: RequestLine
    applied_change: ChangeId | None
    """What was applied all the same: undoing it is a request of its own."""
    opened_at: datetime
    freeze: HoldView | None
    """What keeps the record still; None once it was lifted or has run out."""
    resolved_at: datetime | None
    resolution: str | None
    """customer_confirmed, fraud or expired."""


def disputes(
    *,
    actor: Actor,
    at: datetime,
    language: str,
    resolved: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page[DisputeRow]:
    """Return a page of disputes: those that wait, oldest first, or those that were cleared up, newest first.

    Raises Forbidden, BadCursor.
    """
    sight.require(actor, Verb.QUEUE_READ)
    limit, start = max(1, min(limit, LIMIT_MAX)), place(after)
    with look(actor.client) as seen:
        if resolved:
            found = evidence.resolved_disputes(seen, before=start, limit=limit + 1)
        else:
            found = evidence.open_disputes(seen, after=start, limit=limit + 1)
        page = found[:limit]
        asked = requests.load(seen, {item.request_id for item in page})
        known = subjects.load(seen, {item.subject_id for item in page})
        sights = sight.of_subjects(seen, known.values(), actor=actor, at=at)
        holds = {item.id: item for item in evidence.active_holds(seen, known, now=at)}
    catalogue = configuration(actor.client).catalogue
    people = People({item.placed_by for item in holds.values()}, viewer=actor, language=language)
    rows = []
    for item in page:
        eyes = Eyes(sights[item.subject_id], catalogue, language)
        freeze = None if item.hold_id is None else holds.get(item.hold_id)
        rows.append(_row(item, asked[item.request_id], known[item.subject_id], eyes, freeze, people))
    last = page[-1] if len(found) > limit else None
    return Page(tuple(rows), next=None if last is None else cursor(_moment(last), last.id))


def _row(
    item: evidence.Dispute,
    asked: requests.Request,
    subject: subjects.Subject,
    eyes: Eyes,
    freeze: evidence.Hold | None,
    people: People,
) -> DisputeRow:
    called = sight.title(eyes, subject)
    return DisputeRow(
        id=item.id,
        subject=item.subject_id,
        title=called.text,
        title_masked=called.masked,
        request=lines.request_line(asked, eyes),
        applied_change=asked.applied_change,
        opened_at=item.opened_at or item.issued_at,
        freeze=None if freeze is None else lines.hold_view(freeze, people),
        resolved_at=item.resolved_at,
        resolution=item.resolution,
    )


def _moment(item: evidence.Dispute) -> datetime:
    return item.resolved_at or item.opened_at or item.issued_at
