"""What is sealed: packed plaintexts, MessagePack arrays with a version in front (ledger design, section
3).
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeVar

import msgspec

from changedesk.ledger.commitment import BEGINNING, FOREVER, SECRET_BYTES, Assertion
from changedesk.ledger.value import Json, NotCanonical, decode_json, encode_json


class Unreadable(ValueError):  # noqa: N818 - a refusal, as elsewhere
    """Bytes that are not a packed plaintext of this format. Carries no data."""


class Payload(msgspec.Struct, frozen=True):
    """The fields of one entry and the secret of their commitment, kept under the subject's key.

    ``snapshot`` is the flattened state after this version (``fold.flatten``), carried by every 64th.
    """

    cs: bytes
    assertions: Sequence[Assertion]
    snapshot: Sequence[Assertion] | None = None

    def __repr__(self) -> str:
        """Say how much, never what: a representation ends in logs."""
        return f"Payload({len(self.assertions)} fields)"


class Meta(msgspec.Struct, frozen=True):
    """Who, how, why: the secret of its commitment and the canonical text committed to, under the client's
    staff key.

    ``body`` is what ``commit_meta(ms, body)`` commits to; always a JSON object.
    """

    ms: bytes
    body: bytes

    @classmethod
    def of(cls, ms: bytes, facts: Mapping[str, Json]) -> "Meta":
        """Make the meta of an entry from its facts: actor, channel, verification, consent, reason,
        approvals.
        """
        return cls(ms, encode_json(dict(facts)))

    def facts(self) -> Mapping[str, Json]:
        """Return the facts; Unreadable when the body is not a canonical JSON object."""
        try:
            facts = decode_json(self.body)
        except NotCanonical:
            raise Unreadable("the meta is not canonical") from None
        if not isinstance(facts, dict):
            raise Unreadable("the meta is not named facts")
        return facts

    def __repr__(self) -> str:
        """Say nothing of people: a representation ends in logs."""
        return "Meta(...)"


class _Row(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    path: str
    old: bytes | None
    new: bytes | None
    # None stands for the open bound: one byte instead of nine in nearly every row.
    valid_from_us: int | None
    valid_to_us: int | None


class _Packed(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: Literal[1]
    cs: bytes
    rows: list[_Row]
    snapshot: list[_Row] | None


class _PackedMeta(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: Literal[1]
    ms: bytes
    body: bytes


class _PackedState(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: Literal[1]
    values: dict[str, bytes]


_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")
_payloads: Final = msgspec.msgpack.Decoder(_Packed)
_metas: Final = msgspec.msgpack.Decoder(_PackedMeta)
_states: Final = msgspec.msgpack.Decoder(_PackedState)
_T = TypeVar("_T")


def encode_payload(payload: Payload) -> bytes:
    """Return [1, cs, [[path, old, new, from, to], ...], snapshot or nil] as MessagePack; nil for an open
    bound.
    """
    snapshot = None if payload.snapshot is None else _rows(payload.snapshot)
    return _encoder.encode((1, payload.cs, _rows(payload.assertions), snapshot))


def decode_payload(data: bytes) -> Payload:
    """Read a packed payload; Unreadable for anything that packing would not have written."""
    packed = _strictly(_payloads, data)
    _require_secret(packed.cs)
    snapshot = None if packed.snapshot is None else _assertions(packed.snapshot)
    return Payload(packed.cs, _assertions(packed.rows), snapshot)


def encode_meta(meta: Meta) -> bytes:
    """Return [1, ms, body] as MessagePack."""
    return _encoder.encode((1, meta.ms, meta.body))


def decode_meta(data: bytes) -> Meta:
    """Read a packed meta; Unreadable for anything that packing would not have written, or a body that is no
    facts.
    """
    packed = _strictly(_metas, data)
    _require_secret(packed.ms)
    meta = Meta(packed.ms, packed.body)
    meta.facts()
    return meta


def encode_state(values: Mapping[str, bytes]) -> bytes:
    """Return [1, {path: value}] as MessagePack, paths sorted: the plaintext of a subject's current state."""
    return _encoder.encode((1, dict(values)))


def decode_state(data: bytes) -> dict[str, bytes]:
    """Read a packed state; Unreadable for anything that packing would not have written."""
    return _strictly(_states, data).values


def _strictly(decoder: "msgspec.msgpack.Decoder[_T]", data: bytes) -> _T:
    try:
        packed = decoder.decode(data)
    except (ValueError, RecursionError):
        raise Unreadable("not a packed plaintext") from None
    if _encoder.encode(packed) != data:
        raise Unreadable("packed otherwise than this program packs")
    return packed


def _rows(
    assertions: Sequence[Assertion],
) -> list[tuple[str, bytes | None, bytes | None, int | None, int | None]]:
    return [
        (
            a.path,
            a.old,
            a.new,
            None if a.valid_from_us == BEGINNING else a.valid_from_us,
            None if a.valid_to_us == FOREVER else a.valid_to_us,
        )
        for a in assertions
    ]


def _assertions(rows: Sequence[_Row]) -> list[Assertion]:
    return [
        Assertion(
            row.path,
            row.old,
            row.new,
            BEGINNING if row.valid_from_us is None else row.valid_from_us,
            FOREVER if row.valid_to_us is None else row.valid_to_us,
        )
        for row in rows
    ]


def _require_secret(secret: bytes) -> None:
    if len(secret) != SECRET_BYTES:
        raise Unreadable("a secret is 32 bytes")
