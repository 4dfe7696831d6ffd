"""Which route is the stricter, which rules cannot both be kept, how a client tightens without loosening."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from changedesk.base.actor import ActorType, Channel
from changedesk.base.refusal import Refusal
from changedesk.rules import obligations as duty
from changedesk.rules import term
from changedesk.rules.combine import combine, covers
from changedesk.rules.route import NoticeDuty, Prohibition, Route
from changedesk.rules.rule import Ask, Rule, Status


class LoosensFloor(Refusal):
    """The rule would ask for less than the floor that every client keeps.

    ``data``: rule (its id), why.
    """

    code = "loosens-floor"
    hint = "Ask for at least as much as the rule of the same name does, or give yours a name of its own."


class RulesContradict(Refusal):
    """Two of these rules cannot both be kept, so they cannot be in force together.

    ``data``: rule_a, rule_b, why.
    """

    code = "rules-contradict"
    hint = "Leave one of the two out, or have the clash decided by your counsel and change one of them."


@dataclass(frozen=True, slots=True, order=True)
class Contradiction:
    rule_a: str
    rule_b: str
    why: str


def as_strict_as(route: Route, other: Route) -> bool:
    """Say whether ``route`` asks for everything that ``other`` does, or more. What is suppressed is not
    looked at.
    """
    return not less_than(route, other)


def less_than(route: Route, other: Route) -> list[str]:
    """Name everything of which ``route`` asks less than ``other`` does; nothing where it is as strict."""
    kept = {
        "verification": route.level >= other.level,
        "approvals": route.approvals >= other.approvals,
        "consent": other.consent is None or route.consent is not None,
        "confirmation of new contacts": route.confirm_new_contacts >= other.confirm_new_contacts,
        "human review": route.human_review >= other.human_review,
        "waiting time": route.wait_seconds >= other.wait_seconds,
        "retention at least": route.retention_least >= other.retention_least,
        "retention at most": other.retention_most is None
        or (route.retention_most is not None and route.retention_most <= other.retention_most),
        **{
            name: set(mine) >= set(theirs)
            for name, mine, theirs in zip(_NAMES, _sets(route), _sets(other), strict=True)
        },
        "holds": all(any(covers(hold, wanted) for hold in route.holds) for wanted in other.holds),
        "notices": all(any(_tells(notice, wanted) for notice in route.notices) for wanted in other.notices),
        "deadlines": all(any(d.duty == w.duty and d.due <= w.due for d in route.deadlines) for w in other.deadlines),
        "prohibitions": all(any(_forbids(found, w) for found in route.prohibitions) for w in other.prohibitions),
    }
    return [name for name, held in kept.items() if not held]


_NAMES: Final = ("methods forbidden", "separation", "evidence", "recipients", "masks", "lock options")


def _sets(route: Route) -> tuple[Iterable[object], ...]:
    return (
        route.methods_forbidden,
        route.separation,
        route.evidence,
        route.recipients,
        route.masks,
        route.lock_options,
    )


def _tells(notice: NoticeDuty, wanted: NoticeDuty) -> bool:
    same = (notice.event, notice.to, notice.security) == (wanted.event, wanted.to, wanted.security)
    return same and (not notice.channels or bool(wanted.channels and set(notice.channels) >= set(wanted.channels)))


def _forbids(found: Prohibition, wanted: Prohibition) -> bool:
    longer = found.until is None or (wanted.until is not None and found.until >= wanted.until)
    return found.reason == wanted.reason and longer


def contradictions(
    rules: Sequence[Rule], *, jurisdictions: Collection[str] = (), industries: Collection[str] = ()
) -> list[Contradiction]:
    """Return every pair of rules that one change could fall under and that no conduct could satisfy.

    Only rules that a client of these jurisdictions and industries can meet are compared; empty means any.
    """
    counted = [rule for rule in rules if _can_count(rule) and _concerns(rule, jurisdictions, industries)]
    found = {
        Contradiction(floor.id, ceiling.id, why)
        for ceiling in counted
        if _limits(ceiling)
        for floor in counted
        for why in _clashes(floor, ceiling)  # most pairs speak of different things: whether they meet costs more
        if _at_once(floor, ceiling) and floor.scope.meets(ceiling.scope)
    }
    return sorted(found)


def require_consistent(
    rules: Sequence[Rule], *, jurisdictions: Collection[str] = (), industries: Collection[str] = ()
) -> None:
    """Refuse to put contradicting rules in force. Raises RulesContradict that names both."""
    for clash in contradictions(rules, jurisdictions=jurisdictions, industries=industries):
        raise RulesContradict(rule_a=clash.rule_a, rule_b=clash.rule_b, why=clash.why)


def _can_count(rule: Rule) -> bool:
    return rule.status is not Status.VACATED and (rule.status is not Status.NOT_YET_EFFECTIVE or rule.default_on)


def _limits(rule: Rule) -> bool:
    # Few rules say at most, and only these can clash with what others say at least.
    return any(
        term.most(found) is not None if isinstance(found, duty.Retain) else getattr(found, "most", None) is not None
        for found in rule.obligations
    )


def _concerns(rule: Rule, jurisdictions: Collection[str], industries: Collection[str]) -> bool:
    return all(
        not wanted or not given or not wanted.isdisjoint(given)
        for wanted, given in ((rule.scope.jurisdictions, jurisdictions), (rule.scope.industries, industries))
    )


def _at_once(one: Rule, other: Rule) -> bool:
    starts = max(one.effective_from or date.min, other.effective_from or date.min)
    return starts <= min(one.effective_to or date.max, other.effective_to or date.max)


def _clashes(floor: Rule, ceiling: Rule) -> list[str]:
    why = []
    for least in floor.obligations:
        for most in ceiling.obligations:
            match least, most:
                case duty.Retain(), duty.Retain():
                    limit = term.most(most)
                    if limit is not None and term.least(least) > limit:
                        why.append(f"keep at least {term.least(least)}, keep at most {limit}")
                case duty.Verify(), duty.Verify() if most.most is not None and least.level > most.most:
                    why.append(f"verify to level {least.level} or more, verify to level {most.most} or less")
                case duty.Approve(), duty.Approve() if most.most is not None and least.count > most.most:
                    why.append(f"{least.count} or more approvals, {most.most} or fewer approvals")
                case _:
                    pass
    return why


def tighten(rules: Sequence[Rule], client_rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules with a client's own added; one with the id of a floor rule takes its place.

    Raises LoosensFloor for a client's rule that suppresses notices, or replaces a rule by one of another
    scope, a shorter life or a weaker demand; RulesContradict when together they cannot be kept.
    """
    floor = {rule.id: rule for rule in rules}
    for rule in client_rules:
        if any(isinstance(found, duty.Suppress) for found in rule.obligations):
            raise LoosensFloor(rule=rule.id, why="only a pack may suppress notices")
        base = floor.get(rule.id)
        if base is not None and (why := _weaker(rule, base)):
            raise LoosensFloor(rule=rule.id, why=why)
    replaced = {rule.id for rule in client_rules}
    tightened = [rule for rule in rules if rule.id not in replaced] + list(client_rules)
    require_consistent(tightened)
    return tightened


def _weaker(rule: Rule, base: Rule) -> str:
    if any(isinstance(found, duty.Suppress) for found in base.obligations):
        return "it protects the customer by suppressing notices"
    if rule.scope != base.scope:
        return "its scope differs"
    if (rule.status, rule.effective_from, rule.effective_to, rule.default_on) != (
        base.status,
        base.effective_from,
        base.effective_to,
        base.default_on,
    ):
        return "its status or dates differ"
    mine, theirs = (combine([item], _SOME_ASK, policy_version=0) for item in (rule, base))
    less = less_than(mine, theirs) + ([] if _as_low(rule, base) else ["a ceiling"])
    return f"it demands less: {', '.join(less)}" if less else ""


def _as_low(rule: Rule, base: Rule) -> bool:
    # A ceiling protects the customer: a client may lower it, never raise or drop it.
    return all(
        any(
            type(mine) is type(theirs) and mine.most is not None and mine.most <= theirs.most
            for mine in rule.obligations
            if isinstance(mine, duty.Verify | duty.Approve)
        )
        for theirs in base.obligations
        if isinstance(theirs, duty.Verify | duty.Approve) and theirs.most is not None
    )


_SOME_ASK: Final = Ask(
    kind="",
    categories=frozenset(),
    operation="update",
    channel=Channel.SYSTEM,
    actor=ActorType.AUTOMATION,
    at=datetime(2024, 1, 31, tzinfo=UTC),
)
"""Deadlines are compared from one fixed day; nothing else of a combination depends on the ask."""
