"""What every answer gets: its turn, a trace id, one log line, safe headers; and the two health pages."""

import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from psycopg_pool import PoolTimeout

from changedesk.base.turns import turn
from changedesk.reading import integrity

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Handler = Callable[[HttpRequest], HttpResponseBase]
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2."""
HEADERS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    # Pages hold personal data: nothing on the way may keep them. Static files set their own.
    "Cache-Control": "no-store",
}
log = structlog.get_logger("changedesk.web")


def by_turns(application: Application) -> Application:
    """Return a WSGI application that reads by turns.

    Who brings something goes ahead at once: a body may be slow to come in, and a commit waits for the disk.
    """

    def answering(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET":
            return application(environ, start_response)
        with turn():
            return application(environ, start_response)

    return answering


def trace_id(request: HttpRequest) -> str:
    """The caller's trace id when its ``traceparent`` is well formed, else a new one (32 hex digits)."""
    found = TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    return found[1] if found else secrets.token_hex(16)


class Trace:
    """One log line a request: method, route, status, milliseconds, trace. Never the path or the query."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        trace = trace_id(request)
        request.META["changedesk.trace"] = trace
        with structlog.contextvars.bound_contextvars(trace=trace):
            response = self.get_response(request)
            match = request.resolver_match
            log.info(
                "request",
                method=request.method,
                route=match.view_name or match.route if match else None,
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        response.headers["traceparent"] = f"00-{trace}-{secrets.token_hex(8)}-01"
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Log the shape of what nobody caught; Django answers it."""
        del request
        log.error("unexpected", exc_info=error)


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    del request
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """The process answers and its database does: 200, else 503. ``log`` is damaged where an audit found something."""
    del request
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "unreachable"}, status=503)
    try:
        log_is = "damaged" if integrity.damaged_anywhere() else "ok"
    except (psycopg.Error, PoolTimeout):
        log_is = "unknown"  # every connection for facts is at work: that is no reason to be taken out of service
    return JsonResponse({"database": "ok", "log": log_is, "version": settings.CHANGEDESK_VERSION})
