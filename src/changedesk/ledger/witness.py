"""What a witness decides (https://c2sp.org/tlog-witness): it cosigns a checkpoint that only appended to the last
one it saw.

Pure: who runs a witness keeps what it saw, and serves this decision.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from changedesk.ledger import note
from changedesk.ledger.checkpoint import DECIMAL, Checkpoint
from changedesk.ledger.checkpoint import parse as parse_checkpoint
from changedesk.ledger.cosignature import AnyVerifier, CosigningKey
from changedesk.ledger.note import NoteRefused, Signature
from changedesk.ledger.tree import EMPTY_ROOT, HASH_BYTES, LARGEST, verify_consistency

LONGEST_REQUEST: Final = 256 * 1024
_LONGEST_PROOF: Final = 63
_SIZE_MEDIA: Final = "text/x.tlog.size"
_PLAIN: Final = "text/plain; charset=utf-8"


class Seen(msgspec.Struct, frozen=True):
    """The last checkpoint of a log that the witness cosigned."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Ruling(msgspec.Struct, frozen=True):
    """An HTTP answer. ``seen``, if any, must be kept, durably, before the answer is given."""

    status: int
    body: bytes = b""
    media: str = _PLAIN
    origin: str = ""
    seen: Seen | None = None


def ask(old_size: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """Return the body of add-checkpoint: the size that the witness knows, the proof from there, the checkpoint."""
    lines = [f"old {old_size}", *(base64.b64encode(part).decode() for part in proof), "", ""]
    return "\n".join(lines).encode() + checkpoint


def consider(
    body: bytes,
    logs: Mapping[str, Sequence[AnyVerifier]],
    seen: Callable[[str], Seen],
    keys: Sequence[CosigningKey],
    *,
    time: int,
) -> Ruling:
    """Decide about an add-checkpoint request.

    ``logs``: trusted keys by origin. ``time``: seconds since 1970. The caller lets nobody else decide about this
    origin until it has kept ``seen``.
    """
    try:
        old_size, proof, signed = _read(body)
        text = note.parse(signed).text
        wanted = parse_checkpoint(text)
    except (ValueError, UnicodeDecodeError):
        return Ruling(400, b"the request is misshapen\n")
    if wanted.origin not in logs:
        return Ruling(404, b"this log is not known here\n")
    try:
        note.open_note(signed, logs[wanted.origin])
    except NoteRefused:
        return Ruling(403, b"no key of this log has signed it\n")
    refused = _refused(wanted, old_size, proof, seen(wanted.origin))
    if refused is not None:
        return refused
    lines = "".join(note.line(key.sign(text, time)) for key in keys)
    return Ruling(200, lines.encode(), origin=wanted.origin, seen=Seen(wanted.size, wanted.root))


def _refused(wanted: Checkpoint, old_size: int, proof: Sequence[bytes], last: Seen) -> Ruling | None:
    if old_size > wanted.size:
        return Ruling(400, b"a log does not shrink\n")
    if old_size != last.size:
        return Ruling(409, f"{last.size}\n".encode(), _SIZE_MEDIA)
    if old_size == wanted.size and wanted.root != last.root:
        return Ruling(409, f"{last.size}\n".encode(), _SIZE_MEDIA)
    if not verify_consistency(old_size, last.root, wanted.size, wanted.root, proof):
        return Ruling(422, b"the proof does not lead from the known checkpoint to this one\n")
    return None


def cosignatures(checkpoint: bytes, answer: bytes, witness: AnyVerifier) -> tuple[Signature, ...]:
    """Return the cosignatures of a checkpoint that a witness answered with; NoteRefused when there is none of this
    key.
    """
    signed = note.parse(checkpoint + answer)
    known = len(note.parse(checkpoint).signatures)
    found = tuple(
        item
        for item in signed.signatures[known:]
        if (item.name, item.key_id) == (witness.name, witness.key_id) and witness.accepts(signed.text, item.signature)
    )
    if not found:
        raise NoteRefused("the witness did not cosign the checkpoint")
    return found


def _read(body: bytes) -> tuple[int, list[bytes], bytes]:
    head, gap, signed = body.partition(b"\n\n")
    first, *lines = head.decode("ascii").split("\n")
    size = first.removeprefix("old ")
    if not gap or first == size or DECIMAL.fullmatch(size) is None or int(size) > LARGEST:
        raise ValueError("no old size")
    proof = [note.strict_base64(line) for line in lines]
    if len(proof) > _LONGEST_PROOF or any(len(part) != HASH_BYTES for part in proof):
        raise ValueError("no proof")
    return int(size), proof, signed
