"""Everything undone that one actor did in a time: first what that would meet, then a batch of requests."""

from collections import Counter
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk import flow
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.views.batches import OUTCOMES
from changedesk.channels.console.visit import Visit, page
from changedesk.flow.reversal import MOST, BadPeriod
from changedesk.reading import batches, forms, imports, reversals
from changedesk.reading.lines import kind_label
from changedesk.reading.reversals import ReversalLine, ReversalRow
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
            handed=True,
            key=flow.Once(f"console:{visit.given('submission') or uuid4().hex}", b""),
        )
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="whose")
        return _answer(visit, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Handed over. It is asked for part by part; somebody else approves the whole."))
    return visit.to("reversal", made.id)


@page("GET", "HEAD")
def reversal(visit: Visit, key: UUID) -> HttpResponse:
    """Show one reversal: how far it is, and what became of each part."""
    first = visit.request.GET.get("first", "")
    start = int(first) if first.isascii() and first.isdigit() and len(first) < len(str(MOST)) + 1 else 0
    found = reversals.reversal(key, actor=visit.actor, language=visit.language, first=start, limit=SHOWN)
    base, done = visit.url("reversal", key), sum(found.counts.values())
    context = {
        "reversal": {
            "whose": found.line.whose.name, "since": found.line.since, "until": found.line.until,
            "by": found.line.entered_by.name, "at": found.line.started_at, "done": done, "total": found.total,
            "finished": found.digest is not None, "force": found.line.force,
            "approved_by": [who.name for who in found.approved_by],
            "batch_url": visit.url("batch", key) if batches.may_read(visit.actor) else "",
            "may_approve": found.may_approve,
            "evidence_url": _evidence_url(found.line, visit),
        },
        "counts": [
            {"state": name if name not in OUTCOMES else "", "word": str(OUTCOMES.get(name, "")), "count": count}
            for name, count in sorted(found.counts.items())
        ],
        "rows": [_row(one, visit) for one in found.rows],
        "page": {"first_url": base if start else "", "next_url": f"{base}?first={found.next}" if found.next else ""},
    }  # fmt: skip
    return visit.show("console/reversal.html", context, here="reversals")


def _evidence_url(line: ReversalLine, visit: Visit) -> str:
    """Return where evidence of what is undone is asked for, with its actor and period."""
    if not may(visit.actor, Verb.EVIDENCE_BUILD):
        return ""
    zone = ZoneInfo(visit.client.time_zone)
    times = {"since": line.since, "until": line.until}
    told = {name: f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}" for name, at in times.items()}
    return f"{visit.url('evidence')}?{urlencode({'actor': line.whose.id, **told})}"


def _row(one: ReversalRow, visit: Visit) -> dict[str, Any]:
    return {
        "url": visit.url("customer", one.subject),
        "number": one.number,
        "kind": kind_label(one.kind, visit.language) if one.kind else "",
        "changes": len(one.changes),
        "ref": one.ref,
        "ref_url": visit.url("change", one.ref) if one.ref else "",
        "state": one.state,
        "word": str(OUTCOMES.get(one.outcome, "")),
        "reasons": [{"code": code.replace("-", " "), "field": path} for code, path in one.reasons],
    }


@page("GET", "HEAD", "POST")
def import_undo(visit: Visit, key: UUID) -> HttpResponse:
    """Show what undoing everything of one import would meet; on POST hand it over."""
    plan = flow.plan_import(key, actor=visit.actor, at=visit.at)
    if not visit.posted:
        return _import(visit, key, plan)
    try:
        made = flow.start_reversal(
            plan.whose,
            since=plan.since,
            until=plan.until,
            reason=visit.given("reason"),
            force=bool(visit.given("force")),
            actor=visit.actor,
            at=visit.at,
            handed=True,
            key=flow.Once(f"console:import:{key}:{visit.given('submission')}", b""),
        )
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="reason")
        return _import(visit, key, plan, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Handed over. It is asked for part by part; somebody else approves the whole."))
    return visit.to("reversal", made.id)


def _import(
    visit: Visit, key: UUID, plan: flow.ReversalPlan, *, errors: list[pages.Error] | None = None, status: int = 200
) -> HttpResponse:
    run = imports.run(key, actor=visit.actor, language=visit.language)
    context = {
        "run": {"map": run.map, "at": run.started_at, "by": run.started_by.name, "url": visit.url("import_run", key)},
        "plan": _plan(plan, visit),
        "reasons": _reasons(visit),
        "given": {"force": visit.given("force")},
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/import_undo.html", context, here="imports", status=status)


def _reasons(visit: Visit) -> list[dict[str, Any]]:
    chosen = visit.given("reason") or "reversal"
    return [
        {"value": one.code, "label": one.label, "selected": one.code == chosen}
        for one in forms.reasons(actor=visit.actor, language=visit.language)
        if one.code != "other"
    ]


def _instant(visit: Visit, name: str) -> datetime:
    """Return a moment that was typed as the client's clocks show it. Raises BadPeriod."""
    try:
        return visit.moment(visit.given(name))
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
    base = visit.url("reversals")
    context: dict[str, Any] = {
        "rows": [
            {"url": visit.url("reversal", one.id), "whose": one.whose.name, "since": one.since, "until": one.until,
             "by": one.entered_by.name, "at": one.started_at, "open": one.finished_at is None}
            for one in found.items
        ],
        "page": {"first_url": base if before else "", "next_url": f"{base}?before={found.next}" if found.next else ""},
        "may_ask": may(visit.actor, Verb.CHANGE_REVERT),
        "given": {name: visit.given(name) for name in ("whose", "since", "until", "force")},
        "reasons": _reasons(visit) if may(visit.actor, Verb.CHANGE_REVERT) else [],
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
        "more": max(0, len(plan.changes) - SHOWN),
    }
