"""Asking witnesses to cosign the published checkpoints (https://c2sp.org/tlog-witness). Nobody waits for them."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Final, NamedTuple

import httpx
import structlog
from django.conf import settings

from changedesk.base.actor import automation
from changedesk.base.ids import ClientId
from changedesk.ledger import note as notes
from changedesk.ledger import witness as witnessing
from changedesk.ledger.checkpoint import DECIMAL
from changedesk.ledger.cosignature import AnyVerifier, read_vkey
from changedesk.ledger.note import NoteRefused
from changedesk.ledger.tiles import hash_reader
from changedesk.ledger.tree import consistency_proof
from changedesk.outbound import publish
from changedesk.store import published, tile_files
from changedesk.store.begin import begin
from changedesk.store.tile_files import INSTALLATION, Missing
from changedesk.store.tx import look

PACE_SECONDS: Final = 5.0
"""A witness is asked about one log at most so often."""
PAUSE_SECONDS: Final = 60.0
"""A witness that did not answer well is left alone for so long, whatever the log."""
TIMEOUT_SECONDS: Final = 5.0
_LONGEST_ANSWER: Final = 64 * 1024
log = structlog.get_logger("changedesk.witnesses")
_not_before: dict[tuple[str, ClientId | None], float] = {}
_thread: Final = ThreadPoolExecutor(1, "witnesses")
_asking: Future[int] | None = None


class Witness(NamedTuple):
    """Where a witness takes checkpoints, and the key by which its cosignatures are known."""

    url: str
    verifier: AnyVerifier


class Unusable(Exception):  # noqa: N818 - says what is so
    """The witness gave no cosignature. Says why."""


def configured() -> list[Witness]:
    """Return the witnesses that are set. Raises NoteRefused for a key that is none."""
    split = (given.split() for given in settings.CHANGEDESK_WITNESSES)
    return [Witness(url.rstrip("/"), read_vkey(vkey)) for url, vkey in split]


def run(client_id: int) -> int:
    """Start asking about a client's newest checkpoint, and the installation's, where it is time; always 0.

    The answers are awaited in a thread of their own: what else the worker does never waits for a witness. A duty of
    the worker.
    """
    global _asking  # noqa: PLW0603 - one thread a process
    due = _due(ClientId(client_id)) if settings.CHANGEDESK_WITNESSES else []
    if due and (_asking is None or _asking.done()):
        _asking = _thread.submit(ask, due)
    return 0


def _due(client: ClientId) -> list[tuple[Witness, ClientId]]:
    now = time.monotonic()
    return [
        (witness, one)
        for witness in configured()
        for one in (client, INSTALLATION)
        if now >= max(_not_before.get((witness.url, key), now) for key in (one, None))
    ]


def ask(due: Sequence[tuple[Witness, ClientId]]) -> int:
    """Ask each witness about its log; return how many cosignatures came."""
    got = 0
    for witness, client in due:
        now = time.monotonic()
        if now < _not_before.get((witness.url, None), now):
            continue
        _not_before[witness.url, client] = now + PACE_SECONDS
        try:
            got += cosign(client, witness)
        except (httpx.HTTPError, httpx.InvalidURL, NoteRefused, Missing, Unusable) as error:
            log.warning("witness_failed", witness=witness.verifier.name, why=str(error) or type(error).__name__)
            _not_before[witness.url, None] = now + PAUSE_SECONDS
        except Exception:
            log.exception("witness_failed", witness=witness.verifier.name)
            _not_before[witness.url, None] = now + PAUSE_SECONDS
    return got


def cosign(client: ClientId, witness: Witness) -> bool:
    """Have the newest checkpoint cosigned and published with the cosignature. False when that was done already.

    Raises Unusable, NoteRefused, httpx.HTTPError.
    """
    with look(client) as seen:
        signed = published.signed(seen)
        known = published.witnessed(seen, witness.verifier.name)
    if signed is None or known >= signed[0]:
        return False
    size, _, note = signed
    answer = _ask(client, witness, known, size, note)
    if answer.status_code == HTTPStatus.CONFLICT:
        told = answer.text.strip()
        if DECIMAL.fullmatch(told) is None or int(told) > size:
            # It saw a larger log of this name than ours: somebody forked it, or an old backup was restored.
            raise Unusable(f"it knows more of this log than is published here ({told[:20]} entries)")
        answer = _ask(client, witness, int(told), size, note)
    if answer.status_code != HTTPStatus.OK:
        raise Unusable(f"it answered {answer.status_code}")
    lines = "".join(notes.line(one) for one in witnessing.cosignatures(note, answer.content, witness.verifier))
    with begin(automation(client, "publisher")) as tx:
        published.cosign(tx, size, witness.verifier.name, lines)
    publish.refresh(client)
    return True


def _ask(client: ClientId, witness: Witness, known: int, size: int, note: bytes) -> httpx.Response:
    folder = tile_files.of_client(client)
    proof = consistency_proof(known, size, hash_reader(size, folder.read))
    body = witnessing.ask(known, proof, note)
    with (
        httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as http,
        http.stream("POST", f"{witness.url}/add-checkpoint", content=body) as answer,
    ):
        content = b""
        for part in answer.iter_bytes():
            content += part
            if len(content) > _LONGEST_ANSWER:
                raise Unusable("its answer is too long")
    return httpx.Response(answer.status_code, content=content)


def wait() -> int:
    """Wait for the answers that are under way; return how many cosignatures came."""
    return 0 if _asking is None else _asking.result()


def forget() -> None:
    """Drop what this process remembers, once nothing is under way."""
    wait()
    _not_before.clear()
