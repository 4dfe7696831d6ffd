"""The publisher: what the sequencer placed becomes files and a signed checkpoint (ledger design, section 5).

A checkpoint is begun (size and root are kept), its files are written, it is signed, and only then published. Whoever
finds one begun finishes that one, so a publisher that was killed anywhere leaves the same bytes behind as one that
was not.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from changedesk.base import clock
from changedesk.base.actor import automation
from changedesk.base.ids import ClientId
from changedesk.ledger import note as notes
from changedesk.ledger.checkpoint import Checkpoint, parse, sign_checkpoint
from changedesk.ledger.note import NoteRefused
from changedesk.ledger.tiles import ENTRIES, WIDTH, Tile, changed_tiles, encode_bundle, grow, hash_reader
from changedesk.ledger.tree import root_from
from changedesk.outbound.publish import origins
from changedesk.store import log_keys, published, tile_files
from changedesk.store.begin import begin
from changedesk.store.published import LogDamaged, Standing
from changedesk.store.tile_files import Folder, Missing
from changedesk.store.tx import Look, Tx, look

PACE: Final = timedelta(seconds=1)
"""A log gets at most one checkpoint in this time."""
log = structlog.get_logger("changedesk.publish")
_settled: dict[ClientId, int] = {}
"""The size at which this process last saw a log's files in order: then there is nothing to look at."""


class PublishedAhead(Exception):  # noqa: N818 - says what is so
    """The published checkpoint covers more than this database holds, as after restoring an older backup.

    Signing on would make two histories of one log, so nothing is signed: see docs/log.md.
    """


def run(client_id: int) -> int:
    """Publish what the log has gained; return how many entries that were. A duty of the worker."""
    return publish(ClientId(client_id), at=clock.now())


def publish(client: ClientId, *, at: datetime, paced: bool = True) -> int:
    """Publish a client's log as it is now; return how many entries are newly covered.

    Nothing when it did not grow, when a checkpoint is younger than a second (unless ``paced`` is False), or when
    another publisher is at work. A clock that went back delays nothing. Raises LogDamaged, PublishedAhead.
    """
    with look(client) as seen:
        now = published.standing(seen)
    if not now.size:
        return 0
    if client not in _settled and not _check_files(client):
        return 0
    if not now.unfinished and _settled.get(client) != now.published:
        # Another process signed it, or this one failed to write it.
        refresh(client)
    pace = PACE if paced else timedelta()
    if now.unfinished or (_is_time(now, at, pace) and _start(client, at, pace)):
        return _finish(client)
    return 0


def _is_time(now: Standing, at: datetime, pace: timedelta) -> bool:
    early = now.newest is not None and now.newest.at <= at < now.newest.at + pace
    return now.size > now.published and not early


def _start(client: ClientId, at: datetime, pace: timedelta) -> bool:
    """Begin the next checkpoint."""
    with begin(automation(client, "publisher")) as tx:
        if not published.claim(tx):
            return False
        now = published.standing(tx)
        if now.unfinished or not _is_time(now, at, pace):
            return now.unfinished
        log_keys.create(tx)
        return published.begin(tx, now, at=at)


def _finish(client: ClientId) -> int:
    """Write, sign and publish the checkpoint that was begun."""
    folder = tile_files.of_client(client)
    with begin(automation(client, "publisher")) as tx:
        if not published.claim(tx):
            return 0
        now = published.standing(tx)
        begun, before = now.newest, published.signed(tx)
        if begun is None or begun.note is not None:
            return 0
        was = 0 if before is None else before[0]
        start = was - was % WIDTH if before is not None and _stands(folder, before[0], before[1]) else 0
        write(tx, folder, start, begun.size)
        if start == 0 and was:
            _write_older(tx, folder, begun.size)
        if not _stands(folder, begun.size, begun.root):
            raise LogDamaged(f"the entries up to {begun.size} do not give the root that was begun")
        origin = origins.of_client(tx)
        signers = log_keys.signers(tx, origin)
        signed = sign_checkpoint(Checkpoint(origin, begun.size, begun.root), signers)
        published.sign(tx, begun.size, begun.root, signed)
    refresh(client)
    return begun.size - was


def _stands(folder: Folder, size: int, root: bytes) -> bool:
    try:
        return root_from(size, hash_reader(size, folder.read)) == root
    except (Missing, ValueError):
        return False


def _complete(folder: Folder, size: int) -> bool:
    return all(folder.holds(tile) for tile in changed_tiles(0, size))


def write(seen: Look, folder: Folder, start: int, size: int) -> None:
    """Write the files of a log of this size, from the full tile's edge ``start`` on. Raises LogDamaged.

    Of partial tiles only those of this very size are written.
    """
    edge: dict[Tile, bytes] = {}

    def held(tile: Tile) -> bytes:
        return edge.pop(tile) if tile in edge else folder.read(tile)

    at = start
    for leaves in published.leaves(seen, start, size):
        for offset in range(0, len(leaves), WIDTH):
            documents = [leaf.document for leaf in leaves[offset : offset + WIDTH]]
            folder.write(Tile(ENTRIES, (at + offset) // WIDTH, len(documents)), encode_bundle(documents))
        for tile, data in grow(at, [leaf.hash for leaf in leaves], held):
            if tile.width < WIDTH:
                edge[tile] = data
            if tile.width == WIDTH or (tile.index, tile.width) == divmod(size >> tile.level * 8, WIDTH):
                folder.write(tile, data)
        at += len(leaves)
    folder.settle()


def _write_older(seen: Look, folder: Folder, size: int) -> None:
    """Write the partial tiles of older checkpoints, where their tile is not yet full."""
    for level in range(8):
        index, width = divmod(size >> level * 8, WIDTH)
        for older in published.widths(seen, level, size):
            for kind in (ENTRIES, 0) if level == 0 else (level,):
                tile = Tile(kind, index, older)
                folder.write(tile, tile_files.cut(tile, folder.read(Tile(kind, index, width)), width))
    folder.settle()


def refresh(client: ClientId) -> None:
    """Publish the newest signed checkpoint with the cosignatures that it has, if it is not what stands there."""
    folder = tile_files.of_client(client)
    with begin(automation(client, "publisher")) as tx:
        signed = published.signed(tx)
        if signed is None or not published.claim(tx):
            return
        size, _, note = signed
        wanted = published.whole(tx, size, note)
        try:
            if folder.checkpoint() != wanted:
                folder.write_checkpoint(wanted)
        except Missing:
            folder.write_checkpoint(wanted)
    _settled[client] = size
    log.debug("published", client_id=int(client), size=size)


def _check_files(client: ClientId) -> bool:
    """Look once at what stands in the folder: half files go, lost files come back, and a newer log is left alone.

    False when another publisher is at work.
    """
    folder = tile_files.of_client(client)
    with begin(automation(client, "publisher")) as tx:
        if not published.claim(tx):
            return False
        folder.sweep()
        signed = published.signed(tx)
        _require_not_ahead(tx, folder, 0 if signed is None else signed[0])
        if signed is not None and not (_complete(folder, signed[0]) and _stands(folder, signed[0], signed[1])):
            write(tx, folder, 0, signed[0])
            _write_older(tx, folder, signed[0])
    _settled[client] = 0
    return True


def _require_not_ahead(tx: Tx, folder: Folder, size: int) -> None:
    try:
        found = folder.checkpoint()
        origin = parse(notes.parse(found).text).origin
        text, _ = notes.open_note(found, log_keys.verifiers(tx, origin))
    except (Missing, NoteRefused):
        return  # nothing, or another log's: what is written next takes its place
    shown = parse(text)
    if shown.size > size:
        raise PublishedAhead(f"published up to {shown.size}, in the database up to {size}")


def rebuild(client: ClientId, to: Path) -> int:
    """Write the published log anew, into another folder, from the database alone; return its size.

    The files are those that the publisher left, byte for byte. Raises LogDamaged.
    """
    folder = Folder(to)
    with look(client) as seen:
        signed = published.signed(seen)
        if signed is None:
            return 0
        size, root, note = signed
        write(seen, folder, 0, size)
        _write_older(seen, folder, size)
        if not _stands(folder, size, root):
            raise LogDamaged(f"the entries up to {size} do not give the root that was signed")
        folder.write_checkpoint(published.whole(seen, size, note))
    return size


def add_post_quantum_key(client: ClientId) -> None:
    """Let the log's next checkpoints be signed with ML-DSA-44 too. A log that has such a key keeps it."""
    with begin(automation(client, "publisher")) as tx:
        log_keys.create(tx, log_keys.POST_QUANTUM)


def forget() -> None:
    """Drop what this process remembers: the next turn looks at every log's files again."""
    _settled.clear()
