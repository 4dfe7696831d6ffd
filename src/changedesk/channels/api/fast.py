"""The short way: every route of calls and answers, answered in front of Django, in the same process.

What is not plainly one of them, or not plainly well formed, goes the long way, so that there is one place that says
what is wrong with a call. Views, credentials, limits, problems and documents are those of the long way.
"""

import io
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from ninja.operation import Operation
from ninja.params.models import Body, Query, QueryModel
from pydantic import BaseModel, ValidationError, create_model

from changedesk.base.refusal import Refusal
from changedesk.channels.api import calls
from changedesk.channels.api.interface import API, ROUTERS, WITH_BODY, refused, unfit
from changedesk.channels.api.routes import View
from changedesk.channels.opened import recording
from changedesk.channels.refusals import Answer, BodyUnreadable, Failed, answer

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
_PLAIN: Final = re.compile(r"(/[A-Za-z0-9._:-]+)+")
"""A path that stands for itself, however often it is quoted (RFC 3986, section 2.3)."""
_PLAIN_QUERY: Final = re.compile(r"[A-Za-z0-9._:=&%+-]{0,2000}")
_KEPT_QUERY: Final = re.compile(r"([a-z_]+=[0-9]{1,3}(&|$))*")
"""What is read once for all who ask so: it names nobody."""
log = structlog.get_logger("changedesk.web")


class LongWay(Exception):  # noqa: N818 - not an error: a way out
    """This call is for the long way."""


class _Route(NamedTuple):
    """A route that is answered here: what its path names, and the shapes of what its view is given."""

    name: str
    view: View
    named: Sequence[str]
    body: str | None
    """What the view calls its body."""
    shape: type[BaseModel]
    """Of what stands in the path and in the body."""
    query: type[QueryModel] | None


class _Sent(NamedTuple):
    """As much of a request as the framework reads a query from."""

    GET: QueryDict


class _Found(NamedTuple):
    """What a call asks for: a route, what to give to its view, and the bytes of its body."""

    route: _Route
    given: dict[str, Any]
    body: bytes


def _tree() -> dict[str, Any]:
    """Return the paths, word by word: ``*`` is any word, and at ``/`` are the routes of the path that ends there."""
    root: dict[str, Any] = {}
    for prefix, router in ROUTERS:
        for path, known in router.path_operations.items():
            words, place = f"{prefix}{path}".split("/")[1:], root
            for word in words:
                place = place.setdefault(_ANY if word.startswith("{") else word, {})
            name, named = known.operations[0].view_func.__name__, [word[1:-1] for word in words if word.startswith("{")]
            for one in known.operations:
                view = getattr(one.view_func, "view", None)
                if view is not None and _DEEP not in path:
                    place.setdefault(_END, {}).update(dict.fromkeys(one.methods, _route(name, view, named, one)))
    return root


def _route(name: str, view: View, named: Sequence[str], operation: Operation) -> _Route:
    params = [one for one in operation.signature.params if not isinstance(one.source, Query)]
    body = next((one.name for one in params if isinstance(one.source, Body)), None)
    asked: dict[str, Any] = {one.name: (one.annotation, one.source) for one in params}
    query = next((model for model in operation.models if issubclass(model, QueryModel)), None)
    return _Route(name, view, named, body, create_model(name, **asked), query)


_ANY, _END, _DEEP = "*", "/", "{path:"
_TREE: Final = _tree()


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
            told, limit = _answered(environ, path, found, header, trace)
            log.info(
                "request",
                method=environ["REQUEST_METHOD"],
                route=f"api:{found.route.name}",
                status=told.status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        finally:
            structlog.contextvars.reset_contextvars(**bound)
        sent = {
            **_always(environ),
            **told.headers,
            **limit,
            "Content-Length": str(len(told.body)),
            "traceparent": f"00-{trace}-{os.urandom(8).hex()}-01",
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


def _answered(
    environ: dict[str, Any], path: str, found: _Found, header: calls.Header, trace: str
) -> tuple[Answer, Mapping[str, str]]:
    """Let the caller in, let the view answer, and say a no as the long way says it; with what says their limit."""
    query = environ.get("QUERY_STRING", "")
    route = f"{environ['REQUEST_METHOD']} {path}?{query}" if query else f"{environ['REQUEST_METHOD']} {path}"
    call = None
    try:
        with recording():
            try:
                call = calls.accept(route, path, header, lambda: found.body, trace=trace)
                call.require_within_limit()
                told = found.route.view(call, **found.given)
            except Refusal as refusal:
                told = refused(refusal, call, trace=trace, route=found.route.name, ref=found.given.get("ref"))
    except Exception:
        if settings.DEBUG_PROPAGATE_EXCEPTIONS:
            raise
        log.exception("unexpected")
        told = answer(Failed(), trace=trace)
    return told, {} if call is None else call.limit


def _header(environ: Mapping[str, Any]) -> calls.Header:
    return lambda name: environ.get(_named(name)) or ""


@cache
def _named(header: str) -> str:
    """Return what a header is called here (PEP 3333)."""
    key = header.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def _find(environ: dict[str, Any], path: str, header: calls.Header) -> _Found:
    """Return what a call asks for, or raise LongWay with the body as it was."""
    query = environ.get("QUERY_STRING", "")
    if _PLAIN.fullmatch(path) is None or _PLAIN_QUERY.fullmatch(query) is None:
        raise LongWay
    route, given = _at(environ["REQUEST_METHOD"], path)
    body = _body(environ, path, header)
    try:
        if body and route.body is not None:
            given[route.body] = calls.read(body)
        read = vars(route.shape.model_validate(given))
        if route.query is not None:
            asked = _kept if _KEPT_QUERY.fullmatch(query) else _asked
            read = {**read, **asked(route.query, query)}
    except (ValidationError, BodyUnreadable, SuspiciousOperation):
        raise LongWay from None
    return _Found(route, read, body)


def _asked(model: type[QueryModel], query: str) -> Mapping[str, Any]:
    sent: Any = _Sent(QueryDict(query))
    return vars(model.resolve(sent, API, {}))


_kept: Final = lru_cache(maxsize=1024)(_asked)


def _at(method: str, path: str) -> tuple[_Route, dict[str, Any]]:
    """Return the route at a path, and the words that it names. A word of the house goes before any word."""
    place, words = _TREE, []
    for word in path.split("/")[3:]:
        known = place.get(word)
        if known is None:
            words.append(word)
            known = place.get(_ANY)
            if known is None:
                raise LongWay
        place = known
    route = place.get(_END, {}).get(method)
    if route is None:
        raise LongWay
    return route, dict(zip(route.named, words, strict=True))


def _body(environ: dict[str, Any], path: str, header: calls.Header) -> bytes:
    """Return the body, and leave it to be read again."""
    length = header("Content-Length")
    size = int(length) if length.isascii() and length.isdigit() else 0
    if not size:
        return b""
    method = environ["REQUEST_METHOD"]
    if method not in WITH_BODY or unfit(method, path, header) is not None:
        raise LongWay
    body = bytes(environ["wsgi.input"].read(size))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
