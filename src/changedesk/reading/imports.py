"""Which files were taken in: the runs of imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.reading.panels import ActorView, Page
from changedesk.reading.people import People
from changedesk.reading.timeline import BadCursor
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.values import BadValue
from changedesk.store import handed, imported
from changedesk.store.handed import Left
from changedesk.store.tx import look

Progress = Literal["waiting", "running", "unfinished", "finished"]
LIMIT_MAX: Final = 500
ENDED_EARLY: Final = "ended_early"
REASON: Final = "reason "
"""What the counts of reasons begin with: the reason's code and the field stand after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReason:
    """Why rows were refused or went in without a field, and how often. ``text``: what to do, where there is one."""

    code: str
    field: str
    text: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One import. ``file`` is the same for the same content, within one client; it tells nothing about it.

    ``state``: waiting or running with the worker, unfinished (it goes on at a terminal, or was ended from outside),
    finished. ``done`` of ``parts`` of a file that is with the worker are in. ``counts`` are rows by what
    became of them, so far: rows, taken, unchanged, warned, refused, changes; ``ended_early`` says that the file did.
    """

    id: UUID
    map: str
    file: str
    started_by: ActorView
    started_at: datetime
    finished_at: datetime | None
    state: Progress
    done: int
    parts: int
    counts: Mapping[str, int]
    reasons: tuple[RowReason, ...]
    """The most frequent first. Each row's own stands in the report file that the import wrote."""


def may_read(actor: Actor) -> bool:
    """Say whether this viewer may read what was imported: who imports, or reads the feed."""
    return access.may(actor, Verb.IMPORT_RUN) or access.may(actor, Verb.FEED_READ)


def runs(*, actor: Actor, language: str = "en", before: str | None = None, limit: int = 50) -> Page[ImportRun]:
    """Return a page of the client's imports, newest first. Raises Forbidden, BadCursor."""
    _require(actor)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found = imported.runs(seen, before=_place(before), limit=limit + 1)
        left = handed.left(seen, [row.id for row in found])
    page = found[:limit]
    people = People({row.started_by for row in page}, viewer=actor, language=language)
    return Page(
        tuple(_run(row, left.get(row.id), people) for row in page), next=page[-1].id.hex if len(found) > limit else None
    )


def run(id: UUID, *, actor: Actor, language: str = "en") -> ImportRun:  # noqa: A002 - as everywhere
    """Return one import. Raises Forbidden, NotFound."""
    _require(actor)
    with look(actor.client) as seen:
        row = imported.run(seen, id)
        left = handed.left(seen, [id])
    if row is None:
        raise NotFound
    return _run(row, left.get(id), People({row.started_by}, viewer=actor, language=language))


def _require(actor: Actor) -> None:
    if not may_read(actor):
        raise Forbidden(verb=str(Verb.IMPORT_RUN))


def progress(left: Left | None, finished_at: datetime | None) -> Progress:
    """Return how far a file is, of which this is left with the worker."""
    if left is None:
        return "unfinished" if finished_at is None else "finished"
    return "waiting" if left.left == left.parts else "running"


def _run(row: Any, left: Left | None, people: People) -> ImportRun:
    reasons = [_counted(name, count) for name, count in row.counts.items() if name.startswith(REASON)]
    return ImportRun(
        id=row.id,
        map=row.map,
        file=bytes(row.file_hash).hex(),
        started_by=people.show(row.started_by),
        started_at=row.started_at,
        finished_at=row.finished_at,
        state=progress(left, row.finished_at),
        done=left.parts - left.left if left else 0,
        parts=left.parts if left else 0,
        counts={name: count for name, count in row.counts.items() if not name.startswith(REASON)},
        reasons=tuple(sorted(reasons, key=lambda item: (-item.count, item.code, item.field))),
    )


def _counted(name: str, count: int) -> RowReason:
    code, _, path = name.removeprefix(REASON).partition(" ")
    return reason(code, path, count)


def reason(code: str, path: str, count: int) -> RowReason:
    """Return a reason for which rows were refused or went in without a field, with what to do about it."""
    return RowReason(code=code, field=path, text=BadValue.reasons.get(code) or _hints().get(code, ""), count=count)


def _hints() -> dict[str, str]:
    """Return what to do about each refusal there is, by its code: a row may be refused by any of them."""
    found: dict[str, str] = {}
    waiting: list[type[Refusal]] = [Refusal]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        found[one.code] = one.hint
    return found


def _place(before: str | None) -> UUID | None:
    try:
        return None if before is None else UUID(hex=before)
    except ValueError:
        raise BadCursor from None
