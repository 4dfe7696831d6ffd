"""What an applied change brings with it beside its values, as data; the flow carries it out in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Announce:
    """Something that other systems act on: it stands in the entry, and so in the feed. Never a personal value.

    ``event`` names it (``billing.plan_changed``, ``downstream.freeze``); ``facts`` are codes, dates and amounts.
    """

    event: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Block operations on the subject until a moment, or until it is lifted."""

    blocks: tuple[str, ...]
    rule: str
    release: str = "supervisor"
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LiftHolds:
    """End the subject's holds of a rule."""

    rule: str


Effect: TypeAlias = Announce | PlaceHold | LiftHolds
