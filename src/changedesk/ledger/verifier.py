"""Verify an evidence bundle: python verify.py BUNDLE.zip (or the folder that it was unpacked into).

This one file needs Python 3.11 and the package ``cryptography``, no database and no network. It believes nothing but
the key of the log: give it with --key, got from somebody you trust. Without --key it uses the bundle's own keys.txt,
and then proves only that the bundle is of one piece.

Formats: signed notes, checkpoints and receipts as c2sp.org/signed-note, tlog-checkpoint and tlog-proof; the tree of RFC
9162, section 2.1; an entry commits to its fields and to who-how-why by HMAC-SHA256 (docs/evidence.md).
"""

import argparse
import base64
import hashlib
import hmac
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST, DOCUMENT, CHECKPOINT, KEYS = "manifest", "evidence.json", "checkpoint", "keys.txt"
TITLE = "changedesk evidence bundle v1"
_ENTRY = re.compile(r"entries/([0-9]{12})\.json")
_LEAF = ("c", "id", "k", "m", "n", "p", "s", "t", "v")
Files = Mapping[str, bytes]
Attempt = Callable[..., Any]


class Wrong(ValueError):  # noqa: N818 - says what is wrong
    """Something in the bundle is not what it claims to be."""


class Problem(NamedTuple):
    """One thing that is wrong: in which file, about which entry (empty where none), and what."""

    file: str
    entry: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}{f' (entry {self.entry})' if self.entry else ''}: {self.what}"


class Verdict(NamedTuple):
    """What came of it. ``proved`` has the entries that hold, by their index in the log, with what they disclose."""

    origin: str
    size: int
    proved: dict[int, dict[str, Any]]
    problems: list[Problem]
    own_key: bool


def pack(files: Files) -> bytes:
    """Return the files as a ZIP archive: stored, in order of their names, the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            item = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            item.create_system, item.external_attr = 3, 0o644 << 16
            archive.writestr(item, files[name])
    return out.getvalue()


def unpack(path: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """Return a bundle's files, from an archive or a folder, and what is wrong with the archive itself."""
    if path.is_dir():
        found = sorted(item for item in path.rglob("*") if item.is_file())
        return {item.relative_to(path).as_posix(): item.read_bytes() for item in found}, []
    data = path.read_bytes() if path.is_file() else b""
    files: dict[str, bytes] = {}
    name = path.name
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for item in archive.infolist():
                name = item.filename
                # As it was made nothing is compressed: what is read is no more than what was given.
                files[name] = archive.read(item) if not item.compress_type and name not in files else b""
    except Exception:  # noqa: BLE001 - whatever a damaged archive makes its reader do
        return files, [Problem(name, _entry_of(name), "damaged inside the archive, or the archive's list of files is")]
    if pack(files) != data:
        return files, [Problem(path.name, "", "the archive itself was changed (unpack it, and verify the folder)")]
    return files, []


def _entry_of(name: str) -> str:
    found = re.fullmatch(r"(?:entries|receipts)/([0-9]{12})\.(?:json|tlog-proof)", name)
    return str(int(found[1])) if found else ""


def canonical(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_json(data: bytes) -> dict[str, Any]:
    """Return an object from its canonical text; Wrong for any other text."""
    try:
        value = json.loads(data)
        same = canonical(value) == data
    except (ValueError, RecursionError):
        raise Wrong("not readable as JSON") from None
    if not same or not isinstance(value, dict):
        raise Wrong("not the canonical JSON text")
    return value


def _unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Wrong("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Wrong("not base64 in its canonical spelling")
    return data


def _unhex(text: object, size: int) -> bytes:
    if not isinstance(text, str) or re.fullmatch(rf"[0-9a-f]{{{2 * size}}}", text) is None:
        raise Wrong(f"not {size} bytes in hexadecimal")
    return bytes.fromhex(text)


Key = tuple[str, bytes, bytes]
"""An Ed25519 key of a log: its name (the log's origin), its id (4 bytes) and the key."""


def read_key(vkey: str) -> Key | None:
    """Read a signed-note verifier key; None for another type than Ed25519. Wrong when its id does not fit."""
    name, _, rest = vkey.partition("+")
    told, _, encoded = rest.partition("+")
    typed = _unbase64(encoded)
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    if not name or key_id.hex() != told:
        raise Wrong("a key's id does not fit the key")
    return (name, key_id, typed[1:]) if typed[:1] == b"\x01" and len(typed) == 33 else None  # noqa: PLR2004 - the format's numbers


def read_note(note: bytes, keys: Iterable[Key]) -> str:
    """Return the text of a note that one of the keys signed; Wrong when none did, or one of them wrongly."""
    text, gap, lines = note.decode("utf-8", "replace").rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise Wrong("not a signed note")
    text += "\n"
    known = {(name, key_id): public for name, key_id, public in keys}
    signed = False
    for line in lines[:-1].split("\n"):
        name, _, encoded = line.removeprefix("\u2014 ").partition(" ")
        public = known.get((name, (data := _unbase64(encoded))[:4]))
        if not line.startswith("\u2014 ") or public is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(data[4:], text.encode())
        except InvalidSignature:
            raise Wrong("a signature does not fit what was signed") from None
        signed = True
    if not signed:
        raise Wrong("not signed by the log's key")
    return text


def read_checkpoint(note: bytes, keys: Iterable[Key]) -> tuple[str, int, bytes]:
    """Return origin, size and root of a checkpoint that the log signed."""
    known = list(keys)
    origin, size, root, *_ = [*read_note(note, known).split("\n"), "", ""]
    if not any(name == origin for name, *_ in known):
        raise Wrong("a checkpoint of another log")
    if re.fullmatch(r"0|[1-9][0-9]{0,18}", size) is None:
        raise Wrong("its size is no whole number")
    return origin, int(size), _unbase64(root)


def included(leaf: bytes, index: int, size: int, proof: Iterable[bytes], root: bytes) -> bool:
    """Say whether a leaf hash stands at this place of the tree with this root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, running = index, size - 1, leaf
    for part in proof:
        if sn == 0 or len(part) != len(root):
            return False
        if fn & 1 or fn == sn:
            running = hashlib.sha256(b"\x01" + part + running).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            running = hashlib.sha256(b"\x01" + running + part).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and running == root


def leaf_hash(document: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + document).digest()


def check_receipt(receipt: bytes, document: bytes, index: int, tree: tuple[bytes, int, bytes]) -> bool:
    """Return True when a receipt proves that a document stands at this place of the tree (checkpoint, size, root)."""
    checkpoint, size, root = tree
    head, _, rest = receipt.partition(b"\n\n")
    if rest != checkpoint:
        raise Wrong("the receipt is of another checkpoint")
    lines = head.decode("ascii", "replace").split("\n")
    wanted = ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(document).decode()}", f"index {index}"]
    if lines[:3] != wanted:
        raise Wrong("the receipt is of another entry")
    if not included(leaf_hash(document), index, size, [_unbase64(line) for line in lines[3:]], root):
        raise Wrong("the entry does not stand in the log at this place")
    return True


def read_leaf(text: object) -> tuple[bytes, dict[str, Any]]:
    """Return a leaf document's bytes and members; Wrong when it is not the canonical text of one."""
    if not isinstance(text, str) or not text.isascii():
        raise Wrong("it has no leaf document")
    document = text.encode()
    leaf = read_json(document)
    if tuple(leaf) != _LEAF or leaf["v"] != 1 or any(type(leaf[x]) is not (int if x in "ntv" else str) for x in _LEAF):
        raise Wrong("its leaf document is misshapen")
    return document, leaf


def _present(value: str | None) -> bytes:
    text = b"" if value is None else value.encode()
    return b"\x00" if value is None else b"\x01" + len(text).to_bytes(4, "big") + text


def field_commitment(slot: Mapping[str, Any]) -> bytes:
    """Return F_i: as given for a field that is kept back, computed from what is shown for one that is disclosed."""
    if set(slot) == {"commitment"}:
        return _unhex(slot["commitment"], 32)
    if set(slot) != {"path", "old", "new", "from", "to", "key"}:
        raise Wrong("a field is neither shown nor kept back")
    text = b"".join(_present(slot[name]) for name in ("path", "old", "new"))
    text += b"".join(slot[name].to_bytes(8, "big", signed=True) for name in ("from", "to"))
    return hmac.digest(_unhex(slot["key"], 32), text, "sha256")


def check_entry(entry: Mapping[str, Any], leaf: Mapping[str, Any], index: int) -> bool:
    """Return True when what an entry discloses is what its leaf commits to; Wrong otherwise."""
    if entry.get("index") != index:
        raise Wrong("it says another place")
    fields = entry.get("fields")
    if fields is not None:
        joined = b"acl/v1/fields\x00" + len(fields).to_bytes(2, "big") + b"".join(map(field_commitment, fields))
        if hashlib.sha256(joined).hexdigest() != leaf["c"]:
            raise Wrong("its fields are not those that were recorded")
    meta = entry.get("meta")
    text = b"" if meta is None else meta["text"].encode()
    if meta is not None and hmac.digest(_unhex(meta["key"], 32), text, "sha256").hex() != leaf["m"]:
        raise Wrong("who, how and why are not what was recorded")
    return True


def verify(files: Files, vkeys: Iterable[str] = ()) -> Verdict:
    """Check a bundle's files with the log's keys, or with its own where none are given."""
    problems: list[Problem] = []

    def attempt(file: str, act: Callable[[], Any], entry: str = "") -> Any:
        try:
            return act()
        except Wrong as wrong:
            problems.append(Problem(file, entry or _entry_of(file), str(wrong)))
        except (AttributeError, IndexError, KeyError, TypeError, OverflowError, ValueError):
            problems.append(Problem(file, entry or _entry_of(file), "misshapen"))
        return None

    given = list(vkeys)
    keys: list[Key] = []
    for vkey in given or files.get(KEYS, b"").decode("utf-8", "replace").split():
        key = attempt("--key" if given else KEYS, partial(read_key, vkey))
        keys += [key] if key else []
    _check_manifest(files, keys, attempt, problems)
    head = attempt(CHECKPOINT, lambda: read_checkpoint(files.get(CHECKPOINT, b""), keys))
    origin, size, root = head or ("", 0, b"")
    proved: dict[int, dict[str, Any]] = {}
    for name in sorted(files):
        found = _ENTRY.fullmatch(name)
        if found is not None:
            made = _check_one(files, int(found[1]), (size, root), attempt) if head else None
            if made is not None:
                proved[int(found[1])] = made
    document = attempt(DOCUMENT, lambda: read_json(files.get(DOCUMENT, b""))) or {}
    if document and document.get("entries") != [int(one[1]) for one in map(_ENTRY.fullmatch, sorted(files)) if one]:
        problems.append(Problem(DOCUMENT, "", "it lists other entries than those that are here"))
    _check_chains(document, proved, problems)
    return Verdict(origin, size, proved, problems, own_key=not given)


def _check_manifest(files: Files, keys: Iterable[Key], attempt: Attempt, problems: list[Problem]) -> None:
    """Every file's SHA-256 stands in the manifest, which the log's key signed."""
    text = attempt(MANIFEST, lambda: read_note(files.get(MANIFEST, b""), keys))
    # An unsigned list still tells which file was changed, once it was said that nobody stands for the list.
    lines = (text or files.get(MANIFEST, b"").decode("utf-8", "replace").partition("\n\n")[0]).split("\n")
    if text and lines[0] != TITLE:
        problems.append(Problem(MANIFEST, "", "not the manifest of an evidence bundle"))
    listed = {line[66:]: line[:64] for line in lines[1:] if line[64:66] == "  "}
    for name in sorted(listed.keys() | files.keys() - {MANIFEST}):
        if name not in files:
            problems.append(Problem(name, _entry_of(name), "missing"))
        elif name not in listed:
            problems.append(Problem(name, _entry_of(name), "not part of the bundle that was made"))
        elif hashlib.sha256(files[name]).hexdigest() != listed[name]:
            problems.append(Problem(name, _entry_of(name), "changed since the bundle was made"))


def _check_one(files: Files, index: int, tree: tuple[int, bytes], attempt: Attempt) -> dict[str, Any] | None:
    name, receipt = f"entries/{index:012}.json", f"receipts/{index:012}.tlog-proof"
    entry = attempt(name, lambda: read_json(files[name]))
    read = None if entry is None else attempt(name, lambda: read_leaf(entry.get("leaf")))
    if entry is None or read is None:
        return None
    document, leaf = read
    who = f"{index}, {leaf['k']}, {leaf['id']}"
    tree_of = (files.get(CHECKPOINT, b""), *tree)
    stands = attempt(receipt, partial(check_receipt, files.get(receipt, b""), document, index, tree_of), who)
    discloses = attempt(name, partial(check_entry, entry, leaf, index), who)
    return {**entry, "leaf": leaf, "hash": leaf_hash(document).hex()} if stands and discloses else None


def _lie(index: int, what: str) -> Problem:
    return Problem(f"entries/{index:012}.json", str(index), what)


def _check_chains(
    document: Mapping[str, Any], proved: Mapping[int, Mapping[str, Any]], problems: list[Problem]
) -> None:
    """Each change names the hash of the one before it; where a whole record was promised, none is missing."""
    chains: dict[str, dict[int, tuple[int, Mapping[str, Any]]]] = {}
    for index, entry in proved.items():
        leaf = entry["leaf"]
        if leaf["n"] and chains.setdefault(leaf["s"], {}).setdefault(leaf["n"], (index, entry))[0] != index:
            problems.append(_lie(index, f"version {leaf['n']} stands in the log twice"))
    for versions in chains.values():
        for n, (index, entry) in versions.items():
            before = versions.get(n - 1)
            if before is not None and entry["leaf"]["p"] != before[1]["hash"]:
                problems.append(_lie(index, f"it does not follow version {n - 1} as that is here"))
    whole = document.get("whole")
    for subject in whole if isinstance(whole, list) else ():
        versions = chains.get(str(subject), {})
        missing = [n for n in range(1, max(versions, default=0)) if n not in versions]
        if missing and not problems:
            problems.append(Problem(DOCUMENT, "", f"version {missing[0]} of the record {subject} is missing"))


def report(verdict: Verdict, *, show: bool = False) -> str:
    """Return what came of it as text; ``show`` adds what is proved, entry by entry."""
    lines = [f"WRONG  {problem}" for problem in verdict.problems]
    lines.append(f"log        {verdict.origin or 'unknown'}, {verdict.size} entries")
    lines.append(f"entries    {len(verdict.proved)} proved to stand in it")
    for index, entry in verdict.proved.items() if show else ():
        leaf, meta = entry["leaf"], entry.get("meta")
        lines.append(f"  {index}  {leaf['k']}  record {leaf['s']} version {leaf['n']}  {leaf['t']} ms since 1970")
        shown = [slot for slot in entry.get("fields") or () if "path" in slot]
        lines += [f"      {slot['path']}: {slot['old']} -> {slot['new']}" for slot in shown]
        lines += [f"      {meta['text']}"] if meta else []
    if verdict.own_key:
        lines.append("key        taken from the bundle itself: compare it with one from somebody you trust (--key).")
    lines.append("NOT PROVED" if verdict.problems else "PROVED")
    # What would move a terminal's cursor, or turn its writing, is spelt out: a bundle does not say what came of it.
    return "\n".join("".join(x if x.isprintable() else ascii(x)[1:-1] for x in line) for line in lines)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return what came of it for programs."""
    problems = [one._asdict() for one in verdict.problems]
    told = {"proved": not problems, "log": verdict.origin, "size": verdict.size, "entries": sorted(verdict.proved)}
    return {**told, "problems": problems, "own_key": verdict.own_key}


def verify_file(path: Path, vkeys: Iterable[str] = ()) -> Verdict:
    """Check a bundle as it lies there: the archive itself, and all that is in it."""
    files, damaged = unpack(path)
    verdict = verify(files, vkeys)
    return verdict._replace(problems=[*damaged, *verdict.problems])


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Exit code 0 when everything holds, 1 when something does not."""
    words = argparse.ArgumentParser(description="Verify an evidence bundle, offline.")
    words.add_argument("bundle", type=Path, help="the ZIP file, or the folder that it was unpacked into")
    words.add_argument("--key", action="append", default=[], help="the log's key, from somebody you trust")
    words.add_argument("--show", action="store_true", help="print what is proved, entry by entry")
    words.add_argument("--json", action="store_true", help="print one JSON document")
    given = words.parse_args(arguments)
    verdict = verify_file(given.bundle, given.key)
    text = canonical(as_json(verdict)).decode() if given.json else report(verdict, show=given.show)
    sys.stdout.write(text + "\n")
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
