"""HMAC-SHA256 (RFC 2104) of short texts, from the two hashes that it is made of.

OpenSSL sets up a context for each call, which takes longer than hashing these few bytes does.
"""

from hashlib import sha256
from typing import Final

_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def mac(key: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256."""
    block = key.ljust(_BLOCK, b"\0") if len(key) <= _BLOCK else _block(key)
    return sha256(block.translate(_OUTER) + sha256(block.translate(_INNER) + message).digest()).digest()


class Keyed:
    """One key that is used for many messages: what comes of it alone is hashed once. As secret as the key."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = _block(key)
        self._inner, self._outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))

    def mac(self, message: bytes) -> bytes:
        """Return what ``mac`` returns for this key."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def _block(key: bytes) -> bytes:
    return (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
