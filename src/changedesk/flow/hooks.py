"""Hooks: where a client's own systems are told of what happens. Set by administrators, each time with an entry.

Entries say which hook and which host, never its whole address or a secret; they stand in the desk's own record.

Two people let values leave in clear: what one sets is a draft until another approves it, as with policies. Until then
the hook is sent as before, or nothing where it is new.
"""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from changedesk import kinds
from changedesk.base.actor import Actor
from changedesk.base.ids import uuid7
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import audit_trail, named
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, egress
from changedesk.rules import hooks as rules
from changedesk.rules.access import Verb
from changedesk.store import hooks as store
from changedesk.store import network, once
from changedesk.store.begin import begin
from changedesk.store.hooks import Draft, Hook, Secret
from changedesk.store.tx import Tx, look

MOST: Final = 20
"""Hooks of one client: each event is sent once to each."""


class HookUnfit(Refusal):
    """This part of the hook cannot be as it was given.

    ``data``: path, the part (url, events, kinds; until, of a time); reason.
    """

    code = "hook-unfit"
    hint = "Correct the part named here and send it again."


class HookWaits(Refusal):
    """This hook is to be told values in clear, and waits for a second person to approve it."""

    code = "hook-waits"
    hint = "Ask another administrator, or a compliance officer, to look at it and approve it."
    status = "conflict"


class OwnHook(Refusal):
    """You set this, so somebody else must approve it."""

    code = "own-hook"
    hint = "Ask another administrator, or a compliance officer, to look at it and approve it."
    status = "forbidden"


class DraftOutdated(Refusal):
    """What you looked at does not wait for approval any more: it was changed, approved or dropped since."""

    code = "draft-outdated"
    hint = "Open the hook again, read it as it is now, and decide on that."
    status = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHook:
    """What a hook is told and where. No ``events`` or ``kinds``: all. ``full_values``: in clear, masked otherwise."""

    url: str = field(repr=False)
    events: Sequence[str] = ()
    kinds: Sequence[str] = ()
    full_values: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HookChange:
    """What a hook is to be from now on, as in ``NewHook``. None: as it was."""

    url: str | None = field(default=None, repr=False)
    events: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    full_values: bool | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A hook with the secret that signs from now on. It is shown once. ``draft``: what waits for a second person."""

    id: UUID
    secret: str = field(repr=False)
    draft: UUID | None = None


def register_hook(new: NewHook, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Opened:
    """Add a hook; it is told of what is recorded from now on, or from when a second person approved it.

    Raises Forbidden, HookUnfit, and what a key is for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    place = _checked(new)
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return _newest(held(tx, UUID(claimed.reply["id"])))
        store.lock(tx)
        if len(store.of_client(tx)) >= MOST:
            raise HookUnfit(path="url", reason=f"a client has at most {MOST} hooks", most=MOST)
        hook = Hook(
            id=uuid7(), url=new.url, secrets=(_secret(),), place=place, events=tuple(new.events),
            kinds=tuple(new.kinds), full_values=new.full_values, state="on", why="", created_by=actor.id,
            created_at=at, since=at,
        )  # fmt: skip
        if rules.needs_second(None, hook):
            hook = replace(hook, state="draft", draft=_draft(hook, by=actor, at=at))
        store.add(tx, hook)
        _note(tx, hook, "drafted" if hook.draft else "registered", actor=actor, at=at)
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, {"id": str(hook.id)})], at=at)
    return _newest(hook)


def change_hook(id_: UUID, wanted: HookChange, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Set where a hook leads and what it is told; return whether the first call with this key did it already.

    What needs a second person waits as a draft, and takes the place of one that waited; what needs none is so at once,
    and ends one. Raises Forbidden, NotFound, HookUnfit, and what a key is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    place = _checked(wanted)
    became: dict[str, object] = {} if wanted.url is None else {"url": wanted.url, "place": place}
    became |= {name: tuple(told) for name in ("events", "kinds") if (told := getattr(wanted, name)) is not None}
    became |= {} if wanted.full_values is None else {"full_values": wanted.full_values}

    def set_(was: Hook) -> tuple[Hook, str]:
        now = replace(was, **became)  # type: ignore[arg-type]  # members of a hook, by name
        fresh = was.state == "draft"
        if not rules.needs_second(None if fresh else was, now):
            step = "registered" if fresh else "changed" if now != was or was.draft is None else "dropped"
            return replace(now, draft=None, **_begun(was, at)), step
        if was.draft is not None and replace(now, draft=None) == replace(_applied(was, was.draft), draft=None):
            return was, ""
        draft = _draft(now, by=actor, at=at)
        return replace(now if fresh else was, draft=draft), "drafted"

    return _set(id_, set_, actor=actor, at=at, key=key)


def approve_hook(id_: UUID, draft: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Put a draft in force that somebody else wrote, exactly the one that was looked at. Returns as ``change_hook``.

    Raises Forbidden, NotFound, OwnHook, DraftOutdated, HookUnfit where its address leads inside by now, and what a key
    is refused for.
    """
    access.require(actor, Verb.CONFIGURE_PUBLISH)
    with look(actor.client) as seen:
        found = store.one(seen, id_)
    if found is not None and found.draft is not None and found.draft.id == draft:
        _place(found.draft.url)

    def set_(was: Hook) -> tuple[Hook, str]:
        if _drafted(was, draft).by == actor.id:
            raise OwnHook
        return replace(_applied(was, _drafted(was, draft)), draft=None, **_begun(was, at)), "approved"

    return _set(id_, set_, verb=Verb.CONFIGURE_PUBLISH, actor=actor, at=at, key=key)


def drop_draft(id_: UUID, draft: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Let a hook stay as it is, instead of what waits; one that is new is removed. Returns as ``change_hook``.

    Raises Forbidden, NotFound, DraftOutdated, and what a key is refused for.
    """

    def set_(was: Hook) -> tuple[Hook, str]:
        _drafted(was, draft)
        return replace(was, draft=None, state="removed" if was.state == "draft" else was.state), "dropped"

    return _set(id_, set_, verb=Verb.CONFIGURE_PUBLISH, actor=actor, at=at, key=key)


def rotate_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Opened:
    """Give a hook a new secret; the one before it signs beside it for ``rules.hooks.OLD_SECRET_FOR``.

    Raises Forbidden, NotFound, and what a key is refused for.
    """
    access.require(actor, Verb.CONFIGURE_HOOKS)
    with begin(actor) as tx:
        done = named.done_before(tx, key, actor, at=at)
        hook = held(tx, id_)
        if not done:
            # Two live ones at most: of a secret that leaked, no third lives on.
            before = replace(hook.secrets[0], until=at + rules.OLD_SECRET_FOR)
            hook = replace(hook, secrets=(_secret(), before))
            store.change(tx, hook, at=at)
            _note(tx, hook, "rotated", actor=actor, at=at)
    return _newest(hook)


def pause_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Send a hook nothing until it is resumed; what happens meanwhile waits.

    Raises HookWaits, and raises and returns as ``change_hook``.
    """
    return _set(
        id_, lambda was: (replace(approved(was), state="paused", why=""), "paused"), actor=actor, at=at, key=key
    )


def resume_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Send a hook what waits, and go on. Raises and returns as ``pause_hook``."""

    def set_(was: Hook) -> tuple[Hook, str]:
        return replace(approved(was), state="on", why="", failing_since=None), "resumed"

    return _set(id_, set_, actor=actor, at=at, key=key)


def remove_hook(id_: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """End a hook for good and forget its address and secrets. Raises and returns as ``change_hook``."""

    def set_(was: Hook) -> tuple[Hook, str]:
        return replace(was, state="removed", why="", draft=None), "removed"

    return _set(id_, set_, actor=actor, at=at, key=key)


def _set(
    id_: UUID,
    become: Callable[[Hook], tuple[Hook, str]],
    *,
    verb: Verb = Verb.CONFIGURE_HOOKS,
    actor: Actor,
    at: datetime,
    key: once.Once | None,
) -> bool:
    """Make of a locked hook what it is to be, and say by which step; a step that changes nothing is none."""
    access.require(actor, verb)
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        was = held(tx, id_)
        hook, step = become(was)
        if hook != was:
            store.change(tx, hook, at=at)
            _note(tx, hook, step, actor=actor, at=at)
            tx.grew = True
    return False


def _draft(hook: Hook, *, by: Actor, at: datetime) -> Draft:
    return Draft(
        id=uuid7(), url=hook.url, place=hook.place, events=hook.events, kinds=hook.kinds, full_values=hook.full_values,
        by=by.id, at=at,
    )  # fmt: skip


def _drafted(hook: Hook, draft: UUID) -> Draft:
    if hook.draft is None or hook.draft.id != draft:
        raise DraftOutdated
    return hook.draft


def _applied(hook: Hook, draft: Draft) -> Hook:
    return replace(
        hook, url=draft.url, place=draft.place, events=draft.events, kinds=draft.kinds, full_values=draft.full_values
    )


def _begun(was: Hook, at: datetime) -> dict[str, Any]:
    """Return what begins with the first settings in force: it is told of what is recorded from then on."""
    return {"state": "on", "since": at} if was.state == "draft" else {}


def approved(hook: Hook) -> Hook:
    """Return a hook that was approved once, or needed nobody to. Raises HookWaits."""
    if hook.state == "draft":
        raise HookWaits
    return hook


def held(tx: Tx, id_: UUID) -> Hook:
    """Return a hook, locked. Raises NotFound."""
    found = store.hold(tx, id_)
    if found is None:
        raise NotFound
    return found


def _checked(wanted: NewHook | HookChange) -> str:
    """Return the place of an address, "" where none is given. Raises HookUnfit."""
    for name, given, known in (
        ("events", wanted.events, set(EntryKind)), ("kinds", wanted.kinds, set(kinds.KINDS)),
    ):  # fmt: skip
        if given is not None and (len(set(given)) != len(given) or not set(given) <= known):
            raise HookUnfit(path=name, reason="choose from the list, each one once")
    return "" if wanted.url is None else _place(wanted.url)


def _place(url: str) -> str:
    """Return the place of an address that leads where hooks may, as its name resolves now. Raises HookUnfit.

    A name that nobody knows yet is taken: it is resolved, and what it leads to checked, at each sending.
    """
    reach = store.reach()
    try:
        address = egress.read(url, reach)
    except egress.AddressUnfit as unfit:
        raise HookUnfit(path="url", reason=unfit.reason) from None
    if network.leads_inside(address.host, address.port, reach):
        raise HookUnfit(path="url", reason="this name leads to an address that is not in the public network")
    return address.place


def _secret() -> Secret:
    return Secret(rules.SECRET_LABEL + base64.b64encode(secrets.token_bytes(rules.SECRET_BYTES)).decode())


def _newest(hook: Hook) -> Opened:
    return Opened(hook.id, hook.secrets[0].text, None if hook.draft is None else hook.draft.id)


def _note(tx: Tx, hook: Hook, step: str, *, actor: Actor, at: datetime) -> None:
    """Put on record how a hook stands now; of a step that only drafts, what is drafted."""
    told = hook.draft if step == "drafted" and hook.draft is not None else hook
    facts: dict[str, Json] = {
        "hook": str(hook.id),
        "step": step,
        "host": told.place,
        "events": list(told.events),
        "kinds": list(told.kinds),
        "values": "full" if told.full_values else "masked",
    }
    audit_trail.note(tx, EntryKind.HOOK_CHANGED, facts, actor=actor, at=at)
