"""Which records may be the same customer: found by shared block keys, weighed field by field, told with reasons.

A suggestion for a person to look at, never a decision. The points of a pair are the sum of its reasons; no single
group of evidence (name, birth date, contact points, address, numbers) reaches the default threshold by itself, so
that namesakes, households and shared mailboxes are no suggestion without something else that agrees.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from changedesk.rules.matching import likeness
from changedesk.rules.matching.blocking import BLOCK, block_keys, block_terms, contact_terms, keys_of
from changedesk.rules.matching.likeness import POINTS, Likeness, Reason
from changedesk.rules.matching.record import CONTACTS, Group, Prepared, Record, Role, group_of, prepared, record_of
from changedesk.rules.matching.words import reason_text

__all__ = [
    "BLOCK",
    "BLOCK_MOST",
    "CONTACTS",
    "DEFAULT_THRESHOLD",
    "Group",
    "Likeness",
    "Match",
    "Pair",
    "Reason",
    "Record",
    "Role",
    "block_keys",
    "block_terms",
    "candidates",
    "contact_terms",
    "group_of",
    "reason_text",
    "record_of",
    "score",
]

DEFAULT_THRESHOLD: Final = 12.0
"""Points from which a pair is suggested."""
BLOCK_MOST: Final = 200
"""A key that more records share than this tells nothing: its block is left out."""
_GROUPS: Final = (
    frozenset({Role.NAME, Role.ORGANISATION}),
    frozenset({Role.EMAIL, Role.PHONE}),
    frozenset({Role.STREET, Role.POSTAL_CODE, Role.CITY}),
    frozenset({Role.NATIONAL_ID, Role.BANK_ACCOUNT}),
)
"""Fields that repeat each other."""
_HOUSEHOLD: Final = _GROUPS[1] | _GROUPS[2]
"""What people who live together share; counted together where the names differ."""
GROUP_MOST: Final = 11.0
"""The most points that one group gives: below the threshold."""


@dataclass(frozen=True, slots=True)
class Match:
    """How much speaks for one customer, in points; ``reasons`` for and against, the weightiest first."""

    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two places in the list that was searched, the lower first."""

    left: int
    right: int
    match: Match


def score(one: Record, other: Record) -> Match:
    """Compare two records by every role that both know. The order of the two does not matter."""
    return _score(prepared(one), prepared(other))


def _score(one: Prepared, other: Prepared) -> Match:
    # Words are paired off in order, so the order must not depend on who asks.
    one, other = sorted((one, other), key=lambda item: (item.name, item.organisation, item.street))
    reasons = _reasons(one, other)
    differ = any(item.role is Role.NAME and item.likeness is Likeness.DIFFERENT for item in reasons)
    for group in (*_GROUPS, _HOUSEHOLD) if differ else _GROUPS:
        reasons = _limited(reasons, group)
    reasons.sort(key=lambda item: (-abs(item.weight), item.role))
    return Match(sum(item.weight for item in reasons), tuple(reasons))


def _limited(reasons: list[Reason], group: frozenset[Role]) -> list[Reason]:
    """Return the reasons with what a group gives too much taken from its lightest ones."""
    over = sum(item.weight for item in reasons if item.role in group) - GROUP_MOST
    if over <= 0:
        return reasons
    found = []
    for item in sorted(reasons, key=lambda item: (item.weight, item.role)):
        taken = min(item.weight, over) if item.role in group and item.weight > 0 else 0.0
        over -= taken
        found.append(replace(item, weight=item.weight - taken))
    return found


def _reasons(one: Prepared, other: Prepared) -> list[Reason]:
    found: dict[Role, Likeness | None] = {
        Role.EMAIL: likeness.likest(one.emails, other.emails, likeness.email_likeness),
        Role.PHONE: likeness.likest(one.phones, other.phones, likeness.phone_likeness),
        Role.BANK_ACCOUNT: likeness.likest(one.bank_accounts, other.bank_accounts, likeness.code_likeness),
    }
    if one.organisation and other.organisation:
        found[Role.ORGANISATION] = likeness.organisation_likeness(one.organisation, other.organisation)
    if (one.street or one.numbers) and (other.street or other.numbers):
        found[Role.STREET] = likeness.street_likeness(one, other)
    if one.birth_date and other.birth_date:
        found[Role.BIRTH_DATE] = likeness.birth_likeness(one.birth_date, other.birth_date)
    if one.postal_code and other.postal_code:
        found[Role.POSTAL_CODE] = likeness.code_likeness(one.postal_code, other.postal_code)
    if one.city and other.city:
        found[Role.CITY] = likeness.city_likeness(one.city, other.city)
    if one.national_id and other.national_id:
        found[Role.NATIONAL_ID] = likeness.code_likeness(one.national_id, other.national_id)
    name = likeness.name_reason(one, other)
    known = [Reason(role, level, POINTS[role][level]) for role, level in found.items() if level is not None]
    return [*known, name] if name else known


def candidates(
    records: Sequence[Record], threshold: float = DEFAULT_THRESHOLD, *, block_most: int = BLOCK_MOST
) -> list[Pair]:
    """Return the pairs that share a block key and reach the threshold, the highest score first."""
    items = [prepared(record) for record in records]
    blocks: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        for key in keys_of(item):
            blocks[key].append(place)
    near = {pair for block in blocks.values() if len(block) <= block_most for pair in combinations(block, 2)}
    found = [Pair(left, right, _score(items[left], items[right])) for left, right in sorted(near)]
    kept = [pair for pair in found if pair.match.score >= threshold]
    return sorted(kept, key=lambda pair: (-pair.match.score, pair.left, pair.right))
