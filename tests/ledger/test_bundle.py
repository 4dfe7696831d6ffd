"""A bundle that its maker signed and that lies all the same: the verifier says where. One that does not is proved."""

import base64
import hashlib
import json
import runpy
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from changedesk.ledger import note as notes
from changedesk.ledger import verifier
from changedesk.ledger.checkpoint import Checkpoint, sign_checkpoint
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.note import Signer
from changedesk.ledger.tree import inclusion_proof, leaf_hash, node_hash

NAME = "ledger.example/acme"
SIGNER = Signer(NAME, bytes(range(32)))
KEY = SIGNER.verifier.vkey
RECORD = UUID(int=2).hex
ENTRY = "entries/000000000001.json"
Files = dict[str, bytes]


def documents(*, follows: bool = True) -> list[bytes]:
    """Leaf documents of one record's versions 1 and 2; the second names the first, or something else."""
    made: list[bytes] = []
    for version in (1, 2):
        previous = leaf_hash(made[0]) if made and follows else bytes(32) if made else b""
        made.append(
            leaf(
                change_id=UUID(int=10 + version), kind=EntryKind.CHANGE_RECORDED, subject_ref=UUID(RECORD),
                version=version, previous=previous, recorded_at_ms=5, fields=bytes(32), meta=bytes(32),
            )
        )  # fmt: skip
    return made


def bundle(
    leaves: list[bytes], entries: dict[int, dict[str, Any]], *, title: str = verifier.TITLE, checkpoint: bytes = b""
) -> Files:
    """A bundle of some entries, by their index, out of a log of two; signed by the log's key from end to end."""
    hashes = [leaf_hash(one) for one in leaves]
    root = node_hash(*hashes)
    head = checkpoint or sign_checkpoint(Checkpoint(NAME, 2, root), [SIGNER])
    files: Files = {"checkpoint": head, "keys.txt": f"{KEY}\n".encode()}
    for index, entry in entries.items():
        files[f"entries/{index:012}.json"] = verifier.canonical(entry)
        proof = inclusion_proof(index, 2, lambda nodes: [hashes[at] for _, at in nodes])
        lines = ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(leaves[index]).decode()}", f"index {index}"]
        lines += [base64.b64encode(part).decode() for part in proof]
        files[f"receipts/{index:012}.tlog-proof"] = "\n".join(lines).encode() + b"\n\n" + head
    files["evidence.json"] = verifier.canonical({"entries": sorted(entries), "whole": [RECORD]})
    listed = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return {**files, "manifest": notes.sign(f"{title}\n{listed}", [SIGNER])}


def entry(index: int, document: bytes, **more: Any) -> dict[str, Any]:
    return {"index": index, "leaf": document.decode(), **more}


def sound(*indexes: int, **more: Any) -> Files:
    leaves = documents()
    return bundle(leaves, {index: entry(index, leaves[index], **more) for index in indexes or (0, 1)})


def odd_leaf() -> Files:
    leaves = documents()
    leaves[1] = leaves[1].replace(b'"v":1', b'"v":2')
    return bundle(leaves, {1: entry(1, leaves[1])})


def wrong_size() -> Files:
    leaves = documents()
    head = notes.sign(f"{NAME}\n02\n{base64.b64encode(bytes(32)).decode()}\n", [SIGNER])
    return bundle(leaves, {}, checkpoint=head)


def other_place() -> Files:
    leaves = documents()
    return bundle(leaves, {1: entry(0, leaves[1])})


def broken_chain() -> Files:
    leaves = documents(follows=False)
    return bundle(leaves, {index: entry(index, leaves[index]) for index in (0, 1)})


def twice() -> Files:
    leaves = [documents()[0], documents()[0].replace(b'"t":5', b'"t":6')]
    return bundle(leaves, {index: entry(index, leaves[index]) for index in (0, 1)})


def odd_record() -> Files:
    leaves = documents()
    leaves[1] = leaves[1].replace(f'"s":"{RECORD}"'.encode(), b'"s":[2]')
    return bundle(leaves, {1: entry(1, leaves[1])})


def another_title() -> Files:
    leaves = documents()
    return bundle(leaves, {index: entry(index, leaves[index]) for index in (0, 1)}, title="a shopping list")


@pytest.mark.parametrize(
    ("made", "file", "what"),
    [
        (odd_leaf, ENTRY, "its leaf document is misshapen"),
        (odd_record, ENTRY, "its leaf document is misshapen"),
        (twice, ENTRY, "version 1 stands in the log twice"),
        (wrong_size, "checkpoint", "its size is no whole number"),
        (other_place, ENTRY, "it says another place"),
        (lambda: sound(0, 1, fields=[{"path": "a"}]), ENTRY, "a field is neither shown nor kept back"),
        (broken_chain, ENTRY, "it does not follow version 1 as that is here"),
        (lambda: sound(1), "evidence.json", f"version 1 of the record {RECORD} is missing"),
        (another_title, "manifest", "not the manifest of an evidence bundle"),
    ],
)
def test_a_lie_that_was_signed_is_found_where_it_stands(made: Callable[[], Files], file: str, what: str) -> None:
    found = verifier.verify(made(), [KEY])
    assert (file, what) in {(one.file, one.what) for one in found.problems}
    said = verifier.report(found)
    assert said.endswith("NOT PROVED")
    assert what in said
    assert all(not one.entry or f"(entry {one.entry})" in str(one) for one in found.problems)


def test_what_does_not_lie_is_proved_from_an_archive_and_from_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sound()
    archive, folder = tmp_path / "bundle.zip", tmp_path / "unpacked"
    archive.write_bytes(verifier.pack(files))
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for place in (archive, folder):
        assert verifier.main([str(place), "--key", KEY, "--show"]) == 0
        said = capsys.readouterr().out
        assert said.endswith("PROVED\n")
        assert f"1  change.recorded  record {RECORD} version 2" in said
        assert "taken from the bundle itself" not in said
        assert verifier.main([str(place), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {
            "proved": True, "log": NAME, "size": 2, "entries": [0, 1], "problems": [], "own_key": True,
        }  # fmt: skip
    (folder / "evidence.json").unlink()
    assert verifier.main([str(folder), "--key", KEY]) == 1
    assert "WRONG  evidence.json: missing" in capsys.readouterr().out


def test_a_bundle_does_not_write_its_own_verdict() -> None:
    """Its names and values are shown to whoever checks it, on a terminal that would obey them."""
    liar = {**sound(meta={"text": "\x1b[2J", "key": "00" * 32}), "\x1b[2J\rPROVED\u202e": b""}
    said = verifier.report(verifier.verify(liar, [KEY]), show=True)
    assert said.endswith("NOT PROVED")
    assert r"WRONG  \x1b[2J\rPROVED\u202e: not part of the bundle that was made" in said
    assert all(sign.isprintable() for line in said.split("\n") for sign in line)


def test_what_is_packed_tight_is_not_unpacked(tmp_path: Path) -> None:
    """A megabyte that becomes a gigabyte: nothing that was made here is compressed."""
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest", bytes(2**20))
    files, problems = verifier.unpack(archive)
    assert files == {"manifest": b""}
    assert [one.what for one in problems] == [
        "the archive itself was changed (unpack it, and verify the folder)"
    ]  # fmt: skip


def test_the_file_runs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "bundle.zip"
    archive.write_bytes(verifier.pack(sound()))
    monkeypatch.setattr(sys, "argv", ["verifier.py", str(archive), "--key", KEY])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(verifier.__file__, run_name="__main__")
    assert ended.value.code == 0
