import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.ledger.shapes import HASHES, Hashes, a_document, vector_leaves

from changedesk.ledger import receipt as receipts
from changedesk.ledger.checkpoint import Checkpoint, open_checkpoint, parse, sign_checkpoint
from changedesk.ledger.note import NoteRefused, Signer, sign
from changedesk.ledger.receipt import Receipt, ReceiptRefused, check
from changedesk.ledger.tree import inclusion_proof, leaf_hash, root_of

ORIGIN = "ledger.example/acme"
LOG = Signer(ORIGIN, bytes(range(32)))
SEVEN = Checkpoint(ORIGIN, 7, root_of(vector_leaves(7)))
SIGNATURE = "8djhUUwmzWE4D1zRIln0jFqOV4/dKThSRl1mudh+Dxm6xCJ+SKYpcT+o3r/PFWjuOoRVFJ9N9RVzpITHh97j8GUx7AA="
ROOT = base64.b64encode(SEVEN.root).decode()


def test_the_signed_checkpoint_is_the_published_one() -> None:
    expected = f"{ORIGIN}\n7\n{ROOT}\n\n\u2014 {ORIGIN} {SIGNATURE}\n".encode()
    assert sign_checkpoint(SEVEN, [LOG]) == expected
    assert open_checkpoint(expected, LOG.verifier, ORIGIN) == SEVEN


LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(LINES, st.integers(0, 2**63 - 1), HASHES, st.lists(LINES, max_size=3))
def test_a_checkpoint_read_back_is_the_one_written(origin: str, size: int, root: bytes, more: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(more))
    assert parse(checkpoint.text()) == checkpoint
    assert open_checkpoint(sign_checkpoint(checkpoint, [LOG]), LOG.verifier, origin) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n{ROOT}",
        f"\n7\n{ROOT}\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n-7\n{ROOT}\n",
        f"{ORIGIN}\n+7\n{ROOT}\n",
        f"{ORIGIN}\n\u0667\n{ROOT}\n",
        f"{ORIGIN}\n9223372036854775808\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n7\nAAAA\n",
        f"{ORIGIN}\n7\n{ROOT}\n\n",
        f"{ORIGIN}\n7\n{ROOT}\n\nmore\n",
    ],
)
def test_a_misshapen_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"origin": f"a\n7\n{ROOT}"},
        {"size": -1},
        {"root": b"x"},
        {"extensions": ("",)},
    ],
)
def test_an_impossible_checkpoint_is_not_signed(wrong: dict[str, object]) -> None:
    with pytest.raises(NoteRefused):
        sign_checkpoint(replace(SEVEN, **wrong), [LOG])


def test_a_checkpoint_of_another_log_does_not_count_even_with_the_right_key() -> None:
    with pytest.raises(NoteRefused, match="another log"):
        open_checkpoint(sign_checkpoint(SEVEN, [LOG]), LOG.verifier, "ledger.example/other")


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(NoteRefused):
        open_checkpoint(sign("hello\n", [LOG]), LOG.verifier, ORIGIN)


def a_receipt(index: int = 3, size: int = 6, extra: bytes = b"") -> Receipt:
    leaves = [leaf_hash(a_document(number)) for number in range(size)]
    signed = sign_checkpoint(Checkpoint(ORIGIN, size, root_of(leaves)), [LOG])
    return Receipt(index, tuple(inclusion_proof(index, size, Hashes(leaves))), signed, extra)


@given(st.integers(1, 20), st.data(), st.binary(max_size=9))
def test_a_receipt_proves_its_entry_offline_and_no_other(size: int, data: st.DataObject, extra: bytes) -> None:
    index = data.draw(st.integers(0, size - 1))
    receipt = receipts.parse(a_receipt(index, size, extra).render())
    assert receipt == a_receipt(index, size, extra)
    assert check(receipt, a_document(index), LOG.verifier, ORIGIN).size == size
    with pytest.raises(ReceiptRefused, match="does not stand"):
        check(receipt, a_document(index + 1), LOG.verifier, ORIGIN)


def test_a_receipt_is_the_file_that_tlog_proof_describes() -> None:
    receipt = a_receipt(extra=b"extra bytes")
    path = "".join(f"{base64.b64encode(part).decode()}\n" for part in receipt.proof)
    head = f"c2sp.org/tlog-proof@v1\nextra ZXh0cmEgYnl0ZXM=\nindex 3\n{path}\n".encode()
    assert receipt.render() == head + receipt.checkpoint


def test_a_receipt_of_another_log_proves_nothing() -> None:
    stranger = Signer(ORIGIN, bytes(32))
    with pytest.raises(ReceiptRefused, match="nobody trusted"):
        check(a_receipt(), a_document(3), stranger.verifier, ORIGIN)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"@v1", b"@v2"),
        (b"index 3", b"index 03"),
        (b"index 3", b"index -3"),
        (b"index 3", b"3"),
        (b"index 3", b"index 9223372036854775808"),
        (b"index 3\n", b""),
        (b"index 3\n", b"index 3\nAAAA\n"),
        (b"index 3\n", b"index 3\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64),
        (b"index 3\n", b"extra \nindex 3\n"),
        (b"index 3\n", b"extra !\nindex 3\n"),
        (b"index", b"\xff"),
        (b"\n\n", b"\n"),
    ],
)
def test_a_misshapen_receipt_is_refused(right: bytes, wrong: bytes) -> None:
    data = a_receipt().render()
    assert right in data
    with pytest.raises(ReceiptRefused):
        receipts.parse(data.replace(right, wrong))


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        receipts.parse(data)


@pytest.mark.parametrize("data", [b"", b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v1\n\n"])
def test_half_a_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        receipts.parse(data)
