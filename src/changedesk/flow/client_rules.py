"""A client's own rules: they tighten the policy that its packs lay down, and never loosen it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from changedesk import packs
from changedesk.base.actor import Actor
from changedesk.base.refusal import NotFound, Refusal
from changedesk.packs.pack import Pack
from changedesk.rules import access, policy
from changedesk.rules.access import Verb
from changedesk.store import settings_read, settings_write
from changedesk.store.settings_records import RuleRecord

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,79}")


class RuleUnclear(Refusal):
    """This rule cannot be read, or it names something that the client's packs do not have.

    ``data``: reason, which says the place in the rule and what is wrong there.
    """

    code = "rule-unclear"
    hint = "Correct the place named here and send the rule again."


def set_rule(data: Mapping[str, Any], *, actor: Actor, at: datetime) -> int:
    """Put a rule of the actor's client in force, or a new version of one. Returns the configuration version.

    ``data``: a row of a pack's ``rules.toml`` as JSON; its version is counted here. Requests that are under way keep
    the route they started with. Raises Forbidden; RuleUnclear; policy.LoosensFloor when a rule of the floor that has
    the same id asks for more; policy.RulesContradict that names both rules.
    """
    access.require(actor, Verb.CONFIGURE_RULES)
    name = data.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise RuleUnclear(reason="rule.id: write 2 to 80 letters, digits, dots, dashes and underscores")
    told = {key: value for key, value in data.items() if key not in ("id", "version")}
    others = [record for record in settings_read.client_rules(actor.client) if record.rule_id != name]
    _require_sound(settings_read.configuration(actor.client).pack, [*others, RuleRecord(name, 1, told)])
    return settings_write.set_rule(actor.client, name, told, by=actor.id, at=at)


def drop_rule(name: str, *, actor: Actor, at: datetime) -> int:
    """End one of the client's own rules; what the packs ask stays. Returns the configuration version.

    Raises Forbidden and NotFound.
    """
    access.require(actor, Verb.CONFIGURE_RULES)
    if name not in {record.rule_id for record in settings_read.client_rules(actor.client)}:
        raise NotFound(rule=name)
    return settings_write.set_rule(actor.client, name, None, by=actor.id, at=at)


def require_kept(pack: Pack, *, actor: Actor) -> None:
    """Return when the client's own rules still hold with other packs. Raises as ``set_rule`` does."""
    _require_sound(pack, settings_read.client_rules(actor.client))


def _require_sound(pack: Pack, records: tuple[RuleRecord, ...] | list[RuleRecord]) -> None:
    try:
        own = [settings_read.own_rule(record) for record in records]
        for rule in own:
            packs.check_rule(rule, pack)
    except packs.PackInvalid as error:
        raise RuleUnclear(reason=str(error)) from None
    policy.tighten(pack.rules, own)
