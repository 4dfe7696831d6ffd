"""Receipts (https://c2sp.org/tlog-proof): one entry's place in the log, provable offline with the log's
key.
"""

import base64
from typing import Final

import msgspec

from changedesk.ledger.checkpoint import DECIMAL, Checkpoint, open_checkpoint
from changedesk.ledger.note import NoteRefused, Trusted, strict_base64
from changedesk.ledger.tree import HASH_BYTES, LARGEST, leaf_hash, verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
_LONGEST_PROOF: Final = 63


class ReceiptRefused(ValueError):  # noqa: N818 - a refusal, as elsewhere
    """A receipt that proves nothing: misshapen, not signed by the log, or of another entry."""


class Receipt(msgspec.Struct, frozen=True):
    """The entry's index, the path from its leaf to the root, the signed checkpoint verbatim, unproven extra
    bytes.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def render(self) -> bytes:
        """Return the receipt as a ``.tlog-proof`` file."""
        extra = [f"extra {base64.b64encode(self.extra).decode()}"] if self.extra else []
        path = [base64.b64encode(part).decode() for part in self.proof]
        lines = [HEADER, *extra, f"index {self.index}", *path, "", ""]
        return "\n".join(lines).encode() + self.checkpoint


def parse(data: bytes) -> Receipt:
    """Read a receipt without believing it; ReceiptRefused when it is misshapen."""
    head, gap, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        receipt = _read(lines, checkpoint)
    except ValueError:
        raise ReceiptRefused("the receipt is misshapen") from None
    if not gap or receipt.render() != data:
        raise ReceiptRefused("the receipt is misshapen")
    return receipt


def _read(lines: list[str], checkpoint: bytes) -> Receipt:
    extra = b""
    if len(lines) > 1 and lines[1].startswith("extra "):
        extra = strict_base64(lines.pop(1).removeprefix("extra "))
    header, index, *path = lines
    number = index.removeprefix("index ")
    if header != HEADER or DECIMAL.fullmatch(number) is None or int(number) > LARGEST:
        raise ReceiptRefused
    proof = tuple(strict_base64(line) for line in path)
    if len(proof) > _LONGEST_PROOF or any(len(part) != HASH_BYTES for part in proof):
        raise ReceiptRefused
    return Receipt(int(number), proof, checkpoint, extra)


def check(receipt: Receipt, document: bytes, log: Trusted, origin: str) -> Checkpoint:
    """Return the checkpoint under which the leaf document is proved to stand in the log; ReceiptRefused if it
    is not.

    Needs no network: the document, the receipt, and the log's verifier key.
    """
    try:
        checkpoint = open_checkpoint(receipt.checkpoint, log, origin)
    except NoteRefused as refusal:
        raise ReceiptRefused(str(refusal)) from None
    if not verify_inclusion(leaf_hash(document), receipt.index, checkpoint.size, receipt.proof, checkpoint.root):
        raise ReceiptRefused("the entry does not stand in the log at this place")
    return checkpoint
