"""Evidence for somebody who does not trust us: asked for here, handed over at once, and who took what before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels import evidence as bundles
from changedesk.channels.console import errors as pages
from changedesk.channels.console.show import words
from changedesk.channels.console.show.files import words_of
from changedesk.channels.console.visit import Visit, page
from changedesk.channels.evidence import handed
from changedesk.reading import forms
from changedesk.reading.evidence import Level, ScopeUnclear, Wanted
from changedesk.reading.evidence import taken as reading
from changedesk.reading.evidence.scope import PURPOSES
from changedesk.reading.evidence.taken import TakenView
from changedesk.reading.imports import reason
from changedesk.rules.access import Verb, may

LIMIT: Final = 50
PURPOSE_WORDS: Final = {
    "court_or_authority": gettext_lazy("Court or authority"),
    "legal_claim": gettext_lazy("Legal claim"),
    "customer_request": gettext_lazy("The customer asked for it"),
    "dispute": gettext_lazy("Dispute"),
    "complaint": gettext_lazy("Complaint"),
    "audit": gettext_lazy("Audit"),
    "investigation": gettext_lazy("Investigation"),
}
LEVEL_WORDS: Final = {
    Level.MASKED: gettext_lazy("Masked: public fields and who, how, why"),
    Level.FIELDS: gettext_lazy("Single fields, and nothing else"),
    Level.FULL: gettext_lazy("Everything but secrets"),
}
SCOPE_WORDS: Final = {
    "record": gettext_lazy("A customer or an account, by its id"),
    "request": gettext_lazy("A request, by its reference"),
    "change": gettext_lazy("One change, by its id"),
    "period": gettext_lazy("A period, all of it or of one actor"),
}


@page("GET", "HEAD", "POST")
def evidence(visit: Visit) -> HttpResponse:
    """Show what left the house; on POST make a bundle and hand it over. Each one made is on record."""
    if not visit.posted:
        return _answer(visit)
    try:
        made = _made(visit)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="which")
        return _answer(visit, errors=errors, status=pages.status_of(refusal))
    if isinstance(made, UUID):
        messages.success(
            visit.request, _("It is large, so it is made behind this page. Fetch it here when it is ready.")
        )
        return visit.to("evidence")
    answer = HttpResponse(made.data, content_type=bundles.MEDIA)
    answer["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return answer


def _made(visit: Visit) -> bundles.Bundle | UUID:
    if visit.given("fetch"):
        return handed.fetch(_id(visit.given("fetch")), actor=visit.actor)
    wanted = _again(visit) if visit.given("again") else _wanted(visit)
    return handed.ask(wanted, actor=visit.actor, at=visit.at, language=visit.language)


def _again(visit: Visit) -> Wanted:
    return reading.again(_id(visit.given("again")), actor=visit.actor, at=visit.at)


def _wanted(visit: Visit) -> Wanted:
    """Return what was asked for. Raises NotFound for what is no id, ScopeUnclear."""
    scope, which = visit.given("scope"), visit.given("which")
    if scope != "period" and not which:
        raise ScopeUnclear
    level = visit.given("level")
    return Wanted(
        purpose=visit.given("purpose"),
        level=Level(level) if level in set(Level) else Level.MASKED,
        fields=tuple(visit.request.POST.getlist("fields")) if level == Level.FIELDS else (),
        reference=visit.given("reference"),
        change=ChangeId(_id(which)) if scope == "change" else None,
        request=which if scope == "request" else None,
        record=SubjectId(_id(which)) if scope == "record" else None,
        actor=(visit.given("actor") or None) if scope == "period" else None,
        since=_instant(visit, "since") if scope == "period" else None,
        until=_instant(visit, "until") if scope == "period" else None,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _instant(visit: Visit, name: str) -> datetime:
    """Return a moment that was typed as the client's clocks show it."""
    try:
        return visit.moment(visit.given(name))
    except ValueError:
        raise ScopeUnclear from None


def _answer(visit: Visit, *, errors: list[pages.Error] | None = None, status: int = 200) -> HttpResponse:
    before = visit.request.GET.get("before")
    found = reading.taken(actor=visit.actor, language=visit.language, before=before, limit=LIMIT)
    base = visit.url("evidence")
    context: dict[str, Any] = {
        "given": _given(visit),
        "scopes": list(SCOPE_WORDS.items()),
        "purposes": [(name, PURPOSE_WORDS[name]) for name in PURPOSES],
        "levels": list(LEVEL_WORDS.items())[: None if may(visit.actor, Verb.VALUE_REVEAL) else 1],
        "fields": [
            (one.path, one.label_in(visit.language))
            for one in forms.fields(actor=visit.actor)
            if may(visit.actor, Verb.VALUE_REVEAL)
        ],
        "pending": [_pending(one) for one in handed.pending(actor=visit.actor)],
        "rows": [_row(one, visit) for one in found.items],
        "page": {"first_url": base if before else "", "next_url": f"{base}?before={found.next}" if found.next else ""},
        "errors": errors or [],
    }
    return visit.show("console/evidence.html", context, here="evidence", status=status)


def _given(visit: Visit) -> dict[str, Any]:
    """Return what the form starts with: as it was sent, or as the page said from which it was opened."""
    asked = visit.request.POST if visit.posted else visit.request.GET
    given: dict[str, Any] = {
        name: asked.get(name, "")
        for name in ("scope", "which", "actor", "since", "until", "level", "purpose", "reference")
    }
    for name in ("record", "request", "change"):
        if not visit.posted and asked.get(name):
            given |= {"scope": name, "which": asked[name]}
    if not visit.posted and asked.get("since"):
        given["scope"] = "period"
    return {**given, "fields": asked.getlist("fields")}


def _row(one: TakenView, visit: Visit) -> dict[str, Any]:
    scope = dict(one.scope)
    url = ""
    if "record" in scope:
        url = visit.url("customer", scope["record"])
    elif "request" in scope:
        url = visit.url("change", scope["request"])
    return {
        "id": one.id,
        "by": one.by.name,
        "at": one.at,
        "until": one.until if visit.at < one.until else None,
        "purpose": PURPOSE_WORDS.get(one.purpose, one.purpose),
        "reference": one.reference,
        "level": LEVEL_WORDS.get(Level(one.level), one.level) if one.level in set(Level) else one.level,
        "about": _about(scope),
        "url": url,
        "entries": one.entries,
        "manifest": one.manifest[:16],
    }


def _about(scope: Mapping[str, object]) -> str:
    return words.comma(f"{_(NAMES.get(name, name))}: {value}" for name, value in scope.items())


def _pending(one: handed.Pending) -> dict[str, Any]:
    refusal = reason(one.code, "", 1) if one.code else None
    return {
        "id": one.id,
        "state": "finished" if one.state == "ready" else one.state,
        "at": one.at,
        "until": one.ends_at,
        "about": _about(one.wanted.told()),
        "purpose": PURPOSE_WORDS.get(one.wanted.purpose, one.wanted.purpose),
        "reference": one.wanted.reference,
        "ready": one.state == "ready",
        "waits": one.state == "waiting",
        "code": words_of(one.code),
        "text": _(refusal.text) if refusal and refusal.text else "",
    }


NAMES: Final = {
    "record": "Record", "request": "Request", "change": "Change", "actor": "By", "since": "From", "until": "Until",
}  # fmt: skip
