"""The customer's own stop, "this wasn't me": from a notice, without signing in."""

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from changedesk import flow, kinds
from changedesk.base import clock
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow.dispute import LinkExpired
from changedesk.reading import client as reading
from changedesk.reading.client import ClientView

_HUES: Final = 8
_GONE: Final = 410
_MISSING: Final = 404
Context = dict[str, Any]


# The link's secret is the whole authority, no cookie is asked for: a forged form has nothing to borrow. And with
# no-referrer a browser says "Origin: null", which the check against forgery must refuse.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def wasnt_me(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Show what the link is about; only a POST stops anything, and a second one is harmless.

    Unknown and expired links each get their own plain page. No value of the customer stands on any of them.
    """
    return by_link(request, slug, token, _about)


def by_link(
    request: HttpRequest, slug: str, token: str, about: Callable[[HttpRequest, ClientView, str], HttpResponse]
) -> HttpResponse:
    """Return what a page says by its link, in a language of its client; or that the link is unknown, or too old.

    ``language`` in the address chooses one: nobody signs in here, so there is nowhere to remember it.
    """
    try:
        client = reading.by_slug(slug)
    except NotFound:
        return answer(request, None, "done", {"outcome": "unknown"}, status=_MISSING)
    offered = _offered(client)
    chosen = request.GET.get("language")
    if chosen in offered:
        translation.activate(chosen)
    elif translation.get_language() not in offered:
        translation.activate(client.default_language)
    try:
        return about(request, client, token)
    except LinkExpired:
        return answer(request, client, "done", {"outcome": "expired"}, status=_GONE)
    except Refusal:
        return answer(request, client, "done", {"outcome": "unknown"}, status=_MISSING)


def _offered(client: ClientView) -> list[str]:
    """Return the client's languages in which there are pages."""
    return [code for code, _name in settings.LANGUAGES if code in client.languages]


def _about(request: HttpRequest, client: ClientView, token: str) -> HttpResponse:
    at = clock.now()
    said = request.POST.get("answer") if request.method == "POST" else None
    if said == "stop":
        stopped = flow.open_dispute(client.id, token, at=at)
        return answer(request, client, "done", {"outcome": "stopped", "reference": stopped.ref})
    found = flow.look_at_dispute(client.id, token, at=at)
    if said == "mine":
        return answer(request, client, "done", {"outcome": "mine", "reference": found.ref})
    kind, language = kinds.find(found.kind), translation.get_language() or "en"
    change = {
        "kind_word": kind.label.get(language) or kind.label["en"],
        "what": kind.summarise(found.fields, language),
        "applied": found.applied,
        "stopped": found.opened,
        "reference": found.ref,
    }
    data_url = f"../your-data/{token}?language={language}"
    return answer(request, client, "not_me", {"change": change, "data_url": data_url})


def answer(
    request: HttpRequest, client: ClientView | None, template: str, context: Context, *, status: int = 200
) -> HttpResponse:
    """Return a page of the portal. It is not kept, and its address, which holds a secret, does not travel on."""
    around: Context | None = None
    if client is not None:
        around = {"name": client.name, "hue": client.id % _HUES + 1, "phone": client.support_phone}
        if request.method != "POST":  # an answer is given once, and has no address of its own
            names = {code: translation.get_language_info(code)["name_local"] for code in _offered(client)}
            around["languages"] = [{"code": code, "name": name} for code, name in names.items()]
    made = render(request, f"portal/{template}.html", {"client": around, **context}, status=status)
    made.headers["Referrer-Policy"] = "no-referrer"
    made.headers["Cache-Control"] = "no-store"
    made.headers["X-Robots-Tag"] = "noindex, nofollow"
    return made
