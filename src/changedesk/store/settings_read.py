"""Settings as plain values. No ORM object leaves this module.

Everything but a person's memberships is remembered in this process for ``TTL_SECONDS``: a setting, or the
revoking of a key, reaches every process within that time, and this one at once. What depends on a client's
whole configuration is kept for as long as its ``config_version`` stands.
"""

import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from django.db import connection

from changedesk import packs
from changedesk.base.actor import Role
from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound
from changedesk.packs.pack import Pack, Reason, Statement
from changedesk.packs.parse import build
from changedesk.rules.fields import Catalogue, Field
from changedesk.rules.limits import Limits
from changedesk.rules.policy import LoosensFloor, Rule, RulesContradict, tighten
from changedesk.store.models import settings as tables
from changedesk.store.settings_records import (
    ClientSettings,
    FieldRecord,
    KeyRecord,
    MembershipRecord,
    PersonRecord,
    RuleRecord,
    SettingChange,
    Template,
    Wording,
)

TTL_SECONDS: Final = 5.0
KEPT_MAX: Final = 10_000
OWN_VERSIONS: Final = 1_000
"""A client's first own wording of a statement, or rule, is version 1001, so that it never meets a pack's."""
P = ParamSpec("P")
T = TypeVar("T")


_kept: dict[Hashable, tuple[float, Any]] = {}
_turn = threading.Lock()


def forget() -> None:
    """Drop all that this process remembers; every settings write calls it."""
    with _turn:
        _kept.clear()
        _configurations.clear()


def remembered(ask: Callable[P, T]) -> Callable[P, T]:
    """Keep the answers of ``ask`` for TTL_SECONDS; its arguments must be hashable."""

    @wraps(ask)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        key = (ask.__name__, args, tuple(sorted(kwargs.items())))
        found = _kept.get(key)
        if found is not None and found[0] > time.monotonic():
            value: T = found[1]
            return value
        value = ask(*args, **kwargs)
        with _turn:
            if len(_kept) >= KEPT_MAX:  # strangers choose some of the names, such as a key's prefix
                _kept.clear()
            _kept[key] = (time.monotonic() + TTL_SECONDS, value)
        return value

    return answer


@contextmanager
def borrowed() -> Iterator[None]:
    """Give the ORM's connection back when this read opened it.

    Inside a page the framework does that at the end of the request; a worker thread or a short-way API route
    has no such end, and would hold a pooled connection for good.
    """
    ours = connection.connection is None
    try:
        yield
    finally:
        if ours:
            connection.close()


@remembered
def all_clients() -> tuple[ClientSettings, ...]:
    """Return every client of the installation, switched off or not, by name."""
    return _read_clients()


def _read_clients() -> tuple[ClientSettings, ...]:
    with borrowed():
        return tuple(_client(row) for row in tables.Client.objects.order_by("name", "id"))


def client(client_id: ClientId) -> ClientSettings:
    """Return one client. Raises NotFound."""
    return _meant(lambda known: known.id == client_id, client=client_id)


def client_by_slug(slug: str) -> ClientSettings:
    """Return one client by its short name in addresses. Raises NotFound."""
    return _meant(lambda known: known.slug == slug)


def _meant(is_it: Callable[[ClientSettings], bool], **named: object) -> ClientSettings:
    # One that is not remembered may be new, and its people are at work from the first second.
    for ask in (all_clients, _read_clients):
        for known in ask():
            if is_it(known):
                return known
    raise NotFound(**named)


def memberships(person_id: int) -> tuple[MembershipRecord, ...]:
    """Return what a person is, at every client. Never remembered: taking a role away works at once."""
    with borrowed():
        return tuple(_membership(row) for row in tables.Membership.objects.raw(_MEMBERSHIPS, [person_id]))


# Asked at every page of the console: putting the statement together took longer than running it.
_MEMBERSHIPS: Final = """
SELECT m.* FROM membership m JOIN person p ON p.id = m.person_id
WHERE m.person_id = %s AND m.active AND p.is_active ORDER BY m.client_id
"""


def members(client_id: ClientId) -> tuple[tuple[PersonRecord, MembershipRecord], ...]:
    """Return everybody who works or worked for a client, by name."""
    with borrowed():
        rows = tables.Membership.objects.filter(client_id=client_id).select_related("person")
        return tuple((_person(row.person), _membership(row)) for row in rows.order_by("person__display_name"))


def members_in(client_id: ClientId, roles: Collection[Role]) -> list[int]:
    """Return the people who work for a client in one of these roles."""
    return [
        person.id
        for person, member in members(client_id)
        if person.active and member.active and not member.roles.isdisjoint(roles)
    ]


def clients_of(person_id: int) -> tuple[ClientSettings, ...]:
    """Return the active clients that a person works for, by name."""
    own = [client(membership.client) for membership in memberships(person_id)]
    return tuple(sorted((known for known in own if known.active), key=lambda known: (known.name.casefold(), known.id)))


@remembered
def person(person_id: int) -> PersonRecord:
    """Return one member of staff. Raises NotFound."""
    with borrowed():
        row = tables.Person.objects.filter(pk=person_id).first()
    if row is None:
        raise NotFound
    return _person(row)


def person_by_email(email: str) -> PersonRecord | None:
    """Return the member of staff who signs in with this address, in any case of letters."""
    with borrowed():
        row = tables.Person.objects.filter(email=email.strip().lower()).first()
    return None if row is None else _person(row)


def names(actor_ids: Iterable[str]) -> dict[str, str]:
    """Return what to show for actor ids: a person's name, a key's name. Ids of others are left out."""
    return _names(frozenset(actor_ids))


@remembered
def _names(actor_ids: frozenset[str]) -> dict[str, str]:
    people, keys = (
        {int(name[1:]): name for name in actor_ids if name[:1] == letter and name[1:].isascii() and name[1:].isdigit()}
        for letter in "sk"
    )
    shown: dict[str, str] = {}
    with borrowed():
        if people:
            for person_id, name in tables.Person.objects.filter(pk__in=people).values_list("pk", "display_name"):
                shown[people[person_id]] = name
        if keys:
            for key_id, name in tables.ApiKey.objects.filter(pk__in=keys).values_list("pk", "name"):
                shown[keys[key_id]] = name
    return shown


@remembered
def credential(prefix: str) -> KeyRecord | None:
    """Return the key with this visible prefix, revoked and expired ones too, or None."""
    with borrowed():
        row = tables.ApiKey.objects.filter(prefix=prefix).first()
    return None if row is None else _key(row)


def credentials(client_id: ClientId) -> tuple[KeyRecord, ...]:
    """Return every key of a client, newest first."""
    with borrowed():
        return tuple(_key(row) for row in tables.ApiKey.objects.filter(client_id=client_id).order_by("-id"))


@remembered
def client_rules(client_id: ClientId) -> tuple[RuleRecord, ...]:
    """Return the client's own rules in force."""
    with borrowed():
        rows = tables.ClientRule.objects.filter(client_id=client_id, active=True).order_by("rule_id")
        return tuple(RuleRecord(row.rule_id, row.version, row.data) for row in rows)


@remembered
def field_settings(client_id: ClientId) -> tuple[FieldRecord, ...]:
    """Return the client's own fields and its changes to those of its packs."""
    with borrowed():
        rows = tables.FieldSetting.objects.filter(client_id=client_id, active=True).order_by("id")
        return tuple(FieldRecord(row.path, row.data) for row in rows)


@remembered
def templates(client_id: ClientId) -> tuple[Template, ...]:
    """Return the client's own templates in force; the built-in ones stand where it has none."""
    with borrowed():
        rows = tables.MessageTemplate.objects.filter(client_id=client_id, active=True)
        return tuple(
            Template(row.event, row.channel, row.language, row.subject, row.body, row.version)
            for row in rows.order_by("event", "channel", "language")
        )


@remembered
def wordings(client_id: ClientId) -> tuple[Wording, ...]:
    """Return the client's own wordings of consent statements, every version: customers agreed to old ones."""
    with borrowed():
        rows = tables.StatementWording.objects.filter(client_id=client_id)
        return tuple(
            Wording(row.statement, row.language, row.wording, row.version)
            for row in rows.order_by("statement", "version")
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """What decides a client's changes: its settings with its packs and its own fields and wordings put together.

    ``statements`` are all wordings ever asked, by id and version: the packs' below OWN_VERSIONS, the client's
    own above it. ``policy_version`` is what a request stores to say by which configuration it was decided.
    """

    settings: ClientSettings
    pack: Pack
    catalogue: Catalogue
    rules: tuple[Rule, ...]
    statements: Mapping[tuple[str, int], Statement]
    reason_codes: Mapping[str, Reason]
    policy_version: int

    def statement(self, name: str) -> Statement:
        """Return the wording to ask now. Raises KeyError."""
        return self.statements[name, max(version for known, version in self.statements if known == name)]


_configurations: dict[ClientId, tuple[ClientSettings, Configuration]] = {}
"""With the settings as they were read last."""


def configuration(client_id: ClientId) -> Configuration:
    """Return what decides a client's changes, put together once for each ``config_version``.

    Raises NotFound; packs.PackInvalid when the client's packs or fields do not hold together.
    """
    told = client(client_id)
    seen, kept = _configurations.get(client_id, (None, None))
    if kept is None or seen is not told:
        # Asked a dozen times a request: settings that were read again, and say the same, are compared once.
        if kept is None or kept.settings != told:
            kept = configured(told, client_rules(client_id))
        _configurations[client_id] = (told, kept)
    return kept


def configured(told: ClientSettings, rules: Iterable[RuleRecord]) -> Configuration:
    """Put a client's configuration together with these settings and own rules, in force or not. Raises PackInvalid."""
    client_id = told.id
    pack = packs.load(told.packs)
    own = {record.path: own_field(record.path, record.data) for record in field_settings(client_id)}
    return Configuration(
        settings=told,
        pack=pack,
        catalogue=packs.extend(pack, own),
        rules=_with_own(pack, [own_rule(record) for record in rules]),
        statements={**pack.statements, **_own_statements(pack, wordings(client_id))},
        reason_codes=pack.reason_codes,
        policy_version=told.config_version,
    )


def own_field(path: str, data: Mapping[str, Any]) -> Field:
    """Return the field that a client describes. Raises packs.PackInvalid when it cannot be one."""
    return build(Field, {**data, "path": path}, f"field {path}")


def own_rule(record: RuleRecord) -> Rule:
    """Return the rule that a client wrote. Raises packs.PackInvalid when it cannot be one."""
    data = {**record.data, "id": record.rule_id, "version": OWN_VERSIONS + record.version}
    return packs.client_rule(data, f"rule {record.rule_id}")


def _with_own(pack: Pack, own: list[Rule]) -> tuple[Rule, ...]:
    try:
        return tuple(tighten(pack.rules, own) if own else pack.rules)  # a pack alone was verified as it was loaded
    except (LoosensFloor, RulesContradict):
        # It held when it was written, and the pack has grown since: now both count, and the strictest wins.
        return (*pack.rules, *own)


def _own_statements(pack: Pack, own: tuple[Wording, ...]) -> dict[tuple[str, int], Statement]:
    """Return every version of the client's wordings: each is the pack's text with the client's laid over it."""
    made: dict[tuple[str, int], Statement] = {}
    laid: dict[str, dict[str, str]] = {}
    for row in sorted(own, key=lambda row: row.version):
        base = laid.setdefault(row.statement, dict(pack.statement(row.statement).wording))
        base[row.language] = row.wording
        version = OWN_VERSIONS + row.version
        made[row.statement, version] = Statement(row.statement, version, dict(base))
    return made


def config_changes(
    client_id: ClientId, *, verb: str = "", before: int | None = None, limit: int = 50
) -> tuple[SettingChange, ...]:
    """Return who changed which setting (by one ``verb``), newest first; ``before``: the last id of the page before."""
    with borrowed():
        asked = {"verb": verb} if verb else {}
        rows = tables.ConfigChange.objects.filter(client_id=client_id, **asked).order_by("-id")
        page = rows if before is None else rows.filter(pk__lt=before)
        return tuple(
            SettingChange(r.pk, r.actor, r.verb, r.target, r.old, r.new, r.config_version, r.at) for r in page[:limit]
        )


def _client(row: tables.Client) -> ClientSettings:
    return ClientSettings(
        id=ClientId(row.pk),
        slug=row.slug,
        name=row.name,
        color=row.color,
        packs=tuple(row.packs),
        jurisdictions=tuple(row.jurisdictions),
        industries=tuple(row.industries),
        languages=tuple(row.languages),
        default_language=row.default_language,
        time_zone=row.time_zone,
        region=row.default_region,
        origin=row.ledger_origin,
        sender_name=row.sender_name,
        sender_email=row.sender_email,
        support_phone=row.support_phone,
        support_url=row.support_url,
        config_version=row.config_version,
        active=row.active,
        limits=Limits(**row.limits),
    )


def _person(row: tables.Person) -> PersonRecord:
    return PersonRecord(row.pk, row.email, row.display_name, row.language, row.shortcuts_off, row.is_active)


def _membership(row: tables.Membership) -> MembershipRecord:
    roles = frozenset(Role(name) for name in row.roles)
    return MembershipRecord(row.person_id, ClientId(row.client_id), roles, row.team, row.active)


def _key(row: tables.ApiKey) -> KeyRecord:
    return KeyRecord(
        id=row.pk,
        client=ClientId(row.client_id),
        name=row.name,
        prefix=row.prefix,
        secret_hash=row.secret_hash,
        scopes=frozenset(row.scopes),
        entry_point=row.entry_point,
        person=row.person_id,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
