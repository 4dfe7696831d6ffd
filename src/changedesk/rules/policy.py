"""What the law, the standards and the house ask of one change: pure, over rules that are data.

``decide`` looks at every rule in force, takes those whose scope the change falls under, and combines their
obligations to the strictest of each sort. Adding a rule never weakens a route; the order of rules does not
matter.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from changedesk.rules.combine import combine
from changedesk.rules.route import Deadline, HoldDuty, NoticeDuty, Prohibition, Route
from changedesk.rules.rule import Ask, Rule, Scope, Status
from changedesk.rules.strictness import (
    Contradiction,
    LoosensFloor,
    RulesContradict,
    as_strict_as,
    contradictions,
    less_than,
    require_consistent,
    tighten,
)
from changedesk.rules.term import Term

__all__ = [
    "Ask",
    "Contradiction",
    "LoosensFloor",
    "Rule",
    "RulesContradict",
    "Scope",
    "Status",
    "as_strict_as",
    "contradictions",
    "decide",
    "from_json",
    "less_than",
    "require_consistent",
    "tighten",
    "to_json",
]


def decide(ask: Ask, rules: Iterable[Rule], *, policy_version: int) -> Route:
    """Return the route of one change under all the rules in force at ``ask.at``.

    Raises ValueError when a ``last_changed`` attribute is not an instant with an offset.
    """
    asked = ask.named()
    matching = [rule for rule in rules if rule.scope.matches(asked) and rule.in_force(ask.at)]
    return combine(matching, ask, policy_version=policy_version)


def to_json(route: Route) -> dict[str, Any]:
    """Return a route as plain JSON values, instants as ISO 8601 text."""
    return {
        "level": route.level,
        "approvals": route.approvals,
        "consent": route.consent,
        "methods_forbidden": list(route.methods_forbidden),
        "confirm_new_contacts": route.confirm_new_contacts,
        "separation": list(route.separation),
        "holds": [
            {"blocks": list(hold.blocks), "seconds": hold.seconds, "release": hold.release, "rule": hold.rule}
            for hold in route.holds
        ],
        "notices": [
            {
                "event": notice.event,
                "to": notice.to,
                "security": notice.security,
                "rule": notice.rule,
                "channels": list(notice.channels),
            }
            for notice in route.notices
        ],
        "deadlines": [
            {"duty": found.duty, "due": found.due.isoformat(), "rule": found.rule} for found in route.deadlines
        ],
        "prohibitions": [
            {
                "rule": found.rule,
                "reason": found.reason,
                "until": found.until.isoformat() if found.until else None,
            }
            for found in route.prohibitions
        ],
        "evidence": list(route.evidence),
        "retention_class": route.retention_class,
        "retention_least": _parts(route.retention_least),
        "recipients": list(route.recipients),
        "rules": [[rule, version] for rule, version in route.rules],
        "policy_version": route.policy_version,
        "wait_seconds": route.wait_seconds,
        "retention_most": None if route.retention_most is None else _parts(route.retention_most),
        "masks": [list(mask) for mask in route.masks],
        "lock_options": list(route.lock_options),
        "human_review": route.human_review,
        "suppressed": [list(pair) for pair in route.suppressed],
    }


def _parts(term: Term) -> list[int]:
    return [term.years, term.months, term.days]


def from_json(data: Mapping[str, Any]) -> Route:
    """Return the route that ``to_json`` wrote. Raises KeyError or TypeError on anything else."""
    return Route(
        level=data["level"],
        approvals=data["approvals"],
        consent=data["consent"],
        methods_forbidden=tuple(data["methods_forbidden"]),
        confirm_new_contacts=data["confirm_new_contacts"],
        separation=tuple(data["separation"]),
        holds=tuple(HoldDuty(**{**hold, "blocks": tuple(hold["blocks"])}) for hold in data["holds"]),
        notices=tuple(NoticeDuty(**{**notice, "channels": tuple(notice["channels"])}) for notice in data["notices"]),
        deadlines=tuple(
            Deadline(**{**found, "due": datetime.fromisoformat(found["due"])}) for found in data["deadlines"]
        ),
        prohibitions=tuple(
            Prohibition(**{**found, "until": datetime.fromisoformat(found["until"]) if found["until"] else None})
            for found in data["prohibitions"]
        ),
        evidence=tuple(data["evidence"]),
        retention_class=data["retention_class"],
        retention_least=Term(*data["retention_least"]),
        recipients=tuple(data["recipients"]),
        rules=tuple((rule, version) for rule, version in data["rules"]),
        policy_version=data["policy_version"],
        wait_seconds=data["wait_seconds"],
        retention_most=None if data["retention_most"] is None else Term(*data["retention_most"]),
        masks=tuple((category, form) for category, form in data["masks"]),
        lock_options=tuple(data["lock_options"]),
        human_review=data["human_review"],
        suppressed=tuple((to, rule) for to, rule in data["suppressed"]),
    )
