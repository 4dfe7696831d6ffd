"""One request, named by its reference and locked, for a verb that is about to act on it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from changedesk.base.actor import Actor, ActorType
from changedesk.base.ids import parse_reference
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import standing
from changedesk.flow.asking import Receipt
from changedesk.flow.writing import Writing
from changedesk.rules import access
from changedesk.store import once, places, requests
from changedesk.store.begin import begin
from changedesk.store.requests import Request
from changedesk.store.tx import Look, Tx


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
    return _theirs(None if canonical is None else requests.by_ref(look, canonical), actor=actor, verb=verb)


def find_ahead(tx: Tx, ref: str | None) -> None:
    """Say ahead that ``find`` will be asked for what this names, where it is a reference."""
    canonical = None if ref is None else parse_reference(ref)
    if canonical is not None:
        tx.ahead(requests.by_refs_asks([canonical]))


def _theirs(found: Request | None, *, actor: Actor, verb: access.Verb) -> Request:
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
    tx.ahead(places.of_refs_asks([known for ref in refs if (known := parse_reference(ref)) is not None]))


def must_be_at(
    tx: Tx, ref: str, seen_version: int | None, *, weighed_at: datetime | None = None, actor: Actor, verb: access.Verb
) -> Request:
    """Return a request locked, and exactly as the actor saw it (None: however it stands). Raises Moved."""
    canonical = parse_reference(ref)
    found = None if canonical is None else hold(tx, [canonical], weighed_at=weighed_at).get(canonical)
    locked = _theirs(found, actor=actor, verb=verb)
    if seen_version is not None and locked.version != seen_version:
        raise Moved(seen=seen_version, version=locked.version)
    return locked


def on_request(
    ref: str,
    act: Callable[[Tx, Request, Writing], Request],
    *,
    verb: access.Verb,
    seen_version: int | None,
    weighs: bool = False,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """Do one thing with one request in one transaction, once per key; return its receipt.

    ``weighs``: what it does begins with what the request has in hand, read with it.
    """
    access.require(actor, verb, subject=actor.subject)
    with begin(actor) as tx:
        hold_ahead(tx, [ref])
        claimed = claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return Receipt.replay(claimed.reply)
        request = must_be_at(tx, ref, seen_version, weighed_at=at if weighs else None, actor=actor, verb=verb)
        writing = Writing(tx)
        receipt = Receipt.of(act(tx, request, writing))
        writing.end([] if claimed is None else [(claimed, receipt.reply())], actor=actor, at=at)
        return receipt


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
