"""What a client asks beyond the floor, changed by two people: one writes a policy, another puts it in force.

A policy is the client's own rules, the packs that count for it, and how much one person may see and take out. New
requests are decided by it from the moment it is published; those that are under way keep the route they were given.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from changedesk import packs
from changedesk.base.actor import Actor
from changedesk.base.refusal import Refusal
from changedesk.flow.client_rules import RuleUnclear, read_rules, require_sound
from changedesk.rules import access, limits
from changedesk.rules.access import Verb
from changedesk.store import policies as policies_kept
from changedesk.store import settings_read, settings_write
from changedesk.store.settings_records import RuleRecord

_JURISDICTION: Final = re.compile(r"EU|[A-Z]{2}(-[A-Z0-9]{1,3})?")


class OwnPolicy(Refusal):
    """You wrote this policy, so somebody else must publish it."""

    code = "own-policy"
    hint = "Ask another administrator, or a compliance officer, to look at it and publish it."
    status = "forbidden"


class PolicyOutdated(Refusal):
    """This policy was published already, or another one was since it was written."""

    code = "policy-outdated"
    hint = "Open the policy in force, and write yours again on top of it."
    status = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPolicy:
    """A policy to be written. ``source``: the client's own rules in TOML; the rest says which packs count where.

    ``limits``: by name, as ``rules.limits`` lists them; those left out stay as they are.
    """

    source: str
    packs: Sequence[str]
    jurisdictions: Sequence[str]
    industries: Sequence[str]
    limits: Mapping[str, int] = field(default_factory=dict)


def write_policy(new: NewPolicy, *, actor: Actor, at: datetime) -> int:
    """Keep a draft on top of the policy in force; return its number. Nothing is decided by it yet.

    Writing the same draft again gives back the one that there is. Raises Forbidden; RuleUnclear; policy.LoosensFloor
    that names the rule and what it would loosen; policy.RulesContradict that names both rules; limits.LimitUnfit.
    """
    access.require(actor, Verb.CONFIGURE_RULES)
    _require_sound(new, actor=actor)
    standing = policies_kept.in_force(actor.client)
    values = {
        "source": new.source,
        "rules": read_rules(new.source),
        "packs": sorted(set(new.packs)),
        "jurisdictions": sorted(set(new.jurisdictions)),
        "industries": sorted(set(new.industries)),
        "limits": asdict(limits.read(new.limits, settings_read.client(actor.client).limits)),
        "based_on": standing.number if standing else 0,
    }
    return settings_write.create_policy(actor.client, values, by=actor.id, at=at)


def publish_policy(number: int, *, actor: Actor, at: datetime) -> int:
    """Put a policy in force that somebody else wrote; return the configuration version that requests name from now on.

    Publishing again what one has published gives the same answer. Raises Forbidden, NotFound, OwnPolicy,
    PolicyOutdated, and as ``write_policy`` does when the packs have grown since.
    """
    access.require(actor, Verb.CONFIGURE_PUBLISH)
    found = policies_kept.one(actor.client, number)
    if found.author == actor.id:
        raise OwnPolicy
    if found.published_by == actor.id:
        return found.config_version
    new = NewPolicy(
        source=found.source, packs=found.packs, jurisdictions=found.jurisdictions, industries=found.industries
    )
    _require_sound(new, actor=actor)
    version = settings_write.publish_policy(actor.client, number, by=actor.id, at=at)
    if version is None:
        raise PolicyOutdated
    return version


def _require_sound(new: NewPolicy, *, actor: Actor) -> None:
    try:
        pack = packs.load(new.packs)
    except packs.PackInvalid as error:
        raise RuleUnclear(reason=str(error)) from None
    for place in new.jurisdictions:
        if not _JURISDICTION.fullmatch(place):
            raise RuleUnclear(reason=f"jurisdictions: {place!r} is not EU or a code such as US or US-CA")
    known = pack.industries | set(settings_read.client(actor.client).industries)
    for name in new.industries:
        if name not in known:
            raise RuleUnclear(reason=f"industries: {name!r} is not one of {', '.join(sorted(known))}")
    require_sound(pack, [RuleRecord(name, 1, data) for name, data in read_rules(new.source).items()])
