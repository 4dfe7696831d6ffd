"""A client's hooks: where they lead, how they fare, and what became of each event. Never a secret."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.refusal import NotFound
from changedesk.reading.panels import ActorView
from changedesk.reading.people import People
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import hooks as store
from changedesk.store.hooks import Counts, Delivery, Draft, Hook
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 200
STATES: Final = ("waiting", "sent", "given_up")
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDraft:
    """What a hook is to become when somebody other than who wrote it approves it; ``may_approve``: the viewer may."""

    id: UUID
    place: str
    url: str | None = field(repr=False)
    events: tuple[str, ...]
    kinds: tuple[str, ...]
    full_values: bool
    written_by: ActorView
    written_at: datetime
    may_approve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HookPanel:
    """One hook. ``url`` is told to whoever may change it, for a path may hold a password; ``place`` is its host.

    ``state``: draft (nothing is sent until it is approved), on, paused, disabled; ``why``: gone, failing. ``draft``:
    what waits for a second person. ``waiting`` and ``given_up``: events.
    """

    id: UUID
    place: str
    url: str | None = field(repr=False)
    events: tuple[str, ...]
    kinds: tuple[str, ...]
    full_values: bool
    state: str
    why: str
    failing_since: datetime | None
    old_secret_until: datetime | None
    """Until when the secret before the last one signs too."""
    created_by: ActorView
    created_at: datetime
    draft: HookDraft | None
    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPanel:
    """One event on its way to a hook. ``index``: its place in the log, None for a test."""

    id: UUID
    event: UUID
    type: str
    index: int | None
    state: str
    tries: int
    code: int | None
    error: str
    next_at: datetime | None
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDeliveries:
    """HookDeliveries, newest first. ``next``: behind which one the next page goes on, None on the last."""

    items: tuple[DeliveryPanel, ...]
    next: UUID | None


def hooks(*, actor: Actor, at: datetime, language: str = "en") -> tuple[HookPanel, ...]:
    """Return the client's hooks, oldest first. Raises Forbidden."""
    access.require(actor, Verb.CONFIGURE_READ)
    with look(actor.client) as seen:
        return _panels(seen, store.of_client(seen), actor=actor, at=at, language=language)


def hook(id_: UUID, *, actor: Actor, at: datetime, language: str = "en") -> HookPanel:
    """Return one hook. Raises Forbidden, NotFound."""
    access.require(actor, Verb.CONFIGURE_READ)
    with look(actor.client) as seen:
        found = store.one(seen, id_)
        if found is None:
            raise NotFound
        return _panels(seen, [found], actor=actor, at=at, language=language)[0]


def deliveries(
    id_: UUID, *, actor: Actor, state: str = "", after: UUID | None = None, limit: int = 50
) -> HookDeliveries:  # fmt: skip
    """Return the deliveries of a hook, newest first, behind one of them (None: from the newest).

    ``state``: those alone that stand so. Raises Forbidden, NotFound.
    """
    access.require(actor, Verb.CONFIGURE_READ)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        before = _LAST if after is None else store.place_of(seen, id_, after)
        if before is None or store.one(seen, id_) is None:
            raise NotFound
        last = store.FIRST if after is None else after
        rows = store.deliveries(seen, id_, state=state, before=before, last=last, limit=limit + 1)
    shown = tuple(_delivery(one) for one in rows[:limit])
    return HookDeliveries(items=shown, next=shown[-1].id if len(rows) > limit else None)


def _panels(
    seen: Look, found: list[Hook], *, actor: Actor, at: datetime, language: str
) -> tuple[HookPanel, ...]:  # fmt: skip
    known = {one.created_by for one in found} | {one.draft.by for one in found if one.draft is not None}
    people, counts = People(known, viewer=actor, language=language), store.counts(seen)
    return tuple(_panel(one, counts.get(one.id, Counts()), people, actor=actor, at=at) for one in found)


def _panel(one: Hook, counts: Counts, people: People, *, actor: Actor, at: datetime) -> HookPanel:
    old = [secret.until for secret in one.secrets if secret.until is not None and secret.until > at]
    return HookPanel(
        id=one.id,
        place=one.place,
        url=one.url if access.may(actor, Verb.CONFIGURE_HOOKS) else None,
        events=one.events,
        kinds=one.kinds,
        full_values=one.full_values,
        state=one.state,
        why=one.why,
        failing_since=one.failing_since,
        old_secret_until=old[0] if old else None,
        created_by=people.show(one.created_by),
        created_at=one.created_at,
        draft=None if one.draft is None else _draft(one.draft, people, actor=actor),
        waiting=counts.waiting,
        given_up=counts.given_up,
    )


def _draft(one: Draft, people: People, *, actor: Actor) -> HookDraft:
    may = access.may(actor, Verb.CONFIGURE_PUBLISH)
    return HookDraft(
        id=one.id,
        place=one.place,
        # Whoever approves it says that it may go just there.
        url=one.url if may or access.may(actor, Verb.CONFIGURE_HOOKS) else None,
        events=one.events,
        kinds=one.kinds,
        full_values=one.full_values,
        written_by=people.show(one.by),
        written_at=one.at,
        may_approve=may and one.by != actor.id,
    )


def _delivery(one: Delivery) -> DeliveryPanel:
    return DeliveryPanel(
        id=one.id,
        event=one.event_id,
        type=one.type,
        index=one.idx,
        state=one.state,
        tries=one.tries,
        code=one.code,
        error=one.error,
        next_at=one.next_at if one.state == "waiting" else None,
        created_at=one.created_at,
        done_at=one.done_at,
    )
