"""The published log as files (C2SP tlog-tiles): checkpoint, tiles, entry bundles; and the receipt of an entry.

The address of a client's log is ``/api/v1/log``; that of the installation's own log ``/api/v1/log/anchor``.
"""

from typing import Any, Final

from ninja import Schema

from changedesk.base.ids import ChangeId
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import published

router = Routes(tags=["Log"])
_PLAIN: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"


class LogKeys(Schema):
    """By what the log is known: its origin, and its keys as signed-note verifier keys, oldest first."""

    origin: str
    keys: list[str]


def _file(media: str) -> dict[str, Any]:
    """Return the keywords of a route that answers with a file of this media type."""
    made = documented(200, None, body=False)
    schema = {"type": "string"} if media == _PLAIN else {"type": "string", "format": "binary"}
    made["openapi_extra"]["responses"][200] = {"description": "OK", "content": {media: {"schema": schema}}}
    return made


def _sent(body: bytes, media: str) -> Answer:
    return Answer(200, body, {"Content-Type": media})


@router.get("/log/keys", **documented(200, LogKeys, body=False))
def keys(call: Call) -> Answer:
    """Read the log's origin and the keys that sign it. Keep them: they are what you believe the log by."""
    return tell(published.keys(actor=call.actor))


@router.get("/log/checkpoint", **_file(_PLAIN))
def checkpoint(call: Call) -> Answer:
    """Read the newest signed checkpoint (c2sp.org/tlog-checkpoint)."""
    return _sent(published.checkpoint(actor=call.actor), _PLAIN)


@router.get("/log/tile/{path:tile}", **_file(_BYTES))
def tile(call: Call, tile: str) -> Answer:
    """Read a tile of hashes or a bundle of entries (c2sp.org/tlog-tiles), such as ``0/x001/x234/067.p/8``."""
    return _sent(published.tile(f"tile/{tile}", actor=call.actor), _BYTES)


@router.get("/log/anchor/keys", **documented(200, LogKeys, body=False))
def anchor_keys(call: Call) -> Answer:
    """Read the origin and the keys of the installation's own log, which holds all clients' checkpoints."""
    return tell(published.anchor_keys(actor=call.actor))


@router.get("/log/anchor/checkpoint", **_file(_PLAIN))
def anchor_checkpoint(call: Call) -> Answer:
    """Read the newest signed checkpoint of the installation's own log."""
    return _sent(published.anchor_checkpoint(actor=call.actor), _PLAIN)


@router.get("/log/anchor/tile/{path:tile}", **_file(_BYTES))
def anchor_tile(call: Call, tile: str) -> Answer:
    """Read a tile of hashes or a bundle of entries of the installation's own log."""
    return _sent(published.anchor_tile(f"tile/{tile}", actor=call.actor), _BYTES)


@router.get("/log/anchor/receipt", **_file(_PLAIN))
def anchor_receipt(call: Call) -> Answer:
    """Read the receipt of this client's newest checkpoint in the installation's own log.

    The entry is SHA-256 of the checkpoint that stands in the receipt as extra data.
    """
    return _sent(published.anchor_receipt(actor=call.actor), _PLAIN)


@router.get("/changes/{id}/receipt", **_file(_PLAIN))
def receipt(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read the receipt of an entry (c2sp.org/tlog-proof): it proves offline, with the log's key, that it stands
    there.

    The extra data is the entry's leaf document, which holds commitments and no personal data.
    """
    return _sent(published.receipt(ChangeId(id), actor=call.actor), _PLAIN)
