import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from hypothesis import given
from hypothesis import strategies as st

from changedesk.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from changedesk.ledger.cosignature import (
    ED25519_COSIGNATURE,
    ML_DSA_44,
    AnyVerifier,
    Cosigner,
    CosigningKey,
    read_vkey,
    signed_at,
)
from changedesk.ledger.note import NoteRefused, Signer, open_note

ORIGIN = "ledger.example/acme"
SEED = bytes(range(32))
LOG = Signer(ORIGIN, SEED)
SEVEN = Checkpoint(ORIGIN, 7, bytes(32))
TYPES = pytest.mark.parametrize("kind", [ED25519_COSIGNATURE, ML_DSA_44])


def test_an_ed25519_cosignature_signs_header_time_and_the_whole_checkpoint() -> None:
    key = CosigningKey("witness.example/w1", ED25519_COSIGNATURE, SEED)
    made = key.sign(SEVEN.text(), 1679315147)
    message = b"cosignature/v1\ntime 1679315147\n" + SEVEN.text().encode()
    Ed25519PublicKey.from_public_bytes(key.verifier.public_key).verify(made.signature[8:], message)
    assert made.signature[:8] == (1679315147).to_bytes(8, "big")
    digest = hashlib.sha256(b"witness.example/w1\n\x04" + key.verifier.public_key).digest()
    assert made.key_id == digest[:4]


def test_an_ml_dsa_cosignature_signs_the_structure_of_the_specification() -> None:
    key = CosigningKey("witness.example/w1", ML_DSA_44, SEED)
    made = key.sign(SEVEN.text(), 1679315147)
    name, origin = b"witness.example/w1", ORIGIN.encode()
    message = (
        b"subtree/v1\n\x00"
        + bytes([len(name)]) + name
        + (1679315147).to_bytes(8, "big")
        + bytes([len(origin)]) + origin
        + bytes(8)
        + (7).to_bytes(8, "big")
        + bytes(32)
    )  # fmt: skip
    MLDSA44PublicKey.from_public_bytes(key.verifier.public_key).verify(made.signature[8:], message)
    assert len(made.signature) == 8 + 2420
    assert made.key_id == hashlib.sha256(name + b"\n\x06" + key.verifier.public_key).digest()[:4]


@TYPES
@given(size=st.integers(1, 2**63 - 1), root=st.binary(min_size=32, max_size=32), time=st.integers(0, 2**63 - 1))
def test_a_cosignature_is_of_one_checkpoint_at_one_time(kind: int, size: int, root: bytes, time: int) -> None:
    key = CosigningKey("witness.example/w1", kind, SEED)
    text = Checkpoint(ORIGIN, size, root).text()
    made = key.sign(text, time)
    assert key.verifier.accepts(text, made.signature)
    assert signed_at(made) == time
    assert not key.verifier.accepts(Checkpoint(ORIGIN, size, bytes(31) + b"x").text(), made.signature)
    later = (time ^ 1).to_bytes(8, "big") + made.signature[8:]
    assert not key.verifier.accepts(text, later)
    assert not key.verifier.accepts(text, made.signature[:-1])
    assert not key.verifier.accepts(text, b"")


@TYPES
def test_a_log_signs_twice_and_each_key_believes_it(kind: int) -> None:
    second = CosigningKey(ORIGIN, kind, SEED)
    signed = sign_checkpoint(SEVEN, [LOG, second])
    for trusted in (LOG.verifier, second.verifier):
        assert open_checkpoint(signed, trusted, ORIGIN) == SEVEN
    both: list[AnyVerifier] = [LOG.verifier, second.verifier]
    assert list(open_note(signed, both)[1]) == both
    stranger = CosigningKey("other.example", kind, SEED).verifier
    with pytest.raises(NoteRefused):
        open_checkpoint(signed, stranger, ORIGIN)


@TYPES
def test_a_verifier_key_read_back_is_the_one_written(kind: int) -> None:
    made = CosigningKey("witness.example/w1", kind, SEED).verifier
    assert read_vkey(made.vkey) == made
    assert read_vkey(LOG.verifier.vkey) == LOG.verifier
    name, key_id, key = made.vkey.split("+", 2)
    for wrong in ("", name, f"{name}+{key_id}+", f"{name}+00000000+{key}", f"{name}+{key_id}+{key[:-4]}", f"+{key}"):
        with pytest.raises(NoteRefused):
            read_vkey(wrong)


def test_only_a_checkpoint_can_be_signed_with_ml_dsa() -> None:
    key = CosigningKey("witness.example/w1", ML_DSA_44, SEED)
    with pytest.raises(NoteRefused):
        key.sign("hello\n")
    with pytest.raises(NoteRefused, match="too long"):
        key.sign(Checkpoint("o" * 256, 1, bytes(32)).text())


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "n" * 256])
def test_a_name_that_no_note_can_carry_is_refused(name: str) -> None:
    with pytest.raises(NoteRefused):
        CosigningKey(name, ED25519_COSIGNATURE, SEED)


@given(st.binary(max_size=3000))
def test_no_signature_breaks_the_reader(data: bytes) -> None:
    for kind in (ED25519_COSIGNATURE, ML_DSA_44):
        assert not CosigningKey("w", kind, SEED).verifier.accepts(SEVEN.text(), data)
    assert not Cosigner("w", ED25519_COSIGNATURE, b"short").accepts(SEVEN.text(), bytes(72))
