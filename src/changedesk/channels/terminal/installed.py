"""Which client a command works for: its actor, its fields, its country, its hours."""

from dataclasses import dataclass

from changedesk.base.actor import Actor
from changedesk.flow import admit
from changedesk.reading import forms
from changedesk.rules.fields import Catalogue


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
