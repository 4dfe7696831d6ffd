"""Which of two records' values a merged customer keeps: field by field, by a named rule or a person's choice.

Values are chosen, never made: each one that is kept is exactly what one side held. Where a side holds nothing the
other's value is kept under every rule; only a person may choose the nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from changedesk.base.json import Value
from changedesk.base.refusal import Refusal
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values import same


class Side(StrEnum):
    SURVIVOR = "survivor"
    MERGED = "merged"


class Rule(StrEnum):
    MOST_RECENT = "most_recent"
    MOST_COMPLETE = "most_complete"
    """More parts of an address, more words, more options."""
    VERIFIED_FIRST = "verified_first"
    SURVIVOR = "survivor"
    LONGEST = "longest"
    LEAST_PERMISSIVE = "least_permissive"
    """No before yes, fewer options before more: an opt-out outlives the merge."""
    ONLY = "only"
    """The other side holds nothing. Given by the comparison, not chosen as a rule."""
    CHOSEN = "chosen"
    """A person chose this side."""


class NotADifference(Refusal):
    """A side was chosen for a field in which the two records do not differ.

    ``data``: paths.
    """

    code = "not-a-difference"
    hint = "Read the preview again: leave the fields named here out, or choose among those that it lists."
    status = "stale"


@dataclass(frozen=True, slots=True)
class Held:
    """What one side holds in one field: since which version and time, and whether it was verified."""

    value: Value
    version: int = 0
    changed_at: datetime | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the preview: the value kept, whose it is, by which rule, and what the other side held."""

    path: str
    value: Value
    source: Side
    rule: Rule
    other: Value = None

    @property
    def moves(self) -> bool:
        """Tell whether the survivor's record changes in this field."""
        return self.source is Side.MERGED


DEFAULT_RULES: Final[Mapping[str, Rule]] = {
    "*": Rule.MOST_RECENT,
    FieldType.NAME: Rule.MOST_COMPLETE,
    FieldType.EMAIL: Rule.VERIFIED_FIRST,
    FieldType.PHONE: Rule.VERIFIED_FIRST,
    FieldType.NATIONAL_ID: Rule.VERIFIED_FIRST,
    FieldType.BANK_ACCOUNT: Rule.VERIFIED_FIRST,
    FieldType.CARD_TOKEN: Rule.VERIFIED_FIRST,
    "personal.dob": Rule.VERIFIED_FIRST,
    "account.number": Rule.SURVIVOR,
}
"""By path, category or type of a field, the nearest first; ``*`` for all others."""


FLOOR: Final[Mapping[str, Rule]] = {"pref.marketing": Rule.LEAST_PERMISSIVE}
"""By category: what no client's rules change. Only a person who decides on this merge may."""


def rule_of(field: Field, rules: Mapping[str, Rule]) -> Rule:
    """Return the rule of a field: the floor's, or by its path, its category, its type, then for all."""
    if field.category in FLOOR:
        return FLOOR[field.category]
    keys = (field.path, field.category, field.type, "*")
    return next(known[key] for known in (rules, DEFAULT_RULES) for key in keys if key in known)


def decide(
    fields: Iterable[Field],
    left: Mapping[str, Held],
    right: Mapping[str, Held],
    *,
    rules: Mapping[str, Rule] = DEFAULT_RULES,
    overrides: Mapping[str, Side] | None = None,
) -> list[Choice]:
    """Return a choice for each field in which the survivor (left) and the merged record (right) differ.

    Fields that are the same after normalisation need no decision and are left out. Ties go to the newer value, then
    to the survivor. Raise ``NotADifference`` for an override of any other field.
    """
    chosen = dict(overrides or {})
    found = []
    for field in fields:
        mine, theirs = left.get(field.path, Held(None)), right.get(field.path, Held(None))
        if same(field, mine.value, theirs.value):
            continue
        side, rule = chosen.pop(field.path, None), Rule.CHOSEN
        if side is None:
            side, rule = _chosen(rule_of(field, rules), mine, theirs)
        kept, other = (mine, theirs) if side is Side.SURVIVOR else (theirs, mine)
        found.append(Choice(field.path, kept.value, side, rule, other.value))
    if chosen:
        raise NotADifference(paths=sorted(chosen))
    return found


def _chosen(rule: Rule, mine: Held, theirs: Held) -> tuple[Side, Rule]:
    if mine.value is None or theirs.value is None:
        return (Side.SURVIVOR if theirs.value is None else Side.MERGED), Rule.ONLY
    weigh = _WEIGHTS.get(rule)
    if weigh is None:
        return Side.SURVIVOR, rule
    wins = (weigh(theirs), _recency(theirs)) > (weigh(mine), _recency(mine))
    return (Side.MERGED if wins else Side.SURVIVOR), rule


def _recency(held: Held) -> float:
    # Versions of two records are counted apart: only times compare.
    return held.changed_at.timestamp() if held.changed_at else float("-inf")


def _parts(value: Any) -> int:
    if isinstance(value, str):
        return len(value.split())
    return len(value) if isinstance(value, Mapping | list | tuple) else 1


def _letters(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(len, value.values()))
    return sum(map(len, value)) if isinstance(value, list | tuple) else len(str(value))


_WEIGHTS: Final[Mapping[Rule, Callable[[Held], float]]] = {
    Rule.MOST_RECENT: _recency,
    Rule.MOST_COMPLETE: lambda held: _parts(held.value),
    Rule.VERIFIED_FIRST: lambda held: held.verified,
    Rule.LONGEST: lambda held: _letters(held.value),
    Rule.LEAST_PERMISSIVE: lambda held: -(held.value if isinstance(held.value, bool) else _parts(held.value)),
}
