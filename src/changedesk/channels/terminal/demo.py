"""A demonstration: two clients, their people, customers who do not exist, and some requests on their way."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyotp
from django.conf import settings

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.terminal import demo_customers, demo_industries, demo_requests, installed, people
from changedesk.flow import admit, configure
from changedesk.reading.notices import outbox
from changedesk.reading.panels import DeliveryView
from changedesk.rules import access

CLIENTS: Final = (
    configure.NewClient(
        slug="aurora",
        name="Aurora Mobile",
        origin="aurora.demo.changedesk.example/log",
        packs=("telecom",),
        jurisdictions=("US", "US-CA"),
        industries=("telecom",),
        languages=("en", "de", "ar"),
        time_zone="America/Los_Angeles",
        region="US",
        color="#3b5bdb",
    ),
    configure.NewClient(
        slug="moravia",
        name="Banka Moravia",
        origin="moravia.demo.changedesk.example/log",
        packs=("banking",),
        jurisdictions=("EU", "CZ"),
        industries=("banking",),
        languages=("en", "de", "ar"),
        time_zone="Europe/Prague",
        region="CZ",
        color="#0b7285",
    ),
)
FILE_NAME: Final = "demo-authenticators.json"
SOURCE: Final = "demo"
MARKER: Final = "demo-planted"
"""Which demonstration was planted whole: while this file says so, a start need not look at each of its parts."""
WITH_AUTHENTICATOR: Final = 6
"""How many customers of each client have one; Dana, the first of them all, does."""


class NotADemonstration(Refusal):
    """This installation has clients of its own, so no client of a demonstration is made beside them."""

    code = "not-a-demonstration"
    hint = "Start an installation with a state directory of its own, and ask for the client there."
    status = "conflict"


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The app in the pocket of a customer of the demonstration. ``secret`` is base32, as apps take it."""

    client: str
    subject: str
    name: str
    secret: str


def seed() -> list[dict[str, str]]:
    """Make the demonstration where there is none, and return how its people sign in.

    Run again, it changes nothing. An installation that has clients of its own gets no demonstration.
    """
    return plant(Path(settings.CHANGEDESK_STATE_DIR), at=clock.now())


def plant(state_dir: Path, *, at: datetime) -> list[dict[str, str]]:
    """As ``seed``, with the secrets of the demonstration kept in ``state_dir`` (mode 0600)."""
    if _elsewhere():
        return []
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    marker, edition = state_dir / MARKER, _edition()
    whole = _text(marker) == edition and _all_there() and bool(authenticators(state_dir))
    signs = _staff(state_dir) if whole else []
    if not signs:
        marker.unlink(missing_ok=True)
        signs = _plant(state_dir, at)
        marker.write_text(edition, encoding="utf-8")
    lines = [
        {
            "name": sign.name,
            "role": sign.role,
            "email": sign.email,
            "password": sign.password,
            "authenticator": sign.totp_secret,
        }
        for sign in signs
    ]
    return [*lines, {"hint": "The code that an authenticator shows now:  changedesk demo totp ben  (or dana)"}]


def add(industry: demo_industries.Name, state_dir: Path, *, at: datetime) -> demo_industries.Industry:
    """Make the demonstration client of a further industry, with its customers and requests, where there is none.

    The people of the demonstration work for it too. Run again, it changes nothing. Raises NotADemonstration.
    """
    if _elsewhere():
        raise NotADemonstration
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = demo_industries.INDUSTRIES[industry]
    here = _client(wanted.client, at)
    people.plant([here.actor.client], state_dir=state_dir, at=at)
    fresh = _people_of(here, demo_industries.invent(wanted), state_dir, at)
    if fresh:
        demo_requests.walk(here, fresh, at=at)
        demo_requests.ask(here, fresh[-1], *wanted.asks, at=at)
    return wanted


def _elsewhere() -> bool:
    ours = {new.slug for new in (*CLIENTS, *(item.client for item in demo_industries.INDUSTRIES.values()))}
    there = set(admit.slugs())
    return bool(there) and ours.isdisjoint(there)


def _all_there() -> bool:
    # The marker stands beside the database, not in it: another database may be empty.
    return {new.slug for new in CLIENTS} <= set(admit.slugs())


def _edition() -> str:
    """Return what tells this demonstration from that of another release: a digest of all that describes it."""
    parts = (Path(str(module.__file__)) for module in (demo_customers, demo_requests, people))
    return hashlib.sha256(b"".join(part.read_bytes() for part in (Path(__file__), *parts))).hexdigest()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _plant(state_dir: Path, at: datetime) -> list[people.SignIn]:
    clients = [_client(new, at) for new in CLIENTS]
    signs = people.plant([here.actor.client for here in clients], state_dir=state_dir, at=at)
    for here in clients:
        fresh = _people_of(here, demo_customers.invent(here.slug), state_dir, at)
        if fresh:
            demo_requests.walk(here, fresh, at=at)
    return signs


def _people_of(
    here: installed.Installed, invented: Sequence[demo_customers.Invented], state_dir: Path, at: datetime
) -> list[Authenticator]:
    """Take the customers in, and return those who have an authenticator when the client is new."""
    kept = {(item.client, item.subject): item for item in authenticators(state_dir)}
    before = len(kept)
    fresh = _bind(here.slug, here.actor, _customers(invented, here.actor, at), kept, at)
    if len(kept) > before:
        _keep(state_dir / FILE_NAME, list(kept.values()))
    return fresh


def authenticators(state_dir: Path) -> list[Authenticator]:
    """Return the authenticators of the demonstration's customers, Dana's first."""
    try:
        rows = json.loads((state_dir / FILE_NAME).read_text(encoding="utf-8"))
        return [Authenticator(**row) for row in rows]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def code_of(who: str, state_dir: Path) -> str:
    """Return the code that somebody's authenticator shows now: staff by name or e-mail, customers by name or id.

    Raises NotFound.
    """
    wanted = who.casefold()
    for sign in _staff(state_dir):
        if wanted in (sign.name.casefold(), sign.email.casefold()):
            return people.totp_now(sign.totp_secret)
    for item in authenticators(state_dir):
        if wanted in (item.subject, item.name.casefold(), item.name.casefold().split()[0]):
            return pyotp.TOTP(item.secret).now()
    raise NotFound


def messages_to(who: str, state_dir: Path, *, at: datetime) -> list[DeliveryView]:
    """Return the newest messages to a customer of the demonstration, codes and links open: the outbox is their phone.

    Raises NotFound for somebody who is none of them.
    """
    wanted = who.casefold()
    for item in authenticators(state_dir):
        if wanted in (item.subject, item.name.casefold(), item.name.casefold().split()[0]):
            ines = admit.member("ines@demo.example", item.client, channel=Channel.SYSTEM, entry_point="terminal")
            page = outbox(actor=ines, at=at, show_codes=True)
            return [message for message in page.items if str(message.subject) == item.subject]
    raise NotFound


def _staff(state_dir: Path) -> list[people.SignIn]:
    try:
        rows = json.loads((state_dir / people.FILE_NAME).read_text(encoding="utf-8"))
        return [people.SignIn(**row) for row in rows]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _client(new: configure.NewClient, at: datetime) -> installed.Installed:
    if new.slug not in admit.slugs():
        configure.create_client(new, actor=access.terminal(ClientId(0)), at=at)
    return installed.client(new.slug)


def _customers(
    invented: Sequence[demo_customers.Invented], actor: Actor, at: datetime
) -> list[tuple[str, flow.Created]]:
    outcome = flow.create_customers(
        [
            flow.NewCustomer(
                values=item.values,
                accounts=[flow.NewAccount(number, role, values) for number, role, values in item.accounts],
                source=flow.SourceRow(SOURCE, item.key, b""),
                channel=Channel.BATCH_IMPORT,
            )
            for item in invented
        ],
        actor=actor,
        at=at,
    )
    for refusal in outcome.refused.values():
        raise refusal
    return [(str(item.values["personal.name"]), made) for item, made in zip(invented, outcome.done, strict=True)]


def _bind(
    slug: str,
    actor: Actor,
    made: Sequence[tuple[str, flow.Created]],
    kept: dict[tuple[str, str], Authenticator],
    at: datetime,
) -> list[Authenticator]:
    """Give the first customers an authenticator each; return all when the client is new, none when it is not."""
    bound: list[Authenticator] = []
    for name, created in made[:WITH_AUTHENTICATOR]:
        key = (slug, str(created.subject))
        if key in kept:
            continue
        item = kept[key] = Authenticator(slug, str(created.subject), name, pyotp.random_base32())
        flow.bind_factor(created.subject, item.secret, actor=themselves(actor.client, created.subject), at=at)
        if not created.unchanged:
            bound.append(item)
    return bound


def themselves(client: ClientId, subject: SubjectId) -> Actor:
    """Return the actor that a customer is in the portal."""
    return Actor(client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "portal", subject=subject)


def _keep(file: Path, items: Sequence[Authenticator]) -> None:
    # Written beside and moved over, so that a crash leaves either the old file or the new one, never half of it.
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    rows: list[Mapping[str, Any]] = [
        {"client": item.client, "subject": item.subject, "name": item.name, "secret": item.secret} for item in items
    ]
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as sink:
        json.dump(rows, sink, indent=1)
    beside.replace(file)
