"""Files of requests: which came in, how their requests stand, and what they would change."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.kinds.merge import MERGED_INTO, MERGED_INTO_TEXT
from changedesk.reading.imports import Progress, RowReason, progress
from changedesk.reading.panels import ActorView, Page
from changedesk.reading.people import People
from changedesk.reading.request import request as read_request
from changedesk.reading.timeline import BadCursor
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.lifecycle import RequestState
from changedesk.rules.values import BadValue
from changedesk.store import batches as stored
from changedesk.store import handed
from changedesk.store.batches import Batch, Row
from changedesk.store.tx import look

LIMIT_MAX: Final = 500
SAMPLE: Final = 5
"""Requests that are shown with their values, of those that wait for approval."""
_TEXTS: Final = {**BadValue.reasons, MERGED_INTO: MERGED_INTO_TEXT}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """One file in a list. ``file`` is the same for the same content; it tells nothing about it."""

    id: UUID
    map: str
    file: str
    entered_by: ActorView
    started_at: datetime
    finished_at: datetime | None
    state: Progress
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleField:
    """One field that a request of the sample would change, as its viewer may see it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """One request of the sample."""

    ref: str
    number: int
    fields: tuple[SampleField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCount:
    """How many requests policy asks the same of."""

    level: int
    consent: str
    approvals: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPanel:
    """A batch as it stands. ``counts``: requests by state, and rows that made none by why; ``edited``: of those, how
    many hold another content than the file brought in. ``digest`` is None while the file has not come to its end;
    ``state``, ``done`` and ``parts`` say how far it is, as for an import.
    """

    id: UUID
    map: str
    file: str
    digest: str | None
    entered_by: ActorView
    started_at: datetime
    finished_at: datetime | None
    state: Progress
    done: int
    parts: int
    counts: Mapping[str, int]
    edited: int
    reasons: tuple[RowReason, ...]
    routes: tuple[RouteCount, ...]
    sample: tuple[SampleRequest, ...]
    approved_by: tuple[ActorView, ...]
    may_approve: bool
    """Whether this viewer may be the second person, and something waits for one."""


def may_read(actor: Actor) -> bool:
    """Say whether this viewer may read batches: who imports, decides, or reads the feed."""
    return any(access.may(actor, verb) for verb in (Verb.IMPORT_RUN, Verb.REQUEST_APPROVE, Verb.FEED_READ))


def batches(*, actor: Actor, language: str = "en", before: str | None = None, limit: int = 50) -> Page[BatchLine]:
    """Return a page of the client's batches, newest first. Raises Forbidden, BadCursor."""
    _require(actor)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found = stored.of_client(seen, before=_place(before), limit=limit + 1)
        left = handed.left(seen, [item.id for item in found])
    page = found[:limit]
    people = People({item.entered_by for item in page}, viewer=actor, language=language)
    lines = tuple(
        BatchLine(
            id=item.id,
            map=item.map,
            file=item.file.hex(),
            entered_by=people.show(item.entered_by),
            started_at=item.started_at,
            finished_at=item.finished_at,
            state=progress(left.get(item.id), item.finished_at),
            rows=item.rows or 0,
        )
        for item in page
    )
    return Page(lines, next=page[-1].id.hex if len(found) > limit else None)


def batch(id: UUID, *, actor: Actor, at: datetime, language: str = "en") -> BatchPanel:  # noqa: A002 - as everywhere
    """Return one batch. Raises Forbidden, NotFound."""
    _require(actor)
    with look(actor.client) as seen:
        found = stored.load(seen, id)
        if found is None:
            raise NotFound
        rows = stored.rows(seen, id)
        approvals = stored.approvals(seen, id)
        left = handed.left(seen, [id]).get(id)
    people = People({found.entered_by, *(by for by, _ in approvals)}, viewer=actor, language=language)
    waiting = [row for row in rows if row.state == RequestState.AWAITING_APPROVAL and not row.edited]
    routes = Counter((row.level, row.consent or "", row.approvals) for row in rows if row.request is not None)
    return BatchPanel(
        id=found.id,
        map=found.map,
        file=found.file.hex(),
        digest=None if found.digest is None else found.digest.hex(),
        entered_by=people.show(found.entered_by),
        started_at=found.started_at,
        finished_at=found.finished_at,
        state=progress(left, found.finished_at),
        done=left.parts - left.left if left else 0,
        parts=left.parts if left else 0,
        counts=Counter(row.state or row.outcome for row in rows),
        edited=sum(row.edited for row in rows if row.request is not None),
        reasons=_reasons(rows),
        routes=tuple(
            RouteCount(level=level, consent=consent, approvals=number, count=count)
            for (level, consent, number), count in routes.most_common()
        ),
        sample=_sample(waiting[:SAMPLE], actor, at, language) if access.may(actor, Verb.REQUEST_READ) else (),
        approved_by=tuple(people.show(by) for by, _ in approvals),
        may_approve=_may_approve(found, waiting, actor),
    )


def _may_approve(found: Batch, waiting: list[Row], actor: Actor) -> bool:
    may = access.may(actor, Verb.REQUEST_APPROVE) and actor.id != found.entered_by
    return may and found.digest is not None and bool(waiting)


def _sample(rows: list[Row], actor: Actor, at: datetime, language: str) -> tuple[SampleRequest, ...]:
    panels = [(row, read_request(row.ref, actor=actor, at=at, language=language)) for row in rows]
    return tuple(
        SampleRequest(
            ref=row.ref,
            number=row.number,
            fields=tuple(SampleField(label=one.label, before=one.before, after=one.after) for one in panel.diff),
        )
        for row, panel in panels
    )


def _reasons(rows: list[Row]) -> tuple[RowReason, ...]:
    counted = Counter(reason for row in rows for reason in row.reasons)
    return tuple(
        RowReason(code=code, field=path, text=_TEXTS.get(code, ""), count=count)
        for (code, path), count in counted.most_common()
    )


def _require(actor: Actor) -> None:
    if not may_read(actor):
        raise Forbidden(verb=str(Verb.IMPORT_RUN))


def _place(before: str | None) -> Any:
    try:
        return None if before is None else UUID(hex=before)
    except ValueError:
        raise BadCursor from None
