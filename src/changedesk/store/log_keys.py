"""The keys that sign a client's log, wrapped by the master key as the client's other keys are."""

import os
from typing import Final
from uuid import uuid4

from changedesk.ledger import seal
from changedesk.ledger.cosignature import ML_DSA_44, AnyVerifier, CosigningKey
from changedesk.ledger.note import Signer
from changedesk.store.keys import master_key
from changedesk.store.tx import Look, Tx

ED25519: Final = "log"
POST_QUANTUM: Final = "log_pq"
"""The purposes that a client's key may have here: Ed25519 always, ML-DSA-44 once it was asked for."""
_PURPOSES: Final = [ED25519, POST_QUANTUM]


def create(tx: Tx, purpose: str = ED25519) -> None:
    """Give the log its first key of this purpose. A log that has one keeps it."""
    key_id = uuid4()
    aad = seal.wrap_aad(purpose, tx.client, None, key_id.bytes, 1)
    wrapped = seal.wrap(master_key(), os.urandom(seal.KEY_BYTES), aad)
    tx.run("log.create_key", purpose=purpose, epoch=1, key_id=key_id, wrapped=wrapped)


def signers(look: Look, origin: str) -> list[Signer | CosigningKey]:
    """Return the newest key of each purpose, Ed25519 first: the first line is what every verifier reads."""
    newest = dict(_all(look, origin))
    return [newest[purpose] for purpose in _PURPOSES if purpose in newest]


def verifiers(look: Look, origin: str) -> list[AnyVerifier]:
    """Return every key that ever signed this log, oldest first of each purpose."""
    return [made.verifier for _, made in _all(look, origin)]


def _all(look: Look, origin: str) -> list[tuple[str, Signer | CosigningKey]]:
    found: list[tuple[str, Signer | CosigningKey]] = []
    for row in look.rows("log.keys", purposes=_PURPOSES):
        aad = seal.wrap_aad(row.purpose, look.client, None, row.key_id.bytes, row.epoch)
        seed = seal.unwrap(master_key(), bytes(row.wrapped), aad)
        made = Signer(origin, seed) if row.purpose == ED25519 else CosigningKey(origin, ML_DSA_44, seed)
        found.append((row.purpose, made))
    return found
