"""The short way: every route of calls and answers, answered in front of Django, in the same process.

What is not plainly one of them, or not plainly well formed, goes the long way, so that there is one place that says
what is wrong with a call. Views, credentials, limits, problems and documents are those of the long way.
"""

import io
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import connection
from django.http import QueryDict
from ninja import Router
from ninja.errors import HttpError
from ninja.operation import Operation
from pydantic import ValidationError

from changedesk.base.refusal import Refusal
from changedesk.channels.api import calls
from changedesk.channels.api.interface import API, ROUTERS, WITH_BODY, refused, unfit
from changedesk.channels.api.routes import View
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
_PLAIN: Final = re.compile(r"[A-Za-z0-9/._:-]+")
"""A path that stands for itself, however often it is quoted (RFC 3986, section 2.3)."""
_PLAIN_QUERY: Final = re.compile(r"[A-Za-z0-9._:=&%+-]{0,2000}")
log = structlog.get_logger("changedesk.web")


class LongWay(Exception):  # noqa: N818 - not an error: a way out
    """This call is for the long way."""


class _Path(NamedTuple):
    """One path of the interface. What it takes by the long way alone has no view here."""

    name: str
    shape: re.Pattern[str]
    operations: Mapping[str, tuple[Operation, View]]


class _Sent(NamedTuple):
    """As much of a request as the framework reads values from."""

    body: bytes
    GET: QueryDict


class _Found(NamedTuple):
    """What a call asks for: a route, its view, and what to give it."""

    name: str
    view: View
    given: dict[str, Any]
    body: bytes


def _paths(prefix: str, router: Router) -> Iterator[tuple[str, _Path]]:
    for path, known in router.path_operations.items():
        template = f"/api/v1{prefix}{path}"
        shape = re.sub(r"\{path:(\w+)\}", r"(?P<\1>.+)", template)
        shape = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", shape)
        short = {
            method: (one, view)
            for one in known.operations
            if (view := getattr(one.view_func, "view", None)) is not None
            for method in one.methods
        }
        yield _first(template), _Path(known.operations[0].view_func.__name__, re.compile(shape), short)


def _first(path: str) -> str:
    """Return the word that a path begins with, by which it is found."""
    return path.split("/", 4)[3]


def _table() -> dict[str, list[_Path]]:
    """Return the paths by their first word, in the order in which the long way tries them."""
    found: dict[str, list[_Path]] = {}
    for prefix, router in ROUTERS:
        for first, path in _paths(prefix, router):
            found.setdefault(first, []).append(path)
    return found


_TABLE: Final = _table()
_NO_QUERY: Final = QueryDict("")


def in_front_of(application: Application) -> Application:
    """Return the application with the short way in front of it."""

    def answering(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(_PREFIX):
            return application(environ, start_response)
        started = time.perf_counter()
        header = _header(environ)
        try:
            found = _find(environ, path, header)
        except LongWay:
            return application(environ, start_response)
        trace = calls.trace_of(header)
        bound = structlog.contextvars.bind_contextvars(trace=trace)
        try:
            told = _answered(environ, path, found, header, trace)
            log.info(
                "request",
                method=environ["REQUEST_METHOD"],
                route=f"api:{found.name}",
                status=told.status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        finally:
            structlog.contextvars.reset_contextvars(**bound)
            if connection.connection is not None:
                connection.close()  # what the framework does at the end of a request
        sent = {
            **_always(environ),
            **told.headers,
            "Content-Length": str(len(told.body)),
            "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01",
        }
        start_response(f"{told.status} {HTTPStatus(told.status).phrase}", list(sent.items()))
        return [told.body]

    return answering


def _always(environ: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the headers of every answer; over TLS with the wish that it stays so (RFC 6797)."""
    name, wanted = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    if not name or environ.get(name) != wanted:
        return HEADERS
    return {**HEADERS, "Strict-Transport-Security": f"max-age={settings.SECURE_HSTS_SECONDS}"}


def _answered(environ: dict[str, Any], path: str, found: _Found, header: calls.Header, trace: str) -> Answer:
    """Let the caller in, let the view answer, and say a no as the long way says it."""
    query = environ.get("QUERY_STRING", "")
    route = f"{environ['REQUEST_METHOD']} {path}?{query}" if query else f"{environ['REQUEST_METHOD']} {path}"
    call = None
    try:
        with recording():
            try:
                call = calls.accept(route, path, header, lambda: found.body, trace=trace)
                call.require_within_limit()
                told = found.view(call, **found.given)
            except Refusal as refusal:
                told = refused(refusal, call, trace=trace, route=found.name, ref=found.given.get("ref"))
    except Exception:
        if settings.DEBUG_PROPAGATE_EXCEPTIONS:
            raise
        log.exception("unexpected")
        told = answer(Failed(), trace=trace)
    return told if call is None else Answer(told.status, told.body, {**told.headers, **call.limit})


def _header(environ: Mapping[str, Any]) -> calls.Header:
    def of(name: str) -> str:
        key = name.upper().replace("-", "_")
        return str(environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}") or "")

    return of


def _find(environ: dict[str, Any], path: str, header: calls.Header) -> _Found:
    """Return what a call asks for, or raise LongWay with the body as it was."""
    method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    if _PLAIN.fullmatch(path) is None or _PLAIN_QUERY.fullmatch(query) is None:
        raise LongWay
    for one in _TABLE.get(_first(path), ()):
        place = one.shape.fullmatch(path)
        if place is not None:
            break
    else:
        raise LongWay
    if method not in one.operations:
        raise LongWay
    operation, view = one.operations[method]
    body = _body(environ, method, path, header)
    given: dict[str, Any] = {}
    try:
        sent = _Sent(body, QueryDict(query) if query else _NO_QUERY)
        for model in operation.models:
            given.update(model.resolve(sent, API, place.groupdict()))
    except (ValidationError, HttpError, SuspiciousOperation):
        raise LongWay from None
    return _Found(one.name, view, given, body)


def _body(environ: dict[str, Any], method: str, path: str, header: calls.Header) -> bytes:
    """Return the body, and leave it to be read again."""
    length = header("Content-Length")
    size = int(length) if length.isascii() and length.isdigit() else 0
    if not size:
        return b""
    if method not in WITH_BODY or unfit(method, path, header) is not None:
        raise LongWay
    body = bytes(environ["wsgi.input"].read(size))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
