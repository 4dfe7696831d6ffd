"""One request: all that is known of it, what may be done with it now, and consent to it."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import change as shown
from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import policy, words
from changedesk.channels.console.show.shell import allowed
from changedesk.channels.console.views.disputes import clear_up
from changedesk.channels.console.views.telling import line
from changedesk.channels.console.visit import YEARS, Visit, page
from changedesk.reading import forms as reading
from changedesk.reading.customer import customer as read_customer
from changedesk.reading.request import request as read
from changedesk.reading.request_panels import RequestPanel
from changedesk.rules.access import Verb


class ContentMoved(Refusal):
    """What this request asks for has changed since the page was opened."""

    code = "content-moved"
    hint = "Read it as it is now, and record the consent to that."
    status = "stale"


class NoDay(Refusal):
    """A day to come is needed here."""

    code = "day-missing"
    hint = "Write the day as YYYY-MM-DD."


@page("GET", "HEAD", "POST")
def change(visit: Visit, ref: str) -> HttpResponse:
    """Show a request; on POST do one of the things that need no page of their own."""
    if not visit.posted:
        return _show(visit, ref)
    try:
        said = _act(visit, ref)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language)
        return _show(visit, ref, errors=errors, status=pages.status_of(refusal))
    messages.success(visit.request, said)
    return visit.to("change", ref)


Seen = dict[str, Any]
"""The version that the page showed, who acts, and when."""


def _withdraw(visit: Visit, ref: str, seen: Seen) -> str:
    del visit
    flow.withdraw(ref, **seen)
    return _("Withdrawn.")


def _cancel(visit: Visit, ref: str, seen: Seen) -> str:
    flow.cancel(ref, reason=visit.given("reason"), **seen)
    return _("Cancelled.")


def _hold(visit: Visit, ref: str, seen: Seen) -> str:
    flow.hold(ref, reason=visit.given("reason"), until=_day(visit, "until", required=False), **seen)
    return _("On hold.")


def _release(visit: Visit, ref: str, seen: Seen) -> str:
    del visit
    flow.release(ref, **seen)
    return _("Released.")


def _apply_now(visit: Visit, ref: str, seen: Seen) -> str:
    del visit
    flow.apply_now(ref, **seen)
    return _("It is applied as soon as nothing else stands in the way.")


def _reschedule(visit: Visit, ref: str, seen: Seen) -> str:
    day = _day(visit, "effective_at")
    if day is None:
        raise NoDay
    flow.reschedule(ref, effective_at=day, **seen)
    return _("Another day is set.")


def _ask(visit: Visit, ref: str, seen: Seen) -> str:
    flow.ask_information(ref, message=visit.given("message"), **seen)
    return _("Sent back with your question.")


def _resolve(visit: Visit, ref: str, seen: Seen) -> str:
    del ref, seen
    return clear_up(visit)


ACTS: Final[Mapping[str, Callable[[Visit, str, Seen], str]]] = {
    "withdraw": _withdraw,
    "cancel": _cancel,
    "hold": _hold,
    "release": _release,
    "apply_now": _apply_now,
    "reschedule": _reschedule,
    "ask_information": _ask,
    "resolve": _resolve,
}
"""What the page of a request can do by itself. Each returns the word for what was done."""


def _act(visit: Visit, ref: str) -> str:
    act = ACTS.get(visit.given("action"))
    if act is None:
        raise NotFound
    return act(visit, ref, {"seen_version": visit.seen_version(), "actor": visit.actor, "at": visit.at})


def _day(visit: Visit, name: str, *, required: bool = True) -> datetime | None:
    """Return the beginning of a day by the client's clock. Raises NoDay."""
    text = visit.given(name)
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        if required or text:
            raise NoDay(path=name)
        return None
    return timezone.make_aware(datetime.combine(day, time.min))


def _show(visit: Visit, ref: str, *, errors: list[Error] | None = None, status: int = 200) -> HttpResponse:
    panel = read(ref, actor=visit.actor, at=visit.at, language=visit.language)
    customer = read_customer(panel.person, actor=visit.actor, at=visit.at, language=visit.language)
    over = shown.ended(panel)
    actions = shown.actions(panel.actions, over=over)
    if policy.proved(panel.strip) and panel.strip.new_contacts_confirmed:
        actions.pop("verify", None)
    may_verify = actions.get("verify", {}).get("allowed")
    may_consent = actions.get("record_consent", {}).get("allowed")
    reasons = reading.reasons(actor=visit.actor, language=visit.language)
    may = allowed(visit.actor)
    context: dict[str, Any] = {
        "change": shown.head(panel, visit),
        "badge": people.badge(customer),
        "over": over,
        "steps": shown.steps(panel),
        "rows": shown.rows(panel),
        "policy": policy.strip(
            panel.strip,
            verify_url=f"{visit.url('verify', panel.person)}?change={panel.ref}" if may_verify else "",
            consent_url=visit.url("consent", panel.ref) if may_consent else "",
            ended=over,
            applied=panel.applied_change is not None,
        ),
        "evidence": shown.evidence(panel),
        "approvals": shown.approvals(panel),
        "approvals_needed": panel.strip.approvals_needed,
        "notices": [line(item, visit) for item in panel.notices],
        "history": people.entries(panel.history, visit),
        "holds": [people.hold(item) for item in panel.holds],
        "disputes": _disputes(panel, can="resolve" in may),
        "actions": actions,
        "primary": _primary(panel, actions),
        "revert_url": visit.url("revert", panel.applied_change) if panel.applied_change and "revert" in may else "",
        "reasons": [{"value": item.code, "label": item.label} for item in reasons],
        "resolutions": words.RESOLUTIONS.items(),
        "errors": errors or [],
    }
    return visit.show("console/change.html", context, here="queue", status=status)


def _primary(panel: RequestPanel, actions: dict[str, Any]) -> str:
    """Return the word of the step that the request waits for, when this person may take it."""
    wanted = {"verification": "verify", "consent": "record_consent", "approval": "approve", "review": "revise",
              "information": "revise", "release": "release"}.get(panel.needs, "")  # fmt: skip
    return wanted if actions.get(wanted, {}).get("allowed") else ""


def _disputes(panel: RequestPanel, *, can: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id,
            "at": item.opened_at,
            "resolved_at": item.resolved_at,
            "resolution": words.RESOLUTIONS.get(item.resolution or "", ""),
            "can": can and item.resolved_at is None,
        }
        for item in panel.disputes
    ]


@page("GET", "HEAD", "POST", needs=Verb.CONSENT_RECORD)
def consent(visit: Visit, ref: str) -> HttpResponse:
    """Show the exact wording; on POST record that the customer agreed to just these words, or declined."""
    if not visit.posted:
        return _wording(visit, ref)
    try:
        if visit.given("action") == "declined":
            flow.withdraw(ref, seen_version=visit.seen_version(), actor=visit.actor, at=visit.at)
            messages.success(visit.request, _("The customer declined, so the request is withdrawn."))
        else:
            _record(visit, ref)
            messages.success(visit.request, _("Consent recorded."))
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="way")
        return _wording(visit, ref, errors=errors, status=pages.status_of(refusal))
    return visit.to("change", ref)


def _record(visit: Visit, ref: str) -> None:
    language = visit.given("language")
    panel = read(ref, actor=visit.actor, at=visit.at, language=language or visit.language)
    asked = panel.consent_asked
    if asked is not None and not (
        hmac.compare_digest(panel.digest.encode(), visit.given("digest").encode())
        and hmac.compare_digest(_hash(asked.wording).encode(), visit.given("statement_digest").encode())
    ):
        raise ContentMoved
    version = visit.given("statement_version")
    agreed = flow.Agreement(
        ref=ref,
        statement=visit.given("statement"),
        version=int(version) if version.isascii() and version.isdigit() and len(version) < len("1000000000") else 0,
        language=language,
        way=visit.given("way"),
        evidence_text=visit.given("reference"),
        digest=visit.given("digest") or None,
    )
    flow.record_consents([agreed], actor=visit.actor, at=visit.at).one()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _wording(visit: Visit, ref: str, *, errors: list[Error] | None = None, status: int = 200) -> HttpResponse:
    chosen = visit.request.GET.get("language", "") or visit.given("language")
    panel = read(ref, actor=visit.actor, at=visit.at, language=visit.language)
    asked = panel.consent_asked
    if asked is None and errors is None:
        messages.info(visit.request, _("No consent is needed here now."))
        return visit.to("change", ref)
    if asked is not None and chosen in asked.languages:
        # The page stays in the agent's language; the wording is in the customer's.
        asked = read(ref, actor=visit.actor, at=visit.at, language=chosen).consent_asked
    statement = None
    if asked is not None:
        statement = {
            "key": asked.statement,
            "name": policy.statement(asked.statement),
            "version": asked.version,
            "language": asked.language,
            "text": asked.wording,
            "digest": _hash(asked.wording),
        }
    context = {
        "change": {**shown.head(panel, visit), "rows": shown.rows(panel)},
        "statement": statement,
        "languages": [
            {
                "value": item,
                "label": translation.get_language_info(item)["name_local"],
                "selected": asked is not None and item == asked.language,
            }
            for item in (() if asked is None else asked.languages)
        ],
        "ways": [
            {"value": key, "label": label, "hint": hint, "selected": key == (visit.given("way") or "read_aloud")}
            for key, (label, hint) in words.WAYS.items()
        ],
        "reference_field": {
            "name": "reference",
            "label": _("Where the proof lies: call, letter or message"),
            "type": "text",
            "value": visit.given("reference") or panel.interaction,
            "max_length": 200,
            "autocomplete": "off",
        },
        "errors": errors or [],
    }
    return visit.show("console/consent.html", context, here="queue", status=status)
