"""Which client a command works for: its actor, its fields, its country."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps

from changedesk import packs
from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound
from changedesk.packs.parse import build
from changedesk.rules import access
from changedesk.rules.fields import Catalogue, Field


@dataclass(frozen=True, slots=True)
class Installed:
    """One client, as the terminal works for it."""

    actor: Actor
    catalogue: Catalogue
    region: str
    language: str


def client(slug: str) -> Installed:
    """Return the client of a short name. Raises NotFound."""
    row: Any = apps.get_model("store", "Client").objects.filter(slug=slug).first()
    if row is None:
        raise NotFound
    own = {
        setting.path: build(Field, {**setting.data, "path": setting.path}, f"field {setting.path}")
        for setting in apps.get_model("store", "FieldSetting").objects.filter(client_id=row.pk, active=True)
    }
    actor = access.terminal(ClientId(row.pk))
    return Installed(actor, packs.extend(packs.load(row.packs), own), row.default_region, row.default_language)


def exists(slug: str) -> bool:
    """Say whether a client has this short name."""
    return bool(apps.get_model("store", "Client").objects.filter(slug=slug).exists())


def any_client() -> bool:
    """Say whether the installation has a client."""
    return bool(apps.get_model("store", "Client").objects.exists())


def region(client_id: ClientId) -> str:
    """Return the country of a client's bare phone numbers."""
    return str(apps.get_model("store", "Client").objects.get(pk=client_id).default_region)


def member(email: str, client_id: ClientId) -> tuple[int, list[str], str]:
    """Return a person's id, and roles and team at a client. Raises NotFound."""
    row: Any = (
        apps.get_model("store", "Membership")
        .objects.filter(client_id=client_id, person__email=email, active=True)
        .first()
    )
    if row is None:
        raise NotFound
    return row.person_id, list(row.roles), row.team
