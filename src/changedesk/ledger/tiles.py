"""The log as files: C2SP tlog-tiles (https://c2sp.org/tlog-tiles). Names and bytes only; nothing here opens a
file.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from changedesk.ledger.tree import HASH_BYTES, Node, ReadHashes, root_of

WIDTH: Final = 256
_HEIGHT: Final = 8
ENTRIES: Final = -1
"""The level that stands for entry bundles."""
LONGEST_ENTRY: Final = 0xFFFF
_HIGHEST: Final = 63
_NAME: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<high>(?:x[0-9]{3}/)*)(?P<low>[0-9]{3})(?:\.p/(?P<part>[1-9][0-9]{0,2}))?"
)


class Tile(msgspec.Struct, frozen=True):
    """One file: hash tile ``index`` of ``level``, or the entry bundle when level is ENTRIES; 256 wide when
    full.
    """

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is served below the log's address, such as ``tile/0/x001/x234/067.p/8``."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        high, low = divmod(self.index, 1000)
        number = f"{low:03}"
        while high:
            high, low = divmod(high, 1000)
            number = f"x{low:03}/{number}"
        return f"tile/{level}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")


ReadTile: TypeAlias = Callable[[Tile], bytes]
"""Gives the bytes of a hash tile."""


def parse_path(path: str) -> Tile:
    """Read a path back; ValueError for any other spelling than the one ``Tile.path`` gives."""
    found = _NAME.fullmatch(path)
    if found is None:
        raise ValueError("not a tile's path")
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    index = int(found["high"].replace("x", "").replace("/", "") + found["low"])
    tile = Tile(level, index, int(found["part"] or WIDTH))
    if level > _HIGHEST or tile.path != path:
        raise ValueError("not a tile's path")
    return tile


def changed_tiles(old_size: int, new_size: int) -> list[Tile]:
    """Return the entry bundles and hash tiles to write when the log grows: every full one once, then the
    partial one.

    Per level from the entries up, each in order of index. Nothing when the size stays.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError("a tree only grows")
    tiles = _changed(ENTRIES, old_size, new_size)
    for level in range(_HIGHEST + 1):
        tiles += _changed(level, old_size >> level * _HEIGHT, new_size >> level * _HEIGHT)
    return tiles


def _changed(level: int, old: int, new: int) -> list[Tile]:
    if old == new:
        return []
    full, part = divmod(new, WIDTH)
    tiles = [Tile(level, index) for index in range(old // WIDTH, full)]
    return [*tiles, Tile(level, full, part)] if part else tiles


def tile_bytes(tile: Tile, read: ReadHashes) -> bytes:
    """Return a hash tile's bytes: its hashes, joined. MTH(D[(n*256+i) * 256**l : (n*256+i+1) * 256**l])."""
    first = tile.index * WIDTH
    return b"".join(read([(tile.level * _HEIGHT, first + i) for i in range(tile.width)]))


def grow(old_size: int, leaf_hashes: Sequence[bytes], read_tile: ReadTile) -> Iterator[tuple[Tile, bytes]]:
    """Give every hash tile that these new leaves bring or change, with its bytes, from level 0 up.

    Reads at most one partial tile of the old size per level. The same input gives the same files, so a writer
    that was killed simply does it again.
    """
    level, before, row = 0, old_size, list(leaf_hashes)
    while row:
        first, held = divmod(before, WIDTH)
        if held:
            row = [*_split_hashes(read_tile(Tile(level, first, held)), held), *row]
        groups = [row[at : at + WIDTH] for at in range(0, len(row), WIDTH)]
        for offset, group in enumerate(groups):
            yield Tile(level, first + offset, len(group)), b"".join(group)
        level, before = level + 1, first
        row = [root_of(group) for group in groups if len(group) == WIDTH]


def hash_reader(size: int, read_tile: ReadTile) -> ReadHashes:
    """Return a reader of node hashes for ``tree`` that takes them from the tiles of a log of this size.

    Each tile is read once per call. ValueError when a tile has the wrong length.
    """

    def read(nodes: Sequence[Node]) -> list[bytes]:
        tiles: dict[Tile, list[bytes]] = {}
        return [_node(node, size, read_tile, tiles) for node in nodes]

    return read


def _node(node: Node, size: int, read_tile: ReadTile, tiles: dict[Tile, list[bytes]]) -> bytes:
    level, inner = divmod(node[0], _HEIGHT)
    index, start = divmod(node[1] << inner, WIDTH)
    width = min(WIDTH, (size >> level * _HEIGHT) - index * WIDTH)
    end = start + (1 << inner)
    if end > width:
        raise ValueError("no such node in a tree of this size")
    tile = Tile(level, index, width)
    if tile not in tiles:
        tiles[tile] = _split_hashes(read_tile(tile), width)
    return root_of(tiles[tile][start:end])


def _split_hashes(data: bytes, width: int) -> list[bytes]:
    if len(data) != width * HASH_BYTES:
        raise ValueError("a tile of the wrong length")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def encode_bundle(documents: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each leaf document behind its length (uint16, big-endian)."""
    if not 0 < len(documents) <= WIDTH or any(len(document) > LONGEST_ENTRY for document in documents):
        raise ValueError("a bundle holds 1 to 256 entries of at most 65,535 bytes")
    return b"".join(len(document).to_bytes(2, "big") + document for document in documents)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the ``width`` leaf documents of a bundle; ValueError when bytes are missing or left over."""
    documents: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        documents.append(data[start:at])
    if at != len(data):
        raise ValueError("a bundle of the wrong length")
    return documents
