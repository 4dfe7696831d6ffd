"""The master key in a file that the service alone may read: one version a line, ``number:64 hex digits``.

A line without a number is version 1. The file is read whenever a key is unwrapped, about once a minute for each, so
that a new version is known, and a removed one forgotten, without a restart.
"""

import os
import re
import secrets
from pathlib import Path
from typing import ClassVar, Final

from changedesk.ledger import seal
from changedesk.store.masters import NO_VERSION, MasterUnavailable, Wrapped

_LINE: Final = re.compile(r"(?:([1-9][0-9]{0,5}):)?([0-9a-f]{64})", re.IGNORECASE)


class FileMaster:
    """The versions in a master file; the highest wraps."""

    holder: ClassVar[str] = "file"

    def __init__(self, path: Path) -> None:
        self._path = Path(path)

    def version(self) -> str:
        return f"{self.holder}:{max(self.keys())}"

    def wrap(self, key: bytes, aad: bytes) -> Wrapped:
        held = self.keys()
        newest = max(held)
        return Wrapped(f"{self.holder}:{newest}", seal.wrap(held[newest], key, aad))

    def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        number = wrapped.master.partition(":")[2]
        key = self.keys().get(int(number) if number.isdecimal() else 0)
        if key is None:
            raise MasterUnavailable(why=NO_VERSION, where=wrapped.master)
        return seal.unwrap(key, wrapped.sealed, aad)

    def keys(self) -> dict[int, bytes]:
        """Return the versions by number. Raises MasterUnavailable when the file is not as it must be."""
        try:
            if self._path.stat().st_mode & 0o077:
                raise MasterUnavailable(why="others-may-read", where="file")
            lines = self._path.read_text("ascii").split()
        except (OSError, UnicodeDecodeError):
            raise MasterUnavailable(why="unreadable", where="file") from None
        found: dict[int, bytes] = {}
        for line in lines:
            read = _LINE.fullmatch(line)
            number = int(read[1] or 1) if read else 0
            if read is None or number in found:
                raise MasterUnavailable(why="misread", where="file")
            found[number] = bytes.fromhex(read[2])
        if not found:
            raise MasterUnavailable(why="misread", where="file")
        return found

    def add(self) -> int:
        """Write a new version beside those that are there; return its number."""
        held = self.keys()
        number = max(held) + 1
        self.write({**held, number: secrets.token_bytes(seal.KEY_BYTES)})
        return number

    def remove(self, number: int) -> bool:
        """Forget a version for good, as far as this file goes; False when it is not there, or the newest."""
        held = self.keys()
        if number not in held or number == max(held):
            return False
        self.write({kept: key for kept, key in held.items() if kept != number})
        return True

    def write(self, held: dict[int, bytes]) -> None:
        """Let the file hold these versions and no others."""
        # Whoever reads meanwhile sees the file as it was or as it will be; after a power cut too.
        beside = self._path.with_name(self._path.name + ".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{number}:{key.hex()}\n" for number, key in sorted(held.items()))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
