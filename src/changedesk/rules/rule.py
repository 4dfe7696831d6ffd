"""What policy is asked, and what a rule is: where it applies, since when, by what authority."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from changedesk.base.actor import ActorType, Channel
from changedesk.rules.obligations import Obligation

_NEVER = datetime.min.replace(tzinfo=UTC)
_ABSENT: Final[Mapping[str, str]] = {"initiated_by": "customer", "subject_type": "customer"}
"""What an attribute reads as when nothing is told, where that is not ``false``: the side that is asked the most."""


HELD: Final = "held."
"""Before a category in ``changed_within``: on the person, and on every account that the person holds."""


class Status(StrEnum):
    IN_FORCE = "in_force"
    NOT_YET_EFFECTIVE = "not_yet_effective"
    GUIDANCE = "guidance"
    STANDARD = "standard"
    VACATED = "vacated"


@dataclass(frozen=True, slots=True)
class Ask:
    """One change as policy sees it: words about it, never its values.

    ``attributes`` are facts about the customer and the change as text (vulnerable, minor, business, opts_out,
    no_factor, ``last_changed.<category>`` as an ISO 8601 instant); one that is absent reads as ``false``, and whose
    decision it is (``initiated_by``) as the customer's.
    ``received_at`` starts the legal clock; it is ``at`` when not given.
    """

    kind: str
    categories: frozenset[str]
    operation: str
    channel: Channel
    actor: ActorType
    at: datetime
    attended: bool = False
    industry: frozenset[str] = field(default_factory=frozenset)
    jurisdictions: frozenset[str] = field(default_factory=frozenset)
    reason: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    received_at: datetime | None = None
    done: frozenset[str] = field(default_factory=frozenset)
    """What changes and what is done to it, in words of the taxonomy; ``named`` fills it."""

    def named(self) -> "Ask":
        """Return the ask with what is done to each branch in a word of its own: closing by ``status.state`` is
        ``status.close``.

        So a rule names a deed, whether a field is there for it alone or shared with other deeds.
        """
        deeds = {f"{word.split('.', 1)[0]}.{self.operation}" for word in self.categories}
        return replace(self, done=self.categories | deeds)

    @property
    def clock(self) -> datetime:
        """The instant at which the legal clock started."""
        return self.received_at or self.at

    def last_changed(self, category: str) -> datetime:
        """Return when a category was last changed, or the beginning of time. Raises ValueError on a bad
        instant.
        """
        told = self.attributes.get(f"last_changed.{category}")
        if told is None:
            return _NEVER
        instant = datetime.fromisoformat(told)
        if instant.tzinfo is None:
            raise ValueError(f"last_changed.{category} has no offset")
        return instant


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule applies. Every condition must hold; an empty one always does."""

    jurisdictions: frozenset[str] = field(default_factory=frozenset)
    industries: frozenset[str] = field(default_factory=frozenset)
    kinds: frozenset[str] = field(default_factory=frozenset)
    categories: frozenset[str] = field(default_factory=frozenset)
    """Exact (``contact.email``), a branch (``contact.*``), or ``*``; of what changes, or of what is done to it."""
    except_categories: frozenset[str] = field(default_factory=frozenset)
    """Not where everything that changes is among these."""
    operations: frozenset[str] = field(default_factory=frozenset)
    channels: frozenset[str] = field(default_factory=frozenset)
    actors: frozenset[str] = field(default_factory=frozenset)
    attended: bool | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    except_reasons: frozenset[str] = field(default_factory=frozenset)
    changed_within: Mapping[str, int] = field(default_factory=dict)
    """Category to seconds: applies only so long after that category was changed, on what changes now or on the person
    who is asked; with ``held.`` before it, on anything that the person holds."""

    def matches(self, ask: Ask) -> bool:
        """Say whether a change falls under this scope."""
        # Asked of every rule at every change: what rules most out stands first, and nothing is built to be thrown away.
        return (
            (not self.jurisdictions or not self.jurisdictions.isdisjoint(ask.jurisdictions))
            and (not self.industries or not self.industries.isdisjoint(ask.industry))
            and (not self.categories or any(_among(word, self.categories) for word in ask.done or ask.categories))
            and (not self.attributes or all(_told(ask, name) == value for name, value in self.attributes.items()))
            and (not self.kinds or ask.kind in self.kinds)
            and (not self.operations or ask.operation in self.operations)
            and (not self.channels or ask.channel.value in self.channels)
            and (not self.actors or ask.actor.value in self.actors)
            and self.attended in (None, ask.attended)
            and ask.reason not in self.except_reasons
            and not (self.except_categories and all(_among(word, self.except_categories) for word in ask.categories))
            and (not self.changed_within or all(ask.at < self.until(category, ask) for category in self.changed_within))
        )

    def covers(self, ask: Ask) -> bool:
        """Say whether everything that changes falls under this scope, not only some of it."""
        return not self.categories or all(_among(word, self.categories) for word in ask.categories)

    def until(self, category: str, ask: Ask) -> datetime:
        """Return when the time after a change of ``category`` is over; the beginning of time if it never
        changed.
        """
        last = ask.last_changed(category)
        return last if last == _NEVER else last + timedelta(seconds=self.changed_within[category])

    def meets(self, other: "Scope") -> bool:
        """Say whether one change could fall under both scopes.

        Jurisdictions and industries never keep two rules apart: a client may work in several of each at once.
        """
        return (
            _both(self.kinds, other.kinds)
            and _both(self.operations, other.operations)
            and _both(self.channels, other.channels)
            and _both(self.actors, other.actors)
            and (self.attended is None or other.attended in (None, self.attended))
            and all(other.attributes.get(name, value) == value for name, value in self.attributes.items())
            and (
                not self.categories
                or not other.categories
                or any(globs_meet(a, b) for a in self.categories for b in other.categories)
            )
        )


def _told(ask: Ask, name: str) -> str:
    return ask.attributes.get(name) or _ABSENT.get(name, "false")


@lru_cache(maxsize=16_384)
def _among(category: str, globs: frozenset[str]) -> bool:
    return any(globs_meet(glob, category) for glob in globs)


def _both(one: frozenset[str], other: frozenset[str]) -> bool:
    return not one or not other or not one.isdisjoint(other)


def globs_meet(one: str, other: str) -> bool:
    """Say whether two category patterns (``contact.email``, ``contact.*``, ``*``) share a category."""
    if "*" in (one, other):
        return True
    if one.endswith(".*"):
        return other.startswith(one[:-1]) or (other.endswith(".*") and one.startswith(other[:-1]))
    return one == other or (other.endswith(".*") and one.startswith(other[:-1]))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of law, standard or house, as data. ``id`` is stable and never reused; a changed text is a new
    version.
    """

    id: str
    version: int
    pack: str
    citation: str
    scope: Scope
    obligations: tuple[Obligation, ...]
    url: str = ""
    status: Status = Status.IN_FORCE
    effective_from: date | None = None
    effective_to: date | None = None
    confidence: str = "M-"
    checked_on: date | None = None
    default_on: bool = False
    """A rule that is not yet effective counts all the same: the pack follows it as policy."""

    def in_force(self, at: datetime) -> bool:
        """Say whether the rule counts at an instant; its dates are days in UTC, the last one included."""
        if self.status is Status.IN_FORCE and self.effective_from is None and self.effective_to is None:
            return True  # nearly every rule, on the path of every change
        day = at.astimezone(UTC).date()
        if self.status is Status.VACATED or (self.effective_to is not None and day > self.effective_to):
            return False
        if self.status is Status.NOT_YET_EFFECTIVE:
            return self.default_on
        return self.effective_from is None or day >= self.effective_from
