"""Commitments: what the log holds instead of personal data (ledger design, section 2).

The secrets (``cs`` for fields, ``ms`` for meta, 32 random bytes each per entry) live in the encrypted
payload. With them a commitment opens; once their key is destroyed it says nothing, and no dictionary of birth
dates helps.
"""

import hashlib
import hmac
from collections.abc import Sequence
from operator import attrgetter
from struct import Struct
from typing import Final

import msgspec

from changedesk.ledger.mac import mac

FOREVER: Final = 2**63 - 1
"""End of a range that has none, in microseconds since 1970."""
BEGINNING: Final = -(2**63)
"""Start of a range that has none, in microseconds since 1970."""
SECRET_BYTES: Final = 32
MOST_FIELDS: Final = 0xFFFF

_FIELD_INFO: Final = b"acl/v1/field\x00"
_FIELDS_TAG: Final = b"acl/v1/fields\x00"
# HKDF-Expand (RFC 5869, section 2.3) of one block: T(1) = HMAC(PRK, info || 0x01).
_META_INFO: Final = b"acl/v1/meta\x01"
_ABSENT: Final = b"\x00"
_present = Struct(">BI").pack
_span = Struct(">qq").pack
_count = Struct(">H").pack
_step = Struct(">HB").pack


class Assertion(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One field's change: it held ``old``, it holds ``new`` from ``valid_from_us`` until before
    ``valid_to_us``.

    Values are canonical texts (``ledger.value``), None where nothing is held. Times are microseconds since
    1970-01-01T00:00Z.
    """

    path: str
    old: bytes | None
    new: bytes | None
    valid_from_us: int
    valid_to_us: int

    def __repr__(self) -> str:
        """Name the field only: a representation ends in logs, values must not."""
        return f"Assertion({self.path!r})"


class Opened(msgspec.Struct, frozen=True):
    """One assertion shown with the key that opens its commitment, at its place among the entry's fields."""

    index: int
    key: bytes
    assertion: Assertion


class Reveal(msgspec.Struct, frozen=True):
    """Proof of one field's change: what is shown, and the commitments of the rest in their order."""

    opened: tuple[Opened, ...]
    others: tuple[bytes, ...]


def field_key(cs: bytes, i: int) -> bytes:
    """Return k_i = HKDF-Expand-SHA256(cs, "acl/v1/field" || 0x00 || u16be(i), 32), RFC 5869 section 2.3."""
    return mac(cs, _FIELD_INFO + _step(i, 1))


def field_commitment(key: bytes, assertion: Assertion) -> bytes:
    """Return F_i = HMAC-SHA256(k_i, enc(path) || enc(old) || enc(new) || i64be(from) || i64be(to)).

    ``enc(x)`` is 0x00 when absent, else 0x01 || u32be(length) || bytes, so no two assertions share an
    encoding.
    """
    path = assertion.path.encode()
    old, new = assertion.old, assertion.new
    return mac(
        key,
        _present(1, len(path))
        + path
        + (_ABSENT if old is None else _present(1, len(old)) + old)
        + (_ABSENT if new is None else _present(1, len(new)) + new)
        + _span(assertion.valid_from_us, assertion.valid_to_us),
    )


def in_order(assertions: Sequence[Assertion]) -> list[Assertion]:
    """Return the assertions by path, then by start of their range: the order in which they are committed to.

    Raises ValueError for more than 65,535 fields, a range that is empty or beyond 64 bits, and two
    ranges of one path that overlap (two equal ones above all): the entry would say two things about one
    moment.
    """
    if len(assertions) > MOST_FIELDS:
        raise ValueError("more fields than one entry can hold")
    ordered = sorted(assertions, key=_place)
    before_path, before_end = None, BEGINNING
    for assertion in ordered:
        path, start, end = assertion.path, assertion.valid_from_us, assertion.valid_to_us
        if not BEGINNING <= start < end <= FOREVER:
            raise ValueError(f"no range of time for {path}")
        if path == before_path and start < before_end:
            raise ValueError(f"{path} is asserted twice for one time")
        before_path, before_end = path, end
    return ordered


def commit_fields(cs: bytes, assertions: Sequence[Assertion]) -> bytes:
    """Return c = SHA256("acl/v1/fields" || 0x00 || u16be(N) || F_1 .. F_N), fields in the order of
    ``in_order``.

    Raises ValueError as ``in_order`` does, and for a secret that is not 32 bytes.
    """
    return commit_ordered(cs, in_order(assertions))


def commit_ordered(cs: bytes, ordered: Sequence[Assertion]) -> bytes:
    """Return what ``commit_fields`` does, of what ``in_order`` gave."""
    return _join(_commitments(cs, ordered))


def commit_meta(ms: bytes, meta: bytes) -> bytes:
    """Return m = HMAC-SHA256(HKDF-Expand(ms, "acl/v1/meta", 32), meta): who, how verified, why, approvals."""
    return mac(meta_key(ms), meta)


def meta_key(ms: bytes) -> bytes:
    """Return HKDF-Expand(ms, "acl/v1/meta", 32): what opens the commitment to who, how and why."""
    _require_secret(ms)
    return mac(ms, _META_INFO)


def disclose(cs: bytes, assertions: Sequence[Assertion], path: str) -> Reveal:
    """Return what proves the change of one field and nothing else; LookupError when the entry says nothing of
    it.
    """
    ordered = in_order(assertions)
    commitments = _commitments(cs, ordered)
    shown = tuple(Opened(i, field_key(cs, i), a) for i, a in enumerate(ordered) if a.path == path)
    if not shown:
        raise LookupError(f"this entry says nothing about {path}")
    return Reveal(shown, tuple(f for f, a in zip(commitments, ordered, strict=True) if a.path != path))


def check_disclosure(reveal: Reveal, c: bytes) -> bool:
    """Say whether the opened assertions are among those that ``c`` commits to, each at its stated place."""
    shown = {opened.index: opened for opened in reveal.opened}
    total = len(reveal.opened) + len(reveal.others)
    sound = (
        0 < len(shown) == len(reveal.opened)
        and total <= MOST_FIELDS
        and all(0 <= i < total for i in shown)
        and all(len(opened.key) == SECRET_BYTES and _has_range(opened.assertion) for opened in reveal.opened)
        and all(len(other) == hashlib.sha256().digest_size for other in reveal.others)
    )
    if not sound:
        return False
    others = iter(reveal.others)
    fields = [field_commitment(shown[i].key, shown[i].assertion) if i in shown else next(others) for i in range(total)]
    return hmac.compare_digest(_join(fields), c)


def _has_range(assertion: Assertion) -> bool:
    return BEGINNING <= assertion.valid_from_us < assertion.valid_to_us <= FOREVER


_place: Final = attrgetter("path", "valid_from_us")


def _commitments(cs: bytes, ordered: Sequence[Assertion]) -> list[bytes]:
    _require_secret(cs)
    return [field_commitment(field_key(cs, i), assertion) for i, assertion in enumerate(ordered)]


def _join(commitments: Sequence[bytes]) -> bytes:
    return hashlib.sha256(_FIELDS_TAG + _count(len(commitments)) + b"".join(commitments)).digest()


def _require_secret(secret: bytes) -> None:
    if len(secret) != SECRET_BYTES:
        raise ValueError("a commitment's secret is 32 bytes")
