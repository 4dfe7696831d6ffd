"""Policies of a client: which there are, how one differs from what is in force, and what it would have asked before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from difflib import unified_diff
from typing import Final

from changedesk.base.actor import Actor, ActorType, Channel, type_of
from changedesk.reading.panels import ActorView
from changedesk.reading.people import People
from changedesk.rules import access, policy
from changedesk.rules.access import Verb
from changedesk.rules.limits import Limits
from changedesk.rules.route import Route
from changedesk.rules.rule import Ask, Rule
from changedesk.store import policies as policies_kept
from changedesk.store import requests, settings_read
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration
from changedesk.store.settings_records import PolicyRecord, RuleRecord
from changedesk.store.tx import look

LAST_MOST: Final = 5_000
"""Requests that one simulation looks at."""
SAMPLES: Final = 20
"""Requests that it shows for each way in which they would have fared otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """One policy. ``state``: draft, in_force, former; ``based_on``: the number of the one that it was written over."""

    number: int
    state: str
    packs: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    industries: tuple[str, ...]
    limits: Limits
    based_on: int
    author: ActorView
    written_at: datetime
    published_by: ActorView | None
    published_at: datetime | None
    config_version: int
    """What requests that it decided name as their policy version; 0 for a draft."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A rule that comes (``added``), goes (``removed``), or reads otherwise (``changed``)."""

    rule: str
    pack: str
    change: str
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPanel:
    """One policy beside what is in force. ``lines`` are a unified diff of the client's own rules."""

    policy: PolicyLine
    source: str
    rules: tuple[RuleChange, ...]
    lines: tuple[str, ...]
    settings: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    """packs, jurisdictions and industries that differ: in force, and here."""
    limits: Mapping[str, tuple[int, int]]
    """Limits that differ, by name: in force, and here. Higher is looser."""
    may_publish: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One past request: what it would have been asked beyond, and what it would have been spared."""

    ref: str
    kind: str
    more: tuple[str, ...]
    less: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Past requests decided again by a policy and by what is in force.

    ``counts``: same, more, less, mixed (more of one and less of another), unknown (erased, or a field that the packs
    no longer have).
    """

    looked_at: int
    counts: Mapping[str, int]
    samples: tuple[Sample, ...]


def policies(
    *, actor: Actor, language: str = "en", before: int | None = None, limit: int = 50
) -> tuple[PolicyLine, ...]:
    """Return the client's policies, newest first. Raises Forbidden."""
    access.require(actor, Verb.CONFIGURE_READ)
    found = policies_kept.all_of(actor.client, before=before, limit=limit)
    return tuple(_line(one, actor=actor, language=language) for one in found)


def in_force(*, actor: Actor) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], Limits]:
    """Return what is in force: the client's own rules in TOML, packs, jurisdictions, industries, limits.

    Raises Forbidden.
    """
    access.require(actor, Verb.CONFIGURE_READ)
    standing, told = policies_kept.in_force(actor.client), settings_read.client(actor.client)
    return standing.source if standing else "", told.packs, told.jurisdictions, told.industries, told.limits


def policy_panel(number: int, *, actor: Actor, language: str = "en") -> PolicyPanel:
    """Return a policy and how it differs from what is in force. Raises Forbidden, NotFound."""
    access.require(actor, Verb.CONFIGURE_READ)
    record = policies_kept.one(actor.client, number)
    now, then = settings_read.configuration(actor.client), _configuration(record, actor)
    standing = policies_kept.in_force(actor.client)
    old = standing.source if standing else ""
    differing = {
        name: (getattr(now.settings, name), getattr(then.settings, name))
        for name in ("packs", "jurisdictions", "industries")
        if set(getattr(now.settings, name)) != set(getattr(then.settings, name))
    }
    was, becomes = asdict(now.settings.limits), asdict(record.limits)
    lines = unified_diff(old.splitlines(), record.source.splitlines(), "in force", f"policy {number}", lineterm="")
    free = record.published_at is None and record.based_on == (standing.number if standing else 0)
    may = free and record.author != actor.id and access.may(actor, Verb.CONFIGURE_PUBLISH)
    return PolicyPanel(
        policy=_line(record, actor=actor, language=language),
        source=record.source,
        rules=tuple(_rule_changes(now.rules, then.rules)),
        lines=tuple(lines),
        settings=differing,
        limits={name: (was[name], value) for name, value in becomes.items() if value != was[name]},
        may_publish=may,
    )


def simulate(number: int, *, last: int = 500, actor: Actor) -> Simulation:
    """Decide a client's newest requests again, by a policy and by what is in force, and compare.

    Each is asked as it was asked then: when, by whom, about what, with what policy was told of the customer. Writes
    nothing. Raises Forbidden, NotFound.
    """
    access.require(actor, Verb.CONFIGURE_READ)
    record = policies_kept.one(actor.client, number)
    now, then = settings_read.configuration(actor.client), _configuration(record, actor)
    with look(actor.client) as seen:
        past = requests.newest(seen, limit=max(1, min(last, LAST_MOST)))
    counts: Counter[str] = Counter(dict.fromkeys(("same", "more", "less", "mixed", "unknown"), 0))
    samples: list[Sample] = []
    for request in past:
        routes = _decided(request, now), _decided(request, then)
        if routes[0] is None or routes[1] is None:
            counts["unknown"] += 1
            continue
        less, more = policy.less_than(routes[1], routes[0]), policy.less_than(routes[0], routes[1])
        word = "mixed" if more and less else "more" if more else "less" if less else "same"
        counts[word] += 1
        if word != "same" and counts[word] <= SAMPLES:
            samples.append(Sample(ref=request.ref, kind=request.kind, more=tuple(more), less=tuple(less)))
    return Simulation(looked_at=len(past), counts=dict(counts), samples=tuple(samples))


def _decided(request: Request, config: Configuration) -> Route | None:
    if request.proposal is None or any(path not in config.catalogue for path in request.fields):
        return None
    kind = type_of(request.entered_by)
    ask = Ask(
        kind=request.kind,
        categories=frozenset(config.catalogue[path].category for path in request.fields),
        operation=request.operation,
        channel=Channel(request.channel),
        actor=kind,
        at=request.submitted_at,
        attended=kind is ActorType.STAFF,
        industry=frozenset(config.settings.industries),
        jurisdictions=frozenset(config.settings.jurisdictions),
        reason=request.reason_code,
        attributes=request.proposal.told,
        received_at=request.received_at,
    )
    return policy.decide(ask, config.rules, policy_version=config.policy_version)


def _configuration(record: PolicyRecord, actor: Actor) -> Configuration:
    told = replace(
        settings_read.client(actor.client),
        packs=record.packs,
        jurisdictions=record.jurisdictions,
        industries=record.industries,
    )
    return settings_read.configured(told, [RuleRecord(name, 0, data) for name, data in record.rules.items()])


def _rule_changes(now: Sequence[Rule], then: Sequence[Rule]) -> list[RuleChange]:
    old, new = {rule.id: rule for rule in now}, {rule.id: rule for rule in then}
    found = []
    for name in sorted(old.keys() | new.keys()):
        was, becomes = old.get(name), new.get(name)
        if was is not None and becomes is not None and replace(was, version=0) == replace(becomes, version=0):
            continue
        told = becomes or was
        if told is not None:
            word = "added" if was is None else "removed" if becomes is None else "changed"
            found.append(RuleChange(rule=name, pack=told.pack, change=word, citation=told.citation))
    return found


def _line(record: PolicyRecord, *, actor: Actor, language: str) -> PolicyLine:
    people = People({record.author, record.published_by}, viewer=actor, language=language)
    standing = policies_kept.in_force(actor.client)
    state = "former" if record.published_at else "draft"
    return PolicyLine(
        number=record.number,
        state="in_force" if standing and standing.number == record.number else state,
        packs=record.packs,
        jurisdictions=record.jurisdictions,
        industries=record.industries,
        limits=record.limits,
        based_on=record.based_on,
        author=people.show(record.author),
        written_at=record.written_at,
        published_by=people.show(record.published_by) if record.published_by else None,
        published_at=record.published_at,
        config_version=record.config_version,
    )
