"""Items of one batch of which some concern the same: they are taken one after the other, the rest together."""

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")


def apart(whose: Mapping[K, Collection[Hashable]]) -> Iterator[list[K]]:
    """Part items into rounds in which nobody comes twice; those of one follow one another in the order given."""
    rest = dict(whose)
    while rest:
        met: set[Hashable] = set()
        together: list[K] = []
        for item, who in rest.items():
            if met.isdisjoint(who):
                together.append(item)
            met.update(who)
        for item in together:
            del rest[item]
        yield together
