"""What anybody may know of a client: what stands on the page of a link that it sent; what its people may at most."""

from dataclasses import dataclass

from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound
from changedesk.rules.limits import Limits
from changedesk.store.settings_read import client, client_by_slug


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """A client as its customers know it."""

    id: ClientId
    name: str
    languages: tuple[str, ...]
    default_language: str
    support_phone: str


def by_slug(slug: str) -> ClientView:
    """Return the client of a public address. Raises NotFound, also for one that is switched off."""
    found = client_by_slug(slug)
    if not found.active:
        raise NotFound
    return ClientView(
        id=found.id,
        name=found.name,
        languages=found.languages,
        default_language=found.default_language,
        support_phone=found.support_phone,
    )


def limits(client_id: ClientId) -> Limits:
    """Return how much one person may see and take out at a client, by the policy in force. Raises NotFound."""
    return client(client_id).limits
