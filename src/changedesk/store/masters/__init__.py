"""The master key: it wraps each client's keys, in versions, and stands outside of the database.

A version is named by who holds it: ``file:2`` is a line of the master file, ``vault:7`` a version in a key service.
Every wrapped key says its version, so an older one opens what it wrapped for as long as it is there: going from the
file to a key service, or back, is a renewal like any other.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from django.conf import settings

from changedesk.base.refusal import Refusal
from changedesk.ledger import seal

if TYPE_CHECKING:
    from changedesk.store.masters.file import FileMaster


class MasterUnavailable(Refusal):
    """The master key cannot be reached, so nothing new can be opened or sealed.

    ``data``: why (unreachable, denied, sealed, no-key, no-version, misread), where.
    """

    code = "master-unavailable"
    hint = "Whoever runs the installation looks at the key service, its address and its token, or at the master file."
    status = "unavailable"


NO_VERSION: Final = "no-version"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key that a version of the master wrapped."""

    master: str
    sealed: bytes = field(repr=False)


class Master(Protocol):
    """Who wraps and unwraps keys of 32 bytes. All raise MasterUnavailable; unwrap also seal.Corrupt."""

    holder: ClassVar[str]
    """The word before the colon of its versions."""

    def version(self) -> str:
        """Return the version that wraps now."""

    def wrap(self, key: bytes, aad: bytes) -> Wrapped:
        """Wrap a key under the version of now, bound to its use by ``aad``."""

    def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Return the key that any version wrapped for this use."""


def masters() -> list[Master]:
    """Return who may hold a version, the one who wraps now first: the key service where one is set, else the file."""
    service = settings.CHANGEDESK_KMS
    if service is None:
        return [_file()]
    from changedesk.store.masters.vault import VaultMaster  # noqa: PLC0415 - it needs the words above, and a client of HTTP

    return [VaultMaster(**service), _file()]


def _file() -> "FileMaster":
    from changedesk.store.masters.file import FileMaster  # noqa: PLC0415 - it needs the words above

    return FileMaster(file_path())


def file_path() -> Path:
    """Return where the master file stands, or would stand."""
    return Path(settings.CHANGEDESK_MASTER_KEY_FILE)


def in_file() -> list[str]:
    """Return the versions in the master file, none where there is no file."""
    return [f"file:{number}" for number in sorted(_file().keys())] if file_path().exists() else []


def add_version() -> None:
    """Make a new version in the master file, where it is what wraps. A key service makes its versions itself."""
    if settings.CHANGEDESK_KMS is None:
        _file().add()


def drop_version(number: int) -> bool:
    """Remove a version from the master file; False when it is not there, or the newest."""
    return _file().remove(number)


def version() -> str:
    """Return the version that wraps now. Raises MasterUnavailable."""
    return masters()[0].version()


def wrap(key: bytes, aad: bytes) -> Wrapped:
    """Wrap a key under the version of now. Raises MasterUnavailable."""
    if len(key) != seal.KEY_BYTES:
        raise ValueError("a key is 32 bytes")
    return masters()[0].wrap(key, aad)


def unwrap(wrapped: Wrapped, aad: bytes) -> bytes:
    """Return the key that some version wrapped. Raises MasterUnavailable; seal.Corrupt when it does not open."""
    for master in masters():
        if wrapped.master.startswith(master.holder + ":"):
            return master.unwrap(wrapped, aad)
    raise MasterUnavailable(why=NO_VERSION, where=wrapped.master)


def check() -> None:
    """Try the way there and back, as start-up does. Raises MasterUnavailable."""
    probe = bytes(seal.KEY_BYTES)
    if unwrap(wrap(probe, b"acl/v1/probe"), b"acl/v1/probe") != probe:
        raise MasterUnavailable(why="misread", where=version())
