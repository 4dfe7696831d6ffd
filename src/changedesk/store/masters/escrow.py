"""The master file in two sealed halves, for two people who keep them apart: a ceremony, and the way back from it.

One half is random, the other is the file's content XOR that: each alone says nothing of it (a one-time pad). Each is
sealed under its keeper's passphrase: scrypt (RFC 7914; N 2**17, r 8, p 1, as OWASP advises), then
AES-256-GCM. A half is a line of JSON: {"v", "set", "half", "salt", "nonce", "sealed"}, bytes in base64.
"""

import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from changedesk.base.refusal import Refusal
from changedesk.store.masters.file import FileMaster

_FORM: Final = 1
COST = 2**17
SHORTEST: Final = 12
"""Characters that a passphrase has at least."""


class EscrowRefused(Refusal):
    """These two halves do not give the master file back, or there is one already.

    ``data``: why (not-a-half, not-a-pair, passphrase, too-short, file-exists).
    """

    code = "escrow-refused"
    hint = "Take both halves of one export, each with its keeper's passphrase, and a place where no master file stands."


def halves(path: Path, passphrases: tuple[str, str]) -> tuple[str, str]:
    """Return the two sealed halves of a master file, all versions. Raises EscrowRefused for a short passphrase."""
    if min(map(len, passphrases)) < SHORTEST:
        raise EscrowRefused(why="too-short")
    whole = json.dumps({str(number): key.hex() for number, key in FileMaster(path).keys().items()}).encode()
    pad = secrets.token_bytes(len(whole))
    name = secrets.token_hex(8)
    parts = (pad, _xor(pad, whole))
    first, second = (
        _sealed(part, passphrase, name, place)
        for place, (part, passphrase) in enumerate(zip(parts, passphrases, strict=True), 1)
    )
    return first, second


def restore(path: Path, given: Sequence[str], passphrases: Sequence[str]) -> list[int]:
    """Write a master file from both of its halves, in any order; return its versions. Raises EscrowRefused.

    A file that stands there is never written over.
    """
    if path.exists():
        raise EscrowRefused(why="file-exists")
    read = [_opened(text, passphrase) for text, passphrase in zip(given, passphrases, strict=True)]
    if len({name for name, _, _ in read}) != 1 or {place for _, place, _ in read} != {1, 2}:
        raise EscrowRefused(why="not-a-pair")
    held = json.loads(_xor(read[0][2], read[1][2]))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    FileMaster(path).write({int(number): bytes.fromhex(key) for number, key in held.items()})
    return sorted(int(number) for number in held)


def _sealed(part: bytes, passphrase: str, name: str, place: int) -> str:
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, part, _aad(name, place))
    raw = {"salt": salt, "nonce": nonce, "sealed": sealed}
    told = {"v": _FORM, "set": name, "half": place, **{key: b64encode(value).decode() for key, value in raw.items()}}
    return json.dumps(told) + "\n"


def _opened(text: str, passphrase: str) -> tuple[str, int, bytes]:
    try:
        told: dict[str, Any] = json.loads(text)
        name, place = str(told["set"]), int(told["half"])
        salt, nonce, sealed = (b64decode(told[key], validate=True) for key in ("salt", "nonce", "sealed"))
        if told["v"] != _FORM or (len(salt), len(nonce)) != (16, 12):
            raise EscrowRefused(why="not-a-half")
    except (ValueError, KeyError, TypeError):
        raise EscrowRefused(why="not-a-half") from None
    try:
        return name, place, AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, _aad(name, place))
    except InvalidTag:
        raise EscrowRefused(why="passphrase") from None


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=COST, r=8, p=1).derive(passphrase.encode())


def _aad(name: str, place: int) -> bytes:
    return b"changedesk/escrow/v1\x00" + name.encode() + bytes([place & 0xFF])


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
