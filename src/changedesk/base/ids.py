"""Identifiers. Distinct types, so that a mixed-up call does not type-check."""

import os
import re
import secrets
import time
from typing import Final, NewType
from uuid import UUID

ClientId = NewType("ClientId", int)
SubjectId = NewType("SubjectId", UUID)
RequestId = NewType("RequestId", UUID)
ChallengeId = NewType("ChallengeId", UUID)
ChangeId = NewType("ChangeId", UUID)
"""Names one ledger entry, change or observation, to the outside."""

OUTSIDE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#/-]{0,119}")
"""A reference into another system, of a call or a case. Kept in clear, so nothing personal fits: no blank, no @."""

_SYMBOLS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""31 symbols (a prime) without 0, 1, I, L, O: nothing that sounds or looks like another."""
_REFERENCE_SYMBOLS: Final = 10


def uuid7() -> UUID:
    """Return a time-ordered UUID (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 12 of their fraction
    (section 6.2, method 3, so that an index of them grows at its end), then random bits.
    """
    ms, rest = divmod(time.time_ns(), 1_000_000)
    value = (ms & 0xFFFF_FFFF_FFFF) << 80 | (rest << 12) // 1_000_000 << 64 | int.from_bytes(os.urandom(8), "big")
    value |= 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def new_reference() -> str:
    """Return a request's public reference, such as ``K7M2Q-9XTRA-C``: 49 random bits and a check symbol."""
    body = "".join(secrets.choice(_SYMBOLS) for _ in range(_REFERENCE_SYMBOLS))
    return f"{body[:5]}-{body[5:]}-{_check_symbol(body)}"


def parse_reference(text: str) -> str | None:
    """Return the canonical form of a reference as a person typed it, or None when its check symbol is wrong."""
    symbols = "".join(text.upper().split()).replace("-", "")
    body, check = symbols[:-1], symbols[-1:]
    if len(body) != _REFERENCE_SYMBOLS or any(symbol not in _SYMBOLS for symbol in symbols):
        return None
    return f"{body[:5]}-{body[5:]}-{check}" if _check_symbol(body) == check else None


def _check_symbol(body: str) -> str:
    # Weighted sum modulo a prime: every single wrong symbol and every swap of neighbours is noticed.
    weighted = sum(place * _SYMBOLS.index(symbol) for place, symbol in enumerate(body, start=1))
    return _SYMBOLS[weighted % len(_SYMBOLS)]
