"""The two time axes (ledger design, section 6): what was known at S about V."""

from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec

from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion


class Stored(msgspec.Struct, frozen=True):
    """One version of a subject, as its payload holds it; ``recorded_at_us`` in microseconds since 1970."""

    version: int
    recorded_at_us: int
    assertions: Sequence[Assertion]


def fold(
    entries: Sequence[Stored], known_at_us: int, valid_at_us: int, snapshot: Sequence[Assertion] = ()
) -> dict[str, bytes]:
    """Return path to value: what was known at ``known_at_us`` about ``valid_at_us``, absent paths left out.

    Entries come newest first (ValueError otherwise); those recorded later are passed over. Of what remains,
    the first assertion that covers the moment wins. ``snapshot`` is what ``flatten`` gave for everything
    older than the oldest entry given.
    """
    found: dict[str, bytes | None] = {}
    for assertions in _newest_first(entries, known_at_us, snapshot):
        for assertion in assertions:
            if assertion.path not in found and assertion.valid_from_us <= valid_at_us < assertion.valid_to_us:
                found[assertion.path] = assertion.new
    return {path: value for path, value in found.items() if value is not None}


def flatten(
    entries: Sequence[Stored], known_at_us: int = FOREVER, snapshot: Sequence[Assertion] = ()
) -> list[Assertion]:
    """Return the whole valid-time axis as known then: per path and in order, the ranges in which a value
    holds.

    Ranges do not overlap, neighbours differ in value, ``old`` is None. This is the snapshot to store with the
    newest entry given: folding from it equals folding from the first entry on.
    """
    by_path: dict[str, list[Assertion]] = {}
    for assertion in chain.from_iterable(_newest_first(entries, known_at_us, snapshot)):
        by_path.setdefault(assertion.path, []).append(assertion)
    return [piece for path in sorted(by_path) for piece in _join(path, visible(by_path[path]))]


def next_effective(entries: Sequence[Stored], now_us: int, snapshot: Sequence[Assertion] = ()) -> int | None:
    """Return the first moment after ``now_us`` at which a value begins, ends or changes; None when none
    will.
    """
    edges = {
        edge
        for piece in flatten(entries, FOREVER, snapshot)
        for edge in (piece.valid_from_us, piece.valid_to_us)
        if now_us < edge < FOREVER
    }
    return min(edges, default=None)


def visible(newest_first: Iterable[Assertion]) -> list[tuple[int, int, Assertion]]:
    """Return (from, to, assertion) for the parts of one path's assertions that no newer one covers, in time
    order.
    """
    free = [(BEGINNING, FOREVER)]
    pieces: list[tuple[int, int, Assertion]] = []
    for assertion in newest_first:
        left: list[tuple[int, int]] = []
        for low, high in free:
            start, end = max(low, assertion.valid_from_us), min(high, assertion.valid_to_us)
            if start >= end:
                left.append((low, high))
                continue
            pieces.append((start, end, assertion))
            left += [(a, b) for a, b in ((low, start), (end, high)) if a < b]
        free = left
        if not free:
            break
    return sorted(pieces, key=lambda piece: piece[0])


def _newest_first(
    entries: Sequence[Stored], known_at_us: int, snapshot: Sequence[Assertion]
) -> list[Sequence[Assertion]]:
    known: list[Sequence[Assertion]] = []
    newer: Stored | None = None
    for entry in entries:
        if newer is not None and newer.version <= entry.version:
            raise ValueError("entries are folded newest first")
        newer = entry
        if entry.recorded_at_us <= known_at_us:
            known.append(entry.assertions)
    return [*known, snapshot]


def _join(path: str, pieces: Sequence[tuple[int, int, Assertion]]) -> list[Assertion]:
    joined: list[Assertion] = []
    for start, end, assertion in pieces:
        value = assertion.new
        if value is None:
            continue
        if joined and joined[-1].valid_to_us == start and joined[-1].new == value:
            joined[-1] = Assertion(path, None, value, joined[-1].valid_from_us, end)
        else:
            joined.append(Assertion(path, None, value, start, end))
    return joined
