"""The people of a demonstration: real sign-ins with random passwords, made on this machine and shown on it only."""

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from allauth.mfa.totp.internal import auth as totp

from changedesk.base.actor import Role
from changedesk.base.ids import ClientId
from changedesk.flow import admit, configure
from changedesk.rules import access

FILE_NAME: Final = "demo-signins.json"
_SYMBOLS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody who works for each demonstration client."""

    name: str
    email: str
    roles: tuple[Role, ...]
    team: str


PERSONAS: Final = (
    Persona("Ben", "ben@demo.example", (Role.AGENT,), "front"),
    Persona("Sofia", "sofia@demo.example", (Role.AGENT,), "front"),
    Persona("Ines", "ines@demo.example", (Role.SUPERVISOR,), "lead"),
    Persona("Otto", "otto@demo.example", (Role.AUDITOR,), "audit"),
    Persona("Petra", "petra@demo.example", (Role.PRIVACY,), "privacy"),
    Persona("Cora", "cora@demo.example", (Role.COMPLIANCE,), "risk"),
    Persona("Finn", "finn@demo.example", (Role.FRAUD,), "risk"),
    Persona("Ada", "ada@demo.example", (Role.ADMINISTRATOR,), "office"),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How one persona signs in."""

    name: str
    role: str
    email: str
    password: str
    totp_secret: str
    """Base32, as authenticator apps take it (RFC 6238)."""


def plant(clients: Sequence[ClientId], *, state_dir: Path, at: datetime) -> list[SignIn]:
    """Make the personas members of these clients and return how each signs in.

    Run again, it gives the same sign-ins, kept in ``state_dir`` (mode 0600). A persona whose sign-in is not kept
    there, or who is new in the database, gets a fresh one.
    """
    if not clients:
        return []
    kept = _kept(state_dir / FILE_NAME)
    signs = [_plant(persona, clients, kept.get(persona.email), at) for persona in PERSONAS]
    _keep(state_dir / FILE_NAME, signs)
    return signs


def _plant(persona: Persona, clients: Sequence[ClientId], kept: SignIn | None, at: datetime) -> SignIn:
    known = admit.works_here(persona.email)
    person = 0
    for client in clients:
        person = configure.invite(
            persona.email, persona.name, persona.roles, team=persona.team, actor=access.terminal(client), at=at
        )
    if kept is not None and known:
        return kept
    fresh = SignIn(persona.name, str(persona.roles[0]), persona.email, new_password(), totp.generate_totp_secret())
    configure.set_sign_in(
        person,
        password=fresh.password,
        totp_secret=fresh.totp_secret,
        actor=access.terminal(clients[0]),
        at=at,
    )
    return fresh


def totp_now(secret: str) -> str:
    """Return the six digits that an authenticator app shows now for a seed in base32 (RFC 6238, 30 seconds)."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))


def new_password() -> str:
    """Return four groups of four symbols that can be read out: 79 random bits."""
    return "-".join("".join(secrets.choice(_SYMBOLS) for _ in range(4)) for _ in range(4))


def _kept(file: Path) -> Mapping[str, SignIn]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        return {row["email"]: SignIn(**row) for row in rows}
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        # Not there, or not ours any more: fresh sign-ins are made.
        return {}


def _keep(file: Path, signs: Sequence[SignIn]) -> None:
    # Written beside and moved over, so that a crash leaves either the old file or the new one, never half of it.
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
        json.dump([asdict(sign) for sign in signs], sink, indent=1)
    beside.replace(file)
