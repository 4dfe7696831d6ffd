"""Who may listen: the session of the desk's pages, from the desk's own origin."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import TypeVar

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden
from changedesk.channels.refusals import HttpRefusal
from changedesk.channels.signin import SESSION_MAX, SIGNED_IN_AT, actor_of
from changedesk.reading import live

T = TypeVar("T")


class OtherOrigin(HttpRefusal):
    """Only pages of this desk may listen here."""

    code = "other-origin"
    hint = "Open the desk at its own address."
    http = 403


def require_own_origin(origin: str | None, site: str | None) -> None:
    """Let the desk's own pages pass, and programs that are no browser. Raises OtherOrigin.

    A browser names the origin when it differs from the address asked, and says how far apart the two are
    (Fetch, section 3.2; Fetch Metadata, section 2.3); a page cannot forge either.
    """
    if origin is not None and origin != settings.CHANGEDESK_PUBLIC_URL:
        raise OtherOrigin
    if origin is None and site not in (None, "same-origin", "none"):
        raise OtherOrigin


def admitted(cookies: str, slug: str) -> tuple[Actor, int]:
    """Return who listens at a client, and the index of the next entry there.

    Asks what every page of the desk asks: a session that has not ended, a second factor, a place at this client.
    Reading it does not lengthen the session: a page left open is an idle one. Raises Forbidden, NotFound.
    """
    request = HttpRequest()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME))
    since = request.session.get(SIGNED_IN_AT)
    # The first page of a session notes this, so a session without it has no page that could listen.
    if not isinstance(since, int) or timedelta(seconds=clock.now().timestamp() - since) >= SESSION_MAX:
        raise Forbidden(reason="signed-out")
    request.user = get_user(request)
    actor = actor_of(request, slug, entry_point="live")
    return actor, live.start(actor)


def given_back(ask: Callable[..., T], *given: object) -> T:
    """Ask in this thread and give its connection back, which at a page the end of the request does."""
    try:
        return ask(*given)
    finally:
        connections.close_all()
