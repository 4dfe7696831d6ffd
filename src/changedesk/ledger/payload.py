"""What is sealed: packed plaintexts, a version and a secret in front (ledger design, section 3).

Names of fields and facts come in nearly every entry, so both bodies are deflated (RFC 1951) against a preset text
that holds them. What a secret commits to are the values themselves, never this packing of them.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from changedesk.ledger.commitment import BEGINNING, FOREVER, SECRET_BYTES, Assertion, Opened, Reveal
from changedesk.ledger.value import Json, NotCanonical, decode_json, encode_json

_T = TypeVar("_T")


class Unreadable(ValueError):  # noqa: N818 - a refusal, as elsewhere
    """Bytes that are not a packed plaintext of this format. Carries no data."""


class Payload(msgspec.Struct, frozen=True):
    """The fields of one entry and the secret of their commitment, kept under the subject's key.

    ``snapshot`` is the flattened state after this version (``fold.flatten``), carried by every 32nd. ``proof`` stands
    in the place of the secret where some of the fields were forgotten (``ledger.redact``).
    """

    cs: bytes
    assertions: Sequence[Assertion]
    snapshot: Sequence[Assertion] | None = None
    proof: Reveal | None = None

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
        return _facts([self.body])[0]

    def __repr__(self) -> str:
        """Say nothing of people: a representation ends in logs."""
        return "Meta(...)"


# Path, old, new, from, to: None stands for an open bound, one byte instead of nine in nearly every row.
_Row = tuple[str, bytes | None, bytes | None, int | None, int | None]


class _Packed(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    rows: list[_Row]
    snapshot: list[_Row] | None


class _Rest(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    opened: list[tuple[int, bytes, _Row]]
    others: list[bytes]
    snapshot: list[_Row] | None


_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")
_payloads: Final = msgspec.msgpack.Decoder(_Packed)
_rests: Final = msgspec.msgpack.Decoder(_Rest)
_VERSION: Final = b"\x02"
_REDACTED: Final = b"\x03"
_BODY: Final = len(_VERSION) + SECRET_BYTES
_LARGEST: Final = 2**26
_WINDOW: Final = -10
"""Raw deflate over a kilobyte: what it may refer to is the preset text and a little more."""
# Part of the format: a text that was written with them is read with them. What comes most often stands last.
_NAMES: Final = (
    b"account.numberidentity.document_numberpersonal.date_of_birthpersonal.family_namepersonal.given_namepersonal.name"
    b"pref.marketing_postpref.marketing_smspref.marketing_emailpref.languagebilling.ibanbilling.postal_address"
    b'contact.postal_address{"city":"","country":"US","lines":"","postal_code":"","region":""}'
    b'"https://www..org/"@example.com"+1contact.urlcontact.phone_homecontact.phone_mobilecontact.email'
)
_FACTS: Final = (
    b'"way":"read_aloud","on_behalf_of":"statement":"customer_request"correction"rules":[["base."telecom."banking.'
    b'"policy":"approved_by":["consent":null,"verified":{"level":0,"methods":["code_email""code_sms"]}"ref":"CR-'
    b'"initiated_by":"customer","operation":"update","console","staff","requested_by":"reference":"'
    b'"request":"01a2"via":"phone"}{"actor":"k1","as":"integration","at":"api","reason":"system_migration","via":"api"}'
)


def encode_payload(payload: Payload) -> bytes:
    """Return 0x02 || cs || deflate([[[path, old, new, from, to], ...], snapshot or nil]): MessagePack, nil for an
    open bound. Of a payload that was partly forgotten, 0x03 || deflate([[[i, k_i, row], ...], [F_j, ...], snapshot]).
    """
    snapshot = None if payload.snapshot is None else _rows(payload.snapshot)
    if payload.proof is not None:
        opened = [(one.index, one.key, _rows([one.assertion])[0]) for one in payload.proof.opened]
        return _REDACTED + _deflate(_encoder.encode((opened, payload.proof.others, snapshot)), _NAMES)
    return _VERSION + payload.cs + _deflate(_encoder.encode((_rows(payload.assertions), snapshot)), _NAMES)


def decode_payload(data: bytes) -> Payload:
    """Read a packed payload; Unreadable for anything that packing would not have written."""
    if data[:1] == _REDACTED:
        return _decode_rest(data)
    (packed,) = _unpack(_payloads, _inflate([data], _NAMES))
    snapshot = None if packed.snapshot is None else _assertions(packed.snapshot)
    return Payload(data[len(_VERSION) : _BODY], _assertions(packed.rows), snapshot)


def decode_assertions(page: Sequence[bytes]) -> list[Sequence[Assertion]]:
    """Return what ``decode_payload`` finds of the fields of each of many; Unreadable as there."""
    if any(data[:1] == _REDACTED for data in page):
        return [decode_payload(data).assertions for data in page]
    return [_assertions(packed.rows) for packed in _unpack(_payloads, _inflate(page, _NAMES))]


def _decode_rest(data: bytes) -> Payload:
    (packed,) = _unpack(_rests, _inflate([data], _NAMES, _REDACTED, len(_REDACTED)))
    opened = tuple(Opened(i, key, _assertions([row])[0]) for i, key, row in packed.opened)
    snapshot = None if packed.snapshot is None else _assertions(packed.snapshot)
    return Payload(b"", [one.assertion for one in opened], snapshot, Reveal(opened, tuple(packed.others)))


def _unpack(reader: "msgspec.msgpack.Decoder[_T]", bodies: Iterable[bytes]) -> list[_T]:
    found = []
    for body in bodies:
        try:
            packed = reader.decode(body)
        except (ValueError, RecursionError):
            raise Unreadable("not a packed plaintext") from None
        if _encoder.encode(packed) != body:
            raise Unreadable("packed otherwise than this program packs")
        found.append(packed)
    return found


def encode_meta(meta: Meta, packed: dict[bytes, bytes] | None = None) -> bytes:
    """Return 0x02 || ms || deflate(body).

    ``packed`` is where the caller keeps what came of the bodies of one batch: those that come again are packed once.
    """
    packed = {} if packed is None else packed
    if meta.body not in packed:
        packed[meta.body] = _deflate(meta.body, _FACTS)
    return _VERSION + meta.ms + packed[meta.body]


def decode_meta(data: bytes) -> Meta:
    """Read a packed meta; Unreadable for anything that packing would not have written. What it says is read by
    ``facts``.
    """
    return Meta(data[len(_VERSION) : _BODY], *_inflate([data], _FACTS))


def decode_facts(page: Iterable[bytes]) -> list[Mapping[str, Json]]:
    """Return the facts of each of many packed metas; Unreadable as ``decode_meta`` and ``Meta.facts``."""
    return _facts(_inflate(page, _FACTS))


def _facts(bodies: Iterable[bytes]) -> list[Mapping[str, Json]]:
    found: list[Mapping[str, Json]] = []
    for body in bodies:
        try:
            facts = decode_json(body)
        except NotCanonical:
            raise Unreadable("the meta is not canonical") from None
        if not isinstance(facts, dict):
            raise Unreadable("the meta is not named facts")
        found.append(facts)
    return found


def _deflate(body: bytes, known: bytes) -> bytes:
    # The least memory and a small window: setting them up is what costs for so short a text.
    packer = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, _WINDOW, 1, zlib.Z_DEFAULT_STRATEGY, known)
    return packer.compress(body) + packer.flush()


def _inflate(page: Iterable[bytes], known: bytes, version: bytes = _VERSION, start: int = _BODY) -> list[bytes]:
    found = []
    for data in page:
        if data[:1] != version or len(data) <= start:
            raise Unreadable("not a packed plaintext")
        reader = zlib.decompressobj(_WINDOW, known)
        try:
            body = reader.decompress(data[start:], _LARGEST)
        except zlib.error:
            raise Unreadable("not a packed plaintext") from None
        if not reader.eof or reader.unused_data:
            raise Unreadable("cut short, or with something behind it")
        found.append(body)
    return found


def _rows(assertions: Sequence[Assertion]) -> list[_Row]:
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
        Assertion(path, old, new, BEGINNING if start is None else start, FOREVER if end is None else end)
        for path, old, new, start, end in rows
    ]
