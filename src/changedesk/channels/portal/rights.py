"""What a person asks about their own data, by the link of a notice that went to them. Nothing is handed over here."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from changedesk import flow
from changedesk.base import clock
from changedesk.channels.portal.views import answer, by_link
from changedesk.flow import subject_request
from changedesk.flow.subject_request import BY_LINK
from changedesk.reading.client import ClientView

WORDS: Final = {
    "access": (gettext_lazy("See my data"), gettext_lazy("A copy of what is held about you, to read.")),
    "portability": (gettext_lazy("Take my data along"), gettext_lazy("What you gave, as a file for another company.")),
    "erasure": (gettext_lazy("Erase my data"), gettext_lazy("What no law obliges to be kept is erased.")),
}


# As with the link to dispute: its secret is the whole authority, and no cookie is asked for.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def your_data(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Show what can be asked; a POST writes it down, once for each link and right."""
    return by_link(request, slug, token, _about)


def _about(request: HttpRequest, client: ClientView, token: str) -> HttpResponse:
    asked, at = request.POST.get("right", ""), clock.now()
    if asked in BY_LINK:
        made = subject_request.receive_by_link(client.id, token, asked, at=at)
        return answer(request, client, "done", {"outcome": "asked", "reference": made.ref, "until": made.due_at})
    flow.look_at_dispute(client.id, token, at=at)
    return answer(request, client, "your_data", {"rights": [(right.value, *WORDS[right.value]) for right in BY_LINK]})
