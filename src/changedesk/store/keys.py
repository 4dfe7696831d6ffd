"""The key hierarchy: the master key wraps each client's keys, a client's key-encryption key wraps its subjects' keys.

Every key has an epoch, and is renewed while the desk works (flow.rotating). Which keys there are is asked again every
few seconds; unwrapped they live in this process for at most a minute. An unknown key is an error; only a tombstone
reads as erased.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from changedesk.base.ids import ClientId, SubjectId
from changedesk.ledger import seal
from changedesk.ledger.mac import Keyed
from changedesk.store import masters
from changedesk.store.tx import Look, Tx

KEPT_SECONDS: Final = 60
"""The longest that an unwrapped key is remembered."""
KNOWN_SECONDS: Final = 5
"""The longest that a process goes on with the phases that a client's keys were in. A renewal waits for it."""
_PURPOSES: Final = ("kek", "meta", "blind", "code")
IN_USE: Final = "in_use"


class Erased(LookupError):  # noqa: N818 - a state of the data, not a fault
    """This subject's key was destroyed: what it sealed is forgotten."""


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """A client's newest keys, and all epochs for opening. ``read_at`` is monotonic seconds."""

    kek: bytes = field(repr=False)
    kek_epoch: int
    keks: Mapping[int, bytes] = field(repr=False)
    meta_epoch: int
    metas: Mapping[int, tuple[bytes, AESGCM]] = field(repr=False)
    """By epoch: the key's id and its cipher."""
    blind: bytes = field(repr=False)
    blind_epoch: int
    """The epoch under which the blind index is whole: the oldest in use, until a renewal has written the next."""
    blinds: Mapping[int, bytes] = field(repr=False)
    """Every epoch under which a term may stand: all are asked, and a term that is lost is taken from all."""
    written: Sequence[int]
    """The epochs under which terms are written: two while a renewal runs."""
    code: bytes = field(repr=False)
    read_at: float
    _indexes: dict[tuple[int, str], Keyed] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The keys of the indexes that were asked for, by epoch: a file asks for each one thousands of times."""

    def tag(self, epoch: int, index: str, term: str) -> bytes:
        """Return a term's tag under one epoch."""
        key = self._indexes.get((epoch, index))
        if key is None:
            key = self._indexes[epoch, index] = Keyed(seal.blind_key(self.blinds[epoch], index))
        return seal.tag_under(key, term)

    def tags(self, index: str, term: str) -> list[bytes]:
        """Return a term's tags under every epoch."""
        return [self.tag(epoch, index, term) for epoch in self.blinds]


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """One subject's data key, ready to use."""

    id: UUID
    cipher: AESGCM = field(repr=False)


def create_client_keys(tx: Tx) -> None:
    """Give a client its first keys. A client that has them keeps them."""
    create(tx, dict.fromkeys(_PURPOSES, 1))


def create(tx: Tx, wanted: Mapping[str, int], *, phase: str = IN_USE) -> int:
    """Make keys of these purposes and epochs; return how many were not there. Raises MasterUnavailable."""
    ids = [uuid4() for _ in wanted]
    made = [
        masters.wrap(os.urandom(seal.KEY_BYTES), seal.wrap_aad(purpose, tx.client, None, key.bytes, epoch))
        for (purpose, epoch), key in zip(wanted.items(), ids, strict=True)
    ]
    count = tx.run(
        "keys.create",
        purpose=list(wanted),
        epochs=list(wanted.values()),
        key_id=ids,
        wrapped=[one.sealed for one in made],
        master=[one.master for one in made],
        phase=phase,
    )
    forget(tx.client)
    tx.kept = None
    return count


_clients: dict[ClientId, ClientKeys] = {}
_opened: dict[tuple[UUID, bytes], tuple[float, bytes]] = {}
_subjects: dict[UUID, tuple[float, SubjectKey]] = {}
_wrapped: dict[SubjectId, tuple[float, Any]] = {}
_lock = Lock()


def forget(client: ClientId | None = None) -> None:
    """Drop the unwrapped keys of this process: all of them, or a client's own."""
    with _lock:
        if client is None:
            _clients.clear()
            _opened.clear()
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


def of_client(look: Look, *, anew: bool = False) -> ClientKeys:
    """Return the client's keys: the same ones throughout a transaction, unless they are asked for ``anew``.

    Raises UnknownKey when the client has none, MasterUnavailable.
    """
    if not anew:
        if look.kept is not None:
            held: ClientKeys = look.kept
            return held
        kept = _clients.get(look.client)
        if kept is not None and time.monotonic() - kept.read_at < KNOWN_SECONDS:
            look.kept = kept
            return kept
    made = look.kept = _read(look)
    with _lock:
        # A transaction that has been looking at the past for long does not tell the others what is.
        if look.client not in _clients or _clients[look.client].read_at < made.read_at:
            _clients[look.client] = made
    return made


def _read(look: Look) -> ClientKeys:
    asked_at = time.monotonic()
    plain: dict[str, dict[int, tuple[bytes, bytes]]] = {purpose: {} for purpose in _PURPOSES}
    used: dict[str, list[int]] = {purpose: [] for purpose in _PURPOSES}
    age = 0.0
    for row in look.rows("keys.of_client"):
        plain[row.purpose][row.epoch] = (row.key_id.bytes, opened(look.client, row))
        age = row.age
        if row.phase == IN_USE:
            used[row.purpose].append(row.epoch)
    if not all(used.values()):
        raise seal.UnknownKey("this client has no keys")
    newest = {purpose: max(epochs) for purpose, epochs in used.items()}
    whole = min(used["blind"])
    return ClientKeys(
        kek=plain["kek"][newest["kek"]][1],
        kek_epoch=newest["kek"],
        keks={epoch: key for epoch, (_, key) in plain["kek"].items()},
        meta_epoch=newest["meta"],
        metas={epoch: (key_id, AESGCM(key)) for epoch, (key_id, key) in plain["meta"].items()},
        blind=plain["blind"][whole][1],
        blind_epoch=whole,
        blinds={epoch: key for epoch, (_, key) in plain["blind"].items()},
        written=used["blind"],
        code=plain["code"][newest["code"]][1],
        read_at=asked_at - age,
    )


def opened(client: ClientId, row: Any) -> bytes:
    """Return a client's key from its row (purpose, epoch, key_id, wrapped, master). Raises MasterUnavailable."""
    sealed, now = bytes(row.wrapped), time.monotonic()
    kept = _opened.get((row.key_id, sealed))
    if kept is not None and now - kept[0] < KEPT_SECONDS:
        return kept[1]
    aad = seal.wrap_aad(row.purpose, client, None, row.key_id.bytes, row.epoch)
    key = masters.unwrap(masters.Wrapped(row.master, sealed), aad)
    with _lock:
        if len(_opened) >= _KEPT_MOST:
            _opened.clear()
        _opened[row.key_id, sealed] = (now, key)
    return key


def meta_of_epoch(look: Look, epoch: int) -> AESGCM:
    """Return the client's meta cipher of an epoch. Raises UnknownKey."""
    known = of_client(look).metas.get(epoch) or of_client(look, anew=True).metas.get(epoch)
    if known is None:
        raise seal.UnknownKey("no key of that epoch")
    return known[1]


def meta_of_id(look: Look, key_id: bytes) -> AESGCM | None:
    """Return the client's meta cipher of an id, None when there is none."""
    return dict(of_client(look).metas.values()).get(key_id) or dict(of_client(look, anew=True).metas.values()).get(
        key_id
    )


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
    now, newest = time.monotonic(), of_client(look).kek_epoch
    found: dict[UUID, Any] = {}
    unread: list[SubjectId] = []
    for subject, key_id in set(wanted):
        kept = _wrapped.get(subject)
        # One that was wrapped before the last renewal is asked for again: its epoch may be gone by now.
        fresh = kept is not None and now - kept[0] < KEPT_SECONDS and kept[1].epoch >= newest
        if kept is not None and fresh and kept[1].key_id == key_id:
            found[kept[1].key_id] = kept[1]
        else:
            unread.append(subject)
    rows = look.rows("keys.of_subjects", subjects=unread) if unread else []
    held = Counter(row.subject_id for row in rows)
    for row in rows:
        found[row.key_id] = row
        # Of a subject with several keys all are asked for again: an older one must not hide the newest.
        if held[row.subject_id] == 1 and row.wrapped is not None:
            _keep(row, now)
    return found


class _Wrapped(NamedTuple):
    key_id: UUID
    subject_id: SubjectId
    epoch: int
    wrapped: bytes


def _keep(row: Any, now: float) -> None:
    if len(_wrapped) >= _KEPT_MOST:
        _wrapped.clear()
    _wrapped[row.subject_id] = (now, row)


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
        client = of_client(look, anew=True)
    if epoch not in client.keks:
        raise seal.UnknownKey("no key of that epoch")
    aad = seal.wrap_aad("subject", look.client, subject, key_id.bytes, epoch)
    made = SubjectKey(key_id, AESGCM(seal.unwrap(client.keks[epoch], bytes(wrapped), aad)))
    if len(_subjects) >= _KEPT_MOST:
        _evict(now)
    _subjects[key_id] = (now, made)
    # Whoever has read the record need not ask for its key again, to open what else was sealed with it.
    _keep(_Wrapped(key_id, subject, epoch, wrapped), now)
    return made


_KEPT_MOST: Final = 50_000


def _evict(now: float) -> None:
    with _lock:
        old = [key for key, (read_at, _) in _subjects.items() if now - read_at >= KEPT_SECONDS]
        for key in old or list(_subjects):
            _subjects.pop(key, None)
