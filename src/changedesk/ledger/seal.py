"""Sealing with AES-256-GCM (ledger design, section 3; NIST SP 800-38D) and blind lookup tags.

Nonces are random, 96 bits: a key must seal fewer than 2**32 times. A subject's key never comes near that; a
client's key is renewed by epoch.
"""

import os
from collections.abc import Callable, Iterable
from struct import Struct
from struct import error as StructError  # noqa: N812 - the class's own name is lower case
from typing import Final, TypeAlias
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from changedesk.base.ids import ClientId
from changedesk.ledger.mac import Keyed, mac

Key: TypeAlias = bytes | AESGCM
"""32 secret bytes, or a cipher made of them once: keeping the cipher saves 1.4 µs a call. Whoever keeps it
evicts it.
"""

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 16
TAG_BYTES: Final = 16
PERSONAL: Final = 64
"""What is padded to this multiple of bytes tells little by its size."""
IMPERSONAL: Final = 1
_NONCE_BYTES: Final = 12
_MAC_BYTES: Final = 16
_VERSION: Final = b"\x01"
_HEAD: Final = 1 + KEY_ID_BYTES + _NONCE_BYTES
_u64 = Struct(">Q").pack
_u32 = Struct(">I").pack
_length = Struct(">I").unpack_from


class UnknownKey(LookupError):  # noqa: N818 - a refusal, as elsewhere
    """No key of that id. Not a sign of erasure: only a tombstone is. Carries no data."""


class Corrupt(ValueError):  # noqa: N818 - a refusal, as elsewhere
    """Sealed bytes that do not open with this key in this place: damaged, moved or forged. Carries no
    data.
    """


def seal(key_id: bytes, key: Key, plaintext: bytes, aad: bytes, *, block: int = PERSONAL) -> bytes:
    """Return 0x01 || key_id(16) || nonce(12) || AES-256-GCM(key, pad64(plaintext), aad).

    pad64 is u32be(length) || plaintext || zeros up to a multiple of 64, so sizes tell little; ``block`` is another
    multiple than 64 for what holds nothing personal.
    """
    if len(key_id) != KEY_ID_BYTES:
        raise ValueError("a key id is 16 bytes")
    nonce = os.urandom(_NONCE_BYTES)
    padded = _u32(len(plaintext)) + plaintext
    padded += bytes(-len(padded) % block)
    return _VERSION + key_id + nonce + _cipher(key).encrypt(nonce, padded, aad)


def sealed_with(blob: bytes) -> bytes:
    """Return the id of the key that sealed this; Corrupt when it is not sealed at all."""
    if len(blob) < _HEAD + _MAC_BYTES or blob[:1] != _VERSION:
        raise Corrupt("not sealed by this format")
    return blob[1 : 1 + KEY_ID_BYTES]


def bare(blob: bytes) -> bytes:
    """Return a sealed blob without what says by which key, for a row that knows it: ``unseal_bare`` opens it."""
    return blob[1 + KEY_ID_BYTES :]


def unseal(lookup: Callable[[bytes], Key | None], blob: bytes, aad: bytes, *, block: int = PERSONAL) -> bytes:
    """Return the plaintext. ``lookup`` gives the key for an id (16 bytes), or None.

    Raises UnknownKey when it gives None; Corrupt when the blob, the key or the place (``aad``) is not the
    right one.
    """
    key = lookup(sealed_with(blob))
    if key is None:
        raise UnknownKey("no key of that id")
    return unseal_bare(_cipher(key), bare(blob), aad, block=block)


def unseal_bare(cipher: AESGCM, stored: bytes, aad: bytes, *, block: int = PERSONAL) -> bytes:
    """Return the plaintext of what ``bare`` left. Raises Corrupt, as ``unseal`` does."""
    return unseal_each([(cipher, stored, aad)], block=block)[0]


def unseal_each(sealed: Iterable[tuple[AESGCM, bytes, bytes]], *, block: int = PERSONAL) -> list[bytes]:
    """Return the plaintexts of what ``bare`` left, each with its cipher and its place. Raises Corrupt."""
    found = []
    for cipher, stored, aad in sealed:
        try:
            padded = cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], aad)
            end = 4 + _length(padded)[0]
        except (InvalidTag, ValueError):
            # A ValueError is a nonce cut short.
            raise Corrupt("does not open") from None
        except StructError:
            raise Corrupt("wrongly padded") from None
        filled = -end % block
        if len(padded) != end + filled or (filled and padded[end:] != bytes(filled)):
            raise Corrupt("wrongly padded")
        found.append(padded[4:end])
    return found


def entry_aads(client: ClientId, subject_ref: UUID) -> Callable[[UUID, int], tuple[bytes, bytes]]:
    """Return what gives the places of a payload and of a meta, as ``payload_aad`` and ``meta_aad`` do, for many
    entries of one subject.
    """
    stream = _u64(client) + subject_ref.bytes
    in_payload, in_meta = b"acl/v1/payload" + stream, b"acl/v1/meta" + stream

    def of_entry(change_id: UUID, n: int) -> tuple[bytes, bytes]:
        place = change_id.bytes + _u64(n)
        return in_payload + place, in_meta + place

    return of_entry


def payload_aad(client: ClientId, subject_ref: UUID, change_id: UUID, n: int) -> bytes:
    """Return "acl/v1/payload" || u64be(client) || subject_ref || change_id || u64be(n): a payload's only
    place.
    """
    return b"acl/v1/payload" + _u64(client) + subject_ref.bytes + change_id.bytes + _u64(n)


def meta_aad(client: ClientId, subject_ref: UUID, change_id: UUID, n: int) -> bytes:
    """Return "acl/v1/meta" || u64be(client) || subject_ref || change_id || u64be(n): a meta blob's only
    place.
    """
    return b"acl/v1/meta" + _u64(client) + subject_ref.bytes + change_id.bytes + _u64(n)


def state_aad(client: ClientId, subject_ref: UUID, n: int) -> bytes:
    """Return "acl/v1/state" || u64be(client) || subject_ref || u64be(n): the state of exactly this
    version.
    """
    return b"acl/v1/state" + _u64(client) + subject_ref.bytes + _u64(n)


def wrap_aad(purpose: str, client: ClientId, subject_ref: UUID | None, key_id: bytes, epoch: int) -> bytes:
    """Return what binds a wrapped key to its use: purpose, client, subject (None: the client's own), id,
    epoch.
    """
    name = purpose.encode()
    subject = b"\x00" if subject_ref is None else b"\x01" + subject_ref.bytes
    return b"acl/v1/wrap" + _u32(len(name)) + name + _u64(client) + subject + key_id + _u64(epoch)


def wrap(kek: Key, data_key: bytes, aad: bytes) -> bytes:
    """Return 0x01 || nonce(12) || AES-256-GCM(kek, data_key, aad): 61 bytes for a 32-byte key."""
    if len(data_key) != KEY_BYTES:
        raise ValueError("a data key is 32 bytes")
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + _cipher(kek).encrypt(nonce, data_key, aad)


def unwrap(kek: Key, wrapped: bytes, aad: bytes) -> bytes:
    """Return the data key (32 bytes); Corrupt when the key, the wrapping or its use is not the right one."""
    if len(wrapped) != 1 + _NONCE_BYTES + KEY_BYTES + _MAC_BYTES or wrapped[:1] != _VERSION:
        raise Corrupt("not a wrapped key")
    try:
        return _cipher(kek).decrypt(wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :], aad)
    except InvalidTag:
        raise Corrupt("does not open") from None


def blind_key(key: bytes, field: str) -> bytes:
    """Return K_bi[client, field, epoch] = HKDF-Expand(K_bi[client, epoch], "acl/v1/blind" || 0x00 || field,
    32).
    """
    return mac(key, b"acl/v1/blind\x00" + field.encode() + b"\x01")


def blind_tag(key: bytes, field: str, normalised: str) -> bytes:
    """Return HMAC-SHA256(blind_key(key, field), value)[:16]: equal values of one field find each other, no
    others.

    ``key`` is the client's for this epoch. Never for values that are easily guessed.
    """
    return tag_under(Keyed(blind_key(key, field)), normalised)


def tag_under(field_key: Keyed, normalised: str) -> bytes:
    """Return ``blind_tag`` under the key of a field (``blind_key``)."""
    return field_key.mac(normalised.encode())[:TAG_BYTES]


def _cipher(key: Key) -> AESGCM:
    if isinstance(key, AESGCM):
        return key
    if len(key) != KEY_BYTES:
        raise ValueError("a sealing key is 32 bytes")
    return AESGCM(key)
