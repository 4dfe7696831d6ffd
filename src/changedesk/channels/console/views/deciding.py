"""The second pair of eyes: what waits for approval, and the decision on exactly what was shown."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import change as shown
from changedesk.channels.console.show import merging, policy
from changedesk.channels.console.show import queue as rows
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import forms as reading
from changedesk.reading.merging import compared
from changedesk.reading.queue import approvals as waiting
from changedesk.reading.request import request as read
from changedesk.reading.request_panels import RequestPanel
from changedesk.rules.access import Verb

DECISIONS = ("approve", "reject", "request_information")


@page("GET", "HEAD", needs=Verb.REQUEST_APPROVE)
def approvals(visit: Visit) -> HttpResponse:
    """Show what waits for approval, oldest first. Nothing is decided from the list."""
    asked = visit.request.GET
    found = waiting(actor=visit.actor, at=visit.at, language=visit.language, after=asked.get("after"))
    return visit.show(
        "console/approvals.html",
        {
            "cards": [rows.card(item, visit) for item in found.items],
            "page": rows.pager(visit.url("approvals"), {}, found.next, asked),
        },
        here="approvals",
    )


@page("GET", "HEAD", "POST", needs=Verb.REQUEST_APPROVE)
def decide(visit: Visit, ref: str) -> HttpResponse:
    """Show what is to be decided; on POST decide on the content that was shown, and on no other."""
    if not visit.posted:
        return _answer(visit, ref, decision=visit.request.GET.get("decision", "approve"))
    decision = visit.given("decision")
    try:
        if decision == "approve":
            flow.approve(
                {ref: visit.given("digest")}, note=visit.given("message"), actor=visit.actor, at=visit.at
            ).one()
            messages.success(visit.request, _("Approved: %(ref)s.") % {"ref": ref})
        elif decision == "reject":
            flow.reject(
                ref,
                seen_version=visit.seen_version(),
                reason=visit.given("reason"),
                message=visit.given("message"),
                actor=visit.actor,
                at=visit.at,
            )
            messages.success(visit.request, _("Rejected: %(ref)s.") % {"ref": ref})
        elif decision == "request_information":
            flow.ask_information(
                ref,
                seen_version=visit.seen_version(),
                message=visit.given("message"),
                actor=visit.actor,
                at=visit.at,
            )
            messages.success(visit.request, _("Sent back with your question: %(ref)s.") % {"ref": ref})
        else:
            errors = [{"field": "decision", "text": _("Choose a decision.")}]
            return _answer(visit, ref, errors=errors, status=422)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field=_field_of(refusal))
        return _answer(visit, ref, decision=decision, errors=errors, status=pages.status_of(refusal))
    return visit.to("approvals")


def _field_of(refusal: Refusal) -> str:
    return "reason" if refusal.code == "reason-missing" else ""


def _merge(visit: Visit, panel: RequestPanel) -> Mapping[str, Any] | None:
    if panel.kind != "merge" or panel.erased or shown.ended(panel):
        return None
    found = compared(panel.ref, actor=visit.actor, at=visit.at, language=visit.language)
    return merging.decided(found, flow.foresee_merge(panel.ref, actor=visit.actor, at=visit.at), visit)


def _answer(
    visit: Visit, ref: str, *, decision: str = "approve", errors: list[Error] | None = None, status: int = 200
) -> HttpResponse:
    panel = read(ref, actor=visit.actor, at=visit.at, language=visit.language)
    allowed = {item.word: item for item in panel.actions}
    open_to = [one for one, word in zip(DECISIONS, ("approve", "reject", "ask_information"), strict=True)
               if allowed[word].allowed]  # fmt: skip
    reasons = reading.reasons(actor=visit.actor, language=visit.language)
    context: Mapping[str, Any] = {
        "change": shown.head(panel, visit),
        "rows": shown.rows(panel),
        "policy": policy.strip(panel.strip, ended=shown.ended(panel), applied=panel.applied_change is not None),
        "evidence": shown.evidence(panel),
        "merge": _merge(visit, panel),
        "decision": decision if decision in open_to else (open_to[0] if open_to else ""),
        "open_to": open_to,
        "why_not": rows.why_not(allowed["approve"].reason, allowed["approve"].hint),
        "reasons": [
            {"value": item.code, "label": item.label, "selected": item.code == visit.given("reason")}
            for item in reasons
        ],
        "message": visit.given("message"),
        "errors": errors or [],
    }
    return visit.show("console/decide.html", context, here="approvals", status=status)
