"""One request, named by its reference and locked, for a verb that is about to act on it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from changedesk.base.actor import Actor, ActorType
from changedesk.base.ids import RequestId, parse_reference
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import standing
from changedesk.flow.asking import Receipt, require_reason
from changedesk.flow.writing import Writing
from changedesk.rules import access
from changedesk.store import once, places, requests
from changedesk.store.begin import begin
from changedesk.store.places import Place
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look, Tx

P = TypeVar("P", Request, Place)


class TooLate(Refusal):
    """The request has moved on, so this can no longer be done with it.

    ``data``: state.
    """

    code = "too-late"
    hint = "Open it again to see what became of it."
    status = "conflict"


class Moved(Refusal):
    """The request has changed since you looked at it.

    ``data``: seen, version.
    """

    code = "moved"
    hint = "Open it again, read it as it is now, and decide on that."
    status = "stale"


def find(look: Look, ref: str, *, actor: Actor, verb: access.Verb) -> Request:
    """Return the request of a reference, if this actor may do this with it. Raises NotFound, Forbidden."""
    canonical = parse_reference(ref)
    return theirs(None if canonical is None else requests.by_ref(look, canonical), actor=actor, verb=verb)


def theirs(found: P | None, *, actor: Actor, verb: access.Verb) -> P:
    """Return what was found of a request, if this actor may do this with it. Raises NotFound, Forbidden."""
    if found is None:
        raise NotFound
    own = actor.type in (ActorType.CUSTOMER, ActorType.REPRESENTATIVE)
    if own and found.person_id != actor.subject:
        # Another customer's reference looks like none at all.
        raise NotFound
    access.require(actor, verb, subject=found.person_id)
    return found


def hold(tx: Tx, refs: Iterable[str], *, weighed_at: datetime | None) -> dict[str, Request]:
    """Return the requests of canonical references, those that there are, locked until the transaction ends.

    What is weighed of them at an instant is read with them: it stands as it does under the lock.
    """
    found = places.of_refs(tx, refs)
    if weighed_at is not None:
        tx.ahead(*standing.asks(found, at=weighed_at))
    return {item.ref: item for item in requests.hold(tx, [one.id for one in found])}


def hold_ahead(tx: Tx, refs: Iterable[str]) -> None:
    """Say ahead that ``hold`` will be asked for what these name, where they are references."""
    tx.ahead(places.of_refs_asks({known for ref in refs if (known := parse_reference(ref)) is not None}))


def must_be_at(tx: Tx, ref: str, seen_version: int | None, *, actor: Actor, verb: access.Verb) -> Request:
    """Return a request locked, and exactly as the actor saw it (None: however it stands). Raises Moved."""
    canonical = parse_reference(ref)
    held = {} if canonical is None else hold(tx, [canonical], weighed_at=None)
    return _as_seen(held, Named(ref=ref, seen_version=seen_version), actor=actor, verb=verb)


def _as_seen(held: Mapping[str, Request], wanted: "Named", *, actor: Actor, verb: access.Verb) -> Request:
    locked = theirs(held.get(parse_reference(wanted.ref) or ""), actor=actor, verb=verb)
    if wanted.seen_version is not None and locked.version != wanted.seen_version:
        raise Moved(seen=wanted.seen_version, version=locked.version)
    return locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A request that something is to be done with, as it was seen (no version: however it stands), once per key."""

    ref: str
    seen_version: int | None = None
    key: once.Once | None = None


Act = Callable[[Writing, Mapping[int, Request], dict[int, Refusal]], Mapping[int, Request]]
"""Does one thing with locked requests, by their places, and returns them as they then stand; says what it refused."""


def on_requests(
    wanted: Sequence[Named], act: Act, *, verb: access.Verb, weighs: bool = False, actor: Actor, at: datetime
) -> Outcome[Receipt]:
    """Do one thing with several requests in one transaction, each once per key; return their receipts.

    What is refused comes back by its place, and the rest stands; a Refusal that ``act`` raises takes all of it back.
    ``weighs``: what it does begins with what the requests have in hand, read with them.
    """
    access.require(actor, verb, subject=actor.subject)
    with begin(actor) as tx:
        hold_ahead(tx, [one.ref for one in wanted])
        refused: dict[int, Refusal] = {}
        claims = claim(tx, [one.key for one in wanted], actor, refused)
        receipts = {place: Receipt.replay(one.reply) for place, one in claims.items() if one.reply is not None}
        rest = {place: one for place, one in enumerate(wanted) if place not in refused and place not in receipts}
        asked = _hold_all(tx, rest, refused, weighed_at=at if weighs else None, actor=actor, verb=verb)
        writing = Writing(tx)
        now = act(writing, asked, refused)
        receipts |= {place: Receipt.of(one) for place, one in now.items()}
        writing.end([(claims[place], receipts[place].reply()) for place in now if place in claims], actor=actor, at=at)
    return Outcome([receipts[place] for place in sorted(receipts)], refused)


def _hold_all(
    tx: Tx,
    wanted: Mapping[int, Named],
    refused: dict[int, Refusal],
    *,
    weighed_at: datetime | None,
    actor: Actor,
    verb: access.Verb,
) -> dict[int, Request]:
    refs = {known for one in wanted.values() if (known := parse_reference(one.ref)) is not None}
    held = hold(tx, refs, weighed_at=weighed_at) if refs else {}
    found: dict[int, Request] = {}
    taken: set[RequestId] = set()
    for place, one in wanted.items():
        try:
            request = _as_seen(held, one, actor=actor, verb=verb)
            if request.id in taken:
                raise TooLate(state=request.state.value)
            taken.add(request.id)
            found[place] = request
        except Refusal as refusal:
            refused[place] = refusal
    return found


def on_request(
    ref: str,
    act: Callable[[Tx, Request, Writing], Request],
    *,
    verb: access.Verb,
    seen_version: int | None,
    reason: str | None = None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """Do one thing with one request, as ``on_requests`` does with several; return its receipt.

    Raises ReasonUnknown where a ``reason`` is given that is none of the client's codes: it is kept in clear.
    """

    def each(writing: Writing, asked: Mapping[int, Request], _: dict[int, Refusal]) -> Mapping[int, Request]:
        if reason is not None:
            require_reason(configuration(writing.tx.client), reason)
        return {place: act(writing.tx, request, writing) for place, request in asked.items()}

    return on_requests([Named(ref=ref, seen_version=seen_version, key=key)], each, verb=verb, actor=actor, at=at).one()


def done_before(tx: Tx, key: once.Once | None, actor: Actor, *, at: datetime) -> bool:
    """Claim the key of a call that is answered with nothing, and say whether its first call did it already."""
    claimed = claim_one(tx, key, actor)
    if claimed is None or claimed.reply is not None:
        return claimed is not None
    once.record(tx, actor.id, [(claimed, {})], at=at)
    return False


def claim(tx: Tx, keys: Sequence[once.Once | None], actor: Actor, refused: dict[int, Refusal]) -> dict[int, once.Claim]:
    """Claim the keys of those calls that have one, by place; put what stands against a key into ``refused``."""
    keyed = [(place, key) for place, key in enumerate(keys) if key is not None]
    found = once.claim(tx, actor.id, [key for _, key in keyed]) if keyed else []
    claims: dict[int, once.Claim] = {}
    for (place, _), one in zip(keyed, found, strict=True):
        if isinstance(one, Refusal):
            refused[place] = one
        else:
            claims[place] = one
    return claims


def claim_one(tx: Tx, key: once.Once | None, actor: Actor) -> once.Claim | None:
    """Claim a call's key, or raise what stands against it. None when the call has no key."""
    if key is None:
        return None
    found = once.claim(tx, actor.id, [key])[0]
    if isinstance(found, Refusal):
        raise found
    return found
