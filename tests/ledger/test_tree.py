import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import HASHES, Hashes, mth, vector_leaves

from changedesk.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_from,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = vector_leaves(40)

# The eight inputs and the roots of every size that RFC 6962 implementations (Go, C++, Java) test against.
CT_INPUTS = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize(
    ("size", "root"),
    [
        (1, "40766b2033429026f53d54502679a839706b4741f8dcaf3a8bba5f41b5ffe075"),
        (3, "a64bf26e09128f6fe2fe6f8b2d8c801e166b57c047a7cd9b2b809e7a96a2f1cb"),
        (7, "9139601cc1ca8ab2a7a0c2c134c04845f2b1ba549a83d6c845cfcda439cc585d"),
        (257, "918b1cec64f317c76e3cf55c0536841c039eff06772ebb8828ce7c176028b5ac"),
    ],
)
def test_the_roots_are_the_published_ones(size: int, root: str) -> None:
    assert root_of([leaf_hash(b"entry-%d" % i) for i in range(size)]).hex() == root


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root_of([leaf_hash(entry) for entry in CT_INPUTS[:size]]).hex() == CT_ROOTS[size - 1]


@pytest.mark.parametrize("size", range(41))
def test_the_root_of_any_older_tree_comes_out_of_the_hashes_of_a_newer_one(size: int) -> None:
    assert root_from(size, Hashes(LEAVES)) == mth(LEAVES[:size])


def test_hashing_follows_rfc_9162() -> None:
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


@given(st.lists(HASHES, max_size=70), st.integers(0, 70))
def test_appending_in_two_goes_is_appending_in_one(leaves: list[bytes], cut: int) -> None:
    frontier = Frontier().append_many(leaves[:cut]).append_many(leaves[cut:])
    assert frontier == Frontier().append_many(leaves)
    assert frontier.size == len(leaves)
    assert frontier.root() == mth(leaves)
    assert Frontier.from_bytes(frontier.to_bytes()) == frontier


@pytest.mark.parametrize(
    "data",
    [b"", bytes(7), bytes(9), (1).to_bytes(8, "big"), bytes(8 + 32), (2**63).to_bytes(8, "big") + bytes(32)],
)
def test_a_damaged_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a frontier"):
        Frontier.from_bytes(data)


@pytest.mark.parametrize("size", range(1, 40))
def test_every_leaf_is_proved_in_every_tree_and_nowhere_else(size: int) -> None:
    read, root = Hashes(LEAVES[:size]), root_of(LEAVES[:size])
    for index in range(size):
        proof = inclusion_proof(index, size, read)
        assert verify_inclusion(LEAVES[index], index, size, proof, root)
        assert not verify_inclusion(LEAVES[39], index, size, proof, root)
        assert not any(
            verify_inclusion(LEAVES[index], elsewhere, size, proof, root)
            for elsewhere in range(-1, size + 2)
            if elsewhere != index
        )
        assert not verify_inclusion(LEAVES[index], index, size, [*proof, bytes(32)], root)
        for at in range(len(proof)):
            assert not verify_inclusion(LEAVES[index], index, size, proof[:at] + proof[at + 1 :], root)
            assert not verify_inclusion(LEAVES[index], index, size, [*proof[:at], bytes(32), *proof[at + 1 :]], root)


def test_a_proof_with_a_part_that_is_no_hash_is_refused() -> None:
    root = hashlib.sha256(b"\x01" + LEAVES[0] + b"short").digest()
    assert not verify_inclusion(LEAVES[0], 0, 2, [b"short"], root)
    assert not verify_consistency(1, LEAVES[0], 2, root, [b"short"])


@pytest.mark.parametrize("new", range(40))
def test_every_older_tree_is_proved_a_prefix_and_no_other_is(new: int) -> None:
    read, root = Hashes(LEAVES[:new]), root_of(LEAVES[:new])
    for old in range(new + 1):
        proof = consistency_proof(old, new, read)
        old_root = root_of(LEAVES[:old])
        assert verify_consistency(old, old_root, new, root, proof)
        assert not verify_consistency(old, bytes(32), new, root, proof)
        assert not verify_consistency(old, old_root, new, root, [*proof, bytes(32)])
        if old:
            assert not verify_consistency(old, old_root, new, bytes(32), proof)
        for at in range(len(proof)):
            assert not verify_consistency(old, old_root, new, root, proof[:at] + proof[at + 1 :])


def test_a_log_that_rewrote_an_entry_cannot_prove_consistency() -> None:
    rewritten = [*LEAVES[:3], leaf_hash(b"another"), *LEAVES[4:20]]
    proof = consistency_proof(7, 20, Hashes(rewritten))
    assert not verify_consistency(7, root_of(LEAVES[:7]), 20, root_of(rewritten), proof)


def test_trees_do_not_shrink() -> None:
    assert not verify_consistency(5, root_of(LEAVES[:5]), 4, root_of(LEAVES[:4]), [])
    assert not verify_consistency(0, EMPTY_ROOT, 0, bytes(32), [])
    with pytest.raises(ValueError, match="only grows"):
        consistency_proof(5, 4, Hashes(LEAVES))
    for index, size in ((-1, 1), (1, 1), (0, 0)):
        with pytest.raises(ValueError, match="no such leaf"):
            inclusion_proof(index, size, Hashes(LEAVES))


def test_a_proof_for_another_size_is_refused() -> None:
    read = Hashes(LEAVES)
    proof = consistency_proof(6, 20, read)
    assert not verify_consistency(6, root_of(LEAVES[:6]), 7, root_of(LEAVES[:20]), proof)
    assert not verify_inclusion(LEAVES[0], 0, 1, inclusion_proof(0, 8, read), root_of(LEAVES[:8]))
