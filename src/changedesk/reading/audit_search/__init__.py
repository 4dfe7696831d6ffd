"""Searching a client's whole history: what was recorded about anybody, by anybody, newest first, masked.

The language is ``rules.query``; what is true of which entry ``outbound.find`` has noted. A page costs the same at any
depth. Nothing is recorded here: ``channels.audit_search`` has ``flow.audit_trail`` do that, and then
hands out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from changedesk.base.actor import Actor
from changedesk.base.refusal import NotFound
from changedesk.reading import sight
from changedesk.reading.audit_search import walk
from changedesk.reading.audit_search.facets import FACETS, Facet, facets
from changedesk.reading.audit_search.lookup import Lookup, TextUnknown, ValueTooCommon, ValueUnknown
from changedesk.reading.audit_search.plan import Plan
from changedesk.reading.panels import EntryView
from changedesk.reading.sight import Eyes, Sight
from changedesk.reading.timeline import entry_views
from changedesk.rules import access, query
from changedesk.rules.access import Verb
from changedesk.rules.query import Expr
from changedesk.store import audit_search, past, subjects
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

__all__ = [
    "FACETS",
    "LIMIT_MAX",
    "Facet",
    "Found",
    "Line",
    "Matches",
    "TextUnknown",
    "ValueTooCommon",
    "ValueUnknown",
    "kept",
    "kept_one",
    "lines",
    "matches",
    "read_query",
    "search",
]
LIMIT_MAX: Final = 200
AT_ONCE: Final = 256
"""Entries that are opened together where many are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry that was found. ``place`` is where it stands in the log; ``whose`` the record's name as it may be seen.

    ``type``: customer, account, or desk for what is about no record.
    """

    place: int
    type: str
    whose: str
    whose_masked: bool
    view: EntryView


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of a search, newest first.

    ``older`` and ``newer``: the place to go on before and after, None where there is nothing more. ``count`` and
    ``exact``: how many match, or at least how many; None but on a first page. ``facets`` count the newest ``counted``
    matches. ``behind``: entries of the log that cannot be found yet. ``asked``: the search without its values.
    """

    items: tuple[Line, ...]
    older: int | None
    newer: int | None
    count: int | None
    exact: bool
    counted: int
    facets: tuple[Facet, ...]
    behind: int
    asked: str
    personal: bool


def read_query(text: str, *, actor: Actor, at: datetime) -> Expr:
    """Return what a text asks for; days are days of the client. Raises what ``rules.query.parse`` raises."""
    zone = ZoneInfo(configuration(actor.client).settings.time_zone)
    return query.parse(text, zone=zone, today=at.astimezone(zone).date())


def search(
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
    """Return a page of what a search finds: the newest, those before a place, or those after one.

    Raises Forbidden, QueryUnclear, QueryTooLong, KeyUnknown, ValueUnclear, ValueUnknown, TextUnknown, ValueTooCommon.
    """
    access.require(actor, Verb.AUDIT_SEARCH)
    limit = max(1, min(limit, LIMIT_MAX))
    asked = read_query(text, actor=actor, at=at)
    config = configuration(actor.client)
    with look(actor.client) as seen:
        plan = Lookup(seen, actor, config, language).plan(asked)
        places, counted = _page(seen, plan, before=before, after=after, limit=limit + 1)
        more = len(places) > limit
        places = places[:limit] if after is None else places[-limit:]
        older = places[-1] if places and (more or after is not None) else None
        newer = places[0] if places and (before is not None or (more and after is not None)) else None
        first = before is None and after is None
        lists = facets(seen, counted, text, asked, config, actor=actor, language=language) if with_facets else ()
        items = lines(seen, places, actor=actor, at=at, language=language)
        behind = audit_search.behind(seen)
    return Found(
        items=items,
        older=older,
        newer=newer,
        count=counted.count if first else None,
        exact=counted.exact,
        counted=sum(bits.bit_count() for _, bits in counted.newest),
        facets=lists,
        behind=behind,
        asked=query.shape(asked),
        personal=query.personal(asked),
    )


def _page(
    seen: Look, plan: Plan, *, before: int | None, after: int | None, limit: int
) -> tuple[list[int], walk.Counted]:
    if after is not None:
        return walk.newer(seen, plan, after=after, limit=limit), walk.UNCOUNTED
    if before is not None:
        return walk.older(seen, plan, before=before, limit=limit), walk.UNCOUNTED
    return walk.first(seen, plan, limit=limit)


@dataclass(frozen=True, slots=True)
class Matches:
    """Places of what a search finds, the newest first, and the search without its values."""

    places: tuple[int, ...]
    asked: str


def matches(text: str, *, actor: Actor, at: datetime, language: str, limit: int) -> Matches:
    """Return the places of at most ``limit`` entries. Raises what ``search`` raises."""
    access.require(actor, Verb.AUDIT_SEARCH)
    asked = read_query(text, actor=actor, at=at)
    with look(actor.client) as seen:
        plan: Plan = Lookup(seen, actor, configuration(actor.client), language).plan(asked)
        return Matches(tuple(walk.older(seen, plan, before=None, limit=limit)), query.shape(asked))


def streamed(places: Sequence[int], *, actor: Actor, language: str) -> Iterator[Line]:
    """Give the entries at some places, in that order and always masked, a few at a time. Raises Forbidden."""
    access.require(actor, Verb.AUDIT_SEARCH)
    for start in range(0, len(places), AT_ONCE):
        with look(actor.client) as seen:
            part = lines(seen, places[start : start + AT_ONCE], actor=actor, at=None, language=language)
        yield from part


def lines(seen: Look, places: Sequence[int], *, actor: Actor, at: datetime | None, language: str) -> tuple[Line, ...]:
    """Return entries ready to show. Without ``at`` nobody's caller is asked for: all of it is masked."""
    config = configuration(actor.client)
    rows = audit_search.entries(seen, places)
    known = subjects.load(seen, {row.subject_id for row in rows})
    entries = [past.opened(seen, row, known[row.subject_id]) for row in rows]
    blind = Sight(everything=False)
    people = [one for one in known.values() if one.type != "desk"]
    sights = dict.fromkeys(known, blind)
    if at is not None:
        sights |= sight.of_subjects(seen, people, actor=actor, at=at)
    views = entry_views(entries, sights, config.catalogue, actor=actor, language=language)
    names = {one.id: _name(one, sights[one.id], config, language) for one in known.values()}
    return tuple(
        Line(
            place=row.idx,
            type=known[row.subject_id].type,
            whose=names[row.subject_id][0],
            whose_masked=names[row.subject_id][1],
            view=view,
        )
        for row, view in zip(rows, views, strict=True)
    )


def _name(subject: Subject, seen: Sight, config: Configuration, language: str) -> tuple[str, bool]:
    if subject.type == "desk":
        return config.settings.name, False
    named = sight.title(Eyes(seen, config.catalogue, language), subject)
    return named.text, named.masked


@dataclass(frozen=True, slots=True)
class Kept:
    """A search that somebody keeps by name."""

    id: UUID
    name: str
    query: str


def kept(*, actor: Actor) -> tuple[Kept, ...]:
    """Return the searches that this person keeps, the oldest first. Raises Forbidden."""
    access.require(actor, Verb.AUDIT_SEARCH)
    with look(actor.client) as seen:
        return tuple(Kept(one.id, one.name, one.query) for one in audit_search.searches_of(seen, actor.id))


def kept_one(search: UUID, *, actor: Actor, at: datetime) -> Kept:
    """Return one search that this person keeps, by name or for an hour. Raises Forbidden, NotFound."""
    access.require(actor, Verb.AUDIT_SEARCH)
    with look(actor.client) as seen:
        one = audit_search.search_by_id(seen, search, actor=actor.id, at=at)
    if one is None:
        raise NotFound
    return Kept(one.id, one.name, one.query)
