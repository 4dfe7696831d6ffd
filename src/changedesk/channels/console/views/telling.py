"""What customers were told: the outbox, and what did not reach them."""

import re
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.refusal import NotFound
from changedesk.channels.console.show import words
from changedesk.channels.console.show.shell import allowed
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import notices as reading
from changedesk.reading.panels import DeliveryView
from changedesk.rules.access import Verb, may

LIMIT: Final = 20
_LINK: Final = re.compile(r"https?://\S+")


@page("GET", "HEAD")
def outbox(visit: Visit) -> HttpResponse:
    """Show what was sent. Where no mail server is set, this is where it arrives, codes included."""
    here = not settings.CHANGEDESK_SMTP_SET
    before = visit.request.GET.get("before")
    found = reading.outbox(actor=visit.actor, at=visit.at, before=before, limit=LIMIT, show_codes=here)
    base = visit.url("outbox")
    return visit.show(
        "console/outbox.html",
        {
            "messages_sent": [_mail(item, visit) for item in found.items],
            "page": {
                "first_url": base if before else "",
                "next_url": f"{base}?before={found.next}" if found.next else "",
            },
            "delivers": not here,
        },
        here="outbox",
    )


def _mail(item: DeliveryView, visit: Visit) -> dict[str, Any]:
    ours = urlsplit(settings.CHANGEDESK_PUBLIC_URL).netloc
    links = [url.rstrip(".,)") for url in _LINK.findall(item.body)]
    return {
        **line(item, visit),
        "language": item.language,
        "subject": item.subject_line,
        "body": item.body,
        "links": [{"label": _("This wasn't me"), "url": url} for url in links if urlsplit(url).netloc == ours],
    }


def line(item: DeliveryView, visit: Visit) -> dict[str, Any]:
    """Return one message without what it says."""
    return {
        "id": item.id,
        "to": item.recipient,
        "channel": item.channel,
        "what": words.event(item.event),
        "state": words.DELIVERY_STATES.get(item.state, item.state),
        "at": item.done_at or item.created_at,
        "tries": item.attempts,
        "error": _error(item.error),
        "required": item.required,
        "customer_url": visit.url("customer", item.subject) if may(visit.actor, Verb.CUSTOMER_READ) else "",
        "ref": item.ref or "",
        "change_url": visit.url("change", item.ref) if item.ref and may(visit.actor, Verb.REQUEST_READ) else "",
    }


def _error(code: str) -> str:
    return code.replace("-", " ").replace("_", " ").capitalize() if code else ""


@page("GET", "HEAD", "POST")
def notices(visit: Visit) -> HttpResponse:
    """Show what did not arrive, or may not have; send one again."""
    if visit.posted:
        try:
            notice = UUID(visit.given("notice"))
        except ValueError:
            raise NotFound from None
        flow.resend_notice(notice, actor=visit.actor, at=visit.at)
        messages.success(visit.request, _("It goes out again."))
        return visit.to("notices")
    found = reading.attention(actor=visit.actor, at=visit.at)
    can_resend = "resend" in allowed(visit.actor)
    rows = [{**line(item, visit), "can_resend": can_resend} for item in found]
    return visit.show("console/notices.html", {"rows": rows}, here="notices")
