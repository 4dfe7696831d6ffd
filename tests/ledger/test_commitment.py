import hashlib
import hmac
import struct

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.ledger.shapes import HASHES, assertions, changes

from changedesk.ledger.commitment import (
    BEGINNING,
    FOREVER,
    Assertion,
    Opened,
    Reveal,
    check_disclosure,
    commit_fields,
    commit_meta,
    disclose,
    field_commitment,
    field_key,
)

CS = bytes(range(32))
EMAIL = Assertion("contact.email", b'"a@x.example"', b'"b@x.example"', 1_000, FOREVER)
PHONE = Assertion("contact.phone", None, b'"+390612345678"', BEGINNING, FOREVER)
CITY = Assertion("address.city", b'"Roma"', None, -5, 5)


def expand(secret: bytes, info: bytes) -> bytes:
    return HKDFExpand(hashes.SHA256(), 32, info).derive(secret)


def by_the_book(cs: bytes, fields: list[Assertion]) -> bytes:
    """Section 2 of the ledger's design, written again with another HKDF."""

    def enc(part: bytes | None) -> bytes:
        return b"\x00" if part is None else b"\x01" + struct.pack(">I", len(part)) + part

    commitments = b""
    for i, a in enumerate(sorted(fields, key=lambda a: (a.path, a.valid_from_us))):
        message = enc(a.path.encode()) + enc(a.old) + enc(a.new)
        message += a.valid_from_us.to_bytes(8, "big", signed=True) + a.valid_to_us.to_bytes(8, "big", signed=True)
        key = expand(cs, b"acl/v1/field\x00" + i.to_bytes(2, "big"))
        commitments += hmac.new(key, message, "sha256").digest()
    return hashlib.sha256(b"acl/v1/fields\x00" + len(fields).to_bytes(2, "big") + commitments).digest()


@given(HASHES, changes())
def test_the_commitment_is_the_one_that_the_design_defines(cs: bytes, fields: list[Assertion]) -> None:
    assert commit_fields(cs, fields) == by_the_book(cs, fields)


def test_the_commitment_of_three_fields_never_changes() -> None:
    assert commit_fields(CS, [EMAIL, PHONE, CITY]).hex() == VECTOR_C
    assert field_key(CS, 1).hex() == VECTOR_K1
    assert commit_meta(CS, b"{}").hex() == VECTOR_M


VECTOR_C = "ae40fd2efc432f64512f9ccad5f06e3b458208901ac091311d145c99e08c899a"
VECTOR_K1 = "7f5e754562b6dc6400bf773a7ef0509348fb619c9a56ddae6ddb2fa0cd758d0b"
VECTOR_M = "0a6e1a9edf2acb4e8681dd8e4f0add9333559b5a9628d7c3e62ad50e170e7bb9"


@given(HASHES, st.binary())
def test_the_meta_commitment_is_the_one_that_the_design_defines(ms: bytes, meta: bytes) -> None:
    expected = hmac.new(expand(ms, b"acl/v1/meta"), meta, "sha256").digest()
    assert commit_meta(ms, meta) == expected


@given(changes(), st.randoms(use_true_random=False))
def test_the_order_in_which_fields_are_given_does_not_matter(fields: list[Assertion], chance: object) -> None:
    shuffled = list(fields)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a Random
    assert commit_fields(CS, shuffled) == commit_fields(CS, fields)


@given(assertions(), assertions())
def test_two_different_assertions_never_share_a_commitment(one: Assertion, other: Assertion) -> None:
    assert (field_commitment(CS, one) == field_commitment(CS, other)) is (one == other)


def test_absent_and_empty_are_not_the_same() -> None:
    assert field_commitment(CS, replace(EMAIL, old=None)) != field_commitment(CS, replace(EMAIL, old=b""))


@pytest.mark.parametrize(
    "twice",
    [
        [EMAIL, EMAIL],
        [EMAIL, replace(EMAIL, new=b"2")],
        [replace(EMAIL, valid_to_us=2_000), replace(EMAIL, valid_from_us=1_999)],
        [replace(EMAIL, valid_to_us=1_000)],
        [replace(EMAIL, valid_to_us=FOREVER + 1)],
        [replace(EMAIL, valid_from_us=BEGINNING - 1)],
        [EMAIL] * 65_536,
    ],
)
def test_an_entry_cannot_say_two_things_about_one_moment(twice: list[Assertion]) -> None:
    with pytest.raises(ValueError, match=r"asserted twice|range|more fields"):
        commit_fields(CS, twice)


def test_one_path_may_be_asserted_for_two_times() -> None:
    parts = [replace(EMAIL, valid_to_us=2_000), replace(EMAIL, valid_from_us=2_000, new=b'"c"')]
    reveal = disclose(CS, parts[::-1], EMAIL.path)
    assert [opened.assertion for opened in reveal.opened] == parts
    assert check_disclosure(reveal, commit_fields(CS, parts))


@pytest.mark.parametrize("short", [b"", bytes(31), bytes(33)])
def test_a_weak_secret_is_refused(short: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commit_fields(short, [EMAIL])
    with pytest.raises(ValueError, match="32 bytes"):
        commit_meta(short, b"{}")


@given(HASHES, changes().filter(bool), st.data())
def test_one_field_can_be_proved_without_showing_the_rest(
    cs: bytes, fields: list[Assertion], data: st.DataObject
) -> None:
    shown = data.draw(st.sampled_from(fields))
    c = commit_fields(cs, fields)
    reveal = disclose(cs, fields, shown.path)
    assert [opened.assertion for opened in reveal.opened] == [shown]
    assert check_disclosure(reveal, c)
    opened = reveal.opened[0]
    lie = replace(reveal, opened=(replace(opened, assertion=replace(shown, new=b'"lie"')),))
    assert not check_disclosure(lie, c)
    assert not check_disclosure(reveal, bytes(32))


def test_nothing_is_disclosed_of_a_field_that_the_entry_does_not_touch() -> None:
    with pytest.raises(LookupError):
        disclose(CS, [EMAIL], "plan")


def test_a_misshapen_disclosure_proves_nothing() -> None:
    c = commit_fields(CS, [EMAIL, PHONE, CITY])
    good = disclose(CS, [EMAIL, PHONE, CITY], EMAIL.path)
    opened = good.opened[0]
    for bad in (
        Reveal((), good.others),
        Reveal((), ()),
        Reveal((opened, opened), good.others),
        Reveal((replace(opened, index=3),), good.others),
        Reveal((replace(opened, index=-1),), good.others),
        Reveal((replace(opened, index=0),), good.others),
        Reveal((replace(opened, key=opened.key + b"\x00"),), good.others),
        Reveal((replace(opened, assertion=replace(EMAIL, valid_to_us=2**63)),), good.others),
        Reveal(good.opened, good.others[:1]),
        Reveal(good.opened, (good.others[0] + good.others[1],)),
        Reveal(good.opened, (good.others[0][:31], good.others[1])),
        Reveal(good.opened, (bytes(32),) * 65_535),
    ):
        assert not check_disclosure(bad, c)
    assert check_disclosure(good, c)
    assert isinstance(opened, Opened)


def test_a_representation_shows_no_value() -> None:
    assert repr(EMAIL) == "Assertion('contact.email')"


def test_an_entry_with_as_many_fields_as_there_may_be_can_be_shown_and_with_one_more_not() -> None:
    opened = Opened(0, field_key(CS, 0), EMAIL)
    first, other = field_commitment(opened.key, EMAIL), bytes(32)
    full = hashlib.sha256(b"acl/v1/fields\x00\xff\xff" + first + other * 65_534).digest()
    assert check_disclosure(Reveal((opened,), (other,) * 65_534), full)
    assert not check_disclosure(Reveal((opened,), (other,) * 65_535), full)
