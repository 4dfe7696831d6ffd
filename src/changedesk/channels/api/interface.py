"""The interface put together: its routes, who may call, and what becomes of every "no"."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.parser import Parser

from changedesk.base.actor import Actor, ActorType
from changedesk.base.refusal import Refusal
from changedesk.channels import refusals
from changedesk.channels.api import (
    audit,
    batch_files,
    batches,
    calls,
    changes,
    customers,
    deciding,
    erasures,
    evidence,
    hooks,
    house,
    merges,
    policies,
    proving,
    readers,
    requests,
    reversals,
    seeing,
    status,
    subject_requests,
    transfers,
)
from changedesk.channels.api import log as log_files
from changedesk.channels.api.routes import send
from changedesk.channels.bulk.received import BYTES_MOST
from changedesk.channels.opened import recording
from changedesk.reading import request as requests_read
from changedesk.rules import access

log = structlog.get_logger("changedesk.api")
_BOUNDARY: Final = re.compile(r';\s*boundary="?[^\s",;]{1,70}"?\s*(;|$)', re.IGNORECASE)
"""What parts a form (RFC 2046, 5.1.1)."""
WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})
_UNDER: Final = {"submit": "/values", "preview": "/values", "revise": "/values", "create": "/values"}
"""What the pointers of refused values start from, by the name of the view."""
_SAYS: Final = {
    "missing": "This member is needed.",
    "extra_forbidden": "There is no such member.",
    "time": "This must be an RFC 3339 time with its offset, from 1900 to 2199.",
    "uuid": "This must be an id: 32 hexadecimal digits in five groups.",
    "string_pattern_mismatch": "This does not have the form that the API document gives.",
    "string_too_long": "This is too long.",
    "string_too_short": "This is too short.",
    "literal_error": "This is none of the choices.",
}


class StrictJson(Parser):
    """Reads bodies as every call does: one reader, one answer."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body as plain values. Raises BodyUnreadable."""
        return calls.read(request.body)


def credential(request: HttpRequest) -> calls.Call:
    """Let a call in by its key. Raises CredentialRefused, CredentialEnded, TooManyCalls."""
    call = calls.accept(
        f"{request.method} {request.get_full_path()}",
        request.path,
        lambda name: request.headers.get(name, ""),
        lambda: request.body,
        trace=trace(request),
    )
    request.call = call  # type: ignore[attr-defined]  # for the view, and for the headers of the answer
    call.require_within_limit()
    return call


def trace(request: HttpRequest) -> str:
    """Return the trace id of this request, the same one that its log line has."""
    known = request.META.get("changedesk.trace")
    if known is None:
        known = request.META["changedesk.trace"] = calls.trace_of(lambda name: request.headers.get(name, ""))
    return str(known)


def refuse(request: HttpRequest, refusal: Refusal, **more: Any) -> HttpResponse:
    """Return a refusal as the answer of this request."""
    match = request.resolver_match
    name, ref = ((match.url_name or ""), match.kwargs.get("ref")) if match else ("", None)
    call: calls.Call | None = getattr(request, "call", None)
    return send(refused(refusal, call, trace=trace(request), route=name, ref=ref, **more))


def refused(
    refusal: Refusal, call: calls.Call | None, *, trace: str, route: str, ref: str | None, **more: Any
) -> refusals.Answer:
    """Return a refusal as the answer of a call of a route, about a request where it names one."""
    at = None if call is None else call.at
    if call is not None and refusals.status_of(refusal) == HTTPStatus.PRECONDITION_FAILED:
        more["more"] = current(call, ref)
    return refusals.answer(refusal, trace=trace, under=_UNDER.get(route, ""), at=at, **more)


def current(call: calls.Call, ref: str | None) -> dict[str, Any]:
    """Return how a request stands, for who decided on an older state of it: its values masked, whoever asks."""
    if ref is None or not access.may(call.actor, access.Verb.REQUEST_READ):
        return {}
    blind = Actor(
        call.actor.client,
        ActorType.INTEGRATION,
        call.actor.id,
        call.actor.channel,
        call.actor.entry_point,
        scopes=frozenset({"requests:read"}),
    )
    panel = requests_read.request(ref, actor=blind, at=call.at, language=call.language)
    diff = [{"path": one.path, "before": one.before, "after": one.after, "masked": one.masked} for one in panel.diff]
    return {"current": {"version": panel.version, "state": panel.state, "digest": panel.digest, "diff": diff}}


def misshapen(errors: list[dict[str, Any]]) -> refusals.CallMisshapen:
    """Return the refusal of a call that does not have the right form, without a value that was sent."""
    found = []
    for one in errors:
        place = list(one["loc"])
        source = place.pop(0) if place else ""
        if source == "body" and place:
            place.pop(0)  # the name of the view's own argument
        kind = str(one["type"])
        found.append({"in": source, "pointer": refusals.pointer(place), "code": kind, "reason": _SAYS.get(kind, _FORM)})
    return refusals.CallMisshapen(errors=found)


_FORM: Final = "This is not of the type, or not within the limits, that the API document gives."


def guarded(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """Return a view that says every no as a problem, and refuses bodies that nobody should read."""

    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refusal = unfit(request.method or "", request.path, lambda name: request.headers.get(name, ""))
        if refusal is not None:
            return refuse(request, refusal)
        try:
            with recording():
                response: HttpResponse = view(request, *args, **kwargs)
        except Http404:
            response = refuse(request, refusals.NoSuchPath())
        except Exception:
            if settings.DEBUG_PROPAGATE_EXCEPTIONS:
                raise
            log.exception("unexpected")
            response = refuse(request, refusals.Failed())
        if response.status_code == refusals.MethodNotAllowed.http:
            response = refuse(request, refusals.MethodNotAllowed(), headers={"Allow": response.headers["Allow"]})
        call: calls.Call | None = getattr(request, "call", None)
        for name, value in (call.limit if call else {}).items():
            response.headers[name] = value
        return response

    answering.csrf_exempt = True  # type: ignore[attr-defined]  # no cookie lets anybody in here
    return answering


def unfit(method: str, path: str, header: calls.Header) -> Refusal | None:
    """Return why a body must not be read: too large, or not JSON, where no file is sent; None when it may."""
    if method not in WITH_BODY:
        return None
    file = path.endswith(batch_files.PATH)
    length = header("Content-Length")
    size = int(length) if length.isascii() and length.isdigit() else 0
    most = BYTES_MOST if file else calls.BODY_MOST_MANY if path.endswith("/changes") else calls.BODY_MOST
    if size > most:
        return refusals.BodyTooLarge()
    media = header("Content-Type").partition(";")[0].strip().lower()
    if file:
        parted = media == batch_files.FORM and _BOUNDARY.search(header("Content-Type"))
        return None if parted else refusals.NotAForm()
    return refusals.NotJson() if size and media != calls.JSON else None


def no_such_path(request: HttpRequest) -> HttpResponse:
    """Say that there is nothing at an address."""
    return refuse(request, refusals.NoSuchPath())


class Interface(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Name an operation by its view, for people who generate clients."""
        view = operation.view_func
        return f"{view.__module__.rsplit('.', maxsplit=1)[-1]}_{view.__name__}"


ROUTERS: Final[tuple[tuple[str, Router], ...]] = (
    ("/customers", customers.router),
    ("/customers", proving.of_customer),
    ("/accounts", customers.accounts),
    ("/customers", status.of_customers),
    ("/accounts", status.of_accounts),
    ("/change-requests", requests.router),
    ("/change-requests", deciding.router),
    ("/change-requests", proving.of_request),
    ("/changes", changes.router),
    ("/batches", batch_files.router),
    ("/batches", batches.router),
    ("/merges", merges.router),
    ("/transfers", transfers.router),
    ("/reversals", reversals.router),
    ("/policies", policies.router),
    ("/hooks", hooks.router),
    ("/erasures", erasures.router),
    ("/audit", audit.router),
    ("/audit", audit.files),
    ("/subject-requests", subject_requests.router),
    ("/customers", subject_requests.of_customer),
    ("", evidence.router),
    ("", seeing.router),
    ("", readers.router),
    ("", house.router),
    ("", log_files.router),
)


def build() -> NinjaAPI:
    """Return the interface with its routes."""
    api = Interface(
        title="Changedesk",
        version="1",
        description="Ask for changes of customer data, prove, decide, apply, and read what is remembered.",
        urls_namespace="api",
        parser=StrictJson(),
        auth=credential,
        docs_url=None,
        openapi_url=None,
    )
    for prefix, router in ROUTERS:
        api.add_router(prefix, router)
    _say_no(api)
    return api


def _say_no(api: NinjaAPI) -> None:
    """Tell the framework what to do with every exception that means no."""
    meanings: dict[type[Exception], Callable[[Any], Refusal]] = {
        Refusal: lambda error: error,
        ValidationError: lambda error: misshapen(error.errors),
        # It raises two of its own: for a body that it cannot read, and for a credential check that says no.
        HttpError: lambda error: refusals.BodyUnreadable() if error.status_code == HTTPStatus.BAD_REQUEST else _FAILED,
        Http404: lambda _error: refusals.NoSuchPath(),
    }
    for kind, meaning in meanings.items():
        api.add_exception_handler(kind, lambda request, error, meaning=meaning: refuse(request, meaning(error)))  # type: ignore[misc]  # bound early


_FAILED: Final = refusals.Failed()
API: Final = build()
