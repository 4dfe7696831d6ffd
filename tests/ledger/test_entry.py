import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import a_document, leaf_arguments

from changedesk.ledger.entry import EntryKind, Malformed, leaf, parse, render

OBSERVED_FAMILIES = {
    "request", "identity", "consent", "hold", "notice", "record", "value", "factor", "dispute", "evidence",
}  # fmt: skip


@given(leaf_arguments())
def test_the_template_is_canonical_json(given_: dict[str, Any]) -> None:
    document = leaf(**given_)
    expected = {
        "c": given_["fields"].hex(),
        "id": str(given_["change_id"]),
        "k": given_["kind"].value,
        "m": given_["meta"].hex(),
        "n": given_["version"],
        "p": given_["previous"].hex(),
        "s": given_["subject_ref"].hex,
        "t": given_["recorded_at_ms"],
        "v": 1,
    }
    assert document == json.dumps(expected, sort_keys=True, separators=(",", ":")).encode("ascii")


@given(leaf_arguments())
def test_an_entry_read_back_is_the_entry_written(given_: dict[str, Any]) -> None:
    document = leaf(**given_)
    entry = parse(document)
    assert render(entry) == document
    assert {name: getattr(entry, name) for name in given_} == given_


def test_the_leaf_document_never_changes() -> None:
    zeros = "0" * 64
    assert (
        a_document()
        == (
            f'{{"c":"{zeros}","id":"00000000-0000-0000-0000-000000000001","k":"customer.created","m":"{zeros}","n":1,'
            '"p":"","s":"00000000000000000000000000000002","t":1700000000000,"v":1}'
        ).encode()
    )


@given(st.integers(0, 400), st.integers(0, 255))
def test_no_byte_of_a_leaf_can_be_changed_and_still_read_as_the_same_entry(at: int, byte: int) -> None:
    document = a_document()
    forged = bytearray(document)
    forged[at % len(forged)] = byte
    try:
        entry = parse(bytes(forged))
    except Malformed:
        return
    assert render(entry) == bytes(forged)
    assert (entry == parse(document)) is (bytes(forged) == document)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"v":1', '"v":2'),
        ('"v":1', '"v": 1'),
        ('"v":1', '"v":1,"w":1'),
        ('"t":1700000000000', '"t":1700000000000.0'),
        ('"t":1700000000000', '"t":-1'),
        ('"n":1', '"n":0'),
        ('"n":1', '"n":2'),
        ('"n":1', '"n":01'),
        ('"p":""', '"p":"00"'),
        ('"p":""', '"p":"zz"'),
        ('"c":"0', '"c":"'),
        ('"c":"00', '"c":" 00'),
        ("customer.created", "customer.invented"),
        ("customer.created", "record.viewed"),
        ("00000000-0000-0000-0000-000000000001", "00000000000000000000000000000001"),
        ('"id"', '"\\u0069d"'),
    ],
)
def test_a_second_spelling_or_an_impossible_entry_is_refused(right: str, wrong: str) -> None:
    text = a_document().decode()
    assert right in text
    with pytest.raises(Malformed):
        parse(text.replace(right, wrong).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": bytes(31)},
        {"meta": b""},
        {"version": -1},
        {"version": 2**63},
        {"recorded_at_ms": -1},
        {"recorded_at_ms": 2**63},
        {"version": 0},
        {"kind": EntryKind.RECORD_VIEWED},
        {"version": 2},
        {"previous": bytes(32)},
        {"version": 2, "previous": bytes(31)},
    ],
)
def test_an_impossible_entry_is_not_written(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "change_id": UUID(int=1),
        "kind": EntryKind.CHANGE_APPLIED,
        "subject_ref": UUID(int=2),
        "version": 1,
        "previous": b"",
        "recorded_at_ms": 0,
        "fields": bytes(32),
        "meta": bytes(32),
    }
    assert leaf(**right)
    with pytest.raises(Malformed):
        leaf(**{**right, **wrong})


def test_observations_never_contend_with_changes() -> None:
    observations = {kind for kind in EntryKind if not kind.bumps}
    changes = set(EntryKind) - observations
    assert len(changes) == 14
    assert len(observations) == 47
    families = {*OBSERVED_FAMILIES, "access", "erasure", "glass", "hook", "privacy"}
    assert {kind.partition(".")[0] for kind in observations} == families
    assert EntryKind.ERASURE_REQUESTED in observations
    assert EntryKind.ERASURE_CONFIRMED in changes
