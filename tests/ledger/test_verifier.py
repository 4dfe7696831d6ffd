"""The stand-alone verifier and the ledger say the same of the same bytes."""

import ast
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.ledger import verifier
from changedesk.ledger.checkpoint import Checkpoint, sign_checkpoint
from changedesk.ledger.commitment import FOREVER, Assertion, commit_fields, commit_meta
from changedesk.ledger.disclosure import opened_meta, slots
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.note import NoteRefused, Signer, Verifier, open_note
from changedesk.ledger.payload import Meta, Payload
from changedesk.ledger.redact import redact
from changedesk.ledger.tree import inclusion_proof, leaf_hash, node_hash, root_of, verify_inclusion
from changedesk.ledger.value import encode_json

NAME = "ledger.example/acme"
SIGNER = Signer(NAME, bytes(range(32)))
texts = st.none() | st.text(max_size=20).map(encode_json)
fields = st.dictionaries(st.text(st.characters(codec="ascii"), min_size=1, max_size=8), st.tuples(texts, texts))


def test_the_verifier_imports_nothing_but_python_and_cryptography() -> None:
    tree = ast.parse(Path(verifier.__file__).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names) | {"cryptography"}


@given(st.dictionaries(st.text(max_size=5), st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5) | st.none()))
def test_both_write_the_same_canonical_text(value: dict[str, int | str | None]) -> None:
    assert verifier.canonical(value) == encode_json(value)
    assert verifier.read_json(encode_json(value)) == value


@given(size=st.integers(1, 70), data=st.data())
def test_both_believe_the_same_inclusion_proofs(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(f"entry-{number}".encode()) for number in range(size)]
    levels = [leaves]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([node_hash(*row[at : at + 2]) for at in range(0, len(row) - 1, 2)])
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, lambda nodes: [levels[level][at] for level, at in nodes])
    said = data.draw(st.integers(-1, size + 1))
    root = root_of(leaves)
    assert verifier.included(leaves[index], index, size, proof, root)
    given = (leaves[index], said, size, proof, root)
    assert verifier.included(*given) == verify_inclusion(*given)


@given(said=fields, keep=st.sets(st.integers(0, 20)), forget=st.sets(st.integers(0, 20)))
def test_whatever_is_shown_opens_what_was_committed_to(
    said: dict[str, tuple[bytes | None, bytes | None]], keep: set[int], forget: set[int]
) -> None:
    secret = bytes(range(32))
    assertions = [Assertion(path, old, new, -5, FOREVER) for path, (old, new) in said.items()]
    place = {one.path: number for number, one in enumerate(assertions)}
    committed = {"c": commit_fields(secret, assertions).hex(), "m": commit_meta(secret, b"{}").hex()}
    payload = redact(Payload(secret, assertions), lambda one: place[one.path] in forget)
    opened = opened_meta(Meta(secret, b"{}"))
    shown = [] if payload is None else slots(payload, lambda one: place[one.path] in keep)
    if payload is not None:
        visible = {slot["path"] for slot in shown if isinstance(slot, dict) and "path" in slot}
        assert visible == {path for path, number in place.items() if number in keep - forget}
        assert verifier.check_entry({"index": 3, "fields": shown, "meta": opened}, committed, 3)
        with pytest.raises(verifier.Wrong):
            verifier.check_entry({"index": 3, "fields": [*shown, {"commitment": "00" * 32}]}, committed, 3)
    with pytest.raises(verifier.Wrong):
        verifier.check_entry({"index": 3, "meta": {**opened, "text": "{ }"}}, committed, 3)


@given(st.binary(max_size=60), st.integers(0, 400))
def test_both_believe_the_same_notes(noise: bytes, at: int) -> None:
    signed = sign_checkpoint(Checkpoint(NAME, 7, bytes(32)), [SIGNER])
    note = signed[:at] + noise + signed[at + len(noise) :]
    known = verifier.read_key(SIGNER.verifier.vkey)
    assert known is not None
    try:
        wanted: str | None = open_note(note, [Verifier.from_vkey(SIGNER.verifier.vkey)])[0]
    except NoteRefused:
        wanted = None
    try:
        found: str | None = verifier.read_note(note, [known])
    except verifier.Wrong:
        found = None
    # What the ledger refuses for its length or a stray line, the verifier may read; it never reads another text.
    assert found == wanted or (wanted is None and note.startswith((found or "").encode()))


def test_a_checkpoint_of_another_log_is_not_believed() -> None:
    known = verifier.read_key(SIGNER.verifier.vkey)
    assert known is not None
    good = sign_checkpoint(Checkpoint(NAME, 7, bytes(32)), [SIGNER])
    assert verifier.read_checkpoint(good, [known]) == (NAME, 7, bytes(32))
    other = sign_checkpoint(Checkpoint("ledger.example/other", 7, bytes(32)), [SIGNER])
    with pytest.raises(verifier.Wrong, match="another log"):
        verifier.read_checkpoint(other, [known])


@given(name=st.text(max_size=5), data=st.binary(max_size=80))
def test_no_bytes_make_the_verifier_fall_over(name: str, data: bytes) -> None:
    names = ("manifest", "checkpoint", "keys.txt", "evidence.json", "entries/000000000000.json", name)
    assert verifier.verify(dict.fromkeys(names, data)).problems
    assert verifier.verify({names[4]: b'{"leaf":"' + data + b'"}'}).problems


def test_a_leaf_document_is_read_as_it_was_written() -> None:
    written = leaf(
        change_id=UUID(int=1), kind=EntryKind.EVIDENCE_EXPORTED, subject_ref=UUID(int=2), version=0, previous=b"",
        recorded_at_ms=5, fields=bytes(32), meta=bytes(32),
    )  # fmt: skip
    document, read = verifier.read_leaf(written.decode())
    assert document == written
    assert (read["k"], read["n"], read["t"]) == ("evidence.exported", 0, 5)
