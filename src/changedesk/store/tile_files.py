"""A published log's files: written whole or not at all, and served as they are."""

import os
import secrets
from pathlib import Path
from typing import Final

from django.conf import settings

from changedesk.base.ids import ClientId
from changedesk.ledger.tiles import ENTRIES, WIDTH, Tile, decode_bundle, encode_bundle
from changedesk.ledger.tree import HASH_BYTES

CHECKPOINT: Final = "checkpoint"
INSTALLATION: Final = ClientId(0)
"""Stands for the installation itself, whose log holds the clients' checkpoints."""
_UNFINISHED: Final = ".new"


class Missing(LookupError):  # noqa: N818 - says what is so
    """There is no such file in this log. Carries its path."""


def of_client(client: ClientId) -> "Folder":
    """Return the folder of a client's published log."""
    name = "anchor" if client == INSTALLATION else str(int(client))
    return Folder(Path(settings.CHANGEDESK_STATE_DIR) / "tlog" / name)


class Folder:
    """The files of one log: ``checkpoint``, ``tile/...`` and ``tile/entries/...`` (C2SP tlog-tiles).

    A file is written beside its place, synced, and renamed. ``settle`` syncs the folders: only then does a file
    count.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._touched: set[Path] = set()

    def checkpoint(self) -> bytes:
        """Return the published checkpoint. Raises Missing."""
        return self._read(CHECKPOINT)

    def read(self, tile: Tile) -> bytes:
        """Return a tile's bytes; a partial one is cut from the full one that took its place. Raises Missing."""
        try:
            return self._read(tile.path)
        except Missing:
            if tile.width == WIDTH:
                raise
        return cut(tile, self._read(Tile(tile.level, tile.index).path), WIDTH)

    def holds(self, tile: Tile) -> bool:
        """Say whether the tile's own file stands there, in its length."""
        try:
            length = (self.root / tile.path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return False
        return length > 0 if tile.level == ENTRIES else length == tile.width * HASH_BYTES

    def write_checkpoint(self, data: bytes) -> None:
        """Publish a checkpoint: everything that it covers stands already."""
        self._write(self.root / CHECKPOINT, data)
        self.settle()

    def write(self, tile: Tile, data: bytes) -> None:
        """Write a tile; a full one takes the place of its partial ones."""
        place = self.root / tile.path
        self._write(place, data)
        partial = place.with_name(place.name + ".p")
        if tile.width == WIDTH and partial.is_dir():
            for old in partial.iterdir():
                old.unlink()
            partial.rmdir()

    def settle(self) -> None:
        """Return when what was written would survive a power cut."""
        for place in sorted(self._touched):
            _sync(place, os.O_RDONLY | os.O_DIRECTORY)
        self._touched.clear()

    def sweep(self) -> None:
        """Remove what a publisher that was killed left half written. Only for who holds the publisher's lock."""
        for left in self.root.rglob(f".*{_UNFINISHED}"):
            left.unlink(missing_ok=True)

    def _read(self, name: str) -> bytes:
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(name) from None

    def _write(self, place: Path, data: bytes) -> None:
        made = [folder for folder in (place.parent, *place.parent.parents) if not folder.exists()]
        place.parent.mkdir(parents=True, exist_ok=True)
        self._touched.update(folder.parent for folder in made)
        # A name of its own: a publisher that lost its lock, and does not know it yet, writes into no file of ours.
        beside = place.with_name(f".{place.name}.{secrets.token_hex(8)}{_UNFINISHED}")
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(place)
        self._touched.add(place.parent)


def cut(tile: Tile, wider: bytes, width: int) -> bytes:
    """Return a tile's bytes from those of a wider one in its place."""
    if tile.level == ENTRIES:
        return encode_bundle(decode_bundle(wider, width)[: tile.width])
    return wider[: tile.width * HASH_BYTES]


def _sync(place: Path, flags: int) -> None:
    handle = os.open(place, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
