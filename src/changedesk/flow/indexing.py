"""Under which terms a client's records are found: what the store indexes blindly."""

from typing import Final

from changedesk.base.ids import ClientId
from changedesk.store.settings_read import configuration
from changedesk.store.terms import Terms


def terms_for(client: ClientId) -> Terms:
    """Return the indexer of one client's catalogue."""
    catalogue, made = configuration(client).catalogue, _made.get(client)
    if made is None or made.catalogue is not catalogue:
        made = _made[client] = Terms(catalogue)
    return made


_made: Final[dict[ClientId, Terms]] = {}
