"""Ways to verify that prove nothing of somebody just now, whatever they are asked for: a SIM was changed lately."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from changedesk.base.actor import ActorType, Channel
from changedesk.rules import policy
from changedesk.rules.fields import Catalogue
from changedesk.rules.rule import HELD, Ask, Rule


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
    ask = Ask(
        kind="",
        categories=frozenset(),
        operation="",
        channel=Channel.SYSTEM,
        actor=ActorType.AUTOMATION,
        at=at,
        industry=frozenset(industries),
        jurisdictions=frozenset(jurisdictions),
        attributes=told,
    )
    return frozenset(policy.decide(ask, found, policy_version=0).methods_forbidden)
