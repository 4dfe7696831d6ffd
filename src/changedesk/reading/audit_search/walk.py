"""Going through a client's log by a plan, stretch by stretch, in either direction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from changedesk.reading.audit_search.plan import Plan, terms, true_of
from changedesk.store import audit_search
from changedesk.store.audit_search import BLOCK, Block
from changedesk.store.tx import Look

FEW: Final = 4
AT_ONCE: Final = 256
"""Stretches that one query brings: few at first, which most pages are found in, then many: two million entries."""
COUNTED: Final = 10_000
"""Matches that are counted; beyond, it is said that there are more."""
COUNTED_BLOCKS: Final = 1_024
"""Stretches that counting looks at: beyond eight million entries a count is a lower bound."""
FACET_BLOCKS: Final = 16
_LAST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Counted:
    """How many entries match: exactly, or at least. ``newest``: stretches of the newest of them, for choices."""

    count: int
    exact: bool
    newest: tuple[tuple[Block, int], ...]


UNCOUNTED: Final = Counted(0, exact=False, newest=())
"""What a further page says: only a first one is counted."""


def hits(seen: Look, plan: Plan, *, start: int = _LAST, down: bool = True) -> Iterator[tuple[Block, int]]:
    """Give stretches, from a number on, with the bitmap of what matches in each; those without a match too."""
    wanted = frozenset(terms(plan))
    within = partial(audit_search.recorded_within, seen)
    limit = FEW
    while found := audit_search.blocks(seen, start, down=down, limit=limit):
        held = audit_search.bits(seen, [one.number for one in found], wanted)
        for block in found:
            yield block, true_of(plan, block, held.get(block.number, {}), within)
        start, limit = found[-1].number + (-1 if down else 1), min(limit * 8, AT_ONCE)
        if start < 0:
            return


def older(seen: Look, plan: Plan, *, before: int | None, limit: int) -> list[int]:
    """Return the places of the newest matches before a place (None: of all), the newest first."""
    places: list[int] = []
    for block, found in hits(seen, plan, start=_LAST if before is None else before // BLOCK):
        bits = found
        if before is not None and block.number == before // BLOCK:
            bits &= (1 << before % BLOCK) - 1
        places += _newest(block, bits, limit - len(places))
        if len(places) == limit:
            break
    return places


def _newest(block: Block, bits: int, most: int) -> Iterator[int]:
    for _ in range(min(most, bits.bit_count())):
        top = bits.bit_length() - 1
        yield block.start + top
        bits ^= 1 << top


def newer(seen: Look, plan: Plan, *, after: int, limit: int) -> list[int]:
    """Return the places of the oldest matches after a place, the newest first."""
    places: list[int] = []
    for block, found in hits(seen, plan, start=after // BLOCK, down=False):
        bits = found
        if block.number == after // BLOCK:
            bits &= ~((1 << after % BLOCK + 1) - 1)
        while bits and len(places) < limit:
            low = (bits & -bits).bit_length() - 1
            places.append(block.start + low)
            bits &= bits - 1
        if len(places) == limit:
            break
    return places[::-1]


def first(seen: Look, plan: Plan, *, limit: int) -> tuple[list[int], Counted]:
    """Return the places of the newest matches, and how many there are as far as that is worth counting: in one walk."""
    places: list[int] = []
    newest: list[tuple[Block, int]] = []
    total = counted = 0
    for looked, (block, found) in enumerate(hits(seen, plan), start=1):
        places += _newest(block, found, limit - len(places))
        total += found.bit_count()
        if found and len(newest) < FACET_BLOCKS and counted < COUNTED:
            newest.append((block, found))
            counted += found.bit_count()
        if len(places) == limit and (total > COUNTED or looked >= COUNTED_BLOCKS):
            return places, Counted(min(total, COUNTED), exact=False, newest=tuple(newest))
    exact = total <= COUNTED
    return places, Counted(total if exact else COUNTED, exact=exact, newest=tuple(newest))


def choices(seen: Look, newest: Sequence[tuple[Block, int]], letters: Sequence[str]) -> dict[str, int]:
    """Return how many of the newest matches carry each term of some sorts."""
    held = audit_search.all_bits(seen, [block.number for block, _ in newest], letters)
    found: dict[str, int] = {}
    for block, bits in newest:
        for term, more in held.get(block.number, {}).items():
            shared = (bits & more).bit_count()
            if shared:
                found[term] = found.get(term, 0) + shared
    return found
