"""Strategies and a plain reference tree that the ledger's tests share."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from hypothesis import strategies as st

from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.tree import Node

HASHES = st.binary(min_size=32, max_size=32)
PATHS = st.sampled_from(["contact.email", "contact.phone", "name.family", "plan", "address"])
VALUES = st.none() | st.sampled_from([b'"a"', b'"b"', b'"c"', b"1"])
MOMENTS = st.integers(-20, 20)


@st.composite
def assertions(draw: st.DrawFn) -> Assertion:
    start = draw(st.just(BEGINNING) | MOMENTS)
    end = draw(st.just(FOREVER) | MOMENTS.filter(lambda at: at > start))
    return Assertion(draw(PATHS), draw(VALUES), draw(VALUES), start, end)


@st.composite
def changes(draw: st.DrawFn) -> list[Assertion]:
    """Assertions that may stand together in one entry: no path twice."""
    return draw(st.lists(assertions(), max_size=4, unique_by=lambda a: a.path))


@st.composite
def leaf_arguments(draw: st.DrawFn) -> dict[str, object]:
    kind = draw(st.sampled_from(EntryKind))
    version = draw(st.integers(1, 2**63 - 1)) if kind.bumps else 0
    return {
        "change_id": draw(st.uuids()),
        "kind": kind,
        "subject_ref": draw(st.uuids()),
        "version": version,
        "previous": draw(HASHES) if version > 1 else b"",
        "recorded_at_ms": draw(st.integers(0, 2**63 - 1)),
        "fields": draw(HASHES),
        "meta": draw(HASHES),
    }


def a_document(number: int = 1) -> bytes:
    return leaf(
        change_id=UUID(int=number),
        kind=EntryKind.CUSTOMER_CREATED,
        subject_ref=UUID(int=2),
        version=1,
        previous=b"",
        recorded_at_ms=1_700_000_000_000,
        fields=bytes(32),
        meta=bytes(32),
    )


def vector_leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00entry-%d" % i).digest() for i in range(count)]


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


class Hashes:
    """Answers for the nodes of a tree held in memory."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        spans = [(index << level, (index + 1) << level) for level, index in nodes]
        assert all(end <= len(self.leaves) for _, end in spans), "asked for a subtree that is not complete"
        return [mth(self.leaves[start:end]) for start, end in spans]
