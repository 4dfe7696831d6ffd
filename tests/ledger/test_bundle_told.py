"""What the verifier says of a bundle, word for word: auditors compare reports, and programs read them."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from uuid import UUID

import pytest
from tests.ledger.test_bundle import ENTRY, KEY, NAME, RECORD, SIGNER, Files, bundle, documents, entry, sound

from changedesk.ledger import note, verifier
from changedesk.ledger.checkpoint import Checkpoint, sign_checkpoint
from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion, commit_fields, commit_meta
from changedesk.ledger.disclosure import opened_meta, slots
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.note import Signer
from changedesk.ledger.payload import Meta, Payload

SECRET = bytes(range(32))
WHY = b'{"actor":"s1"}'
SAID = [
    Assertion("contact.email", b'"a@old.example"', None, BEGINNING, FOREVER),
    Assertion("plan", None, b'"b"', -5, 9),
]
RECEIPT = "receipts/000000000001.tlog-proof"
WHO = f"1, change.recorded, {UUID(int=12)}"
CHANGED = "changed since the bundle was made"


def disclosing(*, kept_back: str = "contact.email", **more: object) -> Files:
    document = leaf(
        change_id=UUID(int=1), kind=EntryKind.CHANGE_RECORDED, subject_ref=UUID(RECORD), version=1, previous=b"",
        recorded_at_ms=5, fields=commit_fields(SECRET, SAID), meta=commit_meta(SECRET, WHY),
    )  # fmt: skip
    shown = slots(Payload(SECRET, SAID), lambda one: one.path != kept_back)
    told = {"fields": shown, "meta": opened_meta(Meta(SECRET, WHY)), **more}
    return bundle([document, documents()[1]], {0: entry(0, document, **told)})


def told(files: Files, *keys: str) -> list[tuple[str, str, str]]:
    return [(one.file, one.entry, one.what) for one in verifier.verify(files, keys or [KEY]).problems]


def test_a_report_says_line_by_line_what_is_proved() -> None:
    found = verifier.verify(disclosing(), [KEY])
    head = [f"log        {NAME}, 2 entries", "entries    1 proved to stand in it"]
    assert verifier.report(found).split("\n") == [*head, "PROVED"]
    assert verifier.report(found, show=True).split("\n") == [
        *head,
        f"  0  change.recorded  record {RECORD} version 1  5 ms since 1970",
        '      plan: None -> "b"',
        f"      {WHY.decode()}",
        "PROVED",
    ]
    assert verifier.report(verifier.verify(sound(0)), show=True).split("\n") == [
        *head,
        f"  0  change.recorded  record {RECORD} version 1  5 ms since 1970",
        "key        taken from the bundle itself: compare it with one from somebody you trust (--key).",
        "PROVED",
    ]


def test_what_is_shown_of_an_entry_is_told_to_who_asks_for_it() -> None:
    proved = verifier.verify(disclosing(kept_back="plan"), [KEY]).proved[0]
    assert [slot.get("path") for slot in proved["fields"]] == ["contact.email", None]
    assert (proved["leaf"]["n"], proved["leaf"]["t"]) == (1, 5)
    assert proved["meta"]["text"] == WHY.decode()


def test_an_empty_folder_is_told_to_hold_nothing() -> None:
    empty = verifier.verify({}, [KEY])
    assert verifier.report(empty).split("\n") == [
        "WRONG  manifest: not a signed note",
        "WRONG  checkpoint: not a signed note",
        "WRONG  evidence.json: not readable as JSON",
        "log        unknown, 0 entries",
        "entries    0 proved to stand in it",
        "NOT PROVED",
    ]
    assert verifier.as_json(empty) == {
        "proved": False,
        "log": "",
        "size": 0,
        "entries": [],
        "problems": [
            {"file": "manifest", "entry": "", "what": "not a signed note"},
            {"file": "checkpoint", "entry": "", "what": "not a signed note"},
            {"file": "evidence.json", "entry": "", "what": "not readable as JSON"},
        ],
        "own_key": False,
    }


def spoil(name: str) -> bytes:
    """A file of the sound bundle that is no longer what it was."""
    files = sound()
    checkpoint = files["checkpoint"]
    head, _, _ = files[RECEIPT].partition(b"\n\n")
    lines = head.split(b"\n")
    return {
        "evidence.json": verifier.canonical({"entries": [0], "whole": [RECORD]}),
        "receipt of another checkpoint": head + b"\n\n" + checkpoint + b"\n",
        "receipt of another entry": files["receipts/000000000000.tlog-proof"],
        "receipt without its proof": b"\n".join(lines[:3]) + b"\n\n" + checkpoint,
        "receipt with a longer proof": b"\n".join([*lines, lines[3]]) + b"\n\n" + checkpoint,
        "receipt with a bad proof": b"\n".join([*lines[:3], b"?"]) + b"\n\n" + checkpoint,
        "entry without a leaf": verifier.canonical({"index": 1}),
        "entry that is a list": b"[]",
        "entry with blanks": files[ENTRY] + b" ",
        "entry with odd fields": verifier.canonical({**entry(1, documents()[1]), "fields": 7}),
    }[name]


@pytest.mark.parametrize(
    ("file", "spoiled", "wanted"),
    [
        ("evidence.json", "evidence.json", [("", "it lists other entries than those that are here")]),
        (RECEIPT, "receipt of another checkpoint", [(WHO, "the receipt is of another checkpoint")]),
        (RECEIPT, "receipt of another entry", [(WHO, "the receipt is of another entry")]),
        (RECEIPT, "receipt without its proof", [(WHO, "the entry does not stand in the log at this place")]),
        (RECEIPT, "receipt with a longer proof", [(WHO, "the entry does not stand in the log at this place")]),
        (RECEIPT, "receipt with a bad proof", [(WHO, "not base64")]),
        (ENTRY, "entry without a leaf", [("1", "it has no leaf document")]),
        (ENTRY, "entry that is a list", [("1", "not the canonical JSON text")]),
        (ENTRY, "entry with blanks", [("1", "not the canonical JSON text")]),
        (ENTRY, "entry with odd fields", [(WHO, "misshapen")]),
    ],
)
def test_a_spoiled_file_is_named_with_its_entry_and_with_all_that_is_wrong(
    file: str, spoiled: str, wanted: list[tuple[str, str]]
) -> None:
    entry_of = "" if file == "evidence.json" else "1"
    assert told({**sound(), file: spoil(spoiled)}) == [
        (file, entry_of, CHANGED),
        *((file, about, what) for about, what in wanted),
    ]
    assert set(verifier.verify({**sound(), file: spoil(spoiled)}, [KEY]).proved) == ({0} if entry_of else {0, 1})


def test_a_file_that_was_left_out_or_put_in_is_named() -> None:
    files = sound()
    without = {name: data for name, data in files.items() if name != RECEIPT}
    assert told(without) == [(RECEIPT, "1", "missing"), (RECEIPT, WHO, "the receipt is of another checkpoint")]
    assert told({**files, "readme": b""}) == [("readme", "", "not part of the bundle that was made")]


def test_a_bundle_is_believed_for_the_logs_key_alone() -> None:
    stranger = Signer(NAME, bytes(32)).verifier.vkey
    unsigned = "not signed by the log's key"
    assert told(sound(), stranger) == [("manifest", "", unsigned), ("checkpoint", "", unsigned)]
    assert told(sound(), KEY.replace("+", "+0", 1)) == [
        ("--key", "", "a key's id does not fit the key"), ("manifest", "", unsigned), ("checkpoint", "", unsigned),
    ]  # fmt: skip
    both = verifier.verify(sound(), [stranger, KEY])
    assert (both.problems, sorted(both.proved), both.own_key) == ([], [0, 1], False)
    own = verifier.verify({**sound(), "keys.txt": b"nonsense"})
    assert [(one.file, one.what) for one in own.problems][:1] == [("keys.txt", "a key's id does not fit the key")]


def test_a_key_of_another_kind_is_passed_over_and_a_wrong_one_refused() -> None:
    assert verifier.read_key(KEY) == (NAME, SIGNER.verifier.key_id, SIGNER.verifier.public_key)
    for typed in (b"\x04" + SECRET, b"\x01" + SECRET[1:], b"\x01" + SECRET + b"\x00"):
        key_id = hashlib.sha256(f"{NAME}\n".encode() + typed).digest()[:4]
        assert verifier.read_key(f"{NAME}+{key_id.hex()}+{base64.b64encode(typed).decode()}") is None
    with pytest.raises(verifier.Wrong):
        verifier.read_key(KEY.partition("+")[2])


def test_a_cosigned_checkpoint_is_believed_and_a_forged_line_of_a_known_key_is_not() -> None:
    known = verifier.read_key(KEY)
    assert known is not None
    text = Checkpoint(NAME, 7, bytes(32)).text()
    witness = Signer("witness.example", bytes(32))
    signed = note.sign(text, [witness, SIGNER, witness])
    assert verifier.read_note(signed, [known]) == text
    assert verifier.read_checkpoint(signed, [known]) == (NAME, 7, bytes(32))
    forged = sign_checkpoint(Checkpoint(NAME, 8, bytes(32)), [SIGNER]).partition(b"\n\n")[2]
    with pytest.raises(verifier.Wrong, match="does not fit"):
        verifier.read_note(signed + forged, [known])


def test_the_same_files_give_the_same_archive_on_every_machine() -> None:
    packed = verifier.pack({"b": b"2", "a": b"1"})
    assert packed == verifier.pack({"a": b"1", "b": b"2"})
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        made = [(one.filename, one.date_time, one.compress_type, one.create_system) for one in archive.infolist()]
        assert made == [(name, (1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 3) for name in ("a", "b")]
        assert {one.external_attr for one in archive.infolist()} == {0o644 << 16}
        assert archive.read("b") == b"2"


def test_an_archive_that_was_changed_or_damaged_is_told_from_a_bundle_that_was(tmp_path: Path) -> None:
    packed, place = verifier.pack(sound()), tmp_path / "bundle.zip"
    damaged = "damaged inside the archive, or the archive's list of files is"
    changed = "the archive itself was changed (unpack it, and verify the folder)"
    inside = packed.index(b"\xe2\x80\x94 ")
    for data, file, what in (
        (b"", "bundle.zip", damaged),
        (packed[:-1], "bundle.zip", damaged),
        (b"before" + packed, "bundle.zip", changed),
        (packed[:inside] + b"X" + packed[inside + 1 :], "checkpoint", damaged),
    ):
        place.write_bytes(data)
        assert verifier.verify_file(place, [KEY]).problems[0] == (file, "", what)
    place.write_bytes(b"before" + packed)
    assert verifier.unpack(place) == (sound(), [verifier.Problem("bundle.zip", "", changed)])
    assert verifier.unpack(tmp_path / "nothing.zip")[1][0].what == damaged


def test_a_damaged_file_in_an_archive_is_named_with_its_entry(tmp_path: Path) -> None:
    packed, place = verifier.pack(sound()), tmp_path / "bundle.zip"
    inside = packed.index(b'"index":1')
    place.write_bytes(packed[:inside] + b"'" + packed[inside + 1 :])
    assert tuple(verifier.unpack(place)[1][0])[:2] == (ENTRY, "1")


def test_the_command_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        verifier.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "Verify an evidence bundle, offline." in said
    for word in (
        "bundle the ZIP file, or the folder",
        "--key KEY the log's key",
        "--show print what",
        "--json print one",
    ):
        assert word in said
