"""The published log, to be read and believed without believing us: files as they stand, receipts made of them."""

from dataclasses import dataclass

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, ClientId
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.ledger import note as notes
from changedesk.ledger import tiles
from changedesk.ledger.checkpoint import Checkpoint, parse
from changedesk.ledger.receipt import Receipt
from changedesk.ledger.tiles import hash_reader
from changedesk.ledger.tree import inclusion_proof
from changedesk.reading import sight, timeline
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import log_keys, past, published, tile_files
from changedesk.store.settings_read import client as client_of
from changedesk.store.tile_files import INSTALLATION, Missing
from changedesk.store.tx import look


class NotPublished(Refusal):
    """This is not published yet.

    An entry is published within a few seconds of being recorded, once the worker runs.
    """

    code = "not-published"
    hint = "Ask again in a few seconds. If it stays so, see that the worker runs."
    status = "missing"


@dataclass(frozen=True, slots=True)
class LogKeys:
    """By what a log is known: its origin, and its keys as signed-note verifier keys, oldest first."""

    origin: str
    keys: tuple[str, ...]


def keys(*, actor: Actor) -> LogKeys:
    """Return origin and verifier keys of the actor's client's log. Raises Forbidden, NotPublished."""
    _require(actor)
    origin = client_of(actor.client).origin
    with look(actor.client) as seen:
        found = tuple(one.vkey for one in log_keys.verifiers(seen, origin))
    if not found:
        raise NotPublished
    return LogKeys(origin, found)


def anchor_keys(*, actor: Actor) -> LogKeys:
    """Return origin and verifier keys of the installation's own log. Raises Forbidden, NotPublished."""
    _require(actor)
    _, read = _checkpoint(INSTALLATION)
    with look(INSTALLATION) as seen:
        return LogKeys(read.origin, tuple(one.vkey for one in log_keys.verifiers(seen, read.origin)))


def checkpoint(*, actor: Actor) -> bytes:
    """Return the newest published checkpoint (C2SP tlog-checkpoint). Raises Forbidden, NotPublished."""
    _require(actor)
    return _checkpoint(actor.client)[0]


def anchor_checkpoint(*, actor: Actor) -> bytes:
    """Return the newest checkpoint of the installation's own log. Raises Forbidden, NotPublished."""
    _require(actor)
    return _checkpoint(INSTALLATION)[0]


def tile(path: str, *, actor: Actor) -> bytes:
    """Return a tile or entry bundle by its path below the log's address. Raises Forbidden, NotFound."""
    _require(actor)
    return _tile(actor.client, path)


def anchor_tile(path: str, *, actor: Actor) -> bytes:
    """Return a tile or entry bundle of the installation's own log. Raises Forbidden, NotFound."""
    _require(actor)
    return _tile(INSTALLATION, path)


def receipt(change: ChangeId, *, actor: Actor) -> bytes:
    """Return the receipt of an entry (C2SP tlog-proof), its leaf document as the extra bytes.

    Whoever may read the entry may have its receipt. Raises Forbidden, NotFound, NotPublished.
    """
    sight.require(actor, Verb.TIMELINE_READ)
    with look(actor.client) as seen:
        row = past.by_change(seen, change)
        if row is None:
            raise NotFound
        sight.find(seen, row.subject_id, actor=actor)
    if actor.type in sight.CUSTOMERS and row.kind in timeline.INTERNAL:
        raise NotFound
    signed, read = _checkpoint(actor.client)
    if row.idx is None or row.idx >= read.size:
        raise NotPublished
    document = published.document(row)
    proof = _proof(actor.client, row.idx, read.size)
    return Receipt(row.idx, proof, signed, document or b"").render()


def anchor_receipt(*, actor: Actor) -> bytes:
    """Return the receipt of the client's newest anchored checkpoint in the installation's own log.

    The entry is SHA-256 of that checkpoint, which is the receipt's extra bytes. Raises Forbidden, NotPublished.
    """
    _require(actor)
    signed, read = _checkpoint(INSTALLATION)
    with look(INSTALLATION) as seen:
        found = published.anchor_of(seen, log=int(actor.client), until=read.size)
    if found is None:
        raise NotPublished
    index, size = found
    with look(actor.client) as seen:
        note = published.note_at(seen, size)
    return Receipt(index, _proof(INSTALLATION, index, read.size), signed, note).render()


def _require(actor: Actor) -> None:
    if not access.may(actor, Verb.FEED_READ) and not access.may(actor, Verb.CONFIGURE_READ):
        raise Forbidden(verb=str(Verb.FEED_READ))


def _checkpoint(client: ClientId) -> tuple[bytes, Checkpoint]:
    try:
        signed = tile_files.of_client(client).checkpoint()
    except Missing:
        raise NotPublished from None
    return signed, parse(notes.parse(signed).text)


def _tile(client: ClientId, path: str) -> bytes:
    try:
        return tile_files.of_client(client).read(tiles.parse_path(path))
    except (Missing, ValueError):
        raise NotFound from None


def _proof(client: ClientId, index: int, size: int) -> tuple[bytes, ...]:
    read = hash_reader(size, tile_files.of_client(client).read)
    try:
        return tuple(inclusion_proof(index, size, read))
    except Missing:
        raise NotPublished from None
