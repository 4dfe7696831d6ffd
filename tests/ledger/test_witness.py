import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import Hashes, vector_leaves

from changedesk.ledger.checkpoint import Checkpoint, sign_checkpoint
from changedesk.ledger.cosignature import ED25519_COSIGNATURE, ML_DSA_44, CosigningKey, signed_at
from changedesk.ledger.note import NoteRefused, Signer, open_note, parse
from changedesk.ledger.tree import consistency_proof, root_of
from changedesk.ledger.witness import Ruling, Seen, ask, consider, cosignatures

ORIGIN = "ledger.example/acme"
LOG = Signer(ORIGIN, bytes(range(32)))
KEYS = [CosigningKey("witness.example/w1", kind, bytes(32)) for kind in (ED25519_COSIGNATURE, ML_DSA_44)]
LEAVES = vector_leaves(40)
TIME = 1_679_315_147


def signed(size: int, root: bytes | None = None, origin: str = ORIGIN, by: Signer = LOG) -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, root or root_of(LEAVES[:size])), [by])


def seen(size: int) -> Seen:
    return Seen(size, root_of(LEAVES[:size]))


def rule(body: bytes, last: Seen) -> Ruling:
    return consider(body, {ORIGIN: [LOG.verifier]}, {ORIGIN: last}.__getitem__, KEYS, time=TIME)


def proof(old: int, new: int) -> list[bytes]:
    return consistency_proof(old, new, Hashes(LEAVES))


@given(st.integers(0, 40), st.integers(1, 40))
def test_what_only_grew_is_cosigned_and_remembered(first: int, second: int) -> None:
    old, new = min(first, second), max(first, second)
    checkpoint = signed(new)
    ruling = rule(ask(old, proof(old, new), checkpoint), seen(old) if old else Seen())
    assert (ruling.status, ruling.seen, ruling.origin) == (200, seen(new), ORIGIN)
    for key in KEYS:
        (line,) = cosignatures(checkpoint, ruling.body, key.verifier)
        assert signed_at(line) == TIME
    trusted = [key.verifier for key in KEYS]
    assert open_note(checkpoint + ruling.body, trusted)[1] == tuple(trusted)


def test_a_witness_that_saw_more_says_how_much() -> None:
    ruling = rule(ask(3, proof(3, 9), signed(9)), seen(5))
    assert (ruling.status, ruling.body, ruling.media, ruling.seen) == (409, b"5\n", "text/x.tlog.size", None)


def test_another_root_for_the_same_size_is_never_cosigned() -> None:
    ruling = rule(ask(5, [], signed(5, root_of(LEAVES[:6]))), seen(5))
    assert (ruling.status, ruling.body, ruling.media, ruling.seen) == (409, b"5\n", "text/x.tlog.size", None)


def test_a_history_that_was_rewritten_is_never_cosigned() -> None:
    forged = signed(9, root_of([*LEAVES[:3], bytes(32), *LEAVES[4:9]]))
    for attempt in (proof(5, 9), [], [bytes(32)] * 3):
        ruling = rule(ask(5, attempt, forged), seen(5))
        assert (ruling.status, ruling.seen) == (422, None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (ask(0, [], signed(3, origin="ledger.example/other")), 404),
        (ask(0, [], signed(3, by=Signer(ORIGIN, bytes(32)))), 403),
        (ask(9, [], signed(3)), 400),
        (b"", 400),
        (b"old 0\n" + signed(3), 400),
        (b"old 00\n\n" + signed(3), 400),
        (b"old -1\n\n" + signed(3), 400),
        (b"old 9223372036854775808\n\n" + signed(3), 400),
        (b"new 0\n\n" + signed(3), 400),
        (b"old 0\nAAAA\n\n" + signed(3), 400),
        (ask(0, [bytes(32)] * 64, signed(3)), 400),
        (ask(0, [], b"hello\n\n"), 400),
        (ask(0, [], b"\xff" + signed(3)), 400),
        (ask(0, [bytes(32)], signed(3)), 422),
    ],
)
def test_what_cannot_be_cosigned_is_refused_as_the_specification_says(body: bytes, status: int) -> None:
    ruling = rule(body, Seen())
    assert (ruling.status, ruling.seen) == (status, None)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_witness(body: bytes) -> None:
    assert rule(body, Seen()).status == 400


def test_an_answer_without_the_witnesss_own_signature_is_none() -> None:
    checkpoint = signed(7)
    ruling = rule(ask(0, [], checkpoint), Seen())
    stranger = CosigningKey("witness.example/w2", ED25519_COSIGNATURE, bytes(32))
    other = rule(ask(0, [], signed(8)), Seen())
    for answer, witness in ((ruling.body, stranger), (other.body, KEYS[0]), (b"", KEYS[0])):
        with pytest.raises(NoteRefused):
            cosignatures(checkpoint, answer, witness.verifier)
    assert len(parse(checkpoint + ruling.body).signatures) == 3
