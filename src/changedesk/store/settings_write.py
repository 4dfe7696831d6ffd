"""The only place that writes settings tables. Each change raises the client's version and is remembered.

Callers have checked that the actor may, and that the values make sense (``flow.configure``). ``by`` is an
actor id, ``at`` an aware instant. Every function is one transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.store import settings_read
from changedesk.store.models import settings as tables

TOUCH_EVERY: Final = timedelta(minutes=1)


class NameTaken(Refusal):
    """The name is already in use.

    Names of clients, of their logs, and sign-in addresses are unique in the installation.
    """

    code = "name-taken"
    hint = "Choose another name."
    status = "conflict"


@dataclass(frozen=True, slots=True)
class Change:
    """What is noted about one change; ``old`` and ``new`` hold no secret and no person's address."""

    by: str
    at: datetime
    verb: str
    target: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]


@contextmanager
def _writing(client_id: ClientId) -> Iterator[tables.Client]:
    """Hold the client's row, so that versions count one by one; afterwards forget what was remembered."""
    with settings_read.borrowed():
        with transaction.atomic():
            row = tables.Client.objects.select_for_update().filter(pk=client_id).first()
            if row is None:
                raise NotFound(client=client_id)
            yield row
        settings_read.forget()


def _note(row: tables.Client, change: Change) -> int:
    """Raise the client's version and remember the change. Returns the new version."""
    row.config_version += 1
    row.save()
    _remember(row, change)
    return row.config_version


def _remember(row: tables.Client | None, change: Change) -> None:
    tables.ConfigChange.objects.create(
        client=row,
        actor=change.by,
        verb=change.verb,
        target=change.target,
        old=dict(change.old),
        new=dict(change.new),
        config_version=row.config_version if row else 0,
        at=change.at,
    )


def create_client(values: Mapping[str, Any], *, by: str, at: datetime) -> ClientId:
    """Open a client with these columns. Raises NameTaken."""
    with settings_read.borrowed():
        try:
            with transaction.atomic():
                row = tables.Client.objects.create(**values)
                _remember(row, Change(by, at, "client.create", f"client/{row.slug}", {}, values))
        except IntegrityError:
            raise NameTaken(field="slug") from None
        settings_read.forget()
    return ClientId(row.pk)


def change_client(client_id: ClientId, values: Mapping[str, Any], *, by: str, at: datetime) -> int:
    """Set columns of a client. Returns its configuration version, the old one when nothing differed."""
    with _writing(client_id) as row:
        old = {name: getattr(row, name) for name, value in values.items() if getattr(row, name) != value}
        if not old:
            return row.config_version
        for name in old:
            setattr(row, name, values[name])
        new = {name: values[name] for name in old}
        return _note(row, Change(by, at, "client.change", f"client/{row.slug}", old, new))


def create_person(email: str, display_name: str, language: str, *, by: str, at: datetime) -> int:
    """Add a member of staff without a password; their address counts as confirmed. Returns the person's id.

    Whoever invites vouches for the address, and the invitation reaches its owner only. Raises NameTaken.
    """
    # Imported late: the framework's tables load after ours, which name the person they belong to.
    from allauth.account.models import EmailAddress  # noqa: PLC0415

    with settings_read.borrowed():
        try:
            with transaction.atomic():
                row = tables.Person(email=email.lower(), display_name=display_name, language=language)
                row.set_unusable_password()
                row.save()
                EmailAddress.objects.create(user=row, email=row.email, verified=True, primary=True)
                _remember(None, Change(by, at, "person.create", f"person/{row.pk}", {}, {}))
        except IntegrityError:
            raise NameTaken(field="email") from None
        settings_read.forget()
    return row.pk


def change_person(person_id: int, values: Mapping[str, Any], *, by: str, at: datetime) -> None:
    """Set columns of a person, such as ``is_active``. Raises NotFound."""
    with settings_read.borrowed():
        with transaction.atomic():
            row = _person(person_id)
            changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
            for name in changed:
                setattr(row, name, values[name])
            row.save()
            _remember(None, Change(by, at, "person.change", f"person/{row.pk}", {}, {"changed": changed}))
        settings_read.forget()


def set_membership(
    client_id: ClientId,
    person_id: int,
    *,
    roles: Sequence[str],
    team: str,
    active: bool,
    by: str,
    at: datetime,
) -> int:
    """Make a person what they are at a client from now on. Returns the configuration version."""
    with _writing(client_id) as client:
        _person(person_id)
        row = tables.Membership.objects.filter(client=client, person_id=person_id).first()
        old = {"roles": row.roles, "team": row.team, "active": row.active} if row else {}
        new = {"roles": sorted(roles), "team": team, "active": active}
        if old == new:
            return client.config_version
        tables.Membership.objects.update_or_create(client=client, person_id=person_id, defaults=new)
        return _note(client, Change(by, at, "membership.set", f"person/{person_id}", old, new))


def create_key(client_id: ClientId, values: Mapping[str, Any], *, by: str, at: datetime) -> int:
    """Add an API key with these columns, ``secret_hash`` among them. Returns its id."""
    with _writing(client_id) as client:
        row = tables.ApiKey.objects.create(client=client, created_by=by, **values)
        told = {"name": row.name, "scopes": row.scopes, "expires_at": row.expires_at.isoformat()}
        _note(client, Change(by, at, "key.create", f"key/{row.prefix}", {}, told))
        return row.pk


def revoke_key(client_id: ClientId, prefix: str, *, by: str, at: datetime) -> None:
    """End a key for good; ending it twice is no error. Raises NotFound."""
    with _writing(client_id) as client:
        row = tables.ApiKey.objects.filter(client=client, prefix=prefix).first()
        if row is None:
            raise NotFound(key=prefix)
        if row.revoked_at is None:
            row.revoked_at = at
            row.save()
            _note(client, Change(by, at, "key.revoke", f"key/{prefix}", {}, {}))


def touch_key(key_id: int, at: datetime) -> None:
    """Note that a key was used, at most once a minute however many processes say so."""
    with settings_read.borrowed():
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=at - TOUCH_EVERY)
        tables.ApiKey.objects.filter(stale, pk=key_id).update(last_used_at=at)


def set_field(client_id: ClientId, path: str, data: Mapping[str, Any] | None, *, by: str, at: datetime) -> int:
    """Set what a client says about one field of its catalogue; None takes it back. Returns the version."""
    with _writing(client_id) as client:
        row = tables.FieldSetting.objects.filter(client=client, path=path).first()
        old = row.data if row and row.active else {}
        values = {"data": dict(data or {}), "active": data is not None}
        tables.FieldSetting.objects.update_or_create(client=client, path=path, defaults=values)
        return _note(client, Change(by, at, "field.set", f"field/{path}", old, data or {}))


def create_policy(client_id: ClientId, values: Mapping[str, Any], *, by: str, at: datetime) -> int:
    """Keep a draft with these columns; return its number. The same draft of the same author is kept once."""
    with _writing(client_id) as client:
        rows = tables.Policy.objects.filter(client=client)
        same = rows.filter(**values, author=by, published_at=None).first()
        if same is not None:
            return int(same.number)
        last = rows.order_by("-number").first()
        number = 1 if last is None else last.number + 1
        tables.Policy.objects.create(client=client, number=number, author=by, written_at=at, **values)
        _remember(client, Change(by, at, "policy.write", f"policy/{number}", {}, values))
        return number


def publish_policy(client_id: ClientId, number: int, *, by: str, at: datetime) -> int | None:
    """Put a draft in force: its packs, and exactly its own rules. Returns the configuration version.

    None when it is no draft any more, or another one was published since it was written.
    """
    with _writing(client_id) as client:
        row = tables.Policy.objects.filter(client=client, number=number).first()
        if row is None or row.published_at is not None or row.based_on != _in_force(client):
            return None
        old = {name: getattr(client, name) for name in ("packs", "jurisdictions", "industries", "limits")}
        new = {name: getattr(row, name) for name in old}
        for name, value in new.items():
            setattr(client, name, value)
        _set_rules(client, row.rules)
        told = Change(by, at, "policy.publish", f"policy/{number}", {**old, "policy": row.based_on}, new)
        version = _note(client, told)
        row.published_by, row.published_at, row.config_version = by, at, version
        row.save()
        return version


def _in_force(client: tables.Client) -> int:
    newest = tables.Policy.objects.filter(client=client, published_at__isnull=False).order_by("-config_version").first()
    return newest.number if newest else 0


def _set_rules(client: tables.Client, rules: Mapping[str, Mapping[str, Any]]) -> None:
    mine = tables.ClientRule.objects.filter(client=client)
    standing = {row.rule_id: row for row in mine.filter(active=True)}
    for name, row in standing.items():
        if rules.get(name) != row.data:
            row.active = False
            row.save()
    for name, data in rules.items():
        if name not in standing or standing[name].data != data:
            version = _next_version(mine.filter(rule_id=name))
            tables.ClientRule.objects.create(client=client, rule_id=name, version=version, data=dict(data))


def set_template(client_id: ClientId, *, key: Mapping[str, str], text: Mapping[str, str], by: str, at: datetime) -> int:
    """Put a new version of a message in force. ``key``: event, channel, language. ``text``: subject, body."""
    with _writing(client_id) as client:
        rows = tables.MessageTemplate.objects.filter(client=client, **key)
        old = rows.filter(active=True).first()
        rows.filter(active=True).update(active=False)
        tables.MessageTemplate.objects.create(client=client, version=_next_version(rows), **key, **text)
        before = {"subject": old.subject, "body": old.body} if old else {}
        return _note(client, Change(by, at, "template.set", "/".join(["template", *key.values()]), before, text))


def set_wording(client_id: ClientId, statement: str, language: str, wording: str, *, by: str, at: datetime) -> int:
    """Put a new version of a consent statement's wording in force. Returns the configuration version."""
    with _writing(client_id) as client:
        # One count for all languages of a statement, so that a version names one text in each.
        rows = tables.StatementWording.objects.filter(client=client, statement=statement)
        same = rows.filter(language=language, active=True)
        old = same.first()
        same.update(active=False)
        tables.StatementWording.objects.create(
            client=client, statement=statement, language=language, wording=wording, version=_next_version(rows)
        )
        before = {"wording": old.wording} if old else {}
        told = Change(by, at, "wording.set", f"wording/{statement}/{language}", before, {"wording": wording})
        return _note(client, told)


def set_sign_in(person_id: int, *, password: str, totp_secret: str, by: str, at: datetime) -> None:
    """Give a person a password and a second factor, in place of any they had. Raises NotFound.

    A new password ends every session: the session remembers a hash of the old one. Their staff keys end with them.
    """
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - as in create_person
    from allauth.mfa.totp.internal.auth import TOTP  # noqa: PLC0415 - as in create_person

    with settings_read.borrowed(), transaction.atomic():
        row = _person(person_id)
        row.set_password(password)
        row.save()
        Authenticator.objects.filter(user=row).delete()
        TOTP.activate(row, totp_secret)
        _end_keys(row, at)
        _remember(None, Change(by, at, "person.sign_in", f"person/{row.pk}", {}, {}))


def reset_sign_in(person_id: int, *, by: str, at: datetime) -> None:
    """Take away a person's password, second factors and staff keys, until they are invited anew.

    That ends every session.
    """
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - as in create_person

    with settings_read.borrowed(), transaction.atomic():
        row = _person(person_id)
        row.set_unusable_password()
        row.save()
        Authenticator.objects.filter(user=row).delete()
        _end_keys(row, at)
        _remember(None, Change(by, at, "person.reset", f"person/{row.pk}", {}, {}))


def _end_keys(person: tables.Person, at: datetime) -> None:
    # Whoever had got in may have made one, and it decides as that person.
    tables.ApiKey.objects.filter(person=person, revoked_at=None).update(revoked_at=at)
    transaction.on_commit(settings_read.forget)


def _person(person_id: int) -> tables.Person:
    row = tables.Person.objects.select_for_update().filter(pk=person_id).first()
    if row is None:
        raise NotFound(person=person_id)
    return row


def _next_version(rows: Any) -> int:
    last = rows.order_by("-version").first()
    return 1 if last is None else last.version + 1
