"""Every entry of the log: its document, its hash, the tree over it, the published files, who and why."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

from changedesk.ledger import seal
from changedesk.ledger.audit import Fault, Finding, Roots, change_of
from changedesk.ledger.commitment import commit_meta
from changedesk.ledger.entry import parse
from changedesk.ledger.payload import Unreadable
from changedesk.ledger.redact import fits
from changedesk.ledger.tiles import ENTRIES, WIDTH, Tile, encode_bundle, grow
from changedesk.ledger.tree import HASH_BYTES, leaf_hash
from changedesk.ledger.value import Json
from changedesk.reading.audit import evidence, signed
from changedesk.reading.audit.run import Run
from changedesk.store import audit as store
from changedesk.store import keys, past
from changedesk.store.published import document
from changedesk.store.tile_files import Missing, cut

UNSOUND: Final = (seal.Corrupt, seal.UnknownKey, Unreadable, LookupError, ValueError, TypeError, AttributeError)
"""What opening something raises when it is not what was sealed."""


class Files:
    """The published files, held against what the entries give."""

    def __init__(self, run: Run, published: int, size: int) -> None:
        self.run = run
        self.published = published
        self.size = min(published, size)
        """How far there is something to compare."""
        self._edge: dict[Tile, bytes] = {}

    def read(self, tile: Tile) -> bytes:
        """Return a tile's bytes, cut from the wider one of the published size; empty where there is no file."""
        width = min(WIDTH, (self.published >> max(tile.level, 0) * 8) - tile.index * WIDTH)
        try:
            found = self.run.folder.read(Tile(tile.level, tile.index, max(width, tile.width)))
        except (Missing, ValueError):
            return b""
        return _cut(tile, found, width) if width > tile.width else found

    def shown(self, at: int, documents: Sequence[bytes | None]) -> list[bytes | None]:
        """Return the published documents of a stretch that starts a bundle; its own ones where they are the same."""
        found: list[bytes | None] = []
        for offset in range(0, len(documents), WIDTH):
            width = min(WIDTH, self.size - at - offset)
            part = documents[offset : offset + WIDTH]
            if width <= 0:
                break
            data = self.read(Tile(ENTRIES, (at + offset) // WIDTH, width))
            whole = [one for one in part[:width] if one is not None]
            same = len(whole) == width and encode_bundle(whole) == data
            found += whole if same else _taken_apart(data, width)
        return found

    def compare(self, at: int, hashes: Sequence[bytes]) -> None:
        """Hold the hash tiles over these leaves against the files."""
        hashes = hashes[: max(0, self.size - at)]
        for tile, data in grow(at, hashes, self._held):
            if tile.width < WIDTH:
                self._edge[tile] = data
            if tile.width == WIDTH or (tile.index, tile.width) == divmod(self.size >> tile.level * 8, WIDTH):
                self._same(tile, data, self.read(tile))

    def older(self) -> None:
        """Hold what is left of the partial tiles of older checkpoints against the newest ones."""
        for level in (ENTRIES, *range(8)):
            index, width = divmod(self.size >> max(level, 0) * 8, WIDTH)
            if not width:
                continue
            newest = Tile(level, index, width)
            data = self.read(newest)
            for place in sorted((self.run.folder.root / newest.path).parent.glob("[1-9]*")):
                tile = Tile(level, index, int(place.name)) if place.name.isdecimal() else newest
                if tile.width < width:
                    with suppress(FileNotFoundError):  # its full tile has taken its place just now
                        self._same(tile, _cut(tile, data, width), place.read_bytes())

    def _held(self, tile: Tile) -> bytes:
        return self._edge.pop(tile) if tile in self._edge else self.run.folder.read(tile)

    def _same(self, tile: Tile, wanted: bytes, found: bytes) -> None:
        if wanted == found:
            return
        start, step = tile.index * WIDTH, 1 << max(tile.level, 0) * 8
        differs = next((i for i, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), len(found))
        if tile.level == ENTRIES:
            ends = accumulate(len(one or b"") + 2 for one in _taken_apart(wanted, tile.width))
            place = next((i for i, end in enumerate(ends) if differs < end), tile.width - 1)
        else:
            place = min(differs // HASH_BYTES, tile.width - 1)
        first = (start + place) * step
        until = None if step == 1 else first + step
        self.run.found.add(Finding(Fault.FILE, first, None, tile.path, until))


def _cut(tile: Tile, data: bytes, width: int) -> bytes:
    try:
        return cut(tile, data, width)
    except ValueError:
        return b""


def _taken_apart(data: bytes, width: int) -> list[bytes | None]:
    """Return a bundle's documents as far as they can be told apart."""
    found: list[bytes | None] = []
    at = 0
    while at + 2 <= len(data) and len(found) < width:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : end])
        at = end
    return found + [None] * (width - len(found))


def check(run: Run, roots: Roots, size: int, published: int) -> None:
    """Audit the entries from where the tree stands, a whole bundle's edge, to the log's size."""
    files = Files(run, published, size)
    start = roots.frontier.size
    for low in range(start, size, store.AT_ONCE):
        high = min(low + store.AT_ONCE, size)
        rows = {row.idx: row for row in store.entries(run.seen, low, high)}
        documents = [_document(rows.get(place)) for place in range(low, high)]
        shown = files.shown(low, documents)
        hashes: list[bytes] = []
        spoken: list[evidence.Spoken] = []
        records = observed(run, rows.values())
        for place, own in enumerate(documents, low):
            published_one = shown[place - low] if place - low < len(shown) else None
            row = rows.get(place)
            hashes.append(_leaf(run, place, row, own, published_one, covered=place < files.size))
            if row is not None and row.id is not None:
                facts = inside(run, place, row, records)
                if facts is not None:
                    spoken.append(evidence.Spoken(place, row, facts))
        for finding in roots.grow(hashes, signed.roots(run, low, high)):
            run.found.add(finding)
        files.compare(low, hashes)
        evidence.check(run, spoken)
        run.tell(high / max(size, 1) / 2, f"{high:,} entries")
    if 0 < published <= size:
        files.older()


def _document(row: Any) -> bytes | None:
    return None if row is None or row.id is None else document(row)


def _leaf(run: Run, place: int, row: Any, own: bytes | None, shown: bytes | None, *, covered: bool) -> bytes:
    """Audit one leaf; return the hash to go on with."""
    if row is None or row.id is None or own is None:
        broken = row is not None and (row.ver or 0) > 1 and row.prev_leaf is None
        fault = Fault.MISSING if row is None or row.id is None else Fault.CHAIN if broken else Fault.ALTERED
        run.bad(fault, place, change_of(shown) or (None if row is None else row.change_id))
        return leaf_hash(shown or b"")
    leaf = leaf_hash(own)
    if covered and own != shown:
        logged = shown is not None and leaf_hash(shown) == row.leaf_hash
        change = change_of(shown) or row.change_id
        run.bad(Fault.ALTERED if logged else Fault.FILE, place, change, _differing(own, shown))
    if leaf != row.leaf_hash or row.logged not in (None, leaf):
        run.bad(Fault.ALTERED, place, row.change_id, "leaf_hash")
    if row.prev_id is not None and row.prev_id >= row.id:
        run.bad(Fault.CHAIN, place, row.change_id, "order")
    if row.recorded_at.microsecond % 1000:
        run.bad(Fault.ALTERED, place, row.change_id, "recorded_at")
    return leaf


def _differing(own: bytes, shown: bytes | None) -> str:
    try:
        ours, theirs = parse(own), parse(shown or b"")
    except ValueError:
        return "unreadable"
    names = ours.__struct_fields__
    return " ".join(name for name in names if getattr(ours, name) != getattr(theirs, name))


def observed(run: Run, rows: Iterable[Any]) -> dict[UUID, Any]:
    """Return the records that some observations are about."""
    ids = {row.subject_id for row in rows if row.id is not None and row.ver is None}
    return {row.id: row for row in store.subject_rows(run.seen, list(ids))} if ids else {}


def inside(run: Run, place: int | None, row: Any, records: Mapping[UUID, Any]) -> Mapping[str, Json] | None:
    """Audit what is sealed in one entry; return its facts, None where they cannot be believed."""
    if not row.known:
        run.bad(Fault.SUBJECT, place, row.change_id, "no record")
    if row.sealed is None:
        run.bad(Fault.VALUES_GONE, place, row.change_id, "no sealed parts")
        return None
    if row.ver is None and row.known:
        _observed(run, place, row, records[row.subject_id])
    try:
        meta = past.meta_of(run.seen, row.subject_id, row)
        sound = commit_meta(meta.ms, meta.body) == row.meta_hash
        facts = meta.facts()
    except UNSOUND:
        sound, facts = False, {}
    if not sound:
        run.bad(Fault.WHO, place, row.change_id)
        return None
    if facts.get("actor") != row.actor or facts.get("via", row.channel) != row.channel:
        run.bad(Fault.CLEAR, place, row.change_id, "actor" if facts.get("actor") != row.actor else "channel")
    return facts


def _observed(run: Run, place: int | None, row: Any, record: Any) -> None:
    """Audit what an observation says of values: most say nothing, and even that is committed to."""
    try:
        payload = store.payload_of(run.seen, row.subject_id, row, store.key_of(run.seen, record))
    except keys.Erased:
        payload = None
    except UNSOUND:
        run.bad(Fault.VALUES, place, row.change_id)
        return
    if payload is None:
        if not store.forgotten(run.seen, [row.subject_id]):
            run.bad(Fault.VALUES_GONE, place, row.change_id)
    elif not fits(payload, bytes(row.fields_hash)):
        run.bad(Fault.VALUES, place, row.change_id)
    elif payload.proof is None and store.paths(payload.assertions) != row.fields:
        run.bad(Fault.CLEAR, place, row.change_id, "fields")
