"""Who looked at whom: for those who watch over it, and, without names, for the customer who asks (GDPR Art. 15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.clock import EPOCH, micros
from changedesk.base.ids import ChangeId, ClientId, SubjectId
from changedesk.base.refusal import NotFound
from changedesk.ledger.entry import EntryKind
from changedesk.reading.panels import ActorView, Page
from changedesk.reading.people import People
from changedesk.reading.sight import Eyes, Sight
from changedesk.reading.timeline import BadCursor
from changedesk.rules import access, seeing
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue
from changedesk.store import evidence, past, seen, subjects
from changedesk.store.seen import Glass, Seen
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 200
LOOKED_BACK: Final = timedelta(days=60)
"""How far back those who looked are suspects of what happened now (common point of compromise)."""
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class SeenOnce:
    """One view as its customer may be told of it: no name, no id, and nothing that leads to an employee.

    ``purpose``: a code of ``rules.seeing``. ``role``: of the viewer, in codes parted by blanks. ``fields``: paths that
    were shown in clear. ``revealed``: by a reveal of one value; a search that found the customer has ``searched``.
    """

    at: datetime
    purpose: str
    channel: str
    role: str
    fields: tuple[str, ...]
    revealed: bool = False
    searched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLine:
    """One view, search or reveal, broken glass or its review.

    ``fields``: labels of what was shown in clear; ``found``: how many a search found.
    """

    change: ChangeId
    at: datetime
    kind: str
    by: ActorView
    role: str
    subject: SubjectId
    purpose: str
    reference: str
    note: str
    channel: str
    level: int
    fields: tuple[str, ...]
    found: int
    glass: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerLine:
    """Somebody who looked at a customer, how often, from when to when."""

    by: ActorView
    first: datetime
    last: datetime
    views: int
    reveals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassLine:
    """Broken glass. ``running``: it still opens records. ``mine``: the viewer broke it, and does not review it."""

    id: UUID
    by: ActorView
    level: int
    reason: str
    reference: str
    started_at: datetime
    until: datetime
    running: bool
    overdue: bool
    mine: bool
    reviewed_by: ActorView | None
    reviewed_at: datetime | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealedValue:
    """One value that somebody revealed: in clear before ``until``, masked from then on."""

    id: ChangeId
    subject: SubjectId
    type: str
    path: str
    label: str
    text: str
    masked: bool
    until: datetime
    seconds_left: int


def views_for_subject(tx: Look, subject_id: SubjectId, *, since: datetime) -> tuple[SeenOnce, ...]:
    """Return every view of a record since an instant, oldest first, without names: for the copy that a customer gets.

    Whoever calls has made sure that it is theirs.
    """
    found: list[Seen] = []
    place = seen.NEWEST
    while True:
        chunk = seen.of_subject(tx, subject_id, since=since, until=seen.NEWEST[0], before=place, limit=_CHUNK)
        found += chunk
        if len(chunk) < _CHUNK:
            break
        place = (chunk[-1].at, chunk[-1].id)
    return tuple(
        SeenOnce(
            at=one.at,
            purpose=_text(one, "purpose"),
            channel=one.channel,
            role=_text(one, "role"),
            fields=_shown(one),
            revealed=one.kind is EntryKind.VALUE_REVEALED,
            searched=one.kind is EntryKind.RECORD_SEARCHED,
        )
        for one in reversed(found)
    )


def who_looked(
    *,
    actor: Actor,
    language: str,
    subject: SubjectId | None = None,
    who: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[SeenLine]:
    """Return who looked at whom, newest first: at one customer, by one actor, in a time (``until`` is exclusive).

    Notes are told to those who may see values. Raises Forbidden, BadCursor.
    """
    access.require(actor, Verb.ACCESS_READ)
    limit = max(1, min(limit, LIMIT_MAX))
    since, until, place = since or _EARLIEST, until or seen.NEWEST[0], _place(before)
    with look(actor.client) as tx:
        if subject is not None:
            found = seen.of_subject(tx, subject, since=since, until=until, before=place, limit=limit + 1, actor=who)
        elif who is not None:
            found = seen.by_actor(tx, who, since=since, until=until, before=place, limit=limit + 1)
        else:
            found = seen.newest(tx, since=since, until=until, before=place, limit=limit + 1)
        page = found[:limit]
        notes = _notes(tx, page) if access.may(actor, Verb.VALUE_REVEAL) else {}
    people = People({one.actor for one in page}, viewer=actor, language=language)
    catalogue = configuration(actor.client).catalogue
    lines = tuple(_line(one, people, catalogue, language, notes.get(one.change, "")) for one in page)
    more = f"{micros(page[-1].at)}-{page[-1].id}" if len(found) > limit else None
    return Page(lines, next=more)


def viewers(subject: SubjectId, *, actor: Actor, at: datetime, language: str) -> tuple[ViewerLine, ...]:
    """Return everybody who looked at a customer in the last sixty days, whoever looked last first. Raises Forbidden."""
    access.require(actor, Verb.ACCESS_READ)
    with look(actor.client) as tx:
        found = seen.viewers(tx, subject, since=at - LOOKED_BACK)
    people = People({one.actor for one in found}, viewer=actor, language=language)
    return tuple(
        ViewerLine(by=people.show(one.actor), first=one.first, last=one.last, views=one.views, reveals=one.reveals)
        for one in found
    )


def revealed(id: ChangeId, *, actor: Actor, at: datetime, language: str) -> RevealedValue:  # noqa: A002 - as everywhere
    """Return a value that this actor revealed: in clear until its time is over.

    Raises Forbidden, and NotFound also for what others revealed.
    """
    access.require(actor, Verb.VALUE_REVEAL)
    catalogue = configuration(actor.client).catalogue
    with look(actor.client) as tx:
        row = past.by_change(tx, id)
        if row is None or row.kind != EntryKind.VALUE_REVEALED.value or row.actor != actor.id:
            raise NotFound
        record = subjects.load(tx, [row.subject_id])[row.subject_id]
        (path,) = _paths(past.meta_of(tx, row.subject_id, row).facts().get("shown"))
    until = row.recorded_at + seeing.REVEALED_FOR
    # A value that was forgotten, or that the law restricts since, is not shown any more either.
    shown = Eyes(Sight(at < until), catalogue, language).show(path, record.values().get(path))
    return RevealedValue(
        id=id,
        subject=record.id,
        type=record.type,
        path=path,
        label=catalogue[path].label_in(language) if path in catalogue else path,
        text=shown.text,
        masked=shown.masked,
        until=until,
        seconds_left=max(0, int((until - at).total_seconds())),
    )


def broken_glass(
    *, actor: Actor, at: datetime, language: str, waiting: bool = False, limit: int = 100
) -> tuple[GlassLine, ...]:
    """Return broken glass, newest first; ``waiting``: what nobody reviewed yet, oldest first. Raises Forbidden."""
    access.require(actor, Verb.ACCESS_READ)
    with look(actor.client) as tx:
        found = seen.unreviewed(tx, limit=limit) if waiting else seen.glass(tx, before=seen.NEWEST[0], limit=limit)
    people = People(
        {who for one in found for who in (one.actor, one.reviewed_by or "")}, viewer=actor, language=language
    )
    return tuple(_glass(one, people, actor, at) for one in found)


def waiting(*, actor: Actor, at: datetime) -> int:
    """Return how many wider sights wait for this actor's review: what every page tells those who may review them.

    Asked anew every ``_ASKED_EVERY`` only, since every page asks.
    """
    if not access.may(actor, Verb.ACCESS_REVIEW):
        return 0
    kept = _waiting.get(actor.client)
    if kept is None or not timedelta() <= at - kept[0] < _ASKED_EVERY:
        with look(actor.client) as tx:
            kept = _waiting[actor.client] = (at, tuple(one.actor for one in seen.unreviewed(tx, limit=LIMIT_MAX)))
    return sum(one != actor.id for one in kept[1])


_ASKED_EVERY: Final = timedelta(seconds=10)
_waiting: dict[ClientId, tuple[datetime, tuple[str, ...]]] = {}


def my_glass(*, actor: Actor, at: datetime) -> Glass | None:
    """Return the glass that this actor has broken and looks through right now."""
    with look(actor.client) as tx:
        return seen.standing(tx, [], actor=actor.id, since=at, at=at)[1]


def _glass(one: Glass, people: People, actor: Actor, at: datetime) -> GlassLine:
    return GlassLine(
        id=one.id,
        by=people.show(one.actor),
        level=one.level,
        reason=one.reason,
        reference=one.reference,
        started_at=one.started_at,
        until=one.until,
        running=one.started_at <= at < one.until,
        overdue=one.reviewed_at is None and seeing.overdue(one.started_at, at),
        mine=one.actor == actor.id,
        reviewed_by=None if one.reviewed_by is None else people.show(one.reviewed_by),
        reviewed_at=one.reviewed_at,
        verdict=one.verdict or "",
    )


def _line(one: Seen, people: People, catalogue: Catalogue, language: str, note: str) -> SeenLine:
    level, found = one.facts.get("level"), one.facts.get("found")
    return SeenLine(
        change=one.change,
        at=one.at,
        kind=one.kind.value,
        by=people.show(one.actor),
        role=_text(one, "role"),
        subject=one.subject,
        purpose=_text(one, "purpose"),
        reference=_text(one, "reference"),
        note=note,
        channel=one.channel,
        level=level if isinstance(level, int) else 0,
        fields=tuple(catalogue[path].label_in(language) if path in catalogue else path for path in _shown(one)),
        found=found if isinstance(found, int) else 0,
        glass=_text(one, "break_glass"),
    )


def _notes(tx: Look, page: Sequence[Seen]) -> dict[ChangeId, str]:
    sealed = seen.notes_of(tx, [one.change for one in page if one.kind is EntryKind.VALUE_REVEALED])
    whose = {one.change: one.subject for one in page if one.change in sealed}
    known = subjects.load(tx, set(whose.values()))
    return {change: evidence.open_text(tx, known[whose[change]].key, change, note) for change, note in sealed.items()}


def _text(one: Seen, name: str) -> str:
    told = one.facts.get(name)
    return told if isinstance(told, str) else ""


def _shown(one: Seen) -> tuple[str, ...]:
    return _paths(one.facts.get("shown"))


def _paths(told: object) -> tuple[str, ...]:
    return tuple(path for path in told if isinstance(path, str)) if isinstance(told, list) else ()


def _place(before: str | None) -> seen.Place:
    if before is None:
        return seen.NEWEST
    when, dash, id_ = before.partition("-")
    if not (dash and when.isdecimal() and id_.isdecimal() and before.isascii() and len(before) < _PLACE_MOST):
        raise BadCursor
    return EPOCH + timedelta(microseconds=int(when)), int(id_)


_PLACE_MOST: Final = 36
