"""Erasures: what one would take, and asking for it; certificates: what went, what stays by which rule, until when."""

from collections.abc import Mapping
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
from changedesk.channels.console.how import how, once
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import privacy
from changedesk.channels.console.show import undoing as asked
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import erasures as reading
from changedesk.reading import forms, recipients
from changedesk.reading.customer import record as read
from changedesk.reading.erasures import Certificate
from changedesk.reading.recipients import Disclosure
from changedesk.rules.access import Verb, may
from changedesk.rules.forgetting import Decision, Verdict

LIMIT: Final = 50
CAUSES: Final = {
    "request": gettext_lazy("Asked for"),
    "merged": gettext_lazy("Came along with the record that it was merged into"),
    "retention": gettext_lazy("No rule kept it any more"),
    "journal": gettext_lazy("Done again after a restore"),
}
BECAME: Final = {
    "stays": gettext_lazy("It stayed: somebody else held it, too."),
    "empty": gettext_lazy("It had been erased: nothing of it was left."),
    "kept": gettext_lazy("It stayed as long as the law keeps it."),
}
SETTLES: Final = {
    "close": ("account_change_new", "?kind=account_status", gettext_lazy("Close it")),
    "transfer": ("transfer", "", gettext_lazy("Transfer it")),
    "erase": ("erase", "", gettext_lazy("Ask for its erasure")),
    "legal_release": ("account_change_new", "?kind=account_status", gettext_lazy("Lift the legal hold")),
}
"""What settles an account, by operation: the page where it is asked for, and its words."""
BECOMES: Final = {
    "stays": gettext_lazy("It stays: somebody else holds it, too."),
    "empty": gettext_lazy("It was erased: nothing of it is left."),
    "kept": gettext_lazy("It stays as long as the law keeps it."),
    "asked": gettext_lazy("Its own erasure is under way. This one waits for it."),
    "held": gettext_lazy("A legal hold stands on it. Have that lifted first."),
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
        {
            "erasure": {**_row(found, visit), "erased": found.erased, "kept": found.kept, "index": found.index}
            | _beside(found, visit)
        },
        here="erasures",
    )


def _beside(found: Certificate, visit: Visit) -> dict[str, Any]:
    """Return the accounts, the merged records, and whom to tell, of a certificate."""
    told: tuple[Disclosure, ...] = ()
    if may(visit.actor, Verb.PRIVACY_READ):
        told = recipients.to_be_told(found.id, actor=visit.actor, at=visit.at, language=visit.language)
    return {
        "told": [privacy.disclosure(one) for one in told],
        "along_url": "" if found.along is None else visit.url("erasure", found.along),
        "merged": [
            {
                "url": visit.url("erasure", one.id),
                "mark": one.id.hex[-8:],
                "whole": one.whole,
                "gone": len(one.erased),
                "stays": len(one.kept),
            }
            for one in found.merged
        ],
        "accounts": [
            {
                "url": visit.url("account", one.account),
                "mark": one.account.hex[-8:],
                "became": BECAME[one.becomes],
                "rule": one.rule,
                "citation": one.citation,
                "until": one.until,
            }
            for one in found.accounts
        ],
    }


@page("GET", "HEAD", "POST", needs=Verb.REQUEST_SUBMIT)
def erase(visit: Visit, key: UUID) -> HttpResponse:
    """Show what an erasure would take, and what stays by which rule until when; on POST ask for it."""
    plan = flow.preview_erasure(SubjectId(key), actor=visit.actor, at=visit.at)
    subject = plan.subject
    if not visit.posted:
        return _weighed(visit, subject, plan)
    asked = how(visit, once(visit, b""), reason="data_subject_request")
    try:
        made = flow.request_erasure(subject, asked, actor=visit.actor, at=visit.at)
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
    rows = [_field(one, labels) for one in plan.fields]
    numbers = {one.id: one.number for one in panel.accounts}
    left = [
        {
            "url": visit.url("account", one.account),
            "number": numbers.get(one.account) or _("An account"),
            "becomes": BECOMES[one.becomes],
            "rule": one.rule,
            "until": one.until,
            "stops": one.stops,
            "next": [_settles(name, one.account, visit) for name in one.next],
        }
        for one in plan.accounts
    ]
    merged = [(one.subject.id, [_field(decision, labels) for decision in one.decisions]) for one in plan.merged]
    context = {
        "accounts": left,
        "stopped": any(one["stops"] for one in left),
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "goes": [one for one in rows if not one["kept"]],
        "stays": [one for one in rows if one["kept"]],
        "merged": [
            {
                "mark": id_.hex[-8:],
                "goes": [one for one in fields if not one["kept"]],
                "stays": [one for one in fields if one["kept"]],
            }
            for id_, fields in merged
        ],
        "channel_field": asked.fields(visit)["channel_field"],
        "note": visit.given("note"),
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/erase.html", context, here="search", status=status)


def _field(one: Decision, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "label": labels.get(one.path, one.path),
        "rule": one.rule,
        "until": one.until,
        "kept": one.verdict is Verdict.KEEP,
    }


def _settles(operation: str, account: SubjectId, visit: Visit) -> dict[str, Any]:
    page_of, asked_for, word = SETTLES[operation]
    return {"url": visit.url(page_of, account) + asked_for, "word": word}


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
