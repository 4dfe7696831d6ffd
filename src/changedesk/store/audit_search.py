"""What the search of the history reads and keeps: stretches of the log with their terms, kept searches, files made.

A stretch is BLOCK entries of a client's log. Of each term that is true of some of them one bitmap is kept, as a whole
number whose lowest bit is the stretch's first entry: a search is ands and ors of such numbers, stretch by stretch, and
costs the same at any depth.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from struct import Struct
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, ClientId, RequestId, SubjectId
from changedesk.ledger import seal
from changedesk.store import keys, log, subjects
from changedesk.store.tx import Look, Tx

BLOCK: Final = 8192
STEP: Final = 256
"""Entries of a stretch whose first and last time are kept together."""
CONSUMER: Final = "find"
_TAG_BITS: Final = 31
"""Kept of a tag: enough that few records are opened in vain, too few to say what was held."""
_TIMES: Final = Struct("<qq")
_SEARCHES_MOST: Final = 100
_OWN: Final = UUID("5c0ad5a3-0b0e-4f0e-9c1b-6465736b0001")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the log, as far as it is known here.

    ``times``: of each step of it, the first and the last instant, in microseconds, as little-endian whole numbers.
    """

    number: int
    entries: int
    first_at: datetime
    last_at: datetime
    times: bytes

    @property
    def start(self) -> int:
        return self.number * BLOCK

    @property
    def full(self) -> int:
        """Every entry of it, as a bitmap."""
        return (1 << self.entries) - 1


def packed(bits: int) -> bytes:
    """Return a bitmap as it is kept: little-endian bytes, deflated (RFC 1950)."""
    return zlib.compress(bits.to_bytes((bits.bit_length() + 7) // 8, "little"), 6)


def unpacked(stored: bytes) -> int:
    return int.from_bytes(zlib.decompress(stored), "little")


def follow(look: Look, start: int, *, limit: int) -> list[Any]:
    """Return the raw rows of the log from a place on, in order, with what opens them."""
    return look.rows("audit_search.follow", start=start, until=start + limit)


def put(tx: Tx, number: int, times: Mapping[int, datetime], found: Mapping[str, int]) -> None:
    """Write what is true of further entries of a stretch, beside what is known of it.

    ``times``: when they were recorded, by place in the stretch.
    """
    beside = [one.times for one in blocks(tx, number, down=True, limit=1) if one.number == number]
    known = bits(tx, [number], found).get(number, {})
    merged = {term: more | known.get(term, 0) for term, more in found.items()}
    tx.run(
        "audit_search.put_block",
        block=number, entries=max(times) + 1, first_at=min(times.values()), last_at=max(times.values()),
        times=_stepped(beside[0] if beside else b"", times),
    )  # fmt: skip
    tx.run(
        "audit_search.put_terms",
        block=number, terms=list(merged), bits=[packed(one) for one in merged.values()],
    )  # fmt: skip


def _stepped(known: bytes, times: Mapping[int, datetime]) -> bytes:
    """Return the times of a stretch's steps with those of further entries."""
    steps = list(_TIMES.iter_unpack(known))
    for place, recorded in times.items():
        number, at = place // STEP, micros(recorded)
        while len(steps) <= number:
            steps.append((at, at))
        first, last = steps[number]
        steps[number] = (min(first, at), max(last, at))
    return b"".join(_TIMES.pack(*step) for step in steps)


def put_former(tx: Tx, held: Iterable[tuple[SubjectId, str, str]]) -> None:
    """Remember who once held a value, by (record, index, term)."""
    secret = keys.of_client(tx).code
    rows = sorted({(_tag(secret, index, term), subject) for subject, index, term in held})
    if rows:
        tx.run("audit_search.put_former", tags=[tag for tag, _ in rows], subjects=[one for _, one in rows])


def _tag(secret: bytes, index: str, term: str) -> int:
    # Not the blind index's own key: that is renewed, and these few bits cannot be written again from any state.
    return int.from_bytes(seal.blind_tag(secret, index, term)[:4], "big") & ((1 << _TAG_BITS) - 1)


def forget_former(tx: Tx, erased: Iterable[SubjectId]) -> None:
    """Forget what records once held, which an erasure is about."""
    gone = list(erased)
    if gone:
        tx.run("audit_search.forget_former", subjects=gone)


def drop(tx: Tx) -> None:
    """Drop all that was derived, and go back to the beginning of the log: the duty makes it anew."""
    with log.following(tx, CONSUMER) as start:
        if start is None:
            return
        tx.run("audit_search.drop_blocks")
        tx.run("audit_search.drop_terms")
        tx.run("audit_search.drop_former")
        log.advance(tx, CONSUMER, 0)


def behind(look: Look) -> int:
    """Return how many entries of the log cannot be found yet."""
    row = look.row("audit_search.behind", consumer=CONSUMER)
    return 0 if row is None else int(row.behind)


def blocks(look: Look, start: int, *, down: bool, limit: int) -> list[Block]:
    """Return stretches from a number on, towards the older ones (``down``) or the newer ones."""
    query = "audit_search.blocks_down" if down else "audit_search.blocks_up"
    rows = look.rows(query, **{"from": start}, limit=limit)
    return [Block(*row) for row in rows]


def bits(look: Look, numbers: Sequence[int], terms: Iterable[str]) -> dict[int, dict[str, int]]:
    """Return the bitmaps of some terms, by stretch; what is true of no entry is left out."""
    wanted = list(terms)
    rows = look.rows("audit_search.bits", blocks=list(numbers), terms=wanted) if wanted and numbers else []
    return _by_block(rows)


def all_bits(look: Look, numbers: Sequence[int], facets: Sequence[str]) -> dict[int, dict[str, int]]:
    """Return the bitmaps of all terms that begin with one of some letters and a colon, by stretch."""
    return _by_block(look.rows("audit_search.all_bits", blocks=list(numbers), facets=list(facets)))


def _by_block(rows: Sequence[Any]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.block, {})[row.term] = unpacked(row.bits)
    return found


def recorded_within(look: Look, block: Block, since: datetime | None, until: datetime | None) -> int:
    """Return the entries of a stretch that were recorded in a time, as a bitmap.

    Only those of a step in which the time begins or ends are looked at: the log is not quite in order of time.
    """
    low, high = (None if at is None else micros(at) for at in (since, until))
    found, places = 0, []
    for number, (first, last) in enumerate(_TIMES.iter_unpack(block.times)):
        if (low is not None and last < low) or (high is not None and first >= high):
            continue
        step = range(number * STEP, min((number + 1) * STEP, block.entries))
        if (low is None or first >= low) and (high is None or last < high):
            found |= (1 << step.stop) - (1 << step.start)
        else:
            places += [block.start + place for place in step]
    rows = look.rows("audit_search.recorded_within", places=places, since=since, until=until) if places else []
    for row in rows:
        found |= 1 << row.idx - block.start
    return found


def places_of_request(look: Look, request: RequestId) -> list[int]:
    return [row.idx for row in look.rows("audit_search.places_of_request", request=request)]


def places_of_subjects(look: Look, wanted: Sequence[SubjectId], *, limit: int) -> list[int]:
    """Return the places of what was recorded about some records, at most ``limit``."""
    rows = look.rows("audit_search.places_of_subjects", subjects=list(wanted), limit=limit)
    return [row.idx for row in rows]


def place_of_change(look: Look, change: UUID) -> int | None:
    """Return the place of an entry by its public id; None where it has none."""
    row = look.row("audit_search.place_of_change", change=ChangeId(change))
    return None if row is None else int(row.idx)


def changes_of(look: Look, wanted: Sequence[SubjectId], *, limit: int) -> list[Any]:
    """Return raw rows of what was changed on some records, at most ``limit``."""
    return look.rows("audit_search.changes_of", subjects=list(wanted), limit=limit)


def holders(look: Look, terms: Sequence[tuple[str, str]], *, limit: int) -> list[SubjectId]:
    """Return who holds, or may once have held, a value that all these (index, term)s are of."""
    now = subjects.find(look, terms, limit=limit)
    secret = keys.of_client(look).code
    # The longest word is the rarest; whoever is found by it is opened and compared.
    index, term = max(terms, key=lambda one: len(one[1]))
    once = look.rows("audit_search.former", tags=[_tag(secret, index, term)], limit=limit)
    return list(dict.fromkeys([*now, *(row.subject_id for row in once)]))


def entries(look: Look, places: Sequence[int]) -> list[Any]:
    """Return the raw rows of the entries at some places, in the order asked for. ``past.opened`` opens them."""
    if not places:
        return []
    found = {row.idx: row for row in look.rows("audit_search.entries", places=list(places))}
    return [found[place] for place in places if place in found]


def neighbours(look: Look, subject: SubjectId, version: int) -> tuple[int | None, int | None]:
    """Return the places of a record's changes before and after one."""
    row = look.row("audit_search.neighbours", subject=subject, version=version)
    return (None, None) if row is None else (row.before, row.after)


@dataclass(frozen=True, slots=True)
class KeptSearch:
    """A search that somebody keeps. ``name`` is empty for one that is kept for an hour only."""

    id: UUID
    name: str
    query: str
    made_at: datetime

    def __repr__(self) -> str:
        return f"KeptSearch({self.id})"


def keep(tx: Tx, search: KeptSearch, *, actor: str, until: datetime | None) -> None:
    """Keep a search for one person, sealed; until a time or for good. What has ended goes with it."""
    client = keys.of_client(tx)
    key_id, cipher = client.metas[client.meta_epoch]
    plain = msgspec.json.encode([search.name, search.query])
    sealed = seal.seal(key_id, cipher, plain, _aad(tx, search.id))
    drop_ended(tx, at=search.made_at)
    tx.run("audit_search.keep", id=search.id, actor=actor, sealed=sealed, at=search.made_at, expires_at=until)


def drop_ended(tx: Tx, *, at: datetime) -> None:
    """Drop the searches whose hour is over."""
    tx.run("audit_search.drop_ended", at=at)


def _aad(look: Look, search: UUID) -> bytes:
    return b"acl/v1/search" + int(look.client).to_bytes(8, "big") + search.bytes


def _kept(look: Look, row: Any) -> KeptSearch:
    opener = partial(keys.meta_of_id, look)
    name, query = msgspec.json.decode(seal.unseal(opener, bytes(row.sealed), _aad(look, row.id)))
    return KeptSearch(row.id, name, query, row.made_at)


def searches_of(look: Look, actor: str) -> list[KeptSearch]:
    """Return the searches that somebody keeps by name, the oldest first."""
    return [_kept(look, row) for row in look.rows("audit_search.searches_of", actor=actor, limit=_SEARCHES_MOST)]


def search_by_id(look: Look, search: UUID, *, actor: str, at: datetime) -> KeptSearch | None:
    """Return a person's own kept search, or None; one that has ended is none."""
    row = look.row("audit_search.search_by_id", id=search, actor=actor, at=at)
    return None if row is None else _kept(look, row)


def drop_search(tx: Tx, search: UUID, *, actor: str) -> bool:
    """Drop a kept search; False when there is none."""
    return tx.run("audit_search.drop_search", id=search, actor=actor) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file that was made of what a search found. ``asked``: the search without its values."""

    id: UUID
    actor: str
    format: str
    asked: str
    entries: int
    digest: bytes
    made_at: datetime
    expires_at: datetime


def add_export(tx: Tx, made: Export, places: Sequence[int]) -> None:
    """Note a file that was made, and whose entries it holds: those at these places of the log."""
    given = {name: getattr(made, name) for name in Export.__dataclass_fields__ if name != "made_at"}
    tx.run("audit_search.export", **given, at=made.made_at)
    tx.run("audit_search.export_about", id=made.id, places=list(places))


def exports_about(look: Look, subject: SubjectId) -> list[Any]:
    """Return the (id, actor, taken_at) of files that were handed over with entries of a record in them."""
    return look.rows("audit_search.exports_about", subject=subject)


def take_export(tx: Tx, export: UUID, *, actor: str, at: datetime) -> Any | None:
    """Mark a file as handed over; return its (format, entries, digest), None where it is not theirs to take now."""
    return tx.row("audit_search.take_export", id=export, actor=actor, at=at)


def own_record(client: ClientId) -> SubjectId:
    """Return the id of a client's own record: what its entries are about that are about nobody in particular."""
    return SubjectId(uuid5(_OWN, str(int(client))))


def claim_own(tx: Tx) -> None:
    """Wait for whoever opens the desk's own record."""
    tx.row("audit_search.claim_own")
