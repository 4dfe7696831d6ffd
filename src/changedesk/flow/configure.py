"""Settings as verbs: who may, does it make sense, write it, remember who did.

A client's administrator changes that client only. Opening clients and handing out ready-made sign-ins is left
to whoever runs the installation (``access.terminal``).
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel import Locale, UnknownLocaleError
from email_validator import EmailNotValidError, validate_email

from changedesk import packs
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Forbidden, Refusal
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import keys, settings_read, settings_write
from changedesk.store.begin import begin

KEY_LABEL: Final = "cd_live_"
KEY_SYMBOLS: Final = 8
"""How many symbols after the label are shown; with the label they are the key's prefix."""
KEY_LIFE_MAX: Final = timedelta(days=731)
_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
_PATH: Final = re.compile(r"[a-z]+(\.[a-z_]+)+")
_PATH_MAX: Final = 80
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")


class BadSetting(Refusal):
    """The setting has a value that it cannot have.

    ``data`` names the setting under ``field`` and what is wrong under ``reason``.
    """

    code = "bad-setting"
    hint = "Correct the setting named here and send it again."


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a client starts with. ``industries`` and ``jurisdictions`` choose among its packs' rules."""

    slug: str
    name: str
    origin: str
    packs: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    time_zone: str = "UTC"
    region: str = "US"
    color: str = "#3b5bdb"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``secret`` is the whole credential; it is shown once and kept nowhere."""

    id: int
    prefix: str
    secret: str
    expires_at: datetime


def create_client(new: NewClient, *, actor: Actor, at: datetime) -> ClientId:
    """Open a client, with keys of its own. Raises Forbidden, BadSetting and NameTaken."""
    access.require(actor, Verb.CONFIGURE_NEW_CLIENT)
    if not _SLUG.fullmatch(new.slug):
        raise BadSetting(field="slug", reason="use 3 to 40 lower-case letters, digits and dashes")
    if not new.origin or any(sign.isspace() or sign == "+" for sign in new.origin):
        raise BadSetting(field="origin", reason="use an address without spaces or plus signs")
    values: dict[str, Any] = {
        "name": new.name,
        "packs": list(new.packs),
        "jurisdictions": list(new.jurisdictions),
        "industries": list(new.industries),
        "languages": list(new.languages),
        "default_language": new.languages[0] if new.languages else "",
        "time_zone": new.time_zone,
        "default_region": new.region,
        "color": new.color,
    }
    _check(values)
    made = settings_write.create_client({**values, "slug": new.slug, "ledger_origin": new.origin}, by=actor.id, at=at)
    with begin(access.terminal(made)) as tx:
        keys.create_client_keys(tx)
    return made


def change_client(values: Mapping[str, Any], *, actor: Actor, at: datetime) -> int:
    """Set some of the actor's client's settings, by column name. Returns the configuration version.

    The short name and the log's origin stay what they are: addresses and proofs already given out carry them.
    Packs, and where they count, are part of a policy: ``flow.policies``. Raises Forbidden and BadSetting.
    """
    access.require(actor, Verb.CONFIGURE_CLIENT)
    for name in values:
        if name in _OF_POLICY:
            raise BadSetting(field=name, reason="part of the policy: write one, and have it published by somebody else")
        if name not in _CHECKS:
            raise BadSetting(field=name, reason="not a setting that can be changed")
    _check(values)
    told = settings_read.client(actor.client)
    languages = values.get("languages", told.languages)
    if values.get("default_language", told.default_language) not in languages:
        raise BadSetting(field="default_language", reason="choose one of the client's languages")
    return settings_write.change_client(actor.client, values, by=actor.id, at=at)


def invite(
    email: str,
    display_name: str,
    roles: Iterable[Role],
    *,
    team: str = "",
    language: str = "en",
    actor: Actor,
    at: datetime,
) -> int:
    """Make somebody a member of the actor's client, adding them to the installation when they are new.

    Someone who works for another client already keeps their own name and sign-in. Returns the person's id;
    the channel hands them a link to choose a password. Raises Forbidden and BadSetting.
    """
    access.require(actor, Verb.CONFIGURE_PEOPLE)
    try:
        address = validate_email(email, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise BadSetting(field="email", reason="enter an e-mail address") from None
    _text("display_name", display_name)
    known = settings_read.person_by_email(address)
    person = known.id if known else settings_write.create_person(address, display_name, language, by=actor.id, at=at)
    set_membership(person, roles, team=team, actor=actor, at=at)
    return person


def set_membership(
    person: int, roles: Iterable[Role], *, team: str = "", active: bool = True, actor: Actor, at: datetime
) -> int:
    """Make a person what they are at the actor's client from now on. Returns the configuration version.

    Nobody changes their own roles: power over customers comes from another. Raises Forbidden, NotFound.
    """
    access.require(actor, Verb.CONFIGURE_PEOPLE)
    if actor.id == f"s{person}":
        raise Forbidden(verb=str(Verb.CONFIGURE_PEOPLE), reason="own roles")
    _optional_text("team", team)
    return settings_write.set_membership(
        actor.client,
        person,
        roles=[str(role) for role in roles],
        team=team,
        active=active,
        by=actor.id,
        at=at,
    )


def require_own_person(person: int, *, actor: Actor) -> None:
    """Let the actor touch the sign-in of someone who works for the actor's client and no other.

    Raises Forbidden otherwise: that sign-in opens doors that are not this client's to give.
    """
    access.require(actor, Verb.CONFIGURE_PEOPLE)
    if {membership.client for membership in settings_read.memberships(person)} != {actor.client}:
        raise Forbidden(verb=str(Verb.CONFIGURE_PEOPLE), reason="not of this client alone")


def reset_sign_in(person: int, *, actor: Actor, at: datetime) -> None:
    """Take away a person's password and second factor, ending their sessions. Raises Forbidden."""
    require_own_person(person, actor=actor)
    settings_write.reset_sign_in(person, by=actor.id, at=at)


def set_sign_in(person: int, *, password: str, totp_secret: str, actor: Actor, at: datetime) -> None:
    """Give a person a ready-made password and second factor: for demonstrations, or to get back in.

    Raises Forbidden and NotFound.
    """
    access.require(actor, Verb.CONFIGURE_SIGN_IN)
    settings_write.set_sign_in(person, password=password, totp_secret=totp_secret, by=actor.id, at=at)


def change_own(values: Mapping[str, Any], *, actor: Actor, at: datetime) -> None:
    """Set a person's own display name, language or shortcuts. Raises Forbidden and BadSetting."""
    if not re.fullmatch(r"s[0-9]+", actor.id):
        raise Forbidden(verb="configure.own")
    checks = {"display_name": _text, "language": _language, "shortcuts_off": _flag}
    for name, value in values.items():
        if name not in checks:
            raise BadSetting(field=name, reason="not a setting that can be changed")
        checks[name](name, value)
    settings_write.change_person(int(actor.id[1:]), values, by=actor.id, at=at)


def create_key(
    name: str, scopes: Iterable[str], *, entry_point: str, expires_at: datetime, actor: Actor, at: datetime
) -> NewKey:
    """Make an API key for the actor's client: at least one known scope, alive for at most two years.

    Raises Forbidden and BadSetting.
    """
    access.require(actor, Verb.CONFIGURE_KEYS)
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(access.SCOPES):
        raise BadSetting(field="scopes", reason="choose from the list", allowed=sorted(access.SCOPES))
    if not at < expires_at <= at + KEY_LIFE_MAX:
        raise BadSetting(field="expires_at", reason=f"choose a day within the next {KEY_LIFE_MAX.days} days")
    _text("name", name)
    _text("entry_point", entry_point)
    prefix = KEY_LABEL + secrets.token_hex(KEY_SYMBOLS // 2)
    word = secrets.token_urlsafe(32)
    values = {
        "name": name,
        "prefix": prefix,
        "secret_hash": hashlib.sha256(word.encode()).hexdigest(),
        "scopes": wanted,
        "entry_point": entry_point,
        "expires_at": expires_at,
    }
    made = settings_write.create_key(actor.client, values, by=actor.id, at=at)
    return NewKey(made, prefix, f"{prefix}_{word}", expires_at)


def revoke_key(prefix: str, *, actor: Actor, at: datetime) -> None:
    """End one of the client's API keys, for good. Raises Forbidden and NotFound."""
    access.require(actor, Verb.CONFIGURE_KEYS)
    settings_write.revoke_key(actor.client, prefix, by=actor.id, at=at)


def set_field(path: str, data: Mapping[str, Any] | None, *, actor: Actor, at: datetime) -> int:
    """Add a field to the client's catalogue or change one it added; None takes it back, its history stays.

    ``data`` is a field as packs write it, without its path. Raises Forbidden and BadSetting.
    """
    access.require(actor, Verb.CONFIGURE_FIELDS)
    if data is not None:
        pack = settings_read.configuration(actor.client).pack
        if not _PATH.fullmatch(path) or len(path) > _PATH_MAX:
            raise BadSetting(field="path", reason="use small letters with dots between, such as contact.email")
        try:
            packs.extend(pack, {path: settings_read.own_field(path, data)})
        except packs.PackInvalid as error:
            raise BadSetting(field="data", reason=str(error)) from None
    return settings_write.set_field(actor.client, path, data, by=actor.id, at=at)


def set_template(key: Mapping[str, str], text: Mapping[str, str], *, actor: Actor, at: datetime) -> int:
    """Put a message in force. ``key``: event, channel, language; ``text``: subject, body.

    Returns the configuration version. Raises Forbidden and BadSetting.
    """
    access.require(actor, Verb.CONFIGURE_TEMPLATES)
    if set(key) != {"event", "channel", "language"} or set(text) != {"subject", "body"}:
        raise BadSetting(field="template", reason="name event, channel and language; give subject and body")
    _language("language", key["language"])
    _text("event", key["event"])
    _text("channel", key["channel"])
    if not text["body"].strip():
        raise BadSetting(field="body", reason="write what the message says")
    if "\n" in text["subject"] or "\r" in text["subject"] or len(text["subject"]) > _SUBJECT_MAX:
        raise BadSetting(field="subject", reason=f"use one line of at most {_SUBJECT_MAX} signs")
    return settings_write.set_template(actor.client, key=key, text=text, by=actor.id, at=at)


def set_wording(statement: str, language: str, wording: str, *, actor: Actor, at: datetime) -> int:
    """Put the client's own wording of a consent statement in force. Returns the configuration version."""
    access.require(actor, Verb.CONFIGURE_TEMPLATES)
    _language("language", language)
    if statement not in {name for name, _ in settings_read.configuration(actor.client).statements}:
        raise BadSetting(field="statement", reason="not a statement of the client's packs")
    if not wording.strip():
        raise BadSetting(field="wording", reason="write what the customer agrees to")
    return settings_write.set_wording(actor.client, statement, language, wording, by=actor.id, at=at)


def _text(name: str, value: Any) -> None:
    most = _LENGTHS.get(name, 60)
    if not isinstance(value, str) or not value.strip() or len(value) > most or not value.isprintable():
        raise BadSetting(field=name, reason=f"write 1 to {most} signs on one line")


def _optional_text(name: str, value: Any) -> None:
    if value != "":
        _text(name, value)


def _flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise BadSetting(field=name, reason="say yes or no")


def _color(name: str, value: Any) -> None:
    if not isinstance(value, str) or not _COLOR.fullmatch(value):
        raise BadSetting(field=name, reason="write a colour as # and six digits 0-9, a-f")


def _language(name: str, value: Any) -> None:
    try:
        Locale.parse(value, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        raise BadSetting(field=name, reason="use a language tag such as en or pt-BR") from None


def _languages(name: str, value: Any) -> None:
    _words(name, value)
    if not value:
        raise BadSetting(field=name, reason="choose at least one language")
    for tag in value:
        _language(name, tag)


def _time_zone(name: str, value: Any) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise BadSetting(field=name, reason="use a time zone such as Europe/Berlin") from None


def _region(name: str, value: Any) -> None:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise BadSetting(field=name, reason="use a country of two letters such as DE")


def _words(name: str, value: Any) -> None:
    if not isinstance(value, list) or any(not isinstance(word, str) or not word for word in value):
        raise BadSetting(field=name, reason="give a list of words")
    if len(set(value)) != len(value):
        raise BadSetting(field=name, reason="name each one once")


def _sender(name: str, value: Any) -> None:
    if value == "":
        return
    try:
        validate_email(value, check_deliverability=False)
    except (EmailNotValidError, TypeError):
        raise BadSetting(field=name, reason="enter an e-mail address") from None


def _address(name: str, value: Any) -> None:
    _optional_text(name, value)
    if value and not value.startswith("https://"):
        raise BadSetting(field=name, reason="use an address that starts with https://")


_LENGTHS: Final = {"display_name": 120, "sender_name": 120, "support_url": 200, "statement": 80, "name": 80}
_SUBJECT_MAX: Final = 200
_CHECKS: Final[Mapping[str, Callable[[str, Any], None]]] = {
    "name": _text,
    "color": _color,
    "packs": _words,
    "jurisdictions": _words,
    "industries": _words,
    "languages": _languages,
    "default_language": _language,
    "time_zone": _time_zone,
    "default_region": _region,
    "sender_name": _optional_text,
    "sender_email": _sender,
    "support_phone": _optional_text,
    "support_url": _address,
    "active": _flag,
}
"""What may be changed about a client, and what each must look like."""
_OF_POLICY: Final = frozenset({"packs", "jurisdictions", "industries", "limits"})


def _check(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        _CHECKS[name](name, value)
    if "packs" in values:
        try:
            packs.load(values["packs"])
        except packs.PackInvalid as error:
            raise BadSetting(field="packs", reason=str(error)) from None
