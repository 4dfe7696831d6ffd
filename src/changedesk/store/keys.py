"""The key hierarchy: the master key wraps each client's keys, a client's key-encryption key wraps its subjects' keys.

Unwrapped keys live in this process for at most a minute. An unknown key is an error; only a tombstone reads as erased.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from changedesk.base.ids import ClientId, SubjectId
from changedesk.ledger import seal
from changedesk.store.tx import Look, Tx

KEPT_SECONDS: Final = 60
_PURPOSES: Final = ("kek", "meta", "blind", "code")


class Erased(LookupError):  # noqa: N818 - a state of the data, not a fault
    """This subject's key was destroyed: what it sealed is forgotten."""


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """A client's newest keys, and all epochs for opening. ``read_at`` is monotonic seconds."""

    kek: bytes
    kek_epoch: int
    keks: Mapping[int, bytes]
    meta_epoch: int
    metas: Mapping[int, tuple[bytes, AESGCM]]
    """By epoch: the key's id and its cipher."""
    blind: bytes
    blind_epoch: int
    code: bytes
    read_at: float


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """One subject's data key, ready to use."""

    id: UUID
    cipher: AESGCM


@cache
def master_key() -> bytes:
    """Return the master key, read once from its file: 64 hex digits that only the service may read.

    Raises PermissionError when others may read the file, and ValueError when it is not a key.
    """
    path = Path(settings.CHANGEDESK_MASTER_KEY_FILE)
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path} can be read by others: chmod 600 it")
    key = bytes.fromhex(path.read_text("ascii").strip())
    if len(key) != seal.KEY_BYTES:
        raise ValueError(f"{path} does not hold a key of {seal.KEY_BYTES} bytes")
    return key


def create_client_keys(tx: Tx) -> None:
    """Give a client its first keys. A client that has them keeps them."""
    ids = [uuid4() for _ in _PURPOSES]
    tx.run(
        "keys.create_client",
        purpose=list(_PURPOSES),
        key_id=ids,
        wrapped=[
            seal.wrap(
                master_key(),
                os.urandom(seal.KEY_BYTES),
                seal.wrap_aad(purpose, tx.client, None, key.bytes, 1),
            )
            for purpose, key in zip(_PURPOSES, ids, strict=True)
        ],
    )
    forget(tx.client)


_clients: dict[ClientId, ClientKeys] = {}
_subjects: dict[UUID, tuple[float, SubjectKey]] = {}
_wrapped: dict[SubjectId, tuple[float, Any]] = {}
_lock = Lock()


def forget(client: ClientId | None = None) -> None:
    """Drop the unwrapped keys of this process: all of them, or a client's own."""
    with _lock:
        if client is None:
            _clients.clear()
            _subjects.clear()
            _wrapped.clear()
        else:
            _clients.pop(client, None)


def forget_subject(subject: SubjectId) -> None:
    """Drop what this process remembers of a subject's keys."""
    with _lock:
        kept = _wrapped.pop(subject, None)
        if kept is not None:
            _subjects.pop(kept[1].key_id, None)


def of_client(look: Look) -> ClientKeys:
    """Return the client's keys. Raises UnknownKey when the client has none."""
    kept = _clients.get(look.client)
    if kept is not None and time.monotonic() - kept.read_at < KEPT_SECONDS:
        return kept
    plain: dict[str, dict[int, tuple[bytes, bytes]]] = {purpose: {} for purpose in _PURPOSES}
    for row in look.rows("keys.of_client"):
        aad = seal.wrap_aad(row.purpose, look.client, None, row.key_id.bytes, row.epoch)
        plain[row.purpose][row.epoch] = (row.key_id.bytes, seal.unwrap(master_key(), bytes(row.wrapped), aad))
    if not all(plain.values()):
        raise seal.UnknownKey("this client has no keys")
    newest = {purpose: max(epochs) for purpose, epochs in plain.items()}
    made = ClientKeys(
        kek=plain["kek"][newest["kek"]][1],
        kek_epoch=newest["kek"],
        keks={epoch: key for epoch, (_, key) in plain["kek"].items()},
        meta_epoch=newest["meta"],
        metas={epoch: (key_id, AESGCM(key)) for epoch, (key_id, key) in plain["meta"].items()},
        blind=plain["blind"][newest["blind"]][1],
        blind_epoch=newest["blind"],
        code=plain["code"][newest["code"]][1],
        read_at=time.monotonic(),
    )
    _clients[look.client] = made
    return made


def create_subject_keys(tx: Tx, subjects: Iterable[SubjectId]) -> dict[SubjectId, SubjectKey]:
    """Give new subjects a data key each."""
    client = of_client(tx)
    made: dict[SubjectId, SubjectKey] = {}
    wrapped: list[bytes] = []
    for subject in subjects:
        key, key_id = os.urandom(seal.KEY_BYTES), uuid4()
        aad = seal.wrap_aad("subject", tx.client, subject, key_id.bytes, client.kek_epoch)
        wrapped.append(seal.wrap(client.kek, key, aad))
        made[subject] = SubjectKey(key_id, AESGCM(key))
    tx.run(
        "keys.create_subjects",
        key_id=[key.id for key in made.values()],
        subject_id=list(made),
        epoch=[client.kek_epoch] * len(made),
        wrapped=wrapped,
    )
    return made


def wrapped(look: Look, wanted: Iterable[tuple[SubjectId, UUID]]) -> dict[UUID, Any]:
    """Return the wrapped keys of (subject, key id)s, by key id; a tombstone's ``wrapped`` is None.

    What a tombstone's key sealed was emptied with it, in one transaction: a key that another process still remembers
    for its minute finds nothing that it could open.
    """
    now = time.monotonic()
    found: dict[UUID, Any] = {}
    unread: list[SubjectId] = []
    for subject, key_id in set(wanted):
        kept = _wrapped.get(subject)
        if kept is not None and now - kept[0] < KEPT_SECONDS and kept[1].key_id == key_id:
            found[kept[1].key_id] = kept[1]
        else:
            unread.append(subject)
    rows = look.rows("keys.of_subjects", subjects=unread) if unread else []
    held = Counter(row.subject_id for row in rows)
    if len(_wrapped) >= _KEPT_MOST:
        _wrapped.clear()
    for row in rows:
        found[row.key_id] = row
        # Of a subject with several keys all are asked for again: an older one must not hide the newest.
        if held[row.subject_id] == 1 and row.wrapped is not None:
            _wrapped[row.subject_id] = (now, row)
    return found


def of_subject(look: Look, subject: SubjectId, key_id: UUID, epoch: int, wrapped: bytes | None) -> SubjectKey:
    """Return a subject's data key from its wrapped form. Raises Erased for a tombstone."""
    if wrapped is None:
        raise Erased("this subject's key was destroyed")
    kept = _subjects.get(key_id)
    now = time.monotonic()
    if kept is not None and now - kept[0] < KEPT_SECONDS:
        return kept[1]
    client = of_client(look)
    if epoch not in client.keks:
        raise seal.UnknownKey("no key of that epoch")
    aad = seal.wrap_aad("subject", look.client, subject, key_id.bytes, epoch)
    made = SubjectKey(key_id, AESGCM(seal.unwrap(client.keks[epoch], bytes(wrapped), aad)))
    if len(_subjects) >= _KEPT_MOST:
        _evict(now)
    _subjects[key_id] = (now, made)
    return made


_KEPT_MOST: Final = 50_000


def _evict(now: float) -> None:
    with _lock:
        old = [key for key, (read_at, _) in _subjects.items() if now - read_at >= KEPT_SECONDS]
        for key in old or list(_subjects):
            _subjects.pop(key, None)
