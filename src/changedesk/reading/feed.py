"""The log as others follow it: by dense index, thin, from any point on, as often as wanted; and as hooks tell of it.

An event is a CloudEvent (https://github.com/cloudevents/spec, version 1.0.2, JSON format). What a hook sends is the
same text, byte for byte, as it has here for who reads English.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.ledger.value import decode_value
from changedesk.reading.panels import FeedPage
from changedesk.reading.sight import Eyes, Sight
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.fields import Sensitivity
from changedesk.store import audit_search, log, past, subjects
from changedesk.store.past import Entry
from changedesk.store.settings_read import client as settings_of
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 500
TEST: Final = "hook.test"
_DIGITS: Final = 20


def feed(*, actor: Actor, after: int = -1, limit: int = 100, values: bool = False, language: str = "en") -> FeedPage:
    """Return the events after a place in the log (-1: from the beginning), in order, without a gap.

    Each says what happened to whom and which fields it touched, with masked values; ``values`` asks for them in
    clear. Raises Forbidden.
    """
    access.require(actor, Verb.FEED_READ)
    if values:
        access.require(actor, Verb.VALUE_REVEAL)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        size = log.size(seen)
        rows = past.feed(seen, start=max(after, -1) + 1, limit=limit)
        items = _events(seen, rows, values=values, language=language)
    last = int(rows[-1].idx) if rows else after
    return FeedPage(items=tuple(items), next=last, more=last + 1 < size, size=size)


def at_places(client: ClientId, places: Sequence[int], *, values: bool) -> list[Mapping[str, object]]:
    """Return the events at some places of a client's log, in the order asked for, as the log tells of them now.

    For hooks: an administrator said whether ``values`` go there in clear.
    """
    with look(client) as seen:
        rows = audit_search.entries(seen, places)
        seen.ahead(last=True)
        return _events(seen, rows, values=values, language="en")


def test_event(client: ClientId, id_: UUID, hook: UUID, at: datetime) -> Mapping[str, object]:
    """Return an event that tells nothing, to try the way to a hook."""
    return _envelope(client, str(id_), TEST, str(hook), at, {"hook": str(hook)})


def _events(seen: Look, rows: Sequence[Any], *, values: bool, language: str) -> list[Mapping[str, object]]:
    eyes = Eyes(Sight(everything=values), configuration(seen.client).catalogue, language)
    known = subjects.load(seen, {row.subject_id for row in rows})
    entries = [past.opened(seen, row, known[row.subject_id]) for row in rows]
    return [
        _envelope(
            seen.client, str(one.change), one.kind.value, str(one.subject), one.recorded_at, event(one, eyes),
            place=one.index,
        )
        for one in entries
    ]  # fmt: skip


def _envelope(
    client: ClientId,
    id_: str,
    type_: str,
    subject: str,
    at: datetime,
    data: Mapping[str, object],
    *,
    place: int | None = None,
) -> Mapping[str, object]:
    told: dict[str, object] = {
        "specversion": "1.0",
        "id": id_,
        "source": settings_of(client).origin,
        "type": type_,
        "subject": subject,
        "time": at,
        "datacontenttype": "application/json",
    }
    if place is not None:
        told["sequence"] = f"{place:0{_DIGITS}d}"
    return {**told, "data": data}


def event(entry: Entry, eyes: Eyes) -> Mapping[str, object]:
    """Return one entry as the data of an event. ``id`` names it for good; ``index`` is its place in the log.

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
