"""Under which terms a client's records are found: what the store indexes blindly."""

from changedesk.base.ids import ClientId
from changedesk.store.settings_read import configuration
from changedesk.store.terms import Terms


def terms_for(client: ClientId) -> Terms:
    """Return the indexer of one client's catalogue."""
    return Terms(configuration(client).catalogue)
