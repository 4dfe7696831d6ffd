"""Undoing an applied change: a dry run field by field, then an ordinary request."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import ChangeId
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import reverting as shown
from changedesk.channels.console.show import words
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import forms as reading
from changedesk.reading.customer import record as read

Choices = dict[str, str | tuple[str, object]]


@page("GET", "HEAD", "POST")
def revert(visit: Visit, key: UUID) -> HttpResponse:
    """Show what undoing would meet; on POST ask for it, with a choice for every field in conflict."""
    change = ChangeId(key)
    plan = flow.plan_revert(change, actor=visit.actor, at=visit.at)
    if not visit.posted:
        return _answer(visit, plan)
    channel = visit.given("channel")
    choices = _choices(visit, plan)
    body = urlencode(sorted((name, str(choice)) for name, choice in choices.items())).encode()
    submission = visit.given("submission")
    try:
        receipt = flow.revert(
            change,
            choices=choices,
            reason=visit.given("reason"),
            note=visit.given("note"),
            channel=Channel(channel) if channel in words.CHANNELS else Channel.PHONE,
            actor=visit.actor,
            at=visit.at,
            key=flow.Once(f"console:{submission}", body) if submission else None,
        )
    except Refusal as refusal:
        errors = _errors(refusal, visit)
        return _answer(visit, plan, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Asked for. The reference is %(ref)s.") % {"ref": receipt.ref})
    return visit.to("change", receipt.ref)


def _choices(visit: Visit, plan: flow.RevertPlan) -> Choices:
    """Return the choice for each field; one without a choice is left to the verb, which asks for it."""
    found: Choices = {}
    for item in plan.fields:
        choice = visit.given(f"choice.{item.path}")
        if choice == "custom":
            found[item.path] = ("custom", visit.given(f"custom.{item.path}"))
        elif choice in {"keep", "force"}:
            found[item.path] = choice
    return found


def _errors(refusal: Refusal, visit: Visit) -> list[Error]:
    paths = refusal.data.get("paths")
    if refusal.code == "revert-conflicts" and isinstance(paths, list):
        text = " ".join((_(refusal.sentence), _(refusal.hint)))
        return [{"field": f"choice.{path}", "text": text} for path in paths[:1]]
    return pages.of(refusal, language=visit.language)


def _answer(
    visit: Visit, plan: flow.RevertPlan, *, errors: list[Error] | None = None, status: int = 200
) -> HttpResponse:
    panel = read(plan.subject, actor=visit.actor, at=visit.at, language=visit.language)
    form = reading.form_of(plan.kind, actor=visit.actor, language=visit.language)
    reasons = reading.reasons(actor=visit.actor, language=visit.language)
    chosen = visit.given("reason") or "reversal"
    channel = visit.given("channel") or "phone"
    context: dict[str, Any] = {
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "kind_word": form.label,
        "rows": shown.rows(plan, form, panel, visit),
        "reason_field": {
            "name": "reason",
            "label": _("Reason"),
            "type": "select",
            "required": True,
            "options": [{"value": item.code, "label": item.label, "selected": item.code == chosen} for item in reasons],
        },
        "channel_field": {
            "name": "channel",
            "label": _("How we heard of it"),
            "type": "select",
            "required": True,
            "options": [
                {"value": item.value, "label": label, "selected": item == channel}
                for item, label in words.CHANNELS.items()
            ],
        },
        "note": visit.given("note"),
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/revert.html", context, here="search", status=status)
