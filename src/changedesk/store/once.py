"""Idempotency: a retried call gets the first one's answer, whatever became of the connection in between."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import errors

from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.ledger.value import Json, encode_json
from changedesk.store import keys
from changedesk.store.subjects import Subject, opened
from changedesk.store.tx import Tx


class InFlight(Refusal):
    """The first call with this Idempotency-Key is still being worked on."""

    code = "idempotency-in-flight"
    hint = "Wait a moment, then send the same call again."
    status = "in_flight"


class OtherBody(Refusal):
    """This Idempotency-Key was used before, with another content."""

    code = "idempotency-other-body"
    hint = "Use a new key for a new call; repeat a call with exactly the content it had."


@dataclass(frozen=True, slots=True)
class Once:
    """A caller's key for one call, and the content it stands for (any bytes that are equal on a retry)."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A key as it was found. ``reply`` is the first call's answer, None where this is the first."""

    key_hash: bytes
    body_mac: bytes
    reply: Mapping[str, Any] | None


def claim(tx: Tx, actor: str, keys_given: Sequence[Once]) -> list[Claim | Refusal]:
    """Claim keys until the transaction ends, in the order given.

    Each comes back as a Claim, or as the refusal InFlight or OtherBody.
    """
    hashed = _hashed(keys_given)
    locked, rows = _together(tx, actor, hashed, "once.claim")
    known = {bytes(row.key_hash): row for row in rows}
    return _claims(tx, keys_given, hashed, locked, [known[key_hash] for key_hash in hashed])


def claim_holding(
    tx: Tx, actor: str, calls: Sequence[tuple[Once, SubjectId]]
) -> tuple[list[Claim | Refusal], dict[SubjectId, Subject]]:
    """Claim keys as ``claim`` does, and lock the subjects of the calls that go on, in the same round trip."""
    given = [item for item, _ in calls]
    hashed = _hashed(given)
    locked, rows = _together(tx, actor, hashed, "once.claim_holding", subjects=[subject for _, subject in calls])
    answered = sorted((row for row in rows if row.place is not None), key=lambda row: row.place)
    return _claims(tx, given, hashed, locked, answered), {row.id: opened(tx, row) for row in rows if row.place is None}


def _together(tx: Tx, actor: str, hashed: Sequence[bytes], then: str, **given: object) -> list[list[Any]]:
    """Claim keys, then ask what is known of them, in one round trip; return the rows of both."""
    asked = {"actor": actor, "keys": hashed}
    return tx.together(("once.lock", asked), (then, {**asked, **given}))


def _hashed(given: Sequence[Once]) -> list[bytes]:
    return [hashlib.sha256(item.key.encode()).digest() for item in given]


def _claims(
    tx: Tx, given: Sequence[Once], hashed: Sequence[bytes], locked: Sequence[Any], rows: Sequence[Any]
) -> list[Claim | Refusal]:
    secret = keys.of_client(tx).code
    found: list[Claim | Refusal] = []
    claimed: set[bytes] = set()
    for item, key_hash, lock, row in zip(given, hashed, locked, rows, strict=True):
        # A plain hash of a body with a birth date in it could be guessed back: hence a keyed one.
        body_mac = hmac.digest(secret, b"once\x00" + item.body, "sha256")
        if row.body_mac is not None and not hmac.compare_digest(bytes(row.body_mac), body_mac):
            found.append(OtherBody())
        elif not lock.claimed or key_hash in claimed:
            found.append(InFlight())
        else:
            claimed.add(key_hash)
            found.append(Claim(key_hash, body_mac, row.reply))
    return found


def record(tx: Tx, actor: str, answered: Sequence[tuple[Claim, Mapping[str, Json]]], *, at: datetime) -> None:
    """Keep the answers of first calls. An answer holds references and states, never a personal value.

    Raises InFlight where a key was used by another call all the same: whatever this transaction did is taken back
    with it, and the next try gets the first call's answer.
    """
    if answered:
        kept = tx.run(
            "once.record",
            actor=actor,
            key_hash=[item.key_hash for item, _ in answered],
            body_mac=[item.body_mac for item, _ in answered],
            reply=[encode_json(reply) for _, reply in answered],
            at=at,
        )
        if kept != len(answered):
            raise InFlight


def columns(actor: str, answered: Sequence[tuple[Claim, Mapping[str, Json]]], *, at: datetime) -> dict[str, Any]:
    """Return the answers of first calls as the parameters of a statement that keeps them with what it writes."""
    return {
        "once_actor": actor,
        "once_at": at,
        "once_key": [item.key_hash for item, _ in answered],
        "once_body": [item.body_mac for item, _ in answered],
        "once_reply": [encode_json(reply) for _, reply in answered],
    }


@contextmanager
def refusing_twice() -> Iterator[None]:
    """Turn the refusal of a key that was used meanwhile into InFlight, as ``record`` says it."""
    try:
        yield
    except errors.UniqueViolation as taken:
        if taken.diag.constraint_name == "once_pkey":
            raise InFlight from None
        raise
