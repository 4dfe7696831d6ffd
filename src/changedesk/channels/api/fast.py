"""The short way: three hot routes answered in front of Django, in the same process.

What is not plainly one of them, or not plainly well formed, goes the long way, so that there is one place that says
what is wrong with a call. Credentials, limits, verbs, readings, problems and documents are those of the long way.
"""

import io
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import structlog
from msgspec import UNSET, Meta, Struct, UnsetType
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.api import asked, calls, changes, customers
from changedesk.channels.api.interface import unfit
from changedesk.channels.opened import recording
from changedesk.channels.refusals import Answer, Failed, answer

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
"""What the long way's middleware puts on an answer, as far as it means anything for JSON."""
_PREFIX: Final = "/api/v1/"
_READ: Final = re.compile(
    r"/api/v1/(?P<what>customers|accounts)/(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<view>timeline|as-of)"
)
_NESTED_MOST: Final = calls.DEPTH_MOST - 2
log = structlog.get_logger("changedesk.web")


class LongWay(Exception):  # noqa: N818 - not an error: a way out
    """This call is for the long way."""


Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.-]{0,79}\Z")]
Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#/-]{0,119}\Z")]


class _Change(Struct, forbid_unknown_fields=True):
    path: Name
    new: Any
    old: Any = UNSET
    valid_from: str | None = None
    valid_to: str | None = None


class _Evidence(Struct, forbid_unknown_fields=True):
    requested_by: Reference | None = None
    approved_by: Reference | None = None
    reference: Reference | None = None


class _Item(Struct, forbid_unknown_fields=True):
    subject: UUID
    changes: Annotated[list[_Change], Meta(min_length=1, max_length=100)]
    reason: Name = "system_migration"
    evidence: _Evidence | UnsetType = UNSET
    channel: Literal["phone", "chat", "email", "web_portal", "mobile_app", "api", "in_person", "postal", "social"] = (
        "api"
    )


class _Body(Struct, forbid_unknown_fields=True):
    items: Annotated[list[_Item], Meta(min_length=1, max_length=1)]


_decode: Final = msgspec.json.Decoder(_Body).decode


def in_front_of(application: Application) -> Application:
    """Return the application with the short way in front of it."""

    def answering(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(_PREFIX):
            return application(environ, start_response)
        started = time.perf_counter()
        try:
            route, act = _find(environ, path)
        except LongWay:
            return application(environ, start_response)
        header = _header(environ)
        trace = calls.trace_of(header)
        bound = structlog.contextvars.bind_contextvars(trace=trace)
        try:
            found = _answered(environ, path, act, header, trace)
            log.info(
                "request",
                method=environ["REQUEST_METHOD"],
                route=route,
                status=found.status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        finally:
            structlog.contextvars.reset_contextvars(**bound)
        sent = {
            **HEADERS,
            **found.headers,
            "Content-Length": str(len(found.body)),
            "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01",
        }
        start_response(f"{found.status} {HTTPStatus(found.status).phrase}", list(sent.items()))
        return [found.body]

    return answering


Act = Callable[[calls.Call], Answer]


def _answered(environ: dict[str, Any], path: str, act: Act, header: calls.Header, trace: str) -> Answer:
    """Let the caller in, act, and say a no as the long way says it."""
    query = environ.get("QUERY_STRING", "")
    route = f"{environ['REQUEST_METHOD']} {path}?{query}" if query else f"{environ['REQUEST_METHOD']} {path}"
    limit: Mapping[str, str] = {}
    call = None
    try:
        call = calls.accept(route, header, environ["wsgi.input"].getvalue, trace=trace)
        limit = call.limit
        call.require_within_limit()
        with recording():
            found = act(call)
    except Refusal as refusal:
        found = answer(refusal, trace=trace, at=None if call is None else call.at)
    except Exception:
        log.exception("unexpected")
        found = answer(Failed(), trace=trace)
    return Answer(found.status, found.body, {**found.headers, **limit})


def _header(environ: Mapping[str, Any]) -> calls.Header:
    def of(name: str) -> str:
        key = name.upper().replace("-", "_")
        return str(environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}") or "")

    return of


def _find(environ: dict[str, Any], path: str) -> tuple[str, Act]:
    """Return the route's name and what to do, or raise LongWay with the body as it was."""
    method = environ["REQUEST_METHOD"]
    if method == "POST" and path == f"{_PREFIX}changes":
        item = _item(_body(environ, path))
        return "api:record_changes", lambda call: changes.record(call, [item])
    found = _READ.fullmatch(path) if method == "GET" else None
    if found is None:
        raise LongWay
    environ["wsgi.input"] = io.BytesIO()
    subject = SubjectId(UUID(found["id"]))
    if found["view"] == "timeline":
        narrowed = _query(customers.Narrowed, environ)
        name = "api:of_customer" if found["what"] == "customers" else "api:of_account"
        return name, lambda call: customers.history(call, subject, narrowed, path)
    if found["what"] == "accounts":
        raise LongWay
    instants = _query(customers.Instants, environ)
    return "api:as_of", lambda call: customers.state_as_of(call, subject, instants)


def _query(model: Any, environ: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)))
    except ValidationError:
        raise LongWay from None


def _body(environ: dict[str, Any], path: str) -> bytes:
    """Return the body, and leave it to be read again."""
    if unfit("POST", path, _header(environ)) is not None:
        raise LongWay
    length = str(environ.get("CONTENT_LENGTH") or "")
    body = environ["wsgi.input"].read(int(length)) if length.isascii() and length.isdigit() else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)


def _item(body: bytes) -> flow.RecordedChange:
    """Return the one change of a body, or raise LongWay."""
    if body.count(b"[") + body.count(b"{") > _NESTED_MOST or rb"\u0000" in body:
        raise LongWay
    try:
        item = _decode(body).items[0]
        return flow.RecordedChange(
            subject=SubjectId(item.subject),
            changes=[
                flow.FieldChange(
                    path=one.path,
                    new=one.new,
                    old=flow.UNKNOWN if one.old is UNSET else one.old,
                    valid_from=_instant(one.valid_from),
                    valid_to=_instant(one.valid_to),
                )
                for one in item.changes
            ],
            reason=item.reason,
            evidence=_evidence(item.evidence),
            channel=Channel(item.channel),
        )
    except (msgspec.ValidationError, msgspec.DecodeError, PydanticCustomError, RecursionError, UnicodeDecodeError):
        raise LongWay from None


def _evidence(given: _Evidence | UnsetType) -> dict[str, str]:
    if given is UNSET:
        return {}
    return {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}


def _instant(text: str | None) -> datetime | None:
    return None if text is None else asked.read_time(text)
