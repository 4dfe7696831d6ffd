"""Evidence that left the house: who took what about whom, for what; and the same once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.ledger.value import Json
from changedesk.reading.evidence.scope import Level, Wanted
from changedesk.reading.panels import ActorView, Page
from changedesk.reading.people import People
from changedesk.reading.timeline import BadCursor
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import bundles
from changedesk.store.bundles import Asked
from changedesk.store.tx import look

LIMIT_MAX: Final = 500
AGAIN_FOR: Final = timedelta(days=7)
"""So long the same can be taken out once more without being asked for anew. No copy is kept in the house."""


class BundleEnded(Refusal):
    """The time in which this could be taken out once more is over."""

    code = "bundle-ended"
    hint = "Ask for it anew, with the purpose that it has now."


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenView:
    """A bundle that left. ``scope``: as ``Wanted.told``; ``manifest``: SHA-256 of its manifest, in hex.

    ``until``: so long the same can be taken out once more.
    """

    id: UUID
    by: ActorView
    at: datetime
    until: datetime
    purpose: str
    reference: str
    level: str
    scope: Mapping[str, str]
    entries: int
    manifest: str


def taken(*, actor: Actor, language: str = "en", before: str | None = None, limit: int = 50) -> Page[TakenView]:
    """Return a page of the bundles that left the house, newest first. Raises Forbidden, BadCursor."""
    access.require(actor, Verb.EVIDENCE_BUILD)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found = bundles.taken(seen, before=_place(before), limit=limit + 1)
    page = found[:limit]
    people = People({one.by for one in page}, viewer=actor, language=language)
    lines = tuple(
        TakenView(
            id=one.id,
            by=people.show(one.by),
            at=one.at,
            until=one.at + AGAIN_FOR,
            purpose=_text(one.facts, "purpose"),
            reference=_text(one.facts, "reference"),
            level=_text(one.facts, "level"),
            scope=_scope(one.facts),
            entries=int(_text(one.facts, "entries") or 0),
            manifest=_text(one.facts, "manifest"),
        )
        for one in page
    )
    return Page(lines, next=page[-1].change.hex if len(found) > limit else None)


def waiting(*, actor: Actor) -> list[Asked]:
    """Return the bundles that the worker makes for somebody, newest first. Raises Forbidden."""
    access.require(actor, Verb.EVIDENCE_BUILD)
    with look(actor.client) as seen:
        return bundles.asked_by(seen, actor.id)


def again(bundle: UUID, *, actor: Actor, at: datetime) -> Wanted:
    """Return what a bundle was asked for, to make one like it. Raises Forbidden, NotFound, BundleEnded."""
    access.require(actor, Verb.EVIDENCE_BUILD)
    with look(actor.client) as seen:
        found = bundles.one(seen, bundle)
    if found is None:
        raise NotFound
    if at >= found.at + AGAIN_FOR:
        raise BundleEnded
    scope, shown = _scope(found.facts), found.facts.get("shown")
    return Wanted(
        purpose=_text(found.facts, "purpose"),
        level=Level(_text(found.facts, "level")),
        fields=tuple(str(one) for one in shown) if isinstance(shown, list | tuple) else (),
        reference=_text(found.facts, "reference"),
        change=ChangeId(UUID(scope["change"])) if "change" in scope else None,
        request=scope.get("request"),
        record=SubjectId(UUID(scope["record"])) if "record" in scope else None,
        actor=scope.get("actor"),
        since=datetime.fromisoformat(scope["since"]) if "since" in scope else None,
        until=datetime.fromisoformat(scope["until"]) if "until" in scope else None,
    )


def _scope(facts: Mapping[str, Json]) -> dict[str, str]:
    told = facts.get("scope")
    return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _text(facts: Mapping[str, Json], name: str) -> str:
    value = facts.get(name)
    return "" if value is None else str(value)


def _place(before: str | None) -> UUID | None:
    try:
        return None if before is None else UUID(hex=before)
    except ValueError:
        raise BadCursor from None
