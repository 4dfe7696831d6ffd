"""The desk of a privacy officer: what people asked about their data, by the days that are left; who was given what."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels import copies
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.how import channel
from changedesk.channels.console.show import privacy as shown
from changedesk.channels.console.show import words
from changedesk.channels.console.show.queue import pager
from changedesk.channels.console.visit import Visit, page
from changedesk.flow import subject_answer, subject_request
from changedesk.flow.subject_request import ReceivedLater
from changedesk.flow.subject_steps import Handled
from changedesk.reading import customer, recipients
from changedesk.reading import subject_requests as reading
from changedesk.rules.access import Verb, may
from changedesk.rules.rights import Right

YEAR: Final = timedelta(days=365)


@page("GET", "HEAD")
def requests(visit: Visit) -> HttpResponse:
    """Show what waits, the most urgent first, or all, the newest first; and what the last year came to."""
    asked = visit.request.GET
    everything = asked.get("state") == "all"
    given: dict[str, Any] = {"actor": visit.actor, "at": visit.at, "language": visit.language}
    if everything:
        found = reading.newest(before=asked.get("after"), **given)
    else:
        found = reading.waiting(after=asked.get("after"), **given)
    figures = reading.figures(actor=visit.actor, since=visit.at - YEAR, until=visit.at)
    base = visit.url("privacy")
    context = {
        "rows": [shown.row(one, visit) for one in found.items],
        "everything": everything,
        "tabs": [
            {"label": _("Waiting"), "url": base, "current": not everything},
            {"label": _("All"), "url": f"{base}?state=all", "current": everything},
        ],
        "page": pager(base, {"state": "all"} if everything else {}, found.next, asked),
        "figures": [shown.figure(one) for one in figures if one.received],
    }
    return visit.show("console/privacy.html", context, here="privacy")


@page("GET", "HEAD", "POST")
def new(visit: Visit, key: UUID) -> HttpResponse:
    """Show the form to write down what a customer asks about their data; on POST receive it."""
    subject = SubjectId(key)
    if not visit.posted:
        return _form(visit, subject)
    try:
        made = _receive(visit, subject)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="right")
        return _form(visit, subject, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Received. Its reference is %(ref)s.") % {"ref": made.ref})
    if may(visit.actor, Verb.PRIVACY_READ):
        return visit.to("privacy_request", made.ref)
    return visit.to("customer", subject)


def _receive(visit: Visit, subject: SubjectId) -> Handled:
    if visit.given("right") not in list(Right):
        raise NotFound
    mark = visit.given("submission") or uuid4().hex
    given: dict[str, Any] = {"actor": visit.actor, "at": visit.at}
    made = subject_request.receive(
        subject,
        Right(visit.given("right")),
        jurisdictions=visit.request.POST.getlist("jurisdiction"),
        channel=channel(visit),
        received_at=_moment(visit),
        note=visit.given("note"),
        key=flow.Once(f"console:{mark}", b""),
        **given,
    )
    tell = visit.given("tell")
    if tell in ("notice", "spoken") and not made.replayed:
        made = subject_request.acknowledge(made.ref, spoken=tell == "spoken", **given)
    return made


def _moment(visit: Visit) -> datetime | None:
    """Return when it came in, as the client's clocks show it; None for now. Raises ReceivedLater."""
    text = visit.given("received_at")
    if not text:
        return None
    try:
        return visit.moment(text)
    except ValueError:
        raise ReceivedLater from None


def _form(visit: Visit, subject: SubjectId, *, errors: list[Error] | None = None, status: int = 200) -> HttpResponse:
    panel = customer.customer(subject, actor=visit.actor, at=visit.at, language=visit.language)
    chosen = visit.request.POST.getlist("jurisdiction")
    context = {
        "customer": {"name": panel.title, "masked": panel.title_masked, "url": visit.url("customer", panel.id)},
        "rights": [(name, word, name == visit.given("right")) for name, word in shown.RIGHTS.items()],
        "channels": [(one.value, word, one.value == visit.given("channel")) for one, word in words.CHANNELS.items()],
        "places": [(place, place in chosen) for place in reading.places(actor=visit.actor)],
        "given": {name: visit.given(name) for name in ("received_at", "note", "tell")},
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/privacy_new.html", context, here="privacy", status=status)


@page("GET", "HEAD", "POST")
def request(visit: Visit, ref: str) -> HttpResponse:
    """Show one request; on POST take it a step on, or hand its copy over."""
    if not visit.posted:
        return _one(visit, ref)
    try:
        if visit.given("do") == "download":
            return _download(visit, ref)
        act = _ACTS.get(visit.given("do"))
        if act is None:
            raise NotFound
        act(visit, ref, {"actor": visit.actor, "at": visit.at})
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language)
        return _one(visit, ref, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Done, and on record."))
    return visit.to("privacy_request", ref)


Act = Callable[[Visit, str, Mapping[str, Any]], Handled]
_ACTS: Final[Mapping[str, Act]] = {
    "acknowledge": lambda visit, ref, given: subject_request.acknowledge(
        ref, spoken=visit.given("tell") == "spoken", **given
    ),
    "identify": lambda _visit, ref, given: subject_request.identify(ref, **given),
    "doubt": lambda visit, ref, given: subject_request.doubt(ref, visit.given("note"), **given),
    "extend": lambda visit, ref, given: subject_request.extend(
        ref, visit.given("reason"), note=visit.given("note"), **given
    ),
    "pause": lambda visit, ref, given: subject_request.pause(
        ref, visit.given("ground"), note=visit.given("note"), **given
    ),
    "resume": lambda _visit, ref, given: subject_request.resume(ref, **given),
    "link": lambda visit, ref, given: subject_answer.link(ref, visit.given("change"), **given),
    "copy": lambda visit, ref, given: copies.build(ref, language=visit.language, **given),
    "answer": lambda visit, ref, given: subject_answer.answer(
        ref, part=bool(visit.given("part")), note=visit.given("note"), **given
    ),
    "refuse": lambda visit, ref, given: subject_answer.refuse(
        ref, visit.given("ground"), note=visit.given("note"), **given
    ),
    "appeal": lambda visit, ref, given: subject_answer.appeal(ref, note=visit.given("note"), **given),
    "state": lambda visit, ref, given: subject_answer.state_disagreement(ref, visit.given("text"), **given),
}


def _one(visit: Visit, ref: str, *, errors: list[Error] | None = None, status: int = 200) -> HttpResponse:
    found = reading.one(ref, actor=visit.actor, at=visit.at, language=visit.language)
    context = {
        "asked": shown.row(found.line, visit),
        "panel": shown.panel(found, visit),
        "handles": may(visit.actor, Verb.PRIVACY_HANDLE),
        "errors": errors or [],
    }
    return visit.show("console/privacy_request.html", context, here="privacy", status=status)


def _download(visit: Visit, ref: str) -> HttpResponse:
    made = subject_answer.hand_over(ref, actor=visit.actor, at=visit.at)
    answer = HttpResponse(made.data, content_type=copies.MEDIA)
    answer.headers["Content-Disposition"] = f'attachment; filename="{copies.name_of(made.ref)}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@page("GET", "HEAD")
def disclosures(visit: Visit, key: UUID) -> HttpResponse:
    """Show who was given what of a customer's data."""
    subject = SubjectId(key)
    found = recipients.register(subject, actor=visit.actor, at=visit.at, language=visit.language)
    panel = customer.customer(subject, actor=visit.actor, at=visit.at, language=visit.language)
    asked = reading.of_subject(panel.id, actor=visit.actor, at=visit.at, language=visit.language)
    context = {
        "customer": {"name": panel.title, "masked": panel.title_masked, "url": visit.url("customer", panel.id)},
        "rows": [shown.disclosure(one) for one in found],
        "asked": [shown.row(one, visit) for one in asked],
    }
    return visit.show("console/privacy_disclosures.html", context, here="privacy")
