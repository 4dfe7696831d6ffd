"""What an applied change brings with it beside its values, as data; the flow carries it out in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from changedesk.base.json import Value


@dataclass(frozen=True, slots=True)
class Announce:
    """Something that other systems act on: it stands in the entry, and so in the feed. Never a personal value.

    ``event`` names it (``billing.plan_changed``, ``downstream.freeze``); ``facts`` are codes, dates and amounts.
    """

    event: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Say:
    """A field holds this from a moment on, beside what was asked: it follows from the moment of applying.

    ``starts`` None is when the change holds. What was asked for the same field ends at the first later start.
    """

    path: str
    value: Value
    starts: datetime | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """The subject becomes part of another, the survivor, which takes the values of these fields from it.

    ``into`` is the survivor's id, ``base`` the survivor's version that the choices were read at; ``take`` and ``keep``
    are paths with the rule that chose the side. ``close``: references of requests that are not to be asked anew.
    """

    into: str
    base: int
    take: Mapping[str, str]
    keep: Mapping[str, str]
    close: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmerge:
    """The subject stands by itself again: its link ends."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """The account gets another holder, ``to``; ``keep`` says what went along."""

    to: str
    keep: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erase:
    """The subject's data goes: everything, or the classes named."""

    classes: tuple[str, ...]


Effect: TypeAlias = Announce | Say | Merge | Unmerge | Transfer | Erase
