"""Checkpoints (https://c2sp.org/tlog-checkpoint): a log's size and root, signed."""

import base64
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from changedesk.ledger import note
from changedesk.ledger.tree import HASH_BYTES, LARGEST

DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")
"""A whole number as C2SP writes it: ASCII digits, no leading zero."""
_FEWEST_LINES: Final = 3


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log says of itself: under this origin, at this size, this is the root (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the note's text: origin, size, base64 of the root, further lines; NoteRefused if
        impossible.
        """
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        text = "".join(f"{line}\n" for line in lines)
        if parse(text) != self:
            raise note.NoteRefused("a checkpoint's lines are not empty and hold no newline")
        return text


def parse(text: str) -> Checkpoint:
    """Read a checkpoint's text; NoteRefused when it is not exactly one."""
    origin, *rest = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or 1 + len(rest) < _FEWEST_LINES or not all((origin, *rest)):
        raise note.NoteRefused("a checkpoint is origin, size and root, a line each")
    size, root, *extensions = rest
    if DECIMAL.fullmatch(size) is None or int(size) > LARGEST:
        raise note.NoteRefused("a checkpoint's size is a whole number")
    decoded = note.strict_base64(root)
    if len(decoded) != HASH_BYTES:
        raise note.NoteRefused("a checkpoint's root is 32 bytes")
    return Checkpoint(origin, int(size), decoded, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[note.Signing]) -> bytes:
    """Return the signed checkpoint, ready to publish."""
    return note.sign(checkpoint.text(), signers)


def open_checkpoint(signed: bytes, log: note.Trusted, origin: str) -> Checkpoint:
    """Return the checkpoint that this log's key signed for this origin; NoteRefused otherwise."""
    text, _ = note.open_note(signed, [log])
    checkpoint = parse(text)
    if checkpoint.origin != origin:
        raise note.NoteRefused("the checkpoint is of another log")
    return checkpoint
