"""The installation's own log: it holds the digest of every client's checkpoints that were the newest when it looked.

Whoever has one of its checkpoints holds all clients' logs to what they said by then, without learning what they hold.
"""

import hashlib
from datetime import datetime

from changedesk.base import clock
from changedesk.base.actor import automation
from changedesk.base.ids import ClientId
from changedesk.outbound import publish
from changedesk.store import log, published
from changedesk.store.begin import begin
from changedesk.store.tile_files import INSTALLATION
from changedesk.store.tx import look

_anchored: dict[ClientId, int] = {}
_open: set[ClientId] = {INSTALLATION}
"""Holds the installation while its log may have something to sequence or to publish."""


def run(client_id: int) -> int:
    """Anchor a client's newest checkpoint and publish the installation's log. A duty of the worker."""
    return anchor(ClientId(client_id), at=clock.now())


def anchor(client: ClientId, *, at: datetime, paced: bool = True) -> int:
    """Return how many entries the installation's published log gained."""
    with look(client) as seen:
        signed = published.signed(seen)
    if signed is not None and _anchored.get(client) != signed[0]:
        size, _, note = signed
        with begin(automation(INSTALLATION, "anchor")) as tx:
            published.anchor(tx, log=int(client), size=size, digest=digest(note))
        _anchored[client] = size
        _open.add(INSTALLATION)
    if not _open:
        return 0
    with begin(automation(INSTALLATION, "sequencer")) as tx:
        placed = log.sequence(tx)
    gained = publish.publish(INSTALLATION, at=at, paced=paced)
    with look(INSTALLATION) as seen:
        now = published.standing(seen)
    if not placed and now.size == now.published and not now.unfinished:
        _open.clear()
    return gained


def digest(note: bytes) -> bytes:
    """Return what the installation's log holds of a signed checkpoint: SHA-256 of it, without cosignatures."""
    return hashlib.sha256(note).digest()


def forget() -> None:
    """Drop what this process remembers."""
    _anchored.clear()
    _open.add(INSTALLATION)
