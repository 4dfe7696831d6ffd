"""Signed notes (https://c2sp.org/signed-note): a text, a blank line, one line per signature. Ed25519, type
0x01; ``cosignature`` has the other types.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = 0x01
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
MOST_SIGNATURES: Final = 100
LONGEST_NOTE: Final = 1_000_000
_DASH: Final = "\u2014 "
_SPACE: Final = 0x20


class NoteRefused(ValueError):  # noqa: N818 - a refusal, as elsewhere
    """A note that must not be believed: misshapen, signed wrongly, or by nobody who is trusted."""


class Signature(msgspec.Struct, frozen=True):
    """One signature line: the key's name, its id (4 bytes) and the signature itself."""

    name: str
    key_id: bytes
    signature: bytes


class Trusted(Protocol):
    """A key that is trusted under its name; of whichever type, it knows what it signed."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> bytes: ...

    def accepts(self, text: str, signature: bytes) -> bool:
        """Say whether this key signed exactly this text."""


class Signing(Protocol):
    """A key that signs notes."""

    def sign(self, text: str) -> Signature:
        """Sign a note's text (its last newline included)."""


T = TypeVar("T", bound=Trusted)


class Verifier(msgspec.Struct, frozen=True):
    """A trusted Ed25519 key under its name."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x01 || public key), the first 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + _typed(self.public_key)).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line of text: name, id in hex, base64 of type and public key, joined by ``+``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_typed(self.public_key)).decode()}"

    @classmethod
    def from_vkey(cls, vkey: str) -> "Verifier":
        """Read a verifier key; NoteRefused when it is misshapen, of another type, or its id does not fit."""
        name, _, rest = vkey.partition("+")
        key = strict_base64(rest.partition("+")[2])
        if not is_name(name) or key[:1] != _typed(b"") or len(key) != 1 + _KEY_BYTES:
            raise NoteRefused("not an Ed25519 verifier key")
        verifier = cls(name, key[1:])
        if verifier.vkey != vkey:
            raise NoteRefused("the verifier key's id does not fit its key")
        return verifier

    def accepts(self, text: str, signature: bytes) -> bool:
        """Say whether this key signed exactly this text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


class Signer:
    """An Ed25519 key that signs under its name. Never shows its secret."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take the 32 secret bytes of RFC 8032; NoteRefused for a name that a note cannot carry."""
        if not is_name(name):
            raise NoteRefused("a key's name has no spaces, no plus and no control characters, and is not empty")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """Sign a note's text (its last newline included)."""
        return Signature(self.verifier.name, self.verifier.key_id, self._key.sign(text.encode()))


class Note(msgspec.Struct, frozen=True):
    """A note's text (with its last newline) and signature lines in order."""

    text: str
    signatures: tuple[Signature, ...]

    def render(self) -> bytes:
        """Return the note as it is published; NoteRefused when its text cannot stand in one."""
        if not _is_text(self.text) or not self.signatures:
            raise NoteRefused("a note is text that ends with a newline, and at least one signature")
        return (self.text + "\n" + "".join(line(signature) for signature in self.signatures)).encode()


def sign(text: str, signers: Iterable[Signing]) -> bytes:
    """Return the signed note; NoteRefused when the text cannot stand in one or nobody signs."""
    return Note(text, tuple(signer.sign(text) for signer in signers)).render()


def add_signatures(note: bytes, signatures: Sequence[Signature]) -> bytes:
    """Return the note with further signature lines (of witnesses) behind its own."""
    read = parse(note)
    return Note(read.text, (*read.signatures, *signatures)).render()


def parse(note: bytes) -> Note:
    """Take a note apart without believing it; NoteRefused when it is misshapen, too long, or signed too
    often.
    """
    if len(note) > LONGEST_NOTE:
        raise NoteRefused("the note is too long")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteRefused("the note is not UTF-8") from None
    text, gap, lines = whole.rpartition("\n\n")
    text += "\n"
    if not gap or not lines.endswith("\n") or not _is_text(text):
        raise NoteRefused("the note is not text, a blank line and signatures")
    split = lines[:-1].split("\n")
    if len(split) > MOST_SIGNATURES:
        raise NoteRefused("the note carries too many signatures")
    return Note(text, tuple(_signature(line) for line in split))


def open_note(note: bytes, verifiers: Iterable[T]) -> tuple[str, tuple[T, ...]]:
    """Return the text, and the verifiers whose signature it carries.

    Signatures of unknown keys are ignored. NoteRefused when a known key's signature is wrong, or none is
    known.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    read = parse(note)
    signed: dict[tuple[str, bytes], T] = {}
    for signature in read.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            continue
        if not verifier.accepts(read.text, signature.signature):
            raise NoteRefused("a signature does not fit the note")
        signed[signature.name, signature.key_id] = verifier
    if not signed:
        raise NoteRefused("nobody trusted has signed the note")
    return read.text, tuple(signed.values())


def strict_base64(text: str) -> bytes:
    """Decode standard base64 (RFC 4648, section 4) in its one canonical spelling; NoteRefused for others."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise NoteRefused("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise NoteRefused("not base64 in its canonical spelling")
    return data


def _typed(public_key: bytes) -> bytes:
    return bytes((ED25519,)) + public_key


def line(signature: Signature) -> str:
    """Return a signature's line, with its newline."""
    return f"{_DASH}{signature.name} {base64.b64encode(signature.key_id + signature.signature).decode()}\n"


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    data = strict_base64(encoded)
    if not line.startswith(_DASH) or not is_name(name) or len(data) <= _ID_BYTES:
        raise NoteRefused("a signature line is misshapen")
    return Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])


def is_name(name: str) -> bool:
    """Say whether a note can carry a key of this name."""
    return bool(name) and not any(c == "+" or c.isspace() or ord(c) < _SPACE for c in name)


def _is_text(text: str) -> bool:
    return text.endswith("\n") and all(c == "\n" or ord(c) >= _SPACE for c in text)
