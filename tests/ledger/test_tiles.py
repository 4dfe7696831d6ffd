import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import Hashes, vector_leaves

from changedesk.ledger.tiles import (
    ENTRIES,
    Tile,
    changed_tiles,
    decode_bundle,
    encode_bundle,
    grow,
    hash_reader,
    parse_path,
    tile_bytes,
)
from changedesk.ledger.tree import (
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)

MANY = vector_leaves(70_000)


def nothing_held(tile: Tile) -> bytes:
    raise AssertionError(f"an empty log has no {tile.path}")


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(1, 1_000, 17), "tile/1/x001/000.p/17"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
        (Tile(ENTRIES, 5, 1), "tile/entries/005.p/1"),
    ],
)
def test_paths_are_those_of_tlog_tiles(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@given(st.integers(-1, 63), st.integers(0, 2**60), st.integers(1, 256))
def test_a_path_read_back_is_the_tile(level: int, index: int, width: int) -> None:
    assert parse_path(Tile(level, index, width).path) == Tile(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../../000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
    ],
)
def test_another_spelling_is_no_tile(path: str) -> None:
    with pytest.raises(ValueError, match="not a tile's path"):
        parse_path(path)


def test_the_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    tiles = changed_tiles(0, 70_000)
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile for tile in tiles if tile.level >= 0 and tile.width < 256] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert [tile for tile in tiles if tile.level == 1] == [Tile(1, 0), Tile(1, 1, 17)]
    assert changed_tiles(0, 256)[1:] == [Tile(0, 0), Tile(1, 0, 1)]


@given(st.integers(0, 1_100), st.integers(0, 1_100))
def test_growing_in_steps_writes_the_files_of_growing_at_once(first: int, more: int) -> None:
    files: dict[Tile, bytes] = {}
    for old, new in ((0, first), (first, first + more)):
        written = dict(grow(old, MANY[old:new], files.__getitem__))
        assert [tile for tile in changed_tiles(old, new) if tile.level != ENTRIES] == list(written)
        files |= written
    at_once = dict(grow(0, MANY[: first + more], files.__getitem__))
    assert {tile: files[tile] for tile in at_once} == at_once


def test_only_what_changed_is_written_again() -> None:
    assert changed_tiles(300, 300) == []
    assert changed_tiles(300, 301) == [Tile(ENTRIES, 1, 45), Tile(0, 1, 45)]
    assert changed_tiles(300, 512) == [Tile(ENTRIES, 1), Tile(0, 1), Tile(1, 0, 2)]
    with pytest.raises(ValueError, match="only grows"):
        changed_tiles(2, 1)


def test_proofs_come_out_of_the_tiles_alone() -> None:
    size = len(MANY)
    files = dict(grow(0, MANY, nothing_held))
    read = hash_reader(size, files.__getitem__)
    root = root_of(MANY)
    for index in (0, 255, 256, 65_535, 65_536, 69_888, size - 1):
        proof = inclusion_proof(index, size, read)
        assert verify_inclusion(MANY[index], index, size, proof, root)
    for old in (1, 255, 256, 257, 65_536, 65_537, size - 1):
        proof = consistency_proof(old, size, read)
        assert verify_consistency(old, root_of(MANY[:old]), size, root, proof)


def test_a_tile_is_the_hashes_of_its_place() -> None:
    leaves = MANY[:520]
    read = Hashes(leaves)
    assert tile_bytes(Tile(0, 2, 8), read) == b"".join(leaves[512:])
    assert tile_bytes(Tile(1, 0, 2), read) == root_of(leaves[:256]) + root_of(leaves[256:512])
    assert dict(grow(0, leaves, nothing_held))[Tile(1, 0, 2)] == tile_bytes(Tile(1, 0, 2), read)


def test_a_tile_of_the_wrong_length_is_noticed() -> None:
    with pytest.raises(ValueError, match="wrong length"):
        hash_reader(3, lambda _: bytes(95))([(0, 1)])
    with pytest.raises(ValueError, match="no such node"):
        hash_reader(3, lambda _: bytes(96))([(1, 1)])
    with pytest.raises(ValueError, match="wrong length"):
        list(grow(3, [bytes(32)], lambda _: bytes(64)))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_gives_its_entries_back(documents: list[bytes]) -> None:
    data = encode_bundle(documents)
    assert decode_bundle(data, len(documents)) == documents
    with pytest.raises(ValueError, match="wrong length"):
        decode_bundle(data + b"\x00", len(documents))
    with pytest.raises(ValueError, match="wrong length"):
        decode_bundle(data[:-1], len(documents))
    with pytest.raises(ValueError, match="wrong length"):
        decode_bundle(data, len(documents) + 1)


def test_a_bundle_is_lengths_and_entries() -> None:
    assert encode_bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    for unfit in ([], [b""] * 257, [bytes(65_536)]):
        with pytest.raises(ValueError, match="1 to 256"):
            encode_bundle(unfit)


@given(st.binary(max_size=80), st.integers(0, 10))
def test_no_bytes_break_the_bundle_reader(data: bytes, width: int) -> None:
    try:
        documents = decode_bundle(data, width)
    except ValueError:
        return
    assert b"".join(len(d).to_bytes(2, "big") + d for d in documents) == data
