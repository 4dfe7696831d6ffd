"""A new change: pick a kind, type what the customer wants, see what policy asks, ask for it once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels import forms
from changedesk.channels.console import errors as pages
from changedesk.channels.console import how
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import asking as shown
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import policy, words
from changedesk.channels.console.visit import YEARS, Visit, page
from changedesk.reading import forms as reading
from changedesk.reading.customer import record as read
from changedesk.reading.forms import KindForm
from changedesk.reading.panels import CustomerPanel
from changedesk.reading.request import request as read_request
from changedesk.reading.request_panels import RequestPanel
from changedesk.rules.access import Verb

_NOT_CONTENT = frozenset({"csrfmiddlewaretoken", "action"})


@page("GET", "HEAD", "POST")
def change_new(visit: Visit, key: UUID) -> HttpResponse:
    """Show the form of a kind; on POST check it, or ask for the change."""
    subject = SubjectId(key)
    panel = read(subject, actor=visit.actor, at=visit.at, language=visit.language)
    offered = reading.kinds_offered(actor=visit.actor, language=visit.language, subject_type=panel.type)
    kind = visit.request.GET.get("kind") or visit.given("kind")
    form = next((item for item in offered if item.kind == kind), None)
    if form is None:
        return _answer(visit, panel, offered, None)
    if not visit.posted:
        return _answer(visit, panel, offered, form)
    errors: list[Error] = []
    wish = _wish(visit, subject, form, errors)
    if visit.given("action") == "submit" and not errors:
        try:
            receipt = flow.submit([wish], actor=visit.actor, at=visit.at).one()
        except Refusal as refusal:
            errors = pages.of(refusal, language=visit.language)
        else:
            messages.success(visit.request, _("Asked for. The reference is %(ref)s.") % {"ref": receipt.ref})
            return visit.to("change", receipt.ref)
    plan = _plan(visit, wish, errors)
    return _answer(visit, panel, offered, form, plan=plan, errors=errors)


@page("GET", "HEAD", "POST", needs=Verb.REQUEST_REVISE)
def revise(visit: Visit, ref: str) -> HttpResponse:
    """Show the form of a request that waits; on POST give it new content, which is then proved anew."""
    asked = read_request(ref, actor=visit.actor, at=visit.at, language=visit.language)
    panel = read(asked.subject, actor=visit.actor, at=visit.at, language=visit.language)
    form = reading.form_of(asked.kind, actor=visit.actor, language=visit.language, subject_type=panel.type)
    if not visit.posted:
        return _answer(visit, panel, (), form, revised=asked)
    errors: list[Error] = []
    values = forms.values_of(form.fields, visit.request.POST)
    operation = visit.given("operation")
    if not values and not operation:
        errors.append({"field": form.fields[0].path, "text": _("Fill in what should change.")})
    elif visit.given("action") == "submit":
        try:
            flow.revise(
                ref,
                values,
                seen_version=visit.seen_version(),
                operation=operation,
                reason=visit.given("reason") or None,
                note=visit.given("note"),
                acknowledged=tuple(visit.request.POST.getlist("acknowledged")),
                actor=visit.actor,
                at=visit.at,
            )
        except Refusal as refusal:
            errors = pages.of(refusal, language=visit.language)
        else:
            messages.success(visit.request, _("It has new content now, and is to be proved anew."))
            return visit.to("change", ref)
    wish = flow.Wish(
        subject=asked.subject,
        kind=form.kind,
        values=values,
        operation=operation,
        person=asked.person,
        initiated_by=asked.initiated_by,
        reason=visit.given("reason") or asked.reason,
        channel=Channel(asked.channel),
        acknowledged=tuple(visit.request.POST.getlist("acknowledged")),
    )
    return _answer(visit, panel, (), form, plan=_plan(visit, wish, errors), errors=errors, revised=asked)


def _wish(visit: Visit, subject: SubjectId, form: KindForm, errors: list[Error]) -> flow.Wish:
    values = forms.values_of(form.fields, visit.request.POST)
    channel, asker = visit.given("channel"), visit.given("requested_by")
    if channel not in words.CHANNELS:
        errors.append({"field": "channel", "text": _("Choose how the customer reached us.")})
    if asker not in words.REQUESTERS:
        errors.append({"field": "requested_by", "text": _("Choose who is asking.")})
    operation = visit.given("operation")
    if not values and not operation:
        errors.append({"field": form.fields[0].path, "text": _("Fill in what should change.")})
    body = urlencode(sorted(pair for pair in _posted(visit) if pair[0] not in _NOT_CONTENT)).encode()
    return flow.Wish(
        subject=subject,
        kind=form.kind,
        values=values,
        operation=operation,
        person=how.person(visit),
        initiated_by=visit.given("initiated_by") or form.initiators[0],
        reason=visit.given("reason"),
        channel=how.channel(visit),
        note=visit.given("note"),
        requested_by=asker or "customer",
        on_behalf_of="customer" if asker == "representative" else None,
        interaction=visit.given("interaction") or None,
        acknowledged=tuple(visit.request.POST.getlist("acknowledged")),
        effective_at=_day(visit, errors),
        once=how.once(visit, body),
    )


def _posted(visit: Visit) -> list[tuple[str, str]]:
    return parse_qsl(visit.request.POST.urlencode(), keep_blank_values=True)


def _day(visit: Visit, errors: list[Error]) -> datetime | None:
    """Return the beginning of a day by the client's clock; None for as soon as policy allows."""
    text = visit.given("effective_at")
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        errors.append({"field": "effective_at", "text": _("Write the day as YYYY-MM-DD.")})
        return None
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - the client's zone is set next


def _plan(visit: Visit, wish: flow.Wish, errors: list[Error]) -> flow.Plan | None:
    """Return what asking would do; what stands against it is added to the errors, once."""
    if not wish.values and not wish.operation:
        return None
    try:
        return flow.preview(wish, actor=visit.actor, at=visit.at)
    except Refusal as refusal:
        known = {item["text"] for item in errors}
        errors += [item for item in pages.of(refusal, language=visit.language) if item["text"] not in known]
        return None


def _answer(
    visit: Visit,
    panel: CustomerPanel,
    offered: Sequence[KindForm],
    form: KindForm | None,
    *,
    plan: flow.Plan | None = None,
    errors: Sequence[Error] = (),
    revised: RequestPanel | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "alerts": people.alerts(panel, visit),
        "kind_groups": shown.kind_groups(offered, "" if form is None else form.kind, panel, visit),
        "errors": [_labelled(item, form, visit) for item in errors],
    }
    if form is not None:
        reasons = reading.reasons(actor=visit.actor, language=visit.language)
        fields = shown.fields(form, panel, plan, errors, visit)
        if fields:
            # What stands above the fields is to be read before anything is typed.
            fields[0]["first"] = not (errors or context["alerts"] or plan)
        context |= {
            "kind": {"key": form.kind, "label": form.label},
            "fields": fields,
            "acknowledge": shown.acknowledge(plan, visit),
            "warnings": shown.warnings(plan, visit),
            "preview_rows": None if plan is None else shown.rows(form, panel, plan, visit),
            "policy": None if plan is None else _strip(visit, panel, plan),
            "submission": visit.given("submission") or uuid4().hex,
            **shown.around(reasons, visit),
            **shown.whose(form, panel, visit),
        }
    if revised is not None:
        context["revised"] = {"ref": revised.ref, "version": revised.version, "digest": revised.digest}
        context["kind_groups"] = []
    looked = visit.request.headers.get("HX-Request") == "true"  # the strip alone is swapped, and only on success
    return visit.show("console/change_new.html", context, here="search", status=422 if errors and not looked else 200)


def _strip(visit: Visit, panel: CustomerPanel, plan: flow.Plan) -> dict[str, object]:
    strip = reading.strip_of(
        plan.route, level=panel.level, changed=tuple(plan.after), actor=visit.actor, language=visit.language
    )
    return policy.strip(strip)


def _labelled(item: Error, form: KindForm | None, visit: Visit) -> Error:
    """Put the field's name before an error of the summary, so that it reads by itself."""
    for one in () if form is None else form.fields:
        if item["field"] == one.path or item["field"].startswith(f"{one.path}."):
            return {**item, "text": f"{one.label_in(visit.language)}: {item['text']}"}
    return item
