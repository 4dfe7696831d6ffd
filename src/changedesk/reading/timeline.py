"""What happened to a customer or an account, newest first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.reading import lines, sight, words
from changedesk.reading.panels import EntryView, Page
from changedesk.reading.people import People
from changedesk.reading.sight import Eyes, Sight
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue
from changedesk.store import links, past, subjects
from changedesk.store.past import NEWEST, Entry
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 200
INTERNAL: Final = frozenset(
    {
        EntryKind.RECORD_VIEWED,
        EntryKind.RECORD_SEARCHED,
        EntryKind.VALUE_REVEALED,
        EntryKind.GLASS_BROKEN,
        EntryKind.GLASS_REVIEWED,
        EntryKind.ACCESS_CERTIFIED,
        EntryKind.HOOK_CHANGED,
        EntryKind.HOOK_RESENT,
        EntryKind.EVIDENCE_EXPORTED,
    }
)
"""What the desk did for itself; customers read what happened to their data, which these did not change."""
_FOR_CUSTOMERS: Final = tuple(kind.value for kind in EntryKind if kind not in INTERNAL)


class BadCursor(Refusal):
    """There is no page at this place."""

    code = "bad-cursor"
    hint = "Start again from the first page."


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """What a timeline is narrowed to. ``tag``: a category (``contact.email``), its group (``contact``), a kind or a
    tag of fields. ``until`` is exclusive.
    """

    kinds: Sequence[str] | None = None
    field: str | None = None
    channel: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    tag: str | None = None


def timeline(
    subject_id: SubjectId,
    *,
    actor: Actor,
    at: datetime,
    language: str,
    before: str | None = None,
    limit: int = 50,
    only: Only | None = None,
) -> Page[EntryView]:
    """Return a page of entries, newest first. Raises Forbidden, NotFound, BadCursor."""
    sight.require(actor, Verb.TIMELINE_READ)
    only, start, most = only or Only(), _place(before), max(1, min(limit, LIMIT_MAX))
    catalogue = configuration(actor.client).catalogue
    narrowed = past.Filter(
        kinds=_kinds(only.kinds, actor),
        fields=_paths(only, catalogue),
        channel=only.channel,
        actor=only.actor,
        since=only.since,
        until=only.until,
    )
    with look(actor.client) as seen:
        seen.ahead(
            links.asks(subject_id),
            *sight.find_asks(subject_id, actor=actor, at=at),
            past.timeline_asks(subject_id, before=start, limit=most + 1, only=narrowed),
            # Customers, later pages and merged records need more, of which the first answers say what.
            last=actor.type not in sight.CUSTOMERS and start == NEWEST,
        )
        subject, holders = sight.find(seen, sight.survivor(seen, subject_id, actor=actor), actor=actor)
        view = sight.of_subjects(seen, [subject], actor=actor, at=at, holders={subject.id: holders})[subject.id]
        streams = _streams(seen, subject, narrowed, actor=actor)
        found = [
            (stream, past.timeline_rows(seen, stream, before=start, limit=most + 1, only=within))
            for stream, within in streams
        ]
        ids = sorted((row.id for _, rows in found for row in rows), reverse=True)
        # What is behind the page only says that there is more: it is not opened.
        least = min(ids[:most], default=0)
        page = [
            item
            for stream, rows in found
            for item in past.open_all(seen, stream, [row for row in rows if row.id >= least])
        ]
    page = sorted(page, key=lambda item: -item.id)[:most]
    sights = {stream.id: view for stream, _ in streams}
    shown = entry_views(page, sights, catalogue, actor=actor, language=language)
    return Page(shown, next=str(page[-1].id) if len(ids) > most else None)


def _streams(seen: Look, subject: Subject, only: past.Filter, *, actor: Actor) -> list[tuple[Subject, past.Filter]]:
    """Return the streams of a timeline: the record's own, and those of what was merged into it.

    While a link stands, all that the merged record went through is the survivor's too; of a link that has ended, what
    happened in between. A customer sees of an account what happened since it is theirs, and of a merged record what
    happened since the merge.
    """
    outside = actor.type in sight.CUSTOMERS
    found = [(subject, _within(only, sight.own_since(seen, subject, actor=actor), None))]
    rest = [(subject.id, only)]
    while rest:
        survivor, bounds = rest.pop()
        for link in links.of_survivor(seen, survivor):
            since = link.since if outside or link.until is not None else None
            within = _within(bounds, since, link.until)
            merged = subjects.load(seen, [link.merged_id])[link.merged_id]
            found.append((merged, within))
            rest.append((merged.id, within))
    return found


def _within(only: past.Filter, since: datetime | None, until: datetime | None) -> past.Filter:
    return replace(
        only,
        since=max((moment for moment in (only.since, since) if moment is not None), default=None),
        until=min((moment for moment in (only.until, until) if moment is not None), default=None),
    )


def entry(change: ChangeId, *, actor: Actor, at: datetime, language: str) -> EntryView:
    """Return one entry by the id of its change. Raises Forbidden, NotFound."""
    sight.require(actor, Verb.TIMELINE_READ)
    catalogue = configuration(actor.client).catalogue
    with look(actor.client) as seen:
        row = past.by_change(seen, change)
        if row is None:
            raise NotFound
        subject, holders = sight.find(seen, row.subject_id, actor=actor)
        view = sight.of_subjects(seen, [subject], actor=actor, at=at, holders={subject.id: holders})[subject.id]
        found = past.opened(seen, row, subject)
        since = sight.own_since(seen, subject, actor=actor)
    if actor.type in sight.CUSTOMERS and found.kind in INTERNAL:
        raise NotFound
    if since is not None and found.recorded_at < since:
        raise NotFound
    return entry_views([found], {subject.id: view}, catalogue, actor=actor, language=language)[0]


def _place(before: str | None) -> int:
    if before is None:
        return NEWEST
    if not (before.isascii() and before.isdigit()) or int(before) > NEWEST:
        raise BadCursor
    return int(before)


def _kinds(wanted: Sequence[str] | None, actor: Actor) -> Sequence[str] | None:
    if actor.type not in sight.CUSTOMERS:
        return wanted
    return _FOR_CUSTOMERS if wanted is None else [kind for kind in wanted if kind in _FOR_CUSTOMERS]


def _paths(only: Only, catalogue: Catalogue) -> list[str] | None:
    if only.tag is None:
        return None if only.field is None else [only.field]
    tagged = [
        item.path
        for item in catalogue
        if only.tag in {item.category, item.category.split(".", 1)[0], item.kind, *item.tags}
    ]
    return tagged if only.field is None else [path for path in tagged if path == only.field]


def entry_views(
    entries: Sequence[Entry], sights: Mapping[SubjectId, Sight], catalogue: Catalogue, *, actor: Actor, language: str
) -> tuple[EntryView, ...]:
    """Return entries ready to show, however many, with one look-up of names."""
    people = People(_actors(entries), viewer=actor, language=language)
    outside = actor.type in sight.CUSTOMERS
    eyes = {subject: Eyes(seen, catalogue, language) for subject, seen in sights.items()}
    titles: _Titles = {}
    return tuple([_view(entry, eyes[entry.subject], titles, people, outside=outside) for entry in entries])


def _actors(entries: Iterable[Entry]) -> set[str]:
    approving = [_texts(entry.facts, "approved_by") for entry in entries if "approved_by" in entry.facts]
    return {entry.actor for entry in entries}.union(*approving)


_Alike = tuple[EntryKind, tuple[str, ...]]
"""What entries with one title have in common: the kind, and the fields."""
_Titles = dict[_Alike, tuple[str, str, bool]]
"""The word of the kind, the title, and whether it is a change."""


def _view(entry: Entry, eyes: Eyes, titles: _Titles, people: People, *, outside: bool) -> EntryView:
    facts = entry.facts
    if outside and entry.kind is EntryKind.OWNERSHIP_TRANSFERRED:
        # What ended with the transfer were the former holder's values.
        entry = msgspec.structs.replace(entry, fields=(), assertions=())
    told = titles.get((entry.kind, entry.fields))
    if told is None:
        told = titles[entry.kind, entry.fields] = _titled(entry, eyes)
    kind, title, is_change = told
    # By place, in the order of its fields: twenty names cost as much as the rest of making it.
    return EntryView(
        str(entry.id),
        entry.change,
        entry.subject,
        entry.version,
        entry.index,
        kind,
        title,
        is_change,
        entry.recorded_at,
        people.show(entry.actor),
        entry.channel,
        _text(facts, "on_behalf_of") if "on_behalf_of" in facts else "",
        lines.verified(facts, eyes.language) if "verified" in facts else "",
        _text(facts, "consent") if "consent" in facts else "",
        _text(facts, "reason") if "reason" in facts else "",
        () if outside or "approved_by" not in facts else tuple(map(people.show, _texts(facts, "approved_by"))),
        entry.request,
        (_text(facts, "ref") or None) if "ref" in facts else None,
        () if outside or "rules" not in facts else tuple(_rules(facts)),
        lines.diff_of_entry(entry, eyes),
        entry.assertions is None,
        entry.leaf.hex(),
    )


def _titled(entry: Entry, eyes: Eyes) -> tuple[str, str, bool]:
    labels = tuple(eyes.label(path) for path in entry.fields if path)
    return entry.kind.value, words.title(entry.kind, labels, eyes.language), entry.kind.bumps


def _text(facts: Mapping[str, Json], name: str) -> str:
    told = facts.get(name)
    return told if isinstance(told, str) else ""


def _texts(facts: Mapping[str, Json], name: str) -> list[str]:
    told = facts.get(name)
    return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []


def _rules(facts: Mapping[str, Json]) -> list[str]:
    told = facts.get("rules")
    return [str(pair[0]) for pair in told if isinstance(pair, list) and pair] if isinstance(told, list) else []
