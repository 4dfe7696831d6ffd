"""The log as others follow it: by dense index, thin, from any point on, as often as wanted."""

from collections.abc import Mapping
from typing import Any, Final

from changedesk.base.actor import Actor
from changedesk.ledger.value import decode_value
from changedesk.reading.panels import FeedPage
from changedesk.reading.sight import Eyes, Sight
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.fields import Sensitivity
from changedesk.store import log, past, subjects
from changedesk.store.past import Entry
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look

LIMIT_MAX: Final = 500


def feed(*, actor: Actor, after: int = -1, limit: int = 100, values: bool = False, language: str = "en") -> FeedPage:
    """Return the events after a place in the log (-1: from the beginning), in order, without a gap.

    Each says what happened to whom and which fields it touched, with masked values; ``values`` asks for them in
    clear. Raises Forbidden.
    """
    access.require(actor, Verb.FEED_READ)
    if values:
        access.require(actor, Verb.VALUE_REVEAL)
    limit = max(1, min(limit, LIMIT_MAX))
    catalogue = configuration(actor.client).catalogue
    eyes = Eyes(Sight(everything=values), catalogue, language)
    with look(actor.client) as seen:
        size = log.size(seen)
        rows = past.feed(seen, start=max(after, -1) + 1, limit=limit)
        known = subjects.load(seen, {row.subject_id for row in rows})
        entries = [past.opened(seen, row, known[row.subject_id]) for row in rows]
    last = after if not entries else int(entries[-1].index or 0)
    return FeedPage(items=tuple(event(one, eyes) for one in entries), next=last, more=last + 1 < size, size=size)


def event(entry: Entry, eyes: Eyes) -> Mapping[str, object]:
    """Return one entry as data of an event. ``id`` names it for good; ``index`` is its place in the log.

    ``announces`` is what the change asks of other systems: codes, dates and amounts, no personal values.
    """
    kind = entry.facts.get("kind")
    return {
        "id": str(entry.change),
        "index": entry.index,
        "type": entry.kind.value,
        "subject": str(entry.subject),
        "time": entry.recorded_at,
        "kind": kind if isinstance(kind, str) else None,
        "channel": entry.channel,
        "fields": [path for path in entry.fields if path],
        "version": entry.version or None,
        "request": None if entry.request is None else str(entry.request),
        "ref": entry.facts.get("ref"),
        "leaf": entry.leaf.hex(),
        "erased": entry.assertions is None,
        "changes": _changes(entry, eyes),
        "announces": entry.facts.get("announces", []),
    }


def _changes(entry: Entry, eyes: Eyes) -> dict[str, dict[str, Any]]:
    """Return what each field held and holds; of one with several terms, the first: the later ones are to come."""
    found: dict[str, dict[str, Any]] = {}
    for item in entry.assertions or ():  # by path and start
        if item.path in found:
            continue
        if item.path in eyes.catalogue and eyes.catalogue[item.path].sensitivity is Sensitivity.SECRET:
            continue
        was, will = (
            eyes.show(item.path, None if text is None else decode_value(text)) for text in (item.old, item.new)
        )
        masked = was.masked or will.masked
        found[item.path] = (
            {"before": was.text, "after": will.text, "masked": True}
            if masked
            else {"before": was.value, "after": will.value, "masked": False}
        )
    return found
