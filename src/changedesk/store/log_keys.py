"""The keys that sign a client's log, wrapped by the master key as the client's other keys are."""

from typing import Any, Final

from changedesk.ledger.cosignature import ML_DSA_44, AnyVerifier, CosigningKey
from changedesk.ledger.note import Signer
from changedesk.store import keys, rotation
from changedesk.store.tx import Look, Tx

ED25519: Final = "log"
POST_QUANTUM: Final = "log_pq"
"""The purposes that a client's key may have here: Ed25519 always, ML-DSA-44 once it was asked for."""
_PURPOSES: Final = [ED25519, POST_QUANTUM]


def create(tx: Tx, purpose: str = ED25519) -> None:
    """Give the log its first key of this purpose. A log that has one keeps it."""
    if not _rows(tx, [purpose]):
        keys.create(tx, {purpose: 1})


def renew(tx: Tx) -> int | None:
    """Let a further Ed25519 key sign beside the one there is; return its epoch.

    None where two sign already, or none does.
    """
    used = [row.epoch for row in _rows(tx, [ED25519]) if row.phase == keys.IN_USE]
    if len(used) != 1:
        return None
    keys.create(tx, {ED25519: used[0] + 1})
    return int(used[0]) + 1


def leave_older(tx: Tx) -> int:
    """Let only the newest Ed25519 key sign; return how many do no more. What they signed is still verified."""
    used = [row.epoch for row in _rows(tx, [ED25519]) if row.phase == keys.IN_USE]
    for epoch in used[:-1]:
        rotation.go_on(tx, ED25519, epoch, rotation.LEAVING)
    return len(used[:-1])


def signers(look: Look, origin: str) -> list[Signer | CosigningKey]:
    """Return the keys in use, Ed25519 first, of each purpose the older first.

    The first line is what every verifier reads; while a key is renewed, whoever knows only the old one finds it there.
    """
    found = [(row.purpose, _made(look, row, origin)) for row in _rows(look, _PURPOSES) if row.phase == keys.IN_USE]
    return [made for purpose in _PURPOSES for known, made in found if known == purpose]


def verifiers(look: Look, origin: str) -> list[AnyVerifier]:
    """Return every key that ever signed this log, oldest first of each purpose."""
    return [_made(look, row, origin).verifier for row in _rows(look, _PURPOSES)]


def _rows(look: Look, purposes: list[str]) -> list[Any]:
    return look.rows("log.keys", purposes=purposes)


def _made(look: Look, row: Any, origin: str) -> Signer | CosigningKey:
    seed = keys.opened(look.client, row)
    return Signer(origin, seed) if row.purpose == ED25519 else CosigningKey(origin, ML_DSA_44, seed)
