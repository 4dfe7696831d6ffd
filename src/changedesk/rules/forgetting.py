"""What an erasure takes and what the law keeps, field by field: pure, over rules that are data.

A rule that obliges to keep (``retain``) outlasts a person's wish only where it is law (GDPR 17(3)(b)); what a standard
or the house keeps gives way to it. Time alone is different: until every rule has let go, nothing ends by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from changedesk.rules.obligations import Retain
from changedesk.rules.retention import RetentionClass, gone_by, keep_until, today_in
from changedesk.rules.rule import Ask, Rule, Status
from changedesk.rules.term import least, most

LAW: Final = frozenset({Status.IN_FORCE, Status.NOT_YET_EFFECTIVE})


class Verdict(StrEnum):
    ERASE = "erase"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Keeping:
    """A rule that keeps a field: its id, its retention class, and the first day on which the field may go.

    ``until`` None: the event from which the years count has not happened. ``must``: the day by which it has to be gone.
    """

    rule: str
    retention: str
    until: date | None
    must: date | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one field, and the rule that says so. ``upto``: of its versions up to this one only."""

    path: str
    verdict: Verdict
    rule: str = ""
    retention: str = ""
    until: date | None = None
    upto: int | None = None


def keepings(
    rules: Iterable[Rule],
    ask: Ask,
    classes: Mapping[str, RetentionClass],
    starts: Mapping[str, datetime | None],
    *,
    zone: str = "UTC",
    law_only: bool,
) -> list[Keeping]:
    """Return every rule in force that keeps what ``ask`` is about, the longest last.

    ``starts`` gives the moment of each start event (event, request, closure); days are those of the client's ``zone``.
    Of rules that disagree each counts: the longest keeps.
    """
    named = ask.named()
    found: list[Keeping] = []
    for rule in rules:
        if (law_only and rule.status not in LAW) or not rule.in_force(ask.at) or not rule.scope.matches(named):
            continue
        found += [
            _keeping(rule.id, duty, classes[duty.retention_class], starts, zone)
            for duty in rule.obligations
            if isinstance(duty, Retain)
        ]
    return sorted(found, key=lambda one: (one.until is None, one.until or date.min, one.rule))


def _keeping(
    rule: str, duty: Retain, kept: RetentionClass, starts: Mapping[str, datetime | None], zone: str
) -> Keeping:
    term, started = kept.within(least(duty), most(duty)), starts.get(kept.start)
    if started is None:
        return Keeping(rule, kept.name, None)
    return Keeping(rule, kept.name, keep_until(term, started, zone=zone), gone_by(term, started, zone=zone))


def standing(found: Sequence[Keeping], *, now: datetime, zone: str = "UTC") -> Keeping | None:
    """Return the keeping that lasts longest, None when all of them are over."""
    today = today_in(now, zone)
    left = [one for one in found if one.until is None or today < one.until]
    return left[-1] if left else None


def possible_from(decisions: Iterable[Decision]) -> date | None:
    """Return the first day on which some of what is kept may go; None when no day can be named yet."""
    return min((one.until for one in decisions if one.until is not None), default=None)
