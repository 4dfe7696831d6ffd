"""Ways to verify that prove nothing of somebody just now: a SIM was changed lately, an authenticator is new."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import ActorType, Channel
from changedesk.rules import policy
from changedesk.rules.fields import Catalogue
from changedesk.rules.rule import HELD, Ask, Rule

AUTHENTICATOR: Final = "auth.mfa"
"""The category that an authenticator is told as: a rule asks whether one was bound lately."""
CAME_ALONG: Final = timedelta(hours=1)
"""An authenticator that is bound so soon after the customer was entered came with them: it is not new."""


def asks_of_held(rules: Sequence[Rule]) -> bool:
    """Say whether a rule asks when anything was changed that somebody holds."""
    return any(word.startswith(HELD) for rule in rules for word in rule.scope.changed_within)


def changes_of(catalogue: Catalogue, changed: Mapping[str, datetime], prefix: str = "") -> dict[str, str]:
    """Say, as rules are told it, when each category was last changed; of several fields of one, the newest."""
    newest: dict[str, datetime] = {}
    for path, when in changed.items():
        if path in catalogue:
            category = prefix + catalogue[path].category
            newest[category] = max(when, newest.get(category, when))
    return {f"last_changed.{category}": when.isoformat() for category, when in newest.items()}


def distrusting(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules that forbid methods whatever is asked for; none where no rule asks of what somebody holds."""
    found = [rule for rule in rules if rule.scope.changed_within and not rule.scope.categories]
    return found if asks_of_held(found) else []


def distrusted(
    rules: Sequence[Rule],
    catalogue: Catalogue,
    held: Callable[[], Mapping[str, datetime]],
    *,
    industries: Collection[str],
    jurisdictions: Collection[str],
    at: datetime,
) -> frozenset[str]:
    """Return the methods that prove nothing of a person just now.

    ``held`` reads when each field of theirs and of what they hold was last changed; it is asked only where a rule is.
    """
    found = distrusting(rules)
    told = changes_of(catalogue, held(), HELD) if found else {}
    if not told:
        return frozenset()  # no rule's time runs
    return _forbidden(found, told, frozenset(), industries=industries, jurisdictions=jurisdictions, at=at)


def bound_lately(known_since: datetime, bound: Iterable[datetime]) -> datetime | None:
    """Return when a customer's newest authenticator was bound; None where each came with the customer."""
    return max((when for when in bound if when - known_since > CAME_ALONG), default=None)


def too_new(
    rules: Iterable[Rule],
    bound: datetime | None,
    categories: frozenset[str] | None,
    *,
    industries: Collection[str],
    jurisdictions: Collection[str],
    at: datetime,
) -> frozenset[str]:
    """Return the methods that prove nothing yet of whoever bound an authenticator at ``bound``.

    ``categories`` are those of what is asked for, whatever is done to them; None for a caller, of whom nobody knows yet
    what they will ask for: what holds for any change holds for them.
    """
    if bound is None:
        return frozenset()
    found = [
        replace(rule, scope=replace(rule.scope, kinds=frozenset(), operations=frozenset(), categories=limits))
        for rule in rules
        if AUTHENTICATOR in rule.scope.changed_within
        for limits in (frozenset[str]() if categories is None else rule.scope.categories,)
    ]
    told = {f"last_changed.{AUTHENTICATOR}": bound.isoformat()}
    return _forbidden(found, told, categories or frozenset(), industries=industries, jurisdictions=jurisdictions, at=at)


def _forbidden(
    rules: Iterable[Rule],
    told: Mapping[str, str],
    categories: frozenset[str],
    *,
    industries: Collection[str],
    jurisdictions: Collection[str],
    at: datetime,
) -> frozenset[str]:
    ask = Ask(
        kind="",
        categories=categories,
        operation="",
        channel=Channel.SYSTEM,
        actor=ActorType.AUTOMATION,
        at=at,
        industry=frozenset(industries),
        jurisdictions=frozenset(jurisdictions),
        attributes=told,
    )
    return frozenset(policy.decide(ask, rules, policy_version=0).methods_forbidden)
