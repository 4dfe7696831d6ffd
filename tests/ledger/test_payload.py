import hashlib
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import HASHES, assertions

from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion, commit_meta
from changedesk.ledger.payload import (
    _FACTS,
    _NAMES,
    Meta,
    Payload,
    Unreadable,
    decode_assertions,
    decode_facts,
    decode_meta,
    decode_payload,
    encode_meta,
    encode_payload,
)

SECRET = bytes(range(32))
EMAIL = Assertion("contact.email", None, b'"a@x.example"', 5, FOREVER)
READERS = [decode_payload, decode_meta]


@given(HASHES, st.lists(assertions()), st.none() | st.lists(assertions()))
def test_a_payload_comes_back_as_it_was(cs: bytes, fields: list[Assertion], snapshot: list[Assertion] | None) -> None:
    payload = Payload(cs, fields, snapshot)
    assert decode_payload(encode_payload(payload)) == payload


@given(HASHES, st.dictionaries(st.text("abc"), st.lists(st.integers(0, 9)) | st.booleans()))
def test_meta_comes_back_as_it_was(ms: bytes, facts: dict[str, Any]) -> None:
    meta = Meta.of(ms, facts)
    assert decode_meta(encode_meta(meta)) == meta
    assert meta.facts() == facts
    assert commit_meta(meta.ms, meta.body) == commit_meta(ms, Meta.of(ms, dict(reversed(facts.items()))).body)


@given(
    st.lists(st.lists(assertions()), max_size=4), st.lists(st.dictionaries(st.text("abc"), st.booleans()), max_size=4)
)
def test_each_of_many_is_read_as_it_is_alone(several: list[list[Assertion]], told: list[dict[str, Any]]) -> None:
    page = [encode_payload(Payload(SECRET, fields, [EMAIL])) for fields in several]
    assert decode_assertions(page) == [decode_payload(one).assertions for one in page] == several
    assert decode_facts(encode_meta(Meta.of(SECRET, facts)) for facts in told) == told


@pytest.mark.parametrize("place", [0, 1])
def test_what_one_of_many_is_spoiled_by_is_not_passed_over(place: int) -> None:
    payloads, metas = [encode_payload(Payload(SECRET, [EMAIL]))], [encode_meta(Meta.of(SECRET, {}))]
    payloads.insert(place, deflated(b"\x92\xdc\x00\x00\xc0"))
    metas.insert(place, deflated(b"{ }", _FACTS))
    with pytest.raises(Unreadable):
        decode_assertions(payloads)
    with pytest.raises(Unreadable):
        decode_facts(metas)


def inflated(data: bytes, known: bytes) -> bytes:
    return zlib.decompressobj(-10, known).decompress(data[33:])


def deflated(body: bytes, known: bytes = _NAMES, window: int = -10) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, window, 1, zlib.Z_DEFAULT_STRATEGY, known)
    return b"\x02" + SECRET + packer.compress(body) + packer.flush()


def packed(*parts: object) -> bytes:
    return deflated(msgspec.msgpack.encode(parts))


def test_a_payload_is_laid_out_as_it_says_and_is_small() -> None:
    payload = Payload(SECRET, [EMAIL, Assertion("contact.url", b'"a"', b'"b"', BEGINNING, FOREVER)])
    data = encode_payload(payload)
    assert data[:33] == b"\x02" + SECRET
    assert msgspec.msgpack.decode(inflated(data, _NAMES)) == [
        [["contact.email", None, b'"a@x.example"', 5, None], ["contact.url", b'"a"', b'"b"', None, None]],
        None,
    ]
    assert len(data) < 80


def test_meta_is_laid_out_as_it_says_and_is_small() -> None:
    meta = Meta.of(SECRET, {"actor": "k17", "as": "integration", "at": "billing", "reason": "system_migration"})
    data = encode_meta(meta)
    assert data[:33] == b"\x02" + SECRET
    assert inflated(data, _FACTS) == meta.body
    assert len(data) - 33 < len(meta.body) // 2


def test_the_preset_texts_are_what_stored_entries_were_written_with() -> None:
    digests = [hashlib.sha256(text).hexdigest() for text in (_NAMES, _FACTS)]
    assert digests == [
        "726733cb0f0cf68d00a8a013dd44758196e3fc28aed550ba77af306a208163ee",
        "58f4cb2af870fdc7fd166987111adcafc2e57265d0580cf46056f70ebb2ee83c",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02" + SECRET,
        packed(),
        packed([]),
        packed([], None, None),
        packed([], None) + b"\x00",
        packed([], None)[:-1],
        b"\x01" + packed([], None)[1:],
        packed([["contact.url", None, None, 1]], None),
        packed([["contact.url", None, None, 1, 2, 3]], None),
        packed([["contact.url", 1, None, 1, 2]], None),
        packed([["contact.url", None, None, 1.0, 2]], None),
        packed({}, None),
        # The same payload with its empty list on three bytes instead of one.
        deflated(b"\x92\xdc\x00\x00\xc0"),
        deflated(b"\x91" * 100_000),
        # Far more than any entry holds, in few bytes.
        deflated(bytes(2**26 + 1)),
    ],
)
def test_what_packing_would_not_have_written_is_no_payload(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_payload(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x02" + SECRET, deflated(b"[]", _FACTS), deflated(b"{ }", _FACTS), deflated(b"{", _FACTS),
     b"\x01" + deflated(b"{}", _FACTS)[1:], deflated(b"{}", _FACTS) + b"\x00"],
)  # fmt: skip
def test_what_packing_would_not_have_written_is_no_meta(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_meta(data).facts()


@given(st.binary(max_size=120), st.sampled_from(READERS))
def test_no_bytes_break_a_reader(data: bytes, read: Any) -> None:
    with pytest.raises(Unreadable):
        read(data + b"\xc1")


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_payload_is_refused_or_is_another_whole_one(at: int, byte: int) -> None:
    damaged = bytearray(encode_payload(Payload(SECRET, [EMAIL], [EMAIL])))
    damaged[at % len(damaged)] = byte
    try:
        payload = decode_payload(bytes(damaged))
    except Unreadable:
        return
    # Deflate has many ways to write one text: what counts is that it is whole.
    assert decode_payload(encode_payload(payload)) == payload


def test_a_representation_shows_no_value() -> None:
    shown = repr(Payload(SECRET, [EMAIL])) + repr(Meta.of(SECRET, {"actor": "Maria"}))
    assert shown == "Payload(1 fields)Meta(...)"
