"""The name under which a log is known for good."""

from urllib.parse import urlsplit

from django.conf import settings

from changedesk.ledger import note as notes
from changedesk.ledger.checkpoint import parse
from changedesk.store import published, settings_read
from changedesk.store.tile_files import INSTALLATION
from changedesk.store.tx import Look


def of_client(seen: Look) -> str:
    """Return a log's origin: what its checkpoints say already, else what is set for the client."""
    signed = published.signed(seen)
    if signed is not None:
        return parse(notes.parse(signed[2]).text).origin
    if seen.client == INSTALLATION:
        return f"{urlsplit(settings.CHANGEDESK_PUBLIC_URL).netloc}/anchor"
    return settings_read.client(seen.client).origin
