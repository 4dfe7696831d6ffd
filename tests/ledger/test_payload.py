from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import HASHES, assertions

from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion, commit_meta
from changedesk.ledger.payload import (
    Meta,
    Payload,
    Unreadable,
    decode_meta,
    decode_payload,
    decode_state,
    encode_meta,
    encode_payload,
    encode_state,
)

SECRET = bytes(range(32))
EMAIL = Assertion("contact.email", None, b'"a@x.example"', 5, FOREVER)
READERS = [decode_payload, decode_meta, decode_state]


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


@given(st.dictionaries(st.text("abc."), st.binary()))
def test_a_state_comes_back_as_it_was(values: dict[str, bytes]) -> None:
    packed = encode_state(values)
    assert decode_state(packed) == values
    assert packed == encode_state(dict(reversed(values.items())))


def test_a_payload_is_small() -> None:
    payload = Payload(SECRET, [EMAIL, Assertion("plan", b'"a"', b'"b"', BEGINNING, FOREVER)])
    assert msgspec.msgpack.decode(encode_payload(payload)) == [
        1,
        SECRET,
        [["contact.email", None, b'"a@x.example"', 5, None], ["plan", b'"a"', b'"b"', None, None]],
        None,
    ]
    assert len(encode_payload(payload)) == 89


def packed(*parts: object) -> bytes:
    return msgspec.msgpack.encode(parts)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packed(),
        packed(2, SECRET, [], None),
        packed(1, SECRET, []),
        packed(1, SECRET, [], None, None),
        packed(1, SECRET, [], None) + b"\x00",
        packed(1, SECRET[:31], [], None),
        packed(1, "a" * 32, [], None),
        packed(1, SECRET, [["plan", None, None, 1]], None),
        packed(1, SECRET, [["plan", None, None, 1, 2, 3]], None),
        packed(1, SECRET, [["plan", 1, None, 1, 2]], None),
        packed(1, SECRET, [["plan", None, None, 1.0, 2]], None),
        packed(1, SECRET, {}, None),
        # The same payload with its first number on two bytes instead of one.
        b"\x94\xcc\x01" + packed(1, SECRET, [], None)[2:],
        b"\x91" * 100_000,
    ],
)
def test_what_packing_would_not_have_written_is_no_payload(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_payload(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packed(1, SECRET),
        packed(2, SECRET, b"{}"),
        packed(1, SECRET[:3], b"{}"),
        packed(1, SECRET, b"[]"),
        packed(1, SECRET, b"{ }"),
        packed(1, SECRET, b"{"),
    ],
)
def test_what_packing_would_not_have_written_is_no_meta(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_meta(data)


@pytest.mark.parametrize(
    "data", [b"", packed(1), packed(2, {}), packed(1, {"a": "text"}), packed(1, {"b": b"", "a": b""})]
)
def test_what_packing_would_not_have_written_is_no_state(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_state(data)


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
    assert encode_payload(payload) == bytes(damaged)


def test_a_representation_shows_no_value() -> None:
    shown = repr(Payload(SECRET, [EMAIL])) + repr(Meta.of(SECRET, {"actor": "Maria"}))
    assert shown == "Payload(1 fields)Meta(...)"
