"""A record back to one of its versions: what that would meet, kind by kind, then ordinary requests."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import ngettext

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.how import how, once
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import reverting as shown
from changedesk.channels.console.show import undoing as asked
from changedesk.channels.console.show import words
from changedesk.channels.console.visit import Visit, page
from changedesk.reading.customer import record as read
from changedesk.reading.lines import kind_label


@page("GET", "HEAD", "POST")
def restore(visit: Visit, key: UUID, version: int) -> HttpResponse:
    """Show what going back to a version would meet; on POST ask for it, a request for each kind of change."""
    subject = SubjectId(key)
    plan = flow.plan_restore(subject, version, actor=visit.actor, at=visit.at)
    if not visit.posted:
        return _answer(visit, plan)
    choices = asked.choices(visit, [one for fields in plan.kinds.values() for one in fields])
    body = urlencode(sorted((name, str(choice)) for name, choice in choices.items())).encode()
    try:
        done = flow.restore(
            subject, version, how(visit, once(visit, body)), choices=choices, actor=visit.actor, at=visit.at
        )
    except Refusal as refusal:
        errors = asked.errors(refusal, visit)
        return _answer(visit, plan, errors=errors, refusals=[refusal], status=pages.status_of(refusal))
    if done.refused:
        refusals = list(done.refused.values())
        errors = [line for one in refusals for line in pages.of(one, language=visit.language)]
        made = [one.ref for one in done.done]
        return _answer(visit, plan, made=made, errors=errors, refusals=refusals, status=422)
    refs = [one.ref for one in done.done]
    told = ngettext("Asked for. The reference is %(refs)s.", "Asked for. The references are %(refs)s.", len(refs))
    messages.success(visit.request, told % {"refs": words.comma(refs)})
    return visit.to("change", refs[0]) if len(refs) == 1 else visit.to("customer", key)


def _answer(
    visit: Visit,
    plan: flow.RestorePlan,
    *,
    made: list[str] | None = None,
    errors: list[Error] | None = None,
    refusals: Sequence[Refusal] = (),
    status: int = 200,
) -> HttpResponse:
    panel = read(plan.subject, actor=visit.actor, at=visit.at, language=visit.language)
    context: dict[str, Any] = {
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "target": plan.version,
        "kinds": [
            {"label": kind_label(kind, visit.language), "rows": shown.rows(fields, panel, visit)}
            for kind, fields in plan.kinds.items()
        ],
        "made": [{"ref": ref, "url": visit.url("change", ref)} for ref in made or []],
        **asked.fields(visit),
        **asked.acknowledge(refusals, visit),
        "note": visit.given("note"),
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/restore.html", context, here="search", status=status)
