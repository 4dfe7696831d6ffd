"""Undoing an applied change: a dry run field by field, then an ordinary request."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.ids import ChangeId
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.how import how, once
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import reverting as shown
from changedesk.channels.console.show import undoing as asked
from changedesk.channels.console.visit import Visit, page
from changedesk.reading.customer import record as read
from changedesk.reading.lines import kind_label


@page("GET", "HEAD", "POST")
def revert(visit: Visit, key: UUID) -> HttpResponse:
    """Show what undoing would meet; on POST ask for it, with a choice for every field in conflict."""
    change = ChangeId(key)
    plan = flow.plan_revert(change, actor=visit.actor, at=visit.at)
    if not visit.posted:
        return _answer(visit, plan)
    choices = asked.choices(visit, plan.fields)
    body = urlencode(sorted((name, str(choice)) for name, choice in choices.items())).encode()
    try:
        receipt = flow.revert(change, how(visit, once(visit, body)), choices=choices, actor=visit.actor, at=visit.at)
    except Refusal as refusal:
        errors = asked.errors(refusal, visit)
        return _answer(visit, plan, errors=errors, refusals=[refusal], status=pages.status_of(refusal))
    messages.success(visit.request, _("Asked for. The reference is %(ref)s.") % {"ref": receipt.ref})
    return visit.to("change", receipt.ref)


def _answer(
    visit: Visit,
    plan: flow.RevertPlan,
    *,
    errors: list[Error] | None = None,
    refusals: Sequence[Refusal] = (),
    status: int = 200,
) -> HttpResponse:
    panel = read(plan.subject, actor=visit.actor, at=visit.at, language=visit.language)
    context: dict[str, Any] = {
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "kind_word": kind_label(plan.kind, visit.language),
        "rows": shown.rows(plan.fields, panel, visit),
        **asked.fields(visit),
        **asked.acknowledge(refusals, visit),
        "note": visit.given("note"),
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/revert.html", context, here="search", status=status)
