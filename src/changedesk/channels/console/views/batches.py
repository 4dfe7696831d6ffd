"""Files of requests: which came in, what each would change, and the approval of the whole."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk import flow
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import files
from changedesk.channels.console.visit import Visit, page
from changedesk.flow.reversal import MAP as REVERSAL
from changedesk.reading import batches as reading
from changedesk.reading import reversals
from changedesk.reading.batches import BatchLine, BatchPanel

LIMIT: Final = 50
OUTCOMES: Final = {"refused": gettext_lazy("Refused"), "unchanged": gettext_lazy("Known already, unchanged")}
"""Rows that made no request; the others are told by the state of theirs."""


@page("GET", "HEAD")
def batches(visit: Visit) -> HttpResponse:
    """Show the batches, newest first."""
    before = visit.request.GET.get("before")
    found = reading.batches(actor=visit.actor, language=visit.language, before=before, limit=LIMIT)
    base = visit.url("batches")
    return visit.show(
        "console/batches.html",
        {
            "batches": [_line(item, visit) for item in found.items],
            "page": {
                "first_url": base if before else "",
                "next_url": f"{base}?before={found.next}" if found.next else "",
            },
        },
        here="batches",
    )


@page("GET", "HEAD", "POST")
def batch(visit: Visit, key: UUID) -> HttpResponse:
    """Show one batch; on POST let the whole go ahead, as it was shown."""
    if not visit.posted:
        return _answer(visit, key)
    try:
        done = flow.approve_batch(
            key, digest=visit.given("digest"), note=visit.given("message"), actor=visit.actor, at=visit.at
        )
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="")
        return _answer(visit, key, errors=errors, status=pages.status_of(refusal))
    left = len(done.edited) + len(done.refused)
    messages.success(visit.request, _("Approved as a whole. Left behind: %(left)s.") % {"left": left})
    return visit.to("batch", key)


def _answer(visit: Visit, key: UUID, *, errors: list[Error] | None = None, status: int = 200) -> HttpResponse:
    found = reading.batch(key, actor=visit.actor, at=visit.at, language=visit.language)
    context = {"batch": _panel(found, visit), "message": visit.given("message"), "errors": errors or []}
    return visit.show("console/batch.html", context, here="batches", status=status)


def _line(item: BatchLine, visit: Visit) -> dict[str, Any]:
    return {
        "url": visit.url("batch", item.id),
        "map": item.map,
        "mark": item.file[:8],
        "rows": item.rows,
        "at": item.started_at,
        "by": item.entered_by.name,
        "state": "" if item.state == "finished" else item.state,
    }


def _panel(found: BatchPanel, visit: Visit) -> dict[str, Any]:
    return {
        "map": found.map,
        "mark": found.file[:8],
        "digest": found.digest or "",
        "state": found.state,
        "done": found.done,
        "parts": found.parts,
        "at": found.started_at,
        "by": found.entered_by.name,
        "counts": [
            {"state": state if state not in OUTCOMES else "", "word": str(OUTCOMES.get(state, "")), "count": count}
            for state, count in sorted(found.counts.items())
        ],
        "edited": found.edited,
        "reasons": [files.reason(item) for item in found.reasons],
        "routes": [files.route(one.level, one.consent, one.approvals, one.count) for one in found.routes],
        "sample": [{"url": visit.url("change", one.ref), "ref": one.ref, "fields": one.fields} for one in found.sample],
        "approved_by": [who.name for who in found.approved_by],
        "may_approve": found.may_approve,
        "reversal_url": visit.url("reversal", found.id)
        if found.map == REVERSAL and reversals.may_read(visit.actor)
        else "",
    }
