"""One entry of the history, with its neighbours, and whether it is what was published."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId
from changedesk.base.refusal import NotFound
from changedesk.ledger import note as notes
from changedesk.ledger.checkpoint import Checkpoint, parse
from changedesk.ledger.note import NoteRefused
from changedesk.ledger.tiles import hash_reader
from changedesk.ledger.tree import inclusion_proof, leaf_hash, verify_inclusion
from changedesk.reading.audit_search import Line, lines
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import audit_search, log, log_keys, past, published, tile_files
from changedesk.store.tile_files import Missing
from changedesk.store.tx import Look, look


class Word(StrEnum):
    """What checking an entry came to."""

    SOUND = "sound"
    """It is what was logged, and stands under the checkpoint that the log's key signed."""
    WAITING = "waiting"
    """No checkpoint covers it yet."""
    CHANGED = "changed"
    """It is not what was logged."""
    BROKEN = "broken"
    """The published log does not hold it, or its checkpoint is not signed by the log's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an entry is what was published. ``size``: the checkpoint's, 0 where none covers it."""

    word: Word
    size: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry. ``before`` and ``after``: places beside it in the log; ``change_before`` and ``change_after``: of the
    changes of the same record beside it. ``policy``: the policy version that decided it, 0 where none did.
    """

    line: Line
    before: int | None
    after: int | None
    change_before: int | None
    change_after: int | None
    leaf: str
    previous_leaf: str
    policy: int
    size: int


def event(place: int, *, actor: Actor, at: datetime, language: str) -> Event:
    """Return the entry at a place of the log. Raises Forbidden, NotFound."""
    access.require(actor, Verb.AUDIT_SEARCH)
    with look(actor.client) as seen:
        row = _row(seen, place)
        line = lines(seen, [place], actor=actor, at=at, language=language)[0]
        beside = audit_search.neighbours(seen, row.subject_id, row.ver) if row.ver else (None, None)
        policy = past.meta_of(seen, row.subject_id, row).facts().get("policy")
        size = log.size(seen)
    return Event(
        line=line,
        before=place - 1 if place else None,
        after=place + 1 if place + 1 < size else None,
        change_before=beside[0],
        change_after=beside[1],
        leaf=bytes(row.leaf_hash).hex(),
        previous_leaf=bytes(row.prev_leaf or b"").hex(),
        policy=policy if isinstance(policy, int) else 0,
        size=size,
    )


def place_of(change: ChangeId, *, actor: Actor) -> int:
    """Return where an entry stands in the log. Raises Forbidden, NotFound."""
    access.require(actor, Verb.AUDIT_SEARCH)
    with look(actor.client) as seen:
        place = audit_search.place_of_change(seen, change)
    if place is None:
        raise NotFound
    return place


def verify(place: int, *, actor: Actor) -> Verdict:
    """Check an entry against the newest checkpoint that covers it. Raises Forbidden, NotFound."""
    access.require(actor, Verb.AUDIT_SEARCH)
    with look(actor.client) as seen:
        row = _row(seen, place)
        folder = tile_files.of_client(actor.client)
        try:
            signed = folder.checkpoint()
            read = parse(notes.parse(signed).text)
        except (Missing, NoteRefused):
            return Verdict(word=Word.WAITING, size=0, root="")
        trusted = log_keys.verifiers(seen, read.origin)
    if place >= read.size:
        return Verdict(word=Word.WAITING, size=0, root="")
    return Verdict(word=_word(row, place, signed, read, trusted, folder), size=read.size, root=read.root.hex())


def _word(row: Any, place: int, signed: bytes, read: Checkpoint, trusted: Any, folder: tile_files.Folder) -> Word:
    document = published.document(row)
    if document is None or leaf_hash(document) != bytes(row.leaf_hash):
        return Word.CHANGED
    try:
        notes.open_note(signed, trusted)
        proof = inclusion_proof(place, read.size, hash_reader(read.size, folder.read))
    except (NoteRefused, Missing, ValueError):
        return Word.BROKEN
    held = verify_inclusion(leaf_hash(document), place, read.size, proof, read.root)
    return Word.SOUND if held else Word.CHANGED


def _row(seen: Look, place: int) -> Any:
    rows = audit_search.entries(seen, [place]) if 0 <= place < 2**63 else []
    if not rows:
        raise NotFound
    return past.by_change(seen, rows[0].change_id)  # with the leaf that it was built on
