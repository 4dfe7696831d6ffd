"""What a plural verb gives back: what was done, and what was refused, item by item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from changedesk.base.refusal import Refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """``done`` in the order asked; ``refused`` by the item's key. One refused item never undoes the rest."""

    done: list[T]
    refused: Mapping[Any, Refusal] = field(default_factory=dict)

    def one(self) -> T:
        """Return the only result of a batch of one, or raise its refusal."""
        for refusal in self.refused.values():
            raise refusal
        return self.done[0]
