"""Certificates of erasure: what went, what stays by which rule and until when."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.channels.console.visit import Visit, page
from changedesk.reading import erasures as reading
from changedesk.reading.erasures import Certificate

LIMIT: Final = 50
CAUSES: Final = {
    "request": gettext_lazy("Asked for"),
    "retention": gettext_lazy("No rule kept it any more"),
    "journal": gettext_lazy("Done again after a restore"),
}


@page("GET", "HEAD")
def erasures(visit: Visit) -> HttpResponse:
    """Show the erasures, newest first."""
    before = visit.request.GET.get("before")
    found = reading.certificates(actor=visit.actor, language=visit.language, before=before, limit=LIMIT)
    base = visit.url("erasures")
    return visit.show(
        "console/erasures.html",
        {
            "erasures": [_row(item, visit) for item in found.items],
            "page": {
                "first_url": base if before else "",
                "next_url": f"{base}?before={found.next}" if found.next else "",
            },
        },
        here="erasures",
    )


@page("GET", "HEAD")
def erasure(visit: Visit, key: UUID) -> HttpResponse:
    """Show one certificate."""
    found = reading.certificate(key, actor=visit.actor, language=visit.language)
    return visit.show(
        "console/erasure.html",
        {"erasure": {**_row(found, visit), "erased": found.erased, "kept": found.kept, "index": found.index}},
        here="erasures",
    )


def _row(item: Certificate, visit: Visit) -> dict[str, Any]:
    done = item.state == "done"
    return {
        "url": visit.url("erasure", item.id),
        "subject_url": visit.url("customer", item.subject),
        "mark": item.id.hex[-8:],
        "ref": item.ref,
        "change_url": visit.url("change", item.ref) if item.ref else "",
        "cause": CAUSES[item.cause],
        "state": "finished" if done else "running",
        "word": "" if done else _("Under way"),
        "whole": item.whole,
        "gone": len(item.erased),
        "stays": len(item.kept),
        "by": item.requested_by.name,
        "at": item.requested_at,
        "confirmed_at": item.confirmed_at,
    }
