"""The Merkle tree of RFC 9162, section 2.1 (the hashing of RFC 6962): append, roots, proofs and their
checks.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""Root of the tree without leaves: SHA-256 of nothing."""
LARGEST: Final = 2**63 - 1

Node: TypeAlias = tuple[int, int]
"""(level, index): the hash over the 2**level leaves from ``index << level`` on; always a complete subtree."""
ReadHashes: TypeAlias = Callable[[Sequence[Node]], Sequence[bytes]]
"""Gives the hashes of the nodes asked for, in the same order. Asked once per proof, so it may read in one go.
"""

_sha256 = hashlib.sha256


def leaf_hash(document: bytes) -> bytes:
    """Return SHA-256(0x00 || document)."""
    return _sha256(b"\x00" + document).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


class Frontier(msgspec.Struct, frozen=True):
    """The right edge of a tree: its size and the roots of its complete subtrees, largest first (a compact
    range).

    All that is needed to append and to know the root; at most 63 hashes. Never changed: appending returns a
    new one.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append_many(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """Return the frontier after these leaf hashes, level by level: one hash per new node."""
        row = list(leaf_hashes)
        size = self.size + len(row)
        held = list(self.hashes)
        edge: list[bytes] = []
        rest = self.size
        while row or rest:
            if rest & 1:
                row.insert(0, held.pop())
            if len(row) & 1:
                edge.append(row.pop())
            row = _pairs(row)
            rest >>= 1
        return Frontier(size, tuple(reversed(edge)))

    def root(self) -> bytes:
        """Return the root of the whole tree, MTH(D_n)."""
        return _root_of_subtrees(self.hashes)

    def to_bytes(self) -> bytes:
        """Return u64be(size) and the hashes: what ``log_head`` stores."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """Read ``to_bytes``; ValueError when the number of hashes does not fit the size."""
        size = int.from_bytes(data[:8], "big")
        if len(data) < 8 or size > LARGEST or len(data) != 8 + HASH_BYTES * size.bit_count():  # noqa: PLR2004
            raise ValueError("not a frontier")
        return cls(size, tuple(data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES)))


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over these leaf hashes, MTH(D_n)."""
    return Frontier().append_many(leaf_hashes).root()


def root_from(size: int, read: ReadHashes) -> bytes:
    """Return the root of the first ``size`` leaves, from the hashes of a tree that holds them."""
    return _read_ranges([(0, size)], read)[0]


def inclusion_proof(index: int, size: int, read: ReadHashes) -> list[bytes]:
    """Return PATH(index, D_size), from the leaf's sibling up (RFC 9162, section 2.1.3.1); ValueError off the
    tree.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    low, high = 0, size
    ranges: list[tuple[int, int]] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return _read_ranges(ranges[::-1], read)


def consistency_proof(old_size: int, new_size: int, read: ReadHashes) -> list[bytes]:
    """Return PROOF(old_size, D_new_size) (RFC 9162, section 2.1.4.1); empty for equal sizes and from
    size 0.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError("a tree only grows")
    if old_size in {0, new_size}:
        return []
    low, high = 0, new_size
    ranges: list[tuple[int, int]] = []
    while high != old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low > 0:
        # The old tree's last part is no root the verifier already has, so it is told.
        ranges.append((low, high))
    return _read_ranges(ranges[::-1], read)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether the leaf hash stands at ``index`` in the tree with this root (RFC 9162, section
    2.1.3.2).
    """
    if not 0 <= index < size:
        return False
    fn, sn, running = index, size - 1, leaf
    for part in proof:
        if sn == 0 or len(part) != HASH_BYTES:
            return False
        if fn & 1 or fn == sn:
            running = node_hash(part, running)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            running = node_hash(running, part)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and running == root


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether the new tree only appended to the old one (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (new_size > 0 or new_root == EMPTY_ROOT)
    if old_size == new_size:
        return not proof and old_root == new_root
    parts = list(proof)
    if old_size & (old_size - 1) == 0:
        parts.insert(0, old_root)
    if not parts or any(len(part) != HASH_BYTES for part in parts):
        return False
    return _walk_up(old_size, old_root, new_size, new_root, parts)


def _walk_up(old_size: int, old_root: bytes, new_size: int, new_root: bytes, parts: list[bytes]) -> bool:
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = parts[0]
    for part in parts[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(part, old), node_hash(part, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, part)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == old_root and new == new_root


def _pairs(row: list[bytes]) -> list[bytes]:
    sha256 = _sha256
    ahead = iter(row)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(ahead, ahead, strict=True)]


def _split(count: int) -> int:
    """Return the largest power of two below ``count``."""
    return 1 << (count - 1).bit_length() - 1


def _root_of_subtrees(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def _read_ranges(ranges: Sequence[tuple[int, int]], read: ReadHashes) -> list[bytes]:
    nodes = [_subtrees(low, high) for low, high in ranges]
    hashes = iter(read([node for group in nodes for node in group]))
    return [_root_of_subtrees([next(hashes) for _ in group]) for group in nodes]


def _subtrees(low: int, high: int) -> list[Node]:
    """Cut a range that starts at a subtree's edge into complete subtrees, largest first."""
    nodes: list[Node] = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append((level, low >> level))
        low += 1 << level
    return nodes
