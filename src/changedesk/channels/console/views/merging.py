"""Records that are one: those that look alike, a merge seen before it is asked for, its undoing, what that leaves."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.how import how, once
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import merging as shown
from changedesk.channels.console.show import policy
from changedesk.channels.console.show.shell import allowed
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import forms as reading
from changedesk.reading import merging
from changedesk.reading.customer import record as read
from changedesk.reading.panels import CustomerPanel


@page("GET", "HEAD")
def duplicates(visit: Visit, key: UUID) -> HttpResponse:
    """Show the records that may be the same, why, and the merges there have been."""
    panel = read(SubjectId(key), actor=visit.actor, at=visit.at, language=visit.language)
    found = merging.candidates(panel.id, actor=visit.actor, at=visit.at, language=visit.language)
    past = merging.merges(panel.id, actor=visit.actor)
    context: dict[str, Any] = {
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "rows": [shown.candidate(item, panel, visit) for item in found],
        "merges": [shown.link(item, panel, visit, undo="revert" in allowed(visit.actor)) for item in past],
    }
    return visit.show("console/duplicates.html", context, here="search")


@page("GET", "HEAD", "POST")
def merge(visit: Visit, key: UUID, other: UUID) -> HttpResponse:
    """Show what merging this record into the other would do; on POST look again with other choices, or ask for it."""
    merged, survivor = (
        read(SubjectId(one), actor=visit.actor, at=visit.at, language=visit.language) for one in (key, other)
    )
    choices = shown.chosen(visit)
    if not visit.posted or visit.given("action") != "submit":
        return _preview(visit, merged, survivor, choices)
    try:
        receipt = flow.merge(
            merged.id,
            survivor.id,
            how(visit, _once(visit, choices | dict.fromkeys(shown.closed(visit), "close"))),
            choices=choices,
            close=shown.closed(visit),
            actor=visit.actor,
            at=visit.at,
        )
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language)
        return _preview(visit, merged, survivor, {}, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Asked for. The reference is %(ref)s.") % {"ref": receipt.ref})
    return visit.to("change", receipt.ref)


def _once(visit: Visit, said: dict[str, str]) -> flow.Once | None:
    asked = {name: visit.given(name) for name in ("reason", "channel", "note", "person", "initiated_by")}
    return once(visit, urlencode(sorted({**asked, **said}.items())).encode())


def _preview(
    visit: Visit,
    merged: CustomerPanel,
    survivor: CustomerPanel,
    choices: dict[str, str],
    *,
    errors: list[Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    plan = flow.preview_merge(
        merged.id,
        survivor.id,
        how(visit, reason="duplicate_account"),
        choices=choices,
        close=shown.closed(visit),
        actor=visit.actor,
        at=visit.at,
    )
    route = plan.plan.route
    strip = reading.strip_of(
        route, level=merged.level, changed=tuple(plan.plan.after), actor=visit.actor, language=visit.language
    )
    name = "merge" if merged.type == "customer" else "account_merge"
    context: dict[str, Any] = {
        "customer": people.head(merged),
        "other": people.head(survivor),
        "badge": people.badge(merged),
        "rows": shown.rows(plan, merged, survivor, visit),
        "pending": shown.pending(plan.pending, visit),
        "swap_url": visit.url(name, survivor.id, merged.id),
        "policy": policy.strip(strip),
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
        **shown.around(visit, merged, reason="duplicate_account"),
    }
    return visit.show("console/merge.html", context, here="search", status=status)


@page("GET", "HEAD", "POST")
def unmerge(visit: Visit, key: UUID) -> HttpResponse:
    """Show what undoing a merge gives back and what it leaves to a person; on POST ask for it."""
    change = ChangeId(key)
    parts = flow.plan_unmerge(change, actor=visit.actor, at=visit.at)
    survivor = read(parts.link.survivor_id, actor=visit.actor, at=visit.at, language=visit.language)
    errors: list[Error] = []
    status = 200
    if visit.posted:
        try:
            receipt = flow.unmerge(change, how(visit, _once(visit, {})), actor=visit.actor, at=visit.at)
        except Refusal as refusal:
            errors, status = pages.of(refusal, language=visit.language), pages.status_of(refusal)
        else:
            messages.success(visit.request, _("Asked for. The reference is %(ref)s.") % {"ref": receipt.ref})
            return visit.to("change", receipt.ref)
    context: dict[str, Any] = {
        "customer": people.head(survivor),
        "badge": people.badge(survivor),
        **shown.parting(parts, survivor, visit),
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors,
        **shown.around(visit, survivor, reason="correction_of_error"),
    }
    return visit.show("console/unmerge.html", context, here="search", status=status)


@page("GET", "HEAD", "POST")
def merge_work(visit: Visit) -> HttpResponse:
    """Show what undone merges left to a person; on POST strike one thing off."""
    if visit.posted:
        try:
            link = ChangeId(UUID(visit.given("link")))
        except ValueError:
            raise NotFound from None
        flow.settle_work(link, visit.given("what"), actor=visit.actor, at=visit.at)
        messages.success(visit.request, _("Settled."))
        return visit.to("merge_work")
    found = merging.work_list(actor=visit.actor, language=visit.language)
    rows = [shown.work(item, visit) for item in found]
    context = {"rows": rows, "may_settle": "revert" in allowed(visit.actor)}
    return visit.show("console/merge_work.html", context, here="merges")
