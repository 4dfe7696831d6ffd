"""Addresses of the preview: each sample page, and every url name that the templates link to."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from tests.browser.kit_pages import PAGES
from tests.browser.kit_preview import POLICY
from tests.browser.kit_samples import SHELL


def show(request: HttpRequest, name: str) -> HttpResponse:
    if name not in PAGES:
        raise Http404
    template, context = PAGES[name]
    here = name.split("-", maxsplit=1)[0]
    shell = {**SHELL, "here": {"customer": "search", "change": "queue"}.get(here, here)}
    response = render(request, template, {"shell": shell, **context})
    response.headers["Content-Security-Policy"] = POLICY
    return response


def linked(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Where a link would lead."""
    return HttpResponse(request.path, content_type="text/plain")


ONE = ("customer", "change_new", "verify", "change", "consent", "decide", "revert")
ALLAUTH = (
    "mfa_index",
    "mfa_authenticate",
    "mfa_activate_totp",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "account_login",
    "account_logout",
    "account_reauthenticate",
    "account_reset_password",
    "set_language",
)
ALL = ("queue", "search", "approvals", "outbox", "notices", "switch_client", "imports")
console = [path(f"c/{name}/<str:key>", linked, name=name) for name in ONE]
console += [path(f"c/{name}", linked, name=name) for name in ALL]
urlpatterns = [
    path("", include((console, "console"))),
    *(path(f"a/{name}", linked, name=name) for name in ALLAUTH),
    path("<str:name>", show),
]
