"""An account changes hands: proposed for a customer who was found, then confirmed or declined by that customer."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.how import how, once
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import transferring as shown
from changedesk.channels.console.views.verifying import keep, opened, remember, started
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import transfer as reading
from changedesk.reading.customer import record as read
from changedesk.reading.search import search
from changedesk.rules.access import Verb


@page("GET", "HEAD", "POST", needs=Verb.REQUEST_PREVIEW)
def transfer(visit: Visit, key: UUID) -> HttpResponse:
    """Find the new holder, say what goes along, and propose the transfer."""
    panel = read(SubjectId(key), actor=visit.actor, at=visit.at, language=visit.language, type="account")
    if not visit.posted:
        return _propose(visit, panel)
    try:
        to = SubjectId(UUID(visit.given("to")))
    except ValueError:
        text = _("Find the new holder, and choose them from what was found.")
        errors = [] if visit.given("action") == "find" and visit.given("terms") else [{"field": "terms", "text": text}]
        return _propose(visit, panel, errors=errors, status=422 if errors else 200)
    if visit.given("action") == "find":
        return _propose(visit, panel)
    asked = sorted((name, value) for name, value in visit.request.POST.lists() if name != "csrfmiddlewaretoken")
    try:
        receipt = flow.propose_transfer(
            panel.id,
            to,
            how(visit, once(visit, urlencode(asked, doseq=True).encode())),
            keep=visit.request.POST.getlist("keep"),
            actor=visit.actor,
            at=visit.at,
        )
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language)
        return _propose(visit, panel, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, _("Asked for. The reference is %(ref)s.") % {"ref": receipt.ref})
    return visit.to("change", receipt.ref)


def _propose(visit: Visit, panel: Any, *, errors: list[Error] | None = None, status: int = 200) -> HttpResponse:
    terms = visit.given("terms") if visit.posted else ""
    found = search(terms, actor=visit.actor, at=visit.at, language=visit.language) if terms else []
    context: dict[str, Any] = {
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "terms": terms,
        "hits": shown.takers(found, panel, visit),
        "pending": visit.url("change", panel.transfer_pending) if panel.transfer_pending else "",
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
        **shown.around(panel, visit),
    }
    return visit.show("console/transfer.html", context, here="search", status=status)


@page("GET", "HEAD", "POST")
def new_holder(visit: Visit, ref: str) -> HttpResponse:
    """Show where a transfer stands; on POST let the new holder prove themselves for it, or decline it."""
    panel = reading.transfer(ref, actor=visit.actor, at=visit.at)
    challenge = started(visit, visit.given("challenge") or visit.request.GET.get("challenge", ""))
    if not visit.posted:
        return _standing(visit, panel, challenge)
    try:
        if visit.given("action") == "decline":
            flow.decline_transfer(ref, actor=visit.actor, at=visit.at)
            messages.success(visit.request, _("Declined. Both sides are told, and nothing changes."))
            return visit.to("change", ref)
        if visit.given("action") == "answer" and challenge is not None:
            return _check(visit, panel, challenge)
        method, _sep, path = visit.given("method").partition("|")
        made = flow.challenge_new_holder(ref, method=method, path=path or None, actor=visit.actor, at=visit.at)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="method")
        return _standing(visit, panel, challenge, errors=errors, status=pages.status_of(refusal))
    remember(visit, made, path)
    return visit.to("new_holder", ref, query=f"?challenge={made.id}")


def _check(visit: Visit, panel: reading.TransferPanel, challenge: dict[str, Any]) -> HttpResponse:
    answer = "reached" if challenge["method"] == "callback" else visit.given("code")
    if not answer:
        errors = [{"field": "code", "text": _("Type what the customer says.")}]
        return _standing(visit, panel, challenge, errors=errors, status=422)
    found = flow.confirm(UUID(challenge["id"]), answer, ref=panel.ref, actor=visit.actor, at=visit.at)
    if found.matched:
        messages.success(visit.request, _("Matched."))
        return visit.to("new_holder", panel.ref)
    challenge["tries_left"] = found.tries_left
    keep(visit, challenge)
    left = ngettext("%(left)d try is left.", "%(left)d tries are left.", found.tries_left)
    text = f"{_('Not matched.')} {left % {'left': found.tries_left}}"
    again = challenge if found.tries_left else None
    errors = [{"field": "code" if again else "", "text": text}]
    return _standing(visit, panel, again, errors=errors, status=422)


def _standing(
    visit: Visit,
    panel: reading.TransferPanel,
    challenge: dict[str, Any] | None,
    *,
    errors: list[Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    taker = read(panel.taker, actor=visit.actor, at=visit.at, language=visit.language)
    ended = shown.ended(panel)
    offers = [] if ended else flow.new_holder_offers(panel.ref, actor=visit.actor, at=visit.at)
    context: dict[str, Any] = {
        "transfer": shown.standing(panel, visit),
        "taker": people.head(taker),
        "methods": shown.methods(offers, taker, visit),
        "challenge": None if challenge is None or ended else opened(challenge),
        "errors": errors or [],
    }
    return visit.show("console/new_holder.html", context, here="queue", status=status)
