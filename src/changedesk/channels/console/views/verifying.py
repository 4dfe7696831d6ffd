"""Verifying: who is on the line, whether they mean this change, and whether the new contact point answers.

The page never holds an expected answer. What was started is remembered in the session, by its id, so that a reload
starts nothing again.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import change as requests
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import policy, words
from changedesk.channels.console.show import verifying as shown
from changedesk.channels.console.visit import Visit, page
from changedesk.reading.customer import record as read
from changedesk.reading.panels import CustomerPanel
from changedesk.reading.request import request as read_request
from changedesk.reading.request_panels import RequestPanel

STARTED: Final = "started-challenges"
KEPT_MAX: Final = 20


@page("GET", "HEAD", "POST")
def verify(visit: Visit, key: UUID) -> HttpResponse:
    """Show the ways to verify; on POST start one, or check an answer."""
    subject = SubjectId(key)
    panel = read(subject, actor=visit.actor, at=visit.at, language=visit.language)
    ref = visit.request.GET.get("change", "") or visit.given("change")
    asked = None
    if ref:
        asked = read_request(ref, actor=visit.actor, at=visit.at, language=visit.language)
        if asked.person != subject:
            raise NotFound
    if not visit.posted:
        return _answer(visit, panel, asked, challenge=started(visit, visit.request.GET.get("challenge", "")))
    challenge = started(visit, visit.given("challenge"))
    try:
        if visit.given("action") == "answer":
            return _check(visit, panel, asked, challenge)
        return _start(visit, panel, asked)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="method")
        return _answer(visit, panel, asked, challenge=challenge, errors=errors, status=pages.status_of(refusal))


def _start(visit: Visit, panel: CustomerPanel, asked: RequestPanel | None) -> HttpResponse:
    method, _sep, path = visit.given("method").partition("|")
    if not method:
        errors = [{"field": "method", "text": _("Choose a way to check.")}]
        return _answer(visit, panel, asked, errors=errors, status=422)
    if method == "knowledge":
        path = visit.given("question")
    purpose = "caller" if asked is None else "change"
    if asked is not None and visit.given("purpose") == "new_contact":
        purpose = "new_contact"
    made = flow.challenge(
        panel.id,
        purpose=purpose,
        method=method,
        path=path or None,
        ref=None if asked is None else asked.ref,
        actor=visit.actor,
        at=visit.at,
    )
    remember(visit, made, path)
    query = f"?challenge={made.id}"
    return visit.to("verify", panel.id, query=query if asked is None else f"{query}&change={asked.ref}")


def _check(
    visit: Visit, panel: CustomerPanel, asked: RequestPanel | None, challenge: dict[str, Any] | None
) -> HttpResponse:
    if challenge is None:
        errors = [{"field": "method", "text": _("Start a check first.")}]
        return _answer(visit, panel, asked, errors=errors, status=422)
    answer = "reached" if challenge["method"] == "callback" else visit.given("code")
    if not answer:
        errors = [{"field": "code", "text": _("Type what the customer says.")}]
        return _answer(visit, panel, asked, challenge=challenge, errors=errors, status=422)
    found = flow.confirm(UUID(challenge["id"]), answer, actor=visit.actor, at=visit.at)
    if not found.matched:
        challenge["tries_left"] = found.tries_left
        keep(visit, challenge)
        left = ngettext("%(left)d try is left.", "%(left)d tries are left.", found.tries_left)
        text = f"{_('Not matched.')} {left % {'left': found.tries_left}}"
        again = challenge if found.tries_left else None
        return _answer(
            visit, panel, asked, challenge=again, errors=[{"field": "code" if again else "", "text": text}], status=422
        )
    if asked is None:
        text = _("Matched. The caller is verified at V%(level)d.") % {"level": found.level}
        if found.level == 0:
            text = _("Matched, and worth V0: verify in another way before you show or change anything.")
        messages.success(visit.request, text)
        return visit.to("customer", panel.id)
    messages.success(visit.request, _("Matched."))
    return visit.to("change", asked.ref)


def remember(visit: Visit, made: flow.Challenged, path: str) -> None:
    keep(
        visit,
        {
            "id": str(made.id),
            "method": made.method,
            "purpose": made.purpose,
            "path": path,
            "to": made.to_masked,
            "until": made.expires_at.isoformat(),
            "tries_left": made.tries_left,
        },
    )


def keep(visit: Visit, challenge: dict[str, Any]) -> None:
    known = {**visit.request.session.get(STARTED, {}), challenge["id"]: challenge}
    visit.request.session[STARTED] = dict(list(known.items())[-KEPT_MAX:])


def started(visit: Visit, challenge: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = visit.request.session.get(STARTED, {}).get(challenge)
    return found


def _answer(
    visit: Visit,
    panel: CustomerPanel,
    asked: RequestPanel | None,
    *,
    challenge: dict[str, Any] | None = None,
    errors: list[Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    ref = None if asked is None else asked.ref
    offers = [] if panel.erased else flow.offers(panel.id, ref=ref, actor=visit.actor, at=visit.at)
    needed = 0 if asked is None else asked.strip.level_needed
    methods = shown.methods(offers, panel, visit.given("method"))
    context: dict[str, Any] = {
        "customer": people.head(panel),
        "badge": people.badge(panel),
        "change": None if asked is None else {**requests.head(asked, visit), "rows": requests.rows(asked)},
        "needed_word": policy.level_word(needed) if needed else "",
        "proved": asked is not None and policy.proved(asked.strip),
        "methods": methods,
        "can_question": any(item["available"] for item in methods if item["method"] == "knowledge"),
        "questions": shown.questions(panel),
        "new_contacts": [] if asked is None else shown.new_contacts(asked),
        "challenge": None if challenge is None else opened(challenge),
        "attempts": [] if asked is None else shown.attempts(asked),
        "errors": errors or [],
    }
    return visit.show("console/verify.html", context, here="search", status=status)


def opened(challenge: dict[str, Any]) -> dict[str, Any]:
    until: datetime | None = parse_datetime(challenge["until"])
    return {
        **challenge,
        "method_word": words.method(challenge["method"]),
        "until": until,
        "kind": challenge["method"],
        "value": f"{challenge['method']}|{challenge['path']}",
    }
