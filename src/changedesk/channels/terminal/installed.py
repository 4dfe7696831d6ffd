"""Which client a command works for: its actor, its fields, its country, its hours; and as whom, where that matters."""

from dataclasses import dataclass
from pathlib import Path

from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden
from changedesk.channels import signin
from changedesk.flow import admit
from changedesk.reading import forms
from changedesk.rules.fields import Catalogue


class KeyOfOtherClient(Forbidden):
    """This key is one of another client."""

    code = "key-of-other-client"
    hint = "Name the client that the key was made for, or use a key of this one."


@dataclass(frozen=True, slots=True)
class Installed:
    """One client, as the terminal works for it."""

    slug: str
    actor: Actor
    catalogue: Catalogue
    region: str
    language: str
    time_zone: str


def client(slug: str) -> Installed:
    """Return the client of a short name. Raises NotFound."""
    actor = admit.terminal(slug)
    ground = forms.ground(actor=actor)
    return Installed(slug, actor, ground.catalogue, ground.region, ground.language, ground.time_zone)


def person(slug: str, key_file: Path | None, secret: str) -> Actor:
    """Return whose key this is. Raises CredentialRefused, CredentialEnded, KeyOfOtherClient, and NotFound."""
    key = key_file.read_text("utf-8").strip() if key_file else secret
    actor = signin.actor_of_key(f"Bearer {key}", at=clock.now())
    if actor.client != client(slug).actor.client:
        raise KeyOfOtherClient
    return actor
