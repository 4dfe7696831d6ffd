"""What every call has, whichever way it came in: who calls, when, on what it decides, under which key and trace."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from django.utils.translation.trans_real import parse_accept_lang_header

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.channels import signin
from changedesk.channels.api.limits import LIMITS
from changedesk.channels.refusals import Answer, BodyUnreadable, KeyMissing, SeenMissing, TooManyCalls

JSON: Final = "application/json"
DEPTH_MOST: Final = 32
BODY_MOST: Final = 1024 * 1024
BODY_MOST_MANY: Final = 4 * 1024 * 1024
"""Bytes that ``POST /changes`` takes, five hundred items."""
LANGUAGES: Final = ("en", "de", "ar")
_KEY: Final = re.compile(r'"?([\x21\x23-\x7e]{1,200})"?')
_SEEN: Final = re.compile(r'"([0-9]{1,18})"')
"""One strong entity tag (RFC 9110, section 8.8.3)."""
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2."""
Header = Callable[[str], str]
"""Gives a header's value by its name, empty when it was not sent."""


@dataclass(slots=True)
class Call:
    """A call whose credential was accepted."""

    actor: Actor
    at: datetime
    trace: str
    language: str
    route: str
    """Method, path and query, which belong to what an Idempotency-Key stands for."""
    path: str
    header: Header = field(repr=False)
    body: Callable[[], bytes] = field(repr=False)
    limit: dict[str, str]
    """Headers that say how many more calls this key may make."""
    over: bool

    def require_within_limit(self) -> None:
        """Return while the key may call. Raises TooManyCalls."""
        if self.over:
            raise TooManyCalls

    def once(self) -> flow.Once:
        """Return the key under which this call counts once. Raises KeyMissing."""
        given = _KEY.fullmatch(self.header("Idempotency-Key").strip())
        if given is None:
            raise KeyMissing
        return flow.Once(given[1], self.route.encode() + b"\n" + self.body())

    def seen(self) -> int:
        """Return the version that the caller decides on. Raises SeenMissing."""
        given = _SEEN.fullmatch(self.header("If-Match").strip())
        if given is None:
            raise SeenMissing
        return int(given[1])


def trace_of(header: Header) -> str:
    """Return the caller's trace id when its ``traceparent`` is well formed, else a new one (32 hex digits)."""
    found = _TRACEPARENT.fullmatch(header("traceparent"))
    return found[1] if found else os.urandom(16).hex()


def language_of(header: Header) -> str:
    """Return the first language that the caller reads and we write (RFC 9110, section 12.5.4)."""
    given = header("Accept-Language")
    for wanted, _ in parse_accept_lang_header(given.lower()) if given else ():
        tongue = wanted.split("-", maxsplit=1)[0]
        if tongue in LANGUAGES:
            return tongue
    return LANGUAGES[0]


def accept(route: str, path: str, header: Header, body: Callable[[], bytes], *, trace: str) -> Call:
    """Return the call behind some headers. Raises CredentialRefused, CredentialEnded."""
    at = clock.now()
    actor = signin.actor_of_key(header("Authorization"), at=at)
    left, wait = LIMITS.take(f"{actor.client}/{actor.id}")
    limit = LIMITS.headers(left, wait)
    return Call(actor, at, trace, language_of(header), route, path, header, body, limit, over=left < 0)


def read(body: bytes) -> Any:
    """Return a JSON body as plain values. Raises BodyUnreadable."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BodyUnreadable from None
    if body.count(b"[") + body.count(b"{") < DEPTH_MOST and rb"\u0000" not in body:
        return found  # neither deep nor with a NUL, whatever stands where
    rest = [(found, 1)]
    while rest:
        value, depth = rest.pop()
        if depth > DEPTH_MOST:
            raise BodyUnreadable
        if isinstance(value, dict):
            rest.extend((inner, depth + 1) for pair in value.items() for inner in pair)
        elif isinstance(value, list):
            rest.extend((inner, depth + 1) for inner in value)
        elif isinstance(value, str) and "\x00" in value:
            raise BodyUnreadable
    return found


def told(
    value: object,
    *,
    status: int = 200,
    version: int | None = None,
    replayed: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return a value as a JSON answer. ``version`` becomes its strong ETag."""
    sent = {"Content-Type": JSON, **(headers or {})}
    if version is not None:
        sent["ETag"] = f'"{version}"'
    if replayed:
        sent["Idempotency-Replayed"] = "true"
    return Answer(status, msgspec.json.encode(value), sent)
