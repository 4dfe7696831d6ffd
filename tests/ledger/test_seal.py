import hmac
import os
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.ids import ClientId
from changedesk.ledger.seal import (
    IMPERSONAL,
    Corrupt,
    UnknownKey,
    bare,
    blind_key,
    blind_tag,
    entry_aads,
    meta_aad,
    payload_aad,
    seal,
    sealed_with,
    state_aad,
    unseal,
    unseal_bare,
    unseal_each,
    unwrap,
    wrap,
    wrap_aad,
)

KEY = bytes(range(32))
KEY_ID = bytes(range(16))
CLIENT = ClientId(7)
SUBJECT, CHANGE = UUID(int=1), UUID(int=2)
AAD = payload_aad(CLIENT, SUBJECT, CHANGE, 3)


def keys(key_id: bytes) -> bytes | None:
    return KEY if key_id == KEY_ID else None


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_opens_in_its_place_only(plaintext: bytes, aad: bytes) -> None:
    blob = seal(KEY_ID, KEY, plaintext, aad)
    assert sealed_with(blob) == KEY_ID
    assert unseal(keys, blob, aad) == plaintext
    with pytest.raises(Corrupt):
        unseal(keys, blob, aad + b"x")
    with pytest.raises(Corrupt):
        unseal(lambda _: bytes(32), blob, aad)


@given(st.integers(0, 200), st.integers(1, 255))
def test_no_byte_of_a_sealed_blob_can_be_changed(at: int, flip: int) -> None:
    blob = bytearray(seal(KEY_ID, KEY, b"a@x.example", AAD))
    blob[at % len(blob)] ^= flip
    with pytest.raises((Corrupt, UnknownKey)):
        unseal(keys, bytes(blob), AAD)


@given(st.binary(max_size=150))
def test_no_bytes_break_the_opener(blob: bytes) -> None:
    with pytest.raises((Corrupt, UnknownKey)):
        unseal(keys, b"\x01" + KEY_ID + blob, AAD)
    with pytest.raises((Corrupt, UnknownKey)):
        unseal(keys, blob, AAD)


def test_the_blob_is_laid_out_as_the_design_says() -> None:
    blob = seal(KEY_ID, KEY, b"hello", AAD)
    assert blob[:17] == b"\x01" + KEY_ID
    padded = AESGCM(KEY).decrypt(blob[17:29], blob[29:], AAD)
    assert padded == b"\x00\x00\x00\x05hello" + bytes(55)


def test_a_row_that_knows_its_key_opens_what_it_keeps_bare() -> None:
    blob = seal(KEY_ID, KEY, b"hello", AAD)
    assert len(bare(blob)) == len(blob) - 17
    assert unseal_bare(AESGCM(KEY), bare(blob), AAD) == b"hello"
    for spoiled in (b"", bare(blob)[:5], bare(blob)[:20], bare(blob)[1:], bare(blob) + b"x"):
        with pytest.raises(Corrupt):
            unseal_bare(AESGCM(KEY), spoiled, AAD)


def test_none_of_many_opens_under_the_key_or_in_the_place_of_another() -> None:
    mine, other = AESGCM(KEY), AESGCM(KEY[::-1])
    page = [
        (mine, bare(seal(KEY_ID, KEY, b"hello", AAD)), AAD),
        (mine, bare(seal(KEY_ID, KEY, b"", b"there")), b"there"),
    ]
    assert unseal_each(page) == [b"hello", b""]
    for spoiled in ((mine, page[1][1], AAD), (other, page[1][1], b"there"), (mine, page[0][1], b"there")):
        with pytest.raises(Corrupt):
            unseal_each([page[0], spoiled])


def test_what_holds_nothing_personal_may_be_padded_less() -> None:
    blob = seal(KEY_ID, KEY, b"hello", AAD, block=IMPERSONAL)
    assert len(blob) == 29 + 4 + 5 + 16
    assert unseal(keys, blob, AAD, block=IMPERSONAL) == b"hello"
    with pytest.raises(Corrupt):
        unseal(keys, blob, AAD)


@pytest.mark.parametrize(("length", "blocks"), [(0, 1), (60, 1), (61, 2), (124, 2), (125, 3)])
def test_sizes_are_told_in_steps_of_64_only(length: int, blocks: int) -> None:
    assert len(seal(KEY_ID, KEY, bytes(length), b"")) == 29 + 64 * blocks + 16


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        bytes(63),
        b"\x00\x00\x00\x3d" + bytes(60),
        b"\x00\x00\x00\x01" + b"ab" + bytes(58),
        b"\x00\x00\x00\x01" + bytes(124),
        b"\xff\xff\xff\xff" + bytes(60),
        bytes(4),
    ],
)
def test_a_padding_that_sealing_never_makes_is_refused(padded: bytes) -> None:
    nonce = os.urandom(12)
    blob = b"\x01" + KEY_ID + nonce + AESGCM(KEY).encrypt(nonce, padded, AAD)
    with pytest.raises(Corrupt, match="padded"):
        unseal(keys, blob, AAD)


def test_an_unknown_key_is_an_error_and_not_an_erasure() -> None:
    blob = seal(bytes(16), KEY, b"secret", AAD)
    with pytest.raises(UnknownKey):
        unseal(keys, blob, AAD)


def test_a_kept_cipher_opens_and_seals_as_its_key_does() -> None:
    cipher = AESGCM(KEY)
    assert unseal(keys, seal(KEY_ID, cipher, b"x", AAD), AAD) == b"x"
    assert unseal(lambda _: cipher, seal(KEY_ID, KEY, b"x", AAD), AAD) == b"x"


def test_the_same_plaintext_never_seals_to_the_same_bytes() -> None:
    assert seal(KEY_ID, KEY, b"x", AAD) != seal(KEY_ID, KEY, b"x", AAD)


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_short_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(KEY_ID, key, b"", b"")
    with pytest.raises(ValueError, match="32 bytes"):
        wrap(KEY, key, b"")
    with pytest.raises(ValueError, match="16 bytes"):
        seal(key or bytes(15) if len(key) != 16 else bytes(17), KEY, b"", b"")


def test_every_place_has_its_own_binding() -> None:
    assert b"acl/v1/payload" + bytes(7) + b"\x07" + SUBJECT.bytes + CHANGE.bytes + bytes(7) + b"\x03" == AAD
    assert state_aad(CLIENT, SUBJECT, 3) == b"acl/v1/state" + bytes(7) + b"\x07" + SUBJECT.bytes + bytes(7) + b"\x03"
    places = [
        AAD,
        payload_aad(ClientId(8), SUBJECT, CHANGE, 3),
        payload_aad(CLIENT, CHANGE, SUBJECT, 3),
        payload_aad(CLIENT, SUBJECT, CHANGE, 4),
        meta_aad(CLIENT, SUBJECT, CHANGE, 3),
        state_aad(CLIENT, SUBJECT, 3),
        state_aad(CLIENT, SUBJECT, 4),
        wrap_aad("subject", CLIENT, SUBJECT, KEY_ID, 1),
        wrap_aad("subject", CLIENT, None, KEY_ID, 1),
        wrap_aad("subject", CLIENT, UUID(int=0), KEY_ID, 1),
        wrap_aad("client", CLIENT, SUBJECT, KEY_ID, 1),
        wrap_aad("subject", CLIENT, SUBJECT, bytes(16), 1),
        wrap_aad("subject", CLIENT, SUBJECT, KEY_ID, 2),
    ]
    assert len(set(places)) == len(places)


def test_a_wrapped_key_opens_for_its_use_only() -> None:
    data_key = os.urandom(32)
    aad = wrap_aad("subject", CLIENT, SUBJECT, KEY_ID, 1)
    wrapped = wrap(KEY, data_key, aad)
    assert len(wrapped) == 61
    assert unwrap(KEY, wrapped, aad) == data_key
    for key, blob, place in (
        (bytes(32), wrapped, aad),
        (KEY, wrapped, wrap_aad("subject", CLIENT, SUBJECT, KEY_ID, 2)),
        (KEY, wrapped[:-1], aad),
        (KEY, wrapped + b"\x00", aad),
        (KEY, b"\x02" + wrapped[1:], aad),
        (KEY, b"", aad),
    ):
        with pytest.raises(Corrupt):
            unwrap(key, blob, place)


def test_refusals_carry_no_data() -> None:
    blob = seal(KEY_ID, KEY, b"secret", AAD)
    with pytest.raises(Corrupt) as corrupt:
        unseal(keys, blob, b"elsewhere")
    assert corrupt.value.args == ("does not open",)
    assert corrupt.value.__suppress_context__


def test_a_blind_tag_finds_equal_values_of_one_field_only() -> None:
    tag = blind_tag(KEY, "contact.email", "a@x.example")
    assert len(tag) == 16
    assert tag == blind_tag(KEY, "contact.email", "a@x.example")
    assert tag == hmac.digest(blind_key(KEY, "contact.email"), b"a@x.example", "sha256")[:16]
    others = {
        blind_tag(KEY, "contact.email", "b@x.example"),
        blind_tag(KEY, "contact.phone", "a@x.example"),
        blind_tag(bytes(32), "contact.email", "a@x.example"),
    }
    assert len(others | {tag}) == 4


def test_every_place_is_spelled_as_the_design_says() -> None:
    client, places = (7).to_bytes(8, "big"), SUBJECT.bytes + CHANGE.bytes + (3).to_bytes(8, "big")
    assert payload_aad(CLIENT, SUBJECT, CHANGE, 3) == b"acl/v1/payload" + client + places
    assert meta_aad(CLIENT, SUBJECT, CHANGE, 3) == b"acl/v1/meta" + client + places
    both = payload_aad(CLIENT, SUBJECT, CHANGE, 3), meta_aad(CLIENT, SUBJECT, CHANGE, 3)
    assert entry_aads(CLIENT, SUBJECT)(CHANGE, 3) == both
    assert state_aad(CLIENT, SUBJECT, 3) == b"acl/v1/state" + client + SUBJECT.bytes + (3).to_bytes(8, "big")
    named = b"acl/v1/wrap\x00\x00\x00\x04data" + client
    assert wrap_aad("data", CLIENT, None, KEY_ID, 9) == named + b"\x00" + KEY_ID + (9).to_bytes(8, "big")
    assert wrap_aad("data", CLIENT, SUBJECT, KEY_ID, 9) == (
        named + b"\x01" + SUBJECT.bytes + KEY_ID + (9).to_bytes(8, "big")
    )


def test_a_wrapped_key_is_a_version_a_nonce_and_the_sealed_key() -> None:
    wrapped = wrap(KEY, bytes(32), b"use")
    assert (wrapped[:1], len(wrapped)) == (b"\x01", 61)
    assert AESGCM(KEY).decrypt(wrapped[1:13], wrapped[13:], b"use") == bytes(32)
    for spoiled in (b"\x02" + wrapped[1:], wrapped[:-1], wrapped + b"\x00"):
        with pytest.raises(Corrupt):
            unwrap(KEY, spoiled, b"use")


def test_padding_that_this_program_would_not_have_written_is_refused() -> None:
    nonce = bytes(12)

    def forged(padded: bytes) -> bytes:
        return b"\x01" + KEY_ID + nonce + AESGCM(KEY).encrypt(nonce, padded, AAD)

    assert unseal(keys, forged(b"\x00\x00\x00\x3c" + b"a" * 60), AAD) == b"a" * 60
    assert unseal(keys, forged(bytes(64)), AAD) == b""
    for padded in (
        b"", bytes(63), bytes(65), bytes(128), b"\x00\x00\x00\x3d" + b"a" * 60, b"\x00\x00\x00\x01" + b"a" * 60,
        bytes(63) + b"a",
    ):  # fmt: skip
        with pytest.raises(Corrupt):
            unseal(keys, forged(padded), AAD)
