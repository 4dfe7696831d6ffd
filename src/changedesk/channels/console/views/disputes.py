"""What customers said was not them, and clearing it up."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import disputes as shown
from changedesk.channels.console.show import words
from changedesk.channels.console.show.queue import pager
from changedesk.channels.console.show.shell import allowed
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import disputes as reading


@page("GET", "HEAD", "POST")
def disputes(visit: Visit) -> HttpResponse:
    """Show what waits, oldest first, or what was cleared up, newest first; on POST close one."""
    if not visit.posted:
        return _show(visit)
    try:
        said = clear_up(visit)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language)
        return _show(visit, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, said)
    return visit.to("disputes")


def clear_up(visit: Visit) -> str:
    """Close the dispute that a form names, and lift its freeze; return the words for it. Raises what the verb does."""
    try:
        dispute = UUID(visit.given("dispute"))
    except ValueError:
        raise NotFound from None
    flow.resolve_dispute(dispute, visit.given("resolution"), actor=visit.actor, at=visit.at)
    return _("Cleared up, and the freeze is lifted.")


def _show(visit: Visit, *, errors: list[Error] | None = None, status: int = 200) -> HttpResponse:
    asked = visit.request.GET
    resolved = asked.get("state") == "resolved"
    found = reading.disputes(
        actor=visit.actor, at=visit.at, language=visit.language, resolved=resolved, after=asked.get("after")
    )
    return visit.show(
        "console/disputes.html",
        {
            "tabs": shown.tabs(visit, resolved=resolved),
            "rows": [shown.row(item, visit, may=allowed(visit.actor)) for item in found.items],
            "page": pager(visit.url("disputes"), {"state": "resolved"} if resolved else {}, found.next, asked),
            "resolved": resolved,
            "resolutions": words.RESOLUTIONS.items(),
            "errors": errors or [],
        },
        here="disputes",
        status=status,
    )
