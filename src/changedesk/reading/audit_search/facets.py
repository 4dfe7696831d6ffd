"""Lists of choices beside a search, counted over its newest matches, and what completes a half-typed one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from changedesk import kinds
from changedesk.base.actor import Actor, Channel, Role
from changedesk.ledger.entry import EntryKind
from changedesk.reading.audit_search import walk
from changedesk.reading.audit_search.lookup import LED_TO
from changedesk.reading.people import People
from changedesk.reading.words import TITLES, in_language
from changedesk.rules import access, query
from changedesk.rules.access import Verb
from changedesk.rules.query import KEYS, LEVEL_MOST, Expr
from changedesk.rules.status import OVERLAYS, Status
from changedesk.store import settings_read
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.tx import Look

FACETS: Final[Mapping[str, str]] = {"action": "k", "channel": "h", "field": "f", "actor": "a", "change": "g"}
"""The keys that are offered with counts, and the letter of their terms."""
_KINDS: Final = frozenset(kind.value for kind in EntryKind)
CHOICES_MOST: Final = 12
COMPLETIONS_MOST: Final = 40
MISSING: Final[Mapping[str, str]] = {
    "ip": "No entry records an address yet.",
    "risk": "No entry records a risk score yet.",
}
"""Keys that are asked for elsewhere and have no source here, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetChoice:
    """One value with how many of the counted matches have it. ``query``: the search with it, or, chosen, without."""

    value: str
    label: str
    count: int
    chosen: bool
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    key: str
    choices: tuple[FacetChoice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a half-typed search may go on with: whole searches, and the keys that have no source, with why."""

    offers: tuple[str, ...]
    missing: Mapping[str, str]


def facets(
    seen: Look,
    counted: walk.Counted,
    text: str,
    asked: Expr,
    config: Configuration,
    *,
    actor: Actor,
    language: str,
) -> tuple[Facet, ...]:
    """Return the lists of choices of a search, each with the values that most of its newest matches have."""
    found = walk.choices(seen, counted.newest, [f"{letter}:" for letter in FACETS.values()])
    chosen = {(one.key, one.value.casefold()): one for one in query.required(asked)}
    people = People({term[2:] for term in found if term[0] == "a"}, viewer=actor, language=language)
    made: list[Facet] = []
    for key, letter in FACETS.items():
        values = sorted(
            ((count, term[2:]) for term, count in found.items() if term[0] == letter), key=lambda one: (-one[0], one[1])
        )
        choices = []
        for count, value in values[:CHOICES_MOST]:
            one = chosen.get((key, value.casefold()))
            choices.append(
                FacetChoice(
                    value=value,
                    label=people.show(value).name if key == "actor" else _label(key, value, config, language),
                    count=count,
                    chosen=one is not None,
                    query=query.with_term(text, f"{key}:{query.quoted(value)}")
                    if one is None
                    else query.without(text, one),
                )
            )
        if choices:
            made.append(Facet(key=key, choices=tuple(choices)))
    return tuple(made)


def _label(key: str, value: str, config: Configuration, language: str) -> str:
    if key == "action":
        return in_language(TITLES[EntryKind(value)], language) if value in _KINDS else value
    if key == "field" and value in config.catalogue:
        return config.catalogue[value].label_in(language)
    if key == "change" and value in kinds.KINDS:
        return in_language(kinds.find(value).label, language)
    return value


def complete(text: str, *, actor: Actor) -> Completion:
    """Return how a half-typed search may go on: its last word as a key, or as a value of its key. Raises Forbidden."""
    access.require(actor, Verb.AUDIT_SEARCH)
    config = configuration(actor.client)
    head, _, last = text.rpartition(" ")
    lead = last[: len(last) - len(last.lstrip("-("))]
    word = last[len(lead) :].casefold()
    key, colon, value = word.partition(":")
    if not colon:
        found: Iterable[str] = (f"{one}:" for one in KEYS if one.startswith(key))
    else:
        values = _values(key, actor, config)
        found = (f"{key}:{query.quoted(one)}" for one in values if one.casefold().startswith(value.strip('"')))
    front = f"{head} {lead}" if head else lead
    return Completion(offers=tuple(f"{front}{one}" for one in list(found)[:COMPLETIONS_MOST]), missing=MISSING)


def _values(key: str, actor: Actor, config: Configuration) -> list[str]:
    offered = _OFFERED.get(key)
    return [] if offered is None else offered(actor, config)


def _people(actor: Actor, _config: Configuration) -> list[str]:
    named = [person.display_name for person, _ in settings_read.members(actor.client)]
    return ["me", "customer", *named, *(one.name for one in settings_read.credentials(actor.client))]


_LEVELS: Final = range(LEVEL_MOST + 1)
_OFFERED: Final[Mapping[str, Callable[[Actor, Configuration], list[str]]]] = {
    "action": lambda _actor, _config: [kind.value for kind in EntryKind],
    "actor": _people,
    "approver": _people,
    "change": lambda _actor, _config: list(kinds.KINDS),
    "channel": lambda _actor, _config: [item.value for item in Channel],
    "client": lambda _actor, config: [config.settings.slug],
    "consent": lambda _actor, config: ["yes", *sorted({name for name, _ in config.statements})],
    "created": lambda _actor, _config: ["today", "yesterday"],
    "field": lambda _actor, config: [item.path for item in config.catalogue],
    "policy": lambda _actor, config: [rule.id for rule in config.rules],
    "reason": lambda _actor, config: list(config.reason_codes),
    "role": lambda _actor, _config: [role.value for role in Role],
    "state": lambda _actor, _config: [*(state.value for state in LED_TO), *(one.value for one in Status), *OVERLAYS],
    "verified": lambda _actor, _config: [*map(str, _LEVELS), *(f"<{level}" for level in _LEVELS[1:])],
}
