"""The way in: which client, what waits, whom to find."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from changedesk.channels.console.show import customer as shown
from changedesk.channels.console.show import queue as rows
from changedesk.channels.console.show.shell import allowed
from changedesk.channels.console.visit import HUES, Visit, page
from changedesk.flow import admit
from changedesk.reading import queue as reading
from changedesk.reading.search import search as find
from changedesk.rules.access import Verb


def start(request: HttpRequest) -> HttpResponse:
    """Go to the queue of the only client, or choose between several."""
    found = admit.clients_of(int(request.user.pk or 0))
    if len(found) == 1:
        return redirect(reverse("console:queue", args=[found[0].slug]))
    return redirect(reverse("console:switch_client"))


def switch_client(request: HttpRequest) -> HttpResponse:
    """Show the clients that this person works for."""
    clients = [
        {"name": item.name, "hue": item.id % HUES + 1, "url": reverse("console:queue", args=[item.slug])}
        for item in admit.clients_of(int(request.user.pk or 0))
    ]
    return render(request, "console/switch_client.html", {"clients": clients})


HOMES = ("policies", "integrity")
"""Where people begin whose role has no queue, in the order of the rail."""


@page("GET", "HEAD")
def queue(visit: Visit) -> HttpResponse:
    """Show what waits, oldest first. Who has no queue is sent to the first page of their rail."""
    words = allowed(visit.actor)
    if "queue" not in words:
        return visit.to(next((name for name in HOMES if name in words), "profile"))
    asked = visit.request.GET
    tab = asked.get("tab", "open")
    tab = tab if tab in reading.TABS else "open"
    mine = asked.get("mine") == "1"
    found = reading.queue(
        actor=visit.actor, at=visit.at, language=visit.language, tab=tab, mine=mine, after=asked.get("after")
    )
    return visit.show(
        "console/queue.html",
        {
            "tabs": rows.tabs(visit, tab, mine=mine),
            "rows": [rows.row(item, visit) for item in found.items],
            "page": rows.pager(visit.url("queue"), {"tab": tab, **({"mine": "1"} if mine else {})}, found.next, asked),
            "whole": tab == "open" and not mine,
        },
        here="queue",
    )


@page("GET", "HEAD", "POST", needs=Verb.CUSTOMER_SEARCH)
def search(visit: Visit) -> HttpResponse:
    """Find customers and requests. What was typed comes in a POST and stands in no address."""
    terms = visit.given("terms") if visit.posted else ""
    found = find(terms, actor=visit.actor, at=visit.at, language=visit.language) if terms else []
    hits = [shown.hit(item, visit) for item in found]
    errors = [{"field": "terms", "text": _("Type a name, a number, an address or a reference.")}]
    missing = visit.posted and not terms
    return visit.show(
        "console/search.html",
        {
            "terms": terms,
            "searched": visit.posted and not missing,
            "customers": [item for item in hits if item["ref"] is None],
            "changes": [item for item in hits if item["ref"] is not None],
            "errors": errors if missing else [],
        },
        here="search",
        status=422 if missing else 200,
    )
