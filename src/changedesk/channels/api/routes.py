"""What a route is, by both ways: a view that takes a call and what was sent with it, and gives an answer."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from changedesk.channels.api.calls import Call
from changedesk.channels.refusals import Answer

View = Callable[..., Answer]


class Routes(Router):
    """Routes whose views know nothing of the framework. Forms and streams need it, and stand in a Router of its own."""

    def add_api_operation(self, path: str, methods: list[str], view_func: View, **told: Any) -> None:
        """Add a view, as the framework calls it."""
        super().add_api_operation(path, methods, _carried(view_func), **told)


def _carried(view: View) -> Callable[..., HttpResponse]:
    signature = inspect.signature(view)
    _call, *sent = signature.parameters.values()

    @wraps(view)
    def carried(request: HttpRequest, **given: Any) -> HttpResponse:
        return send(view(of(request), **given))

    carried.view = view  # type: ignore[attr-defined]  # for the short way
    carried.__signature__ = signature.replace(parameters=sent)  # type: ignore[attr-defined]  # what the framework reads
    return carried


def of(request: HttpRequest) -> Call:
    """Return the call that the credential check made."""
    call: Call = request.call  # type: ignore[attr-defined]  # set by the credential check, before any view
    return call


def send(answer: Answer) -> HttpResponse:
    """Return an answer as Django sends it."""
    response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
    if "Content-Type" not in answer.headers:
        del response.headers["Content-Type"]  # of nothing
    return response
