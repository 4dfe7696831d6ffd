"""Asks as the flow makes them, for the tests of packs."""

from datetime import UTC, datetime

from changedesk.base.actor import ActorType, Channel
from changedesk.packs import load
from changedesk.rules.policy import Ask, decide
from changedesk.rules.route import Route

NOON = datetime(2026, 8, 3, 12, tzinfo=UTC)
TELECOM, BANKING = ("telecom",), ("banking",)
US, CALIFORNIA = frozenset({"US"}), frozenset({"US", "US-CA"})


def route(packs: tuple[str, ...], *categories: str, **given: object) -> Route:
    """The route of an agent's change by phone in a client with these packs, unless said otherwise."""
    return decide(ask(packs, *categories, **given), load(packs).rules, policy_version=1)


def ask(packs: tuple[str, ...], *categories: str, **given: object) -> Ask:
    asked: dict[str, object] = {
        "kind": "contact_details",
        "operation": "update",
        "channel": Channel.PHONE,
        "actor": ActorType.STAFF,
        "attended": True,
        "industry": load(packs).industries,
        "jurisdictions": US,
        "at": NOON,
        **given,
    }
    return Ask(categories=frozenset(categories), **asked)  # type: ignore[arg-type]  # the test says which


def told(found: Route) -> set[tuple[str, str, bool]]:
    return {(notice.event, notice.to, notice.security) for notice in found.notices}
