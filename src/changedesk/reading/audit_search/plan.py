"""A search, looked up: every term has become bitmaps, places of the log, or a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from changedesk.rules.query import All, Either, Not
from changedesk.store.audit_search import BLOCK, Block


@dataclass(frozen=True, slots=True)
class OneOf:
    """True of an entry that carries one of these terms; none is true of nothing."""

    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class At:
    """True of the entries at some places, as bitmaps by stretch."""

    bits: Mapping[int, int]

    @classmethod
    def places(cls, found: Iterable[int]) -> "At":
        bits: dict[int, int] = {}
        for place in found:
            bits[place // BLOCK] = bits.get(place // BLOCK, 0) | 1 << place % BLOCK
        return cls(bits)


@dataclass(frozen=True, slots=True)
class During:
    """True of what was recorded in a time; None is open."""

    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Neither:
    part: "Plan"


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple["Plan", ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple["Plan", ...]


Plan = OneOf | At | During | Neither | Every | Some
Within = Callable[[Block, datetime | None, datetime | None], int]
"""Says which entries of a stretch were recorded in a time: asked only where a time ends inside the stretch."""
NOTHING = OneOf(frozenset())


def joined(shape: Not | All | Either, parts: Iterable[Plan]) -> Plan:
    """Return the plan of what joins others."""
    made = tuple(parts)
    if isinstance(shape, Not):
        return Neither(made[0])
    return Every(made) if isinstance(shape, All) else Some(made)


def terms(plan: Plan) -> Iterator[str]:
    """Give every term that a plan reads."""
    if isinstance(plan, OneOf):
        yield from plan.terms
    elif isinstance(plan, Neither):
        yield from terms(plan.part)
    elif isinstance(plan, Every | Some):
        for part in plan.parts:
            yield from terms(part)


def true_of(plan: Plan, block: Block, held: Mapping[str, int], within: Within) -> int:
    """Return of which entries of a stretch a plan is true, as a bitmap. ``held``: the stretch's own, by term."""
    if isinstance(plan, OneOf):
        found = 0
        for term in plan.terms:
            found |= held.get(term, 0)
        return found
    if isinstance(plan, At):
        return plan.bits.get(block.number, 0) & block.full
    if isinstance(plan, Neither):
        return block.full & ~true_of(plan.part, block, held, within)
    if isinstance(plan, Some):
        found = 0
        for part in plan.parts:
            found |= true_of(part, block, held, within)
        return found
    if isinstance(plan, Every):
        found = block.full
        for part in plan.parts:
            if not found:
                break
            found &= true_of(part, block, held, within)
        return found
    return _during(plan, block, within)


def _during(plan: During, block: Block, within: Within) -> int:
    since, until = plan.since, plan.until
    if (since is not None and block.last_at < since) or (until is not None and block.first_at >= until):
        return 0
    if (since is None or block.first_at >= since) and (until is None or block.last_at < until):
        return block.full
    return within(block, since, until)
