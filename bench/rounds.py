"""Interleaved rounds: A B C, then C B A, and so on, so that what drifts, drifts for all. Medians are told."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import TypeVar

T = TypeVar("T")


def interleaved(rounds: int, systems: Mapping[str, Callable[[int], T]]) -> dict[str, list[T]]:
    """Run every system once a round; return each one's results in the order of the rounds."""
    found: dict[str, list[T]] = {name: [] for name in systems}
    for number in range(rounds):
        names = list(systems) if number % 2 == 0 else list(systems)[::-1]
        for name in names:
            found[name].append(systems[name](number))
    return found


def middle(values: list[float]) -> float:
    return float(median(values))
