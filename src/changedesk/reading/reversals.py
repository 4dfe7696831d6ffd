"""Reversals of what one actor did: which there were, and what became of each change."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.reading.panels import ActorView, Page
from changedesk.reading.people import People
from changedesk.reading.timeline import BadCursor
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.lifecycle import RequestState
from changedesk.store import batches, reversals
from changedesk.store.reversals import Reversal
from changedesk.store.tx import look

LIMIT_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalLine:
    """One reversal in a list: of everything that ``whose`` did from ``since`` on and before ``until``."""

    id: UUID
    whose: ActorView
    since: datetime
    until: datetime
    reason: str
    force: bool
    entered_by: ActorView
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalRow:
    """The changes of one kind on one subject. ``outcome``: requested, unchanged, refused; empty until it is asked for.

    ``reasons``: a code and a field path each, of what stood against it or was left as others had set it since.
    """

    number: int
    subject: UUID
    kind: str
    changes: tuple[UUID, ...]
    outcome: str
    ref: str
    state: str
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPanel:
    """One reversal as it stands; its id is its batch's, whose ``digest`` a second person approves."""

    line: ReversalLine
    digest: str | None
    counts: Mapping[str, int]
    """Requests by state, and rows that made none by outcome."""
    total: int
    """Rows of the plan; those without an outcome are still to be asked for."""
    rows: tuple[ReversalRow, ...]
    next: int | None
    """The number with which the next page of rows begins."""
    approved_by: tuple[ActorView, ...]
    may_approve: bool


def may_read(actor: Actor) -> bool:
    """Say whether this viewer may read reversals: who undoes, or decides."""
    return access.may(actor, Verb.CHANGE_REVERT) or access.may(actor, Verb.REQUEST_APPROVE)


def past(*, actor: Actor, language: str = "en", before: str | None = None, limit: int = 50) -> Page[ReversalLine]:
    """Return a page of the client's reversals, newest first. Raises Forbidden, BadCursor."""
    _require(actor)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found = reversals.of_client(seen, before=_place(before), limit=limit + 1)
    page = found[:limit]
    people = People(
        {name for one, row in page for name in (one.whose, row.entered_by)}, viewer=actor, language=language
    )
    lines = tuple(_line(one, row.entered_by, row.started_at, row.finished_at, people) for one, row in page)
    return Page(lines, next=page[-1][0].id.hex if len(found) > limit else None)


def reversal(id: UUID, *, actor: Actor, language: str = "en", first: int = 0, limit: int = 100) -> ReversalPanel:  # noqa: A002 - as everywhere
    """Return one reversal with a page of its rows, from a number on. Raises Forbidden, NotFound."""
    _require(actor)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found, batch = reversals.load(seen, id), batches.load(seen, id)
        if found is None or batch is None:
            raise NotFound
        total = reversals.size(seen, id)
        planned = reversals.rows(seen, id, first=first, limit=limit + 1)
        became = {row.number: row for row in batches.rows(seen, id)}
        approvals = [by for by, _ in batches.approvals(seen, id)]
    people = People({found.whose, batch.entered_by, *approvals}, viewer=actor, language=language)
    rows = []
    for row in planned[:limit]:
        done = became.get(row.number)
        rows.append(
            ReversalRow(
                number=row.number,
                subject=row.subject,
                kind=row.kind,
                changes=row.changes,
                outcome=done.outcome if done else "",
                ref=done.ref if done else "",
                state=done.state if done else "",
                reasons=tuple((code, path) for code, path in done.reasons) if done else (),
            )
        )
    waits = any(row.state == RequestState.AWAITING_APPROVAL and not row.edited for row in became.values())
    second = access.may(actor, Verb.REQUEST_APPROVE) and actor.id != batch.entered_by
    return ReversalPanel(
        line=_line(found, batch.entered_by, batch.started_at, batch.finished_at, people),
        digest=None if batch.digest is None else batch.digest.hex(),
        counts=Counter(row.state or row.outcome for row in became.values()),
        total=total,
        rows=tuple(rows),
        next=planned[limit].number if len(planned) > limit else None,
        approved_by=tuple(people.show(by) for by in approvals),
        may_approve=second and waits and batch.digest is not None,
    )


def _require(actor: Actor) -> None:
    if not may_read(actor):
        raise Forbidden(verb=str(Verb.CHANGE_REVERT))


def _line(
    one: Reversal, entered_by: str, started_at: datetime, finished_at: datetime | None, people: People
) -> ReversalLine:
    return ReversalLine(
        id=one.id,
        whose=people.show(one.whose),
        since=one.since,
        until=one.until,
        reason=one.reason,
        force=one.force,
        entered_by=people.show(entered_by),
        started_at=started_at,
        finished_at=finished_at,
    )


def _place(before: str | None) -> UUID | None:
    try:
        return None if before is None else UUID(hex=before)
    except ValueError:
        raise BadCursor from None
