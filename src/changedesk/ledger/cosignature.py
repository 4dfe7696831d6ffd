"""Cosignatures (https://c2sp.org/tlog-cosignature): Ed25519 (type 0x04) and ML-DSA-44 (type 0x06, FIPS 204).

A witness cosigns what it found consistent. A log may sign its own checkpoints with ML-DSA-44 in the same form.
"""

import base64
import hashlib
from typing import Final, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from changedesk.ledger import checkpoint
from changedesk.ledger.note import ED25519, NoteRefused, Signature, Verifier, is_name, strict_base64

ED25519_COSIGNATURE: Final = 0x04
ML_DSA_44: Final = 0x06
_KEY_BYTES: Final = {ED25519_COSIGNATURE: 32, ML_DSA_44: 1312}
_TIME_BYTES: Final = 8
_ID_BYTES: Final = 4
_LONGEST_NAME: Final = 255
_LABEL: Final = b"subtree/v1\n\x00"


class Cosigner(msgspec.Struct, frozen=True):
    """A trusted key whose signatures are timestamped: of a witness, or a log's own ML-DSA-44 key."""

    name: str
    type: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public key), the first 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed()).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line of text, as ``Verifier.vkey``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._typed()).decode()}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Say whether this key signed exactly this checkpoint, at the time that the signature carries."""
        time, raw = signature[:_TIME_BYTES], signature[_TIME_BYTES:]
        try:
            message = _message(self.type, self.name, text, int.from_bytes(time, "big"))
            if self.type == ML_DSA_44:
                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(raw, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(raw, message)
        except (InvalidSignature, ValueError):
            return False
        return len(time) == _TIME_BYTES

    def _typed(self) -> bytes:
        return bytes((self.type,)) + self.public_key


class CosigningKey:
    """A key that cosigns under its name. Never shows its secret."""

    def __init__(self, name: str, type: int, seed: bytes) -> None:  # noqa: A002 - the specification's word
        """Take the 32 secret bytes of RFC 8032, or of FIPS 204 (xi); NoteRefused for a name that a note cannot
        carry.
        """
        if not is_name(name) or len(name.encode()) > _LONGEST_NAME:
            raise NoteRefused("a key's name has no spaces, no plus and no control characters, and is not empty")
        self._key: Ed25519PrivateKey | MLDSA44PrivateKey
        if type == ML_DSA_44:
            self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        else:
            self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Cosigner(name, type, self._key.public_key().public_bytes_raw())

    def sign(self, text: str, time: int = 0) -> Signature:
        """Cosign a checkpoint's text. ``time`` is in seconds since 1970; 0 says nothing of being the largest tree."""
        message = _message(self.verifier.type, self.verifier.name, text, time)
        signed = time.to_bytes(_TIME_BYTES, "big") + self._key.sign(message)
        return Signature(self.verifier.name, self.verifier.key_id, signed)


AnyVerifier: TypeAlias = Verifier | Cosigner


def read_vkey(vkey: str) -> AnyVerifier:
    """Read a verifier key of any type that is known here; NoteRefused for others and for misshapen ones."""
    name, _, rest = vkey.partition("+")
    key = strict_base64(rest.partition("+")[2])
    if key[:1] == bytes((ED25519,)):
        return Verifier.from_vkey(vkey)
    if not is_name(name) or _KEY_BYTES.get(key[0] if key else 0) != len(key) - 1:
        raise NoteRefused("not a verifier key")
    cosigner = Cosigner(name, key[0], key[1:])
    if cosigner.vkey != vkey:
        raise NoteRefused("the verifier key's id does not fit its key")
    return cosigner


def signed_at(signature: Signature) -> int:
    """Return the time that a cosignature carries, in seconds since 1970."""
    return int.from_bytes(signature.signature[:_TIME_BYTES], "big")


def _message(type_: int, name: str, text: str, time: int) -> bytes:
    if type_ == ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    read = checkpoint.parse(text)
    origin = read.origin.encode()
    if len(origin) > _LONGEST_NAME:
        raise NoteRefused("the origin is too long for this signature")
    # opaque <1..2^8-1> of RFC 8446: a length byte, then the bytes.
    parts = (bytes((len(item),)) + item for item in (name.encode(), origin))
    cosigner, log = parts
    spans = time.to_bytes(8, "big"), (0).to_bytes(8, "big"), read.size.to_bytes(8, "big")
    return _LABEL + cosigner + spans[0] + log + spans[1] + spans[2] + read.root
