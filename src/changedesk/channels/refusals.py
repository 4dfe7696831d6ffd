"""The only place where a "no" becomes HTTP: every refusal is a problem document (RFC 9457).

A problem names what was refused, where, and what to do next. It never repeats what was sent: only facts whose names
stand in ``_FACTS`` come out, and of those only words, numbers and times.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final

import msgspec

from changedesk.base.refusal import Refusal
from changedesk.flow.admit import CredentialEnded, CredentialRefused

MEDIA_TYPE: Final = "application/problem+json"
TYPES: Final = "https://changedesk.example/problems/"
"""Where the type of a problem stands, before its code. Stable: programs match it."""
STATUSES: Final[Mapping[str, int]] = {
    "unprocessable": 422,
    "conflict": 409,
    "forbidden": 403,
    "missing": 404,
    "stale": 412,
    "too_many": 429,
    "in_flight": 409,
    "unavailable": 503,
}
_FACTS: Final = frozenset(
    {
        "accounts", "allowed", "choices", "concerns", "due", "into", "known", "least", "level", "limit", "missing",
        "most", "nearest", "needed", "part", "path", "paths", "place", "ref", "reference", "retry_at", "rule", "seen",
        "state", "subject", "until", "verb", "version", "wanted", "why",
    }
)  # fmt: skip
_WORD: Final = re.compile(
    r"[a-z][a-z0-9_.:-]{0,79}|[0-9]{1,3}"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]"
)
"""What our names, places in a list, ids and references look like; names, addresses and numbers of people do not."""
_OF_RULES: Final = frozenset(
    {"loosens-floor", "rule-unclear", "rules-contradict", "pause-not-given", "extension-not-given", "hook-unfit"}
)
_RULE_FACTS: Final = frozenset({"rule", "rule_a", "rule_b", "why", "reason"})
"""These speak of rules and settings, which staff and packs write, and never of a customer: told as they stand."""
_ANYTHING: Final = "*"
"""Stands in a pointer for a name that we did not give, which might be a value put in the wrong place."""


class HttpRefusal(Refusal):
    """The call is not as the interface wants it.

    These are about HTTP alone, so they say their status themselves.
    """

    http: ClassVar[int] = 400


class KeyMissing(HttpRefusal):
    """This call creates or decides something, so it needs an Idempotency-Key of 1 to 200 visible characters."""

    code = "idempotency-key-missing"
    hint = "Send a fresh random Idempotency-Key with each new call, and the same one when you repeat a call."


class BodyUnreadable(HttpRefusal):
    """The body is not JSON that can be read: well formed, UTF-8, without NUL, at most 32 levels deep."""

    code = "body-unreadable"
    hint = "Send one JSON object, as the API document describes it."


class NoSuchPath(HttpRefusal):
    """There is nothing at this address."""

    code = "no-such-path"
    hint = "Compare the address with the API document at /api/v1/openapi.json."
    http = 404


class MethodNotAllowed(HttpRefusal):
    """This address does not take that method."""

    code = "method-not-allowed"
    hint = "The Allow header names the methods that it takes."
    http = 405


class BodyTooLarge(HttpRefusal):
    """The body is larger than this address takes."""

    code = "body-too-large"
    hint = "Send fewer items in one call, or a file in parts."
    http = 413


class NotJson(HttpRefusal):
    """Bodies are read as JSON only."""

    code = "not-json"
    hint = "Send the header Content-Type: application/json."
    http = 415


class NotAForm(HttpRefusal):
    """A file is sent as a part of a form, and this is none."""

    code = "not-a-form"
    hint = "Send Content-Type: multipart/form-data with its boundary, and the parts that the API document names."
    http = 415


class CallMisshapen(HttpRefusal):
    """Some of what was sent does not have the form that this call takes."""

    code = "call-misshapen"
    hint = "Correct what is listed under errors; the API document says what is expected."
    http = 422


class SeenMissing(HttpRefusal):
    """A decision or an edit must say what it was made on, and no single version was named."""

    code = "if-match-missing"
    hint = 'Send If-Match with the ETag that you were given when you read it, such as "3".'
    http = 428


class TooManyCalls(HttpRefusal):
    """This key has made more calls than it may for now."""

    code = "too-many-calls"
    hint = "Wait for as many seconds as Retry-After says."
    http = 429


class Failed(HttpRefusal):
    """Something went wrong on our side.

    The trace id leads to the reason in the log.
    """

    code = "internal-error"
    hint = "Repeat the call with the same Idempotency-Key. If it keeps failing, tell us the trace_id."
    http = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whoever sends it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal."""
    if isinstance(refusal, HttpRefusal):
        return refusal.http
    if isinstance(refusal, CredentialRefused | CredentialEnded):
        return 401
    return STATUSES[refusal.status]


Under = str | Mapping[str, str]
"""The JSON Pointer (RFC 6901) that a refusal's own pointers continue, one for all or one for each field."""


def problem(
    refusal: Refusal, *, trace: str, under: Under = "", more: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Return a refusal as the members of a problem document.

    ``more`` holds further members that are known to be safe.
    """
    status = status_of(refusal)
    told: dict[str, Any] = {
        "type": TYPES + refusal.code,
        "title": refusal.sentence,
        "status": status,
        "code": refusal.code,
        "trace_id": trace,
    }
    if refusal.hint:
        told["detail"] = refusal.hint
    errors = _errors(refusal, "" if isinstance(refusal, HttpRefusal) else under)
    if errors:
        told["errors"] = errors
    facts = {name: safe(value) for name, value in refusal.data.items() if name in _FACTS and value is not None}
    if refusal.code in _OF_RULES:
        facts |= {name: str(value) for name, value in refusal.data.items() if name in _RULE_FACTS}
    if facts:
        told["facts"] = facts
    return {**told, **(more or {})}


def answer(
    refusal: Refusal,
    *,
    trace: str,
    under: Under = "",
    at: datetime | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Answer:
    """Return a refusal as an HTTP answer. ``at`` is when, for Retry-After."""
    told = problem(refusal, trace=trace, under=under, more=more)
    sent = {"Content-Type": MEDIA_TYPE, **(headers or {})}
    if told["status"] == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = 'Bearer realm="changedesk", error="invalid_token"'
    retry_at = refusal.data.get("retry_at")
    if isinstance(retry_at, datetime) and at is not None:
        sent["Retry-After"] = str(max(1, int((retry_at - at).total_seconds()) + 1))
    elif refusal.status == "in_flight":
        sent["Retry-After"] = "1"
    return Answer(told["status"], msgspec.json.encode(told), sent)


def safe(value: object) -> object:
    """Return a fact as it may stand in a problem: words, numbers and times of ours, nothing that was typed."""
    match value:
        case bool() | int() | None:
            return value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case str():
            return value if _WORD.fullmatch(value) else _ANYTHING
        case Mapping():
            return {str(safe(str(name))): safe(inner) for name, inner in value.items()}
        case Iterable():
            return [safe(inner) for inner in value]
    return safe(str(value))


def pointer(place: Sequence[object]) -> str:
    """Return a JSON Pointer to a place, with ``*`` for every name that is none of ours."""
    return "".join(f"/{safe(item)}" for item in place)


def _errors(refusal: Refusal, under: Under) -> list[dict[str, object]]:
    given = refusal.data.get("errors")
    if isinstance(given, list):
        return [{**one, "pointer": _whole(str(one["pointer"]), under)} for one in given]
    own = getattr(refusal, "pointer", None)
    if isinstance(own, str):
        return [{"pointer": _whole(own, under), "code": refusal.code, "reason": getattr(refusal, "reason", "")}]
    return []


def _whole(own: str, under: Under) -> str:
    field, *rest = own.split("/")[1:] or [""]
    if isinstance(under, str):
        return under + pointer([field, *rest] if field else [])
    return under[field] + pointer(rest) if field in under else pointer([field, *rest])
