"""Under which terms a field's stored text can be looked up: what the store indexes blindly."""

from collections.abc import Sequence

from changedesk.base.ids import ClientId
from changedesk.ledger.value import decode_value
from changedesk.rules.values import search_terms
from changedesk.store.history import Terms
from changedesk.store.settings_read import configuration


def terms_for(client: ClientId) -> Terms:
    """Return the indexer of one client's catalogue."""
    catalogue = configuration(client).catalogue
    searchable = {field.path: field for field in catalogue.searchable()}

    def terms(path: str, text: bytes) -> Sequence[tuple[str, str]]:
        field = searchable.get(path)
        return () if field is None else search_terms(field, decode_value(text))

    return terms
