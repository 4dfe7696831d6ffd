"""Everything undone that one actor did in a time: first what that would meet, then a batch of requests."""

from collections import Counter
from datetime import datetime
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk import flow
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.visit import Visit, page
from changedesk.flow.reversal import BadPeriod
from changedesk.reading import forms, reversals
from changedesk.rules.access import Verb, may

LIMIT: Final = 50
SHOWN: Final = 100
"""Changes of a dry run that the page shows one by one; the counts are of all."""
FINDINGS: Final = {
    "revertible": gettext_lazy("Can be undone"),
    "already": gettext_lazy("Holds already"),
    "conflict": gettext_lazy("Changed again"),
    "erased": gettext_lazy("Erased"),
    "not_revertible": gettext_lazy("Cannot be undone by a request"),
}


@page("GET", "HEAD", "POST")
def past(visit: Visit) -> HttpResponse:
    """Show the reversals; on POST say what one would meet, or ask for it."""
    if not visit.posted:
        return _answer(visit)
    try:
        whose, since, until = visit.given("whose"), _instant(visit, "since"), _instant(visit, "until")
        if visit.given("do") != "ask":
            plan = flow.plan_reversal(whose, since=since, until=until, actor=visit.actor, at=visit.at)
            return _answer(visit, plan=plan)
        made = flow.start_reversal(
            whose,
            since=since,
            until=until,
            reason=visit.given("reason"),
            force=bool(visit.given("force")),
            actor=visit.actor,
            at=visit.at,
            key=flow.Once(f"console:{visit.given('submission') or uuid4().hex}", b""),
        )
        flow.run_reversal(made.id, actor=visit.actor, at=visit.at)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="whose")
        return _answer(visit, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Asked for. Somebody else approves the whole."))
    return visit.to("batch", made.id)


def _instant(visit: Visit, name: str) -> datetime:
    """Return a moment that was typed as the client's clocks show it. Raises BadPeriod."""
    try:
        return datetime.fromisoformat(visit.given(name)).replace(tzinfo=ZoneInfo(visit.client.time_zone))
    except ValueError:
        raise BadPeriod from None


def _answer(
    visit: Visit,
    *,
    plan: flow.ReversalPlan | None = None,
    errors: list[pages.Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    before = visit.request.GET.get("before")
    found = reversals.past(actor=visit.actor, language=visit.language, before=before, limit=LIMIT)
    base, chosen = visit.url("reversals"), visit.given("reason") or "reversal"
    context: dict[str, Any] = {
        "rows": [
            {"url": visit.url("batch", one.id), "whose": one.whose.name, "since": one.since, "until": one.until,
             "by": one.entered_by.name, "at": one.started_at, "open": one.finished_at is None}
            for one in found.items
        ],
        "page": {"first_url": base if before else "", "next_url": f"{base}?before={found.next}" if found.next else ""},
        "may_ask": may(visit.actor, Verb.CHANGE_REVERT),
        "given": {name: visit.given(name) for name in ("whose", "since", "until", "force")},
        "reasons": [
            {"value": one.code, "label": one.label, "selected": one.code == chosen}
            for one in forms.reasons(actor=visit.actor, language=visit.language)
            if one.code != "other"
        ] if may(visit.actor, Verb.CHANGE_REVERT) else [],
        "submission": visit.given("submission") or uuid4().hex,
        "plan": None if plan is None else _plan(plan, visit),
        "errors": errors or [],
    }  # fmt: skip
    return visit.show("console/reversals.html", context, here="reversals", status=status)


def _plan(plan: flow.ReversalPlan, visit: Visit) -> dict[str, Any]:
    counts = Counter(one.finding for one in plan.changes)
    return {
        "requests": plan.rows,
        "counts": [(word, counts[name]) for name, word in FINDINGS.items() if counts[name]],
        "changes": [
            {
                "url": visit.url("customer", one.subject),
                "at": one.recorded_at,
                "fields": [field.path for field in one.fields],
                "finding": FINDINGS[one.finding],
            }
            for one in plan.changes[:SHOWN]
        ],
    }
