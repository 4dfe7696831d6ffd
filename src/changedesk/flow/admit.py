"""Who is let in: a signed-in person at one client, or a program by its key, becomes an Actor."""

import hashlib
import hmac
import re
import secrets
import threading
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import configure
from changedesk.rules import access
from changedesk.store import people, settings_read, settings_write
from changedesk.store.settings_records import ClientSettings, PersonRecord

_BEARER: Final = re.compile(r"(?i:bearer) +(?P<prefix>cd_live_[0-9a-f]{8})_(?P<secret>[A-Za-z0-9_-]{43})")
"""RFC 6750, section 2.1, around a key as ``configure.create_key`` makes it."""
_NOBODY: Final = hashlib.sha256(b"").hexdigest()
"""Compared with when no key has the prefix, so that an unknown prefix costs what a wrong secret costs."""
STAFF_KEY_LIFE: Final = timedelta(hours=10)
_touched: dict[int, datetime] = {}
_turn = threading.Lock()


class CredentialRefused(Forbidden):
    """The API key is missing or not one of ours.

    Said alike for no key, an unknown prefix and a wrong secret.
    """

    code = "credential-refused"
    hint = "Send the header Authorization: Bearer followed by the whole key."


class CredentialEnded(Forbidden):
    """The API key has expired or was revoked.

    Told only to who holds the whole key.
    """

    code = "credential-ended"
    hint = "Ask an administrator of this client for a new key."


def staff(person_id: int, slug: str, *, channel: Channel, entry_point: str) -> Actor:
    """Return the actor that a signed-in person is at the client that the address names.

    Raises NotFound when there is no such client, it is switched off, or the person does not work for it: all
    three look alike, so that nobody learns who else is a client.
    """
    client = settings_read.client_by_slug(slug)
    found = people.membership(person_id, client.id) if client.active else None
    if found is None:
        raise NotFound
    return Actor(client.id, ActorType.STAFF, f"s{person_id}", channel, entry_point, roles=found.roles, team=found.team)


def terminal(slug: str) -> Actor:
    """Return who stands at the command line, for the client of a short name. Raises NotFound."""
    return access.terminal(settings_read.client_by_slug(slug).id)


def slugs() -> list[str]:
    """Return the short names of all clients of this installation."""
    return [client.slug for client in settings_read.all_clients()]


def member(email: str, slug: str, *, channel: Channel, entry_point: str) -> Actor:
    """Return the actor that a person of an e-mail address is at a client. Raises NotFound."""
    found = settings_read.person_by_email(email)
    if found is None:
        raise NotFound
    return staff(found.id, slug, channel=channel, entry_point=entry_point)


def clients_of(person_id: int) -> tuple[ClientSettings, ...]:
    """Return the clients that a person may choose from, by name."""
    return settings_read.clients_of(person_id)


def person(person_id: int) -> PersonRecord:
    """Return who is signed in. Raises NotFound."""
    return settings_read.person(person_id)


def works_here(email: str) -> bool:
    """Say whether somebody signs in with this address."""
    return settings_read.person_by_email(email) is not None


def key(header: str, *, at: datetime) -> Actor:
    """Return the actor behind an ``Authorization`` header: ``Bearer <prefix>_<secret>``.

    The key of a member of staff gives that person, with their roles of now. Notes the use, at most once a minute.
    Raises CredentialRefused and CredentialEnded.
    """
    shape = _BEARER.fullmatch(header)
    if shape is None:
        raise CredentialRefused
    record = settings_read.credential(shape["prefix"])
    expected = record.secret_hash if record else _NOBODY
    matches = hmac.compare_digest(hashlib.sha256(shape["secret"].encode()).hexdigest(), expected)
    if record is None or not matches:
        raise CredentialRefused
    if record.revoked_at is not None or record.expires_at <= at or not settings_read.client(record.client).active:
        raise CredentialEnded
    _touch(record.id, at)
    if record.person is not None:
        slug = settings_read.client(record.client).slug
        try:
            return staff(record.person, slug, channel=Channel.API, entry_point=record.entry_point)
        except NotFound:
            raise CredentialEnded from None
    return Actor(
        record.client,
        ActorType.INTEGRATION,
        record.actor_id,
        Channel.API,
        record.entry_point,
        scopes=record.scopes,
    )


def staff_key(person_id: int, *, actor: Actor, at: datetime) -> configure.NewKey:
    """Make a key by which a member of staff calls the API, with the roles that they have at the moment of each call.

    It lives as long as a session does. A person makes their own; only whoever runs the installation makes one for
    somebody else, since whoever has it decides as that person. Raises Forbidden, and NotFound for who does not work
    for the actor's client.
    """
    if actor.id != f"s{person_id}":
        access.require(actor, access.Verb.CONFIGURE_SIGN_IN)
    if actor.client not in {membership.client for membership in settings_read.memberships(person_id)}:
        raise NotFound
    prefix = configure.KEY_LABEL + secrets.token_hex(configure.KEY_SYMBOLS // 2)
    word = secrets.token_urlsafe(32)
    ends = at + STAFF_KEY_LIFE
    values = {
        "name": f"staff {person_id}",
        "prefix": prefix,
        "secret_hash": hashlib.sha256(word.encode()).hexdigest(),
        "scopes": [],
        "entry_point": "staff-key",
        "expires_at": ends,
        "person_id": person_id,
    }
    made = settings_write.create_key(actor.client, values, by=actor.id, at=at)
    return configure.NewKey(made, prefix, f"{prefix}_{word}", ends)


def _touch(key_id: int, at: datetime) -> None:
    with _turn:
        last = _touched.get(key_id)
        if last is not None and at - last < settings_write.TOUCH_EVERY:
            return
        _touched[key_id] = at
    settings_write.touch_key(key_id, at)
