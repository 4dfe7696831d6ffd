"""How the obligations of all matching rules become one route: per sort the strictest, suppression last.

Greatest level and count, unions of people, methods, evidence and recipients, earliest due, longest hold,
greatest minimum and least maximum of years. So a further rule can only add, except ``Suppress``, and order
never matters.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from changedesk.rules import obligations as duty
from changedesk.rules.deadline import calendars, due
from changedesk.rules.route import Deadline, HoldDuty, NoticeDuty, Prohibition, Route
from changedesk.rules.rule import Ask, Rule
from changedesk.rules.term import Term, least, most

T = TypeVar("T")
Bag: TypeAlias = Mapping[type[object], list[tuple[Rule, Any]]]
"""Obligations by sort, each with the rule that lays it."""

DUAL_CONTROL_LEVEL: Final = 4
_DUAL_CONTROL_APPROVALS: Final = 2


def combine(rules: Sequence[Rule], ask: Ask, *, policy_version: int) -> Route:
    """Return the route that these rules, all of which apply, lay down together. Raises KeyError: unknown
    calendar.
    """
    bag = _sorted_out(rules)
    verify = [found for _, found in _all(bag, duty.Verify)]
    approve = [found for _, found in _all(bag, duty.Approve)]
    retain = [found for _, found in _all(bag, duty.Retain)]
    level = max((found.level for found in verify), default=0)
    approvals = max((found.count for found in approve), default=0)
    separation = frozenset({"maker"}).union(*(found.separation for found in approve))
    if level >= DUAL_CONTROL_LEVEL:
        # The methods we have reach V3; the step to V4 is dual control (rules.identity).
        approvals, separation = max(approvals, _DUAL_CONTROL_APPROVALS), separation | {"team"}
    approvals += max((found.more for found in approve), default=0)
    # What else the same request changes is told of: one quiet field must not carry another past its warning.
    suppressed = sorted({(found.to, rule.id) for rule, found in _all(bag, duty.Suppress) if rule.scope.covers(ask)})
    return Route(
        level=level,
        approvals=approvals,
        consent=_statement(found for _, found in _all(bag, duty.Consent)),
        methods_forbidden=_union(found.forbid for found in verify),
        confirm_new_contacts=any(found.confirm_new for found in verify),
        separation=tuple(sorted(separation)),
        holds=_holds(bag),
        notices=_notices(bag, {to for to, _ in suppressed}),
        deadlines=_deadlines(bag, ask),
        prohibitions=_prohibitions(bag, ask),
        evidence=_union(found.fields for _, found in _all(bag, duty.Record)),
        retention_class=_retention_class(retain),
        retention_least=max((least(found) for found in retain), default=Term()),
        recipients=_union(found.recipients for _, found in _all(bag, duty.Propagate)),
        rules=tuple(sorted({(rule.id, rule.version) for rule in rules})),
        policy_version=policy_version,
        wait_seconds=max((h.seconds for _, h in _all(bag, duty.Hold) if h.trigger == "approved"), default=0),
        retention_most=min((limit for limit in map(most, retain) if limit is not None), default=None),
        masks=tuple(sorted({(found.category, found.form) for _, found in _all(bag, duty.Mask)})),
        lock_options=_union({found.lock} for _, found in _all(bag, duty.LockOption)),
        human_review=bool(_all(bag, duty.HumanReview)),
        suppressed=tuple(suppressed),
    )


def _sorted_out(rules: Sequence[Rule]) -> Bag:
    bag: defaultdict[type[object], list[tuple[Rule, Any]]] = defaultdict(list)
    for rule in rules:
        for found in rule.obligations:
            bag[type(found)].append((rule, found))
    return bag


def _all(bag: Bag, sort: type[T]) -> list[tuple[Rule, T]]:
    return bag.get(sort, [])


def _union(sets: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({word for words in sets for word in words}))


def _statement(asked: Iterable[duty.Consent]) -> str | None:
    heaviest = max(asked, key=lambda found: (found.weight, found.statement), default=None)
    return heaviest.statement if heaviest else None


def _retention_class(retain: Sequence[duty.Retain]) -> str:
    longest = max(retain, key=lambda found: (least(found), found.retention_class), default=None)
    return longest.retention_class if longest else "standard"


def _holds(bag: Bag) -> tuple[HoldDuty, ...]:
    asked = {
        HoldDuty(tuple(sorted(found.blocks)), found.seconds, found.release, rule.id)
        for rule, found in _all(bag, duty.Hold)
        if found.trigger == "applied"
    }
    ordered = sorted(asked, key=lambda hold: (-hold.seconds, hold.blocks, hold.release, hold.rule))
    kept: list[HoldDuty] = []
    for hold in sorted(ordered, key=lambda hold: -len(hold.blocks)):
        if not any(covers(other, hold) for other in kept):
            kept = [other for other in kept if not covers(hold, other)]
            kept.append(hold)
    return tuple(sorted(kept, key=lambda hold: (hold.blocks, hold.seconds, hold.release)))


def covers(one: HoldDuty, other: HoldDuty) -> bool:
    """Say whether a hold blocks all that another does, at least as long, with the same person to lift it."""
    return set(one.blocks) >= set(other.blocks) and one.seconds >= other.seconds and one.release == other.release


def _notices(bag: Bag, suppressed: set[str]) -> tuple[NoticeDuty, ...]:
    asked: dict[tuple[str, str, bool], list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for rule, found in _all(bag, duty.Notify):
        if found.to not in suppressed:
            asked[found.event, found.to, found.security].append((rule.id, found.channels))
    return tuple(
        NoticeDuty(
            event,
            to,
            security,
            ",".join(sorted({rule for rule, _ in by})),
            () if any(not channels for _, channels in by) else _union(channels for _, channels in by),
        )
        for (event, to, security), by in sorted(asked.items())
    )


def _deadlines(bag: Bag, ask: Ask) -> tuple[Deadline, ...]:
    earliest: dict[str, tuple[datetime, str]] = {}
    for rule, found in _all(bag, duty.Respond):
        moment = (due(ask.clock, found.amount, found.unit, calendars()[found.calendar]), rule.id)
        earliest[found.duty] = min(moment, earliest.get(found.duty, moment))
    return tuple(Deadline(name, when, rule) for name, (when, rule) in sorted(earliest.items()))


def _prohibitions(bag: Bag, ask: Ask) -> tuple[Prohibition, ...]:
    asked = {
        Prohibition(
            rule.id,
            found.reason,
            min((rule.scope.until(category, ask) for category in rule.scope.changed_within), default=None),
        )
        for rule, found in _all(bag, duty.Prohibit)
    }
    return tuple(sorted(asked, key=lambda item: (item.rule, item.reason, str(item.until))))
