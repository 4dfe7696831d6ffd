"""Erasures: what one would take, and asking for it; certificates: what went, what stays by which rule, until when."""

from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import undoing as asked
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import erasures as reading
from changedesk.reading import forms
from changedesk.reading.customer import record as read
from changedesk.reading.erasures import Certificate
from changedesk.rules.access import Verb
from changedesk.rules.forgetting import Verdict

LIMIT: Final = 50
CAUSES: Final = {
    "request": gettext_lazy("Asked for"),
    "retention": gettext_lazy("No rule kept it any more"),
    "journal": gettext_lazy("Done again after a restore"),
}
BECOMES: Final = {
    "stays": gettext_lazy("It stays: somebody else holds it, too."),
    "empty": gettext_lazy("It was erased: nothing of it is left."),
    "kept": gettext_lazy("It stays as long as the law keeps it."),
    "asked": gettext_lazy("Its own erasure is under way. This one waits for it."),
    "held": gettext_lazy("A legal hold stands on it. Wait until that is lifted."),
    "open": gettext_lazy("Still open, and nobody else holds it: close it, transfer it, or have it erased first."),
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


@page("GET", "HEAD", "POST", needs=Verb.REQUEST_SUBMIT)
def erase(visit: Visit, key: UUID) -> HttpResponse:
    """Show what an erasure would take, and what stays by which rule until when; on POST ask for it."""
    subject = SubjectId(key)
    plan = flow.preview_erasure(subject, actor=visit.actor, at=visit.at)
    if not visit.posted:
        return _weighed(visit, subject, plan)
    submission = visit.given("submission")
    try:
        made = flow.request_erasure(
            subject,
            channel=asked.channel(visit),
            note=visit.given("note"),
            actor=visit.actor,
            at=visit.at,
            key=flow.Once(f"console:{submission}", b"") if submission else None,
        )
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language)
        return _weighed(visit, subject, plan, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Asked for. The reference is %(ref)s.") % {"ref": made.ref})
    return visit.to("change", made.ref)


def _weighed(
    visit: Visit,
    subject: SubjectId,
    plan: flow.Erasable,
    *,
    errors: list[pages.Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    panel = read(subject, actor=visit.actor, at=visit.at, language=visit.language)
    labels = {one.path: one.label_in(visit.language) for one in forms.fields(actor=visit.actor)}
    rows = [
        {
            "label": labels.get(one.path, one.path),
            "rule": one.rule,
            "until": one.until,
            "kept": one.verdict is Verdict.KEEP,
        }
        for one in plan.fields
    ]
    numbers = {one.id: one.number for one in panel.accounts}
    left = [
        {
            "url": visit.url("account", one.account),
            "number": numbers.get(one.account) or _("An account"),
            "becomes": BECOMES[one.becomes],
            "rule": one.rule,
            "until": one.until,
            "stops": one.stops,
        }
        for one in plan.accounts
    ]
    context = {
        "accounts": left,
        "stopped": any(one["stops"] for one in left),
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "goes": [one for one in rows if not one["kept"]],
        "stays": [one for one in rows if one["kept"]],
        "channel_field": asked.fields(visit)["channel_field"],
        "note": visit.given("note"),
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/erase.html", context, here="search", status=status)


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
