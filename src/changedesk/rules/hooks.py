"""Hooks: how what is sent is signed, and when it is tried again. Pure.

The envelope is Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0): HMAC-SHA256 over
``id.timestamp.body``, in base64 behind ``v1,``.
"""

import base64
import binascii
import hmac
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Final, Protocol

SECRET_LABEL: Final = "whsec_"  # noqa: S105 - what stands before every one
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64."""
TOLERANCE_SECONDS: Final = 300
WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first try, the second and so on: ten tries in a little over three days, as the specification advises."""
JITTER: Final = 0.2
"""By how much of itself a wait is lengthened at most, so that what failed together is not tried again together."""
OLD_SECRET_FOR: Final = timedelta(hours=24)
"""How long a secret that was replaced still signs, beside the new one."""
DISABLED_AFTER: Final = timedelta(days=5)
"""A hook that took nothing for so long is disabled: longer than any one delivery is tried."""
KEPT_FOR: Final = timedelta(days=30)
"""How long a delivery can be looked at and sent again."""


class Settings(Protocol):
    """Where a hook leads, and what it is told: all ``events`` and ``kinds`` where none are named."""

    @property
    def url(self) -> str: ...
    @property
    def events(self) -> Collection[str]: ...
    @property
    def kinds(self) -> Collection[str]: ...
    @property
    def full_values(self) -> bool: ...


def needs_second(was: Settings | None, now: Settings) -> bool:
    """Say whether a second person must approve settings, because values leave in clear that did not, or to elsewhere.

    ``was``: the settings in force, None where none ever were.
    """
    if not now.full_values:
        return False
    if was is None or not was.full_values or was.url != now.url:
        return True
    return not (_within(now.events, was.events) and _within(now.kinds, was.kinds))


def _within(now: Collection[str], was: Collection[str]) -> bool:
    return not was or (bool(now) and set(now) <= set(was))


class SignatureWrong(ValueError):  # noqa: N818 - says what is so
    """What was received does not bear a signature by this secret, or was signed too long ago. Says nothing more."""


def wait(tries: int, luck: float) -> timedelta | None:
    """Return how long to wait after so many tries; None when there is no other. ``luck``: 0 to 1, by chance."""
    return None if tries > len(WAITS) else WAITS[tries - 1] * (1 + JITTER * luck)


def sign(secrets: Iterable[str], event: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: one signature by each secret, with blanks between.

    ``event``: the header ``webhook-id``; ``timestamp``: seconds since 1970, the header ``webhook-timestamp``.
    """
    return " ".join(f"v1,{base64.b64encode(_mac(secret, event, timestamp, body)).decode()}" for secret in secrets)


def verify(secret: str, event: str, timestamp: str, signatures: str, body: bytes, *, now: float) -> None:
    """Check what a hook received: its three headers and its body, as they came. ``now``: seconds since 1970.

    Raises SignatureWrong, whatever is wrong with it: nothing that a stranger sends makes this fail otherwise.
    """
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < len("1000000000000")):
        raise SignatureWrong
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureWrong
    wanted = _mac(secret, event, int(timestamp), body)
    for one in signatures.split():
        version, _, told = one.partition(",")
        try:
            found = base64.b64decode(told.encode(), validate=True)
        except (binascii.Error, UnicodeError):
            continue
        if version == "v1" and hmac.compare_digest(found, wanted):
            return
    raise SignatureWrong


def _mac(secret: str, event: str, timestamp: int, body: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(SECRET_LABEL))
    return hmac.digest(key, f"{event}.{timestamp}.".encode("utf-8", "surrogateescape") + body, "sha256")
