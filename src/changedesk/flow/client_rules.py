"""A client's own rules as it writes them: they tighten the policy that its packs lay down, and never loosen it."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from changedesk import packs
from changedesk.base.refusal import Refusal
from changedesk.packs.pack import Pack
from changedesk.rules import policy
from changedesk.store import settings_read
from changedesk.store.settings_records import RuleRecord

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,79}")
SOURCE_MAX: Final = 200_000
"""Characters of a client's own rules: some thousand of them."""


class RuleUnclear(Refusal):
    """These rules cannot be read, or one names something that the client's packs do not have.

    ``data``: reason, which says the place in the rule and what is wrong there.
    """

    code = "rule-unclear"
    hint = "Correct the place named here and send the rules again."


def read_rules(source: str) -> dict[str, dict[str, Any]]:
    """Return rules by id, each a row of a pack's ``rules.toml`` as JSON without id and version. Raises RuleUnclear."""
    if len(source) > SOURCE_MAX:
        raise RuleUnclear(reason=f"rules: write at most {SOURCE_MAX} characters")
    try:
        tables = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise RuleUnclear(reason=f"rules: {error}") from None
    rows = tables.pop("rule", [])
    if tables or not isinstance(rows, list):
        raise RuleUnclear(reason="rules: write nothing but tables that begin with [[rule]]")
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = row.get("id") if isinstance(row, dict) else None
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise RuleUnclear(reason="rule.id: write 2 to 80 letters, digits, dots, dashes and underscores")
        if name in found:
            raise RuleUnclear(reason=f"rule {name}: stands twice")
        found[name] = {key: _plain(value) for key, value in row.items() if key not in ("id", "version")}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def require_sound(pack: Pack, records: Iterable[RuleRecord]) -> None:
    """Return when rules can be read, name only what the pack has, and loosen nothing.

    Raises RuleUnclear; policy.LoosensFloor when a rule of the packs that has the same id asks for more;
    policy.RulesContradict that names both rules.
    """
    try:
        own = [settings_read.own_rule(record) for record in records]
        for rule in own:
            packs.check_rule(rule, pack)
    except packs.PackInvalid as error:
        raise RuleUnclear(reason=str(error)) from None
    policy.tighten(pack.rules, own)
