"""The person's own copy of their data, by the link that was sent to them. Opening the page hands nothing over."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from changedesk.base import clock
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels import copies
from changedesk.channels.portal.views import answer
from changedesk.flow import subject_answer
from changedesk.flow.subject_answer import CopyGone
from changedesk.reading import client as reading


# As with the link to dispute: its secret is the whole authority, and no cookie is asked for.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, slug: str, key: UUID, token: str) -> HttpResponse:
    """Show that there is a copy; on POST hand it over, which is recorded.

    A link that leads to nothing and one whose time is over each get their own plain page.
    """
    try:
        client = reading.by_slug(slug)
    except NotFound:
        return answer(request, None, "done", {"outcome": "unknown"}, status=404)
    if translation.get_language() not in client.languages:
        translation.activate(client.default_language)
    try:
        if request.method == "POST":
            made = subject_answer.hand_over_by_link(client.id, key, token, at=clock.now())
            sent = HttpResponse(made.data, content_type=copies.MEDIA)
            sent.headers["Content-Disposition"] = f'attachment; filename="{copies.name_of(made.ref)}"'
            sent.headers["Cache-Control"] = "no-store"
            sent.headers["Referrer-Policy"] = "no-referrer"
            return sent
        found = subject_answer.look_at_copy(client.id, key, token, at=clock.now())
    except CopyGone:
        return answer(request, client, "done", {"outcome": "expired"}, status=410)
    except Refusal:
        return answer(request, client, "done", {"outcome": "unknown"}, status=404)
    return answer(request, client, "copy", {"reference": found.ref, "until": found.until})
