"""Refusals as pages and as the error summary of a form."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from changedesk.base.refusal import Refusal
from changedesk.channels.console.show import words
from changedesk.kinds import ManyBad
from changedesk.rules.values import BadValue

STATUS: Final[Mapping[str, int]] = {
    "unprocessable": 422,
    "conflict": 409,
    "forbidden": 403,
    "missing": 404,
    "stale": 412,
    "too_many": 429,
    "in_flight": 409,
    "unavailable": 503,
}
"""How a refusal counts, in HTTP (RFC 9110, RFC 6585)."""
_OWN_PAGE: Final = frozenset({403, 404, 409, 412, 429})
Error = dict[str, str]


def status_of(refusal: Refusal) -> int:
    return STATUS[refusal.status]


def answer(request: HttpRequest, refusal: Refusal, *, slug: str = "") -> HttpResponse:
    """Return the page that says no: what, why, and what to do next."""
    status = status_of(refusal)
    template = f"{status}.html" if status in _OWN_PAGE else "console/error.html"
    context: dict[str, Any] = {
        "title": _("This was not done"),
        "text": " ".join((_(refusal.sentence), *_named(refusal))),
        "do": _(refusal.hint) if refusal.hint else "",
        "trace_id": request.META.get("changedesk.trace", ""),
        "back_url": reverse("console:queue", args=[slug]) if slug and status != STATUS["missing"] else "/",
        "status": status,
    }
    return render(request, template, context, status=status)


def of(refusal: Refusal, *, language: str, field: str = "") -> list[Error]:
    """Return a refusal as lines of the error summary, each leading to its field where it has one."""
    if isinstance(refusal, ManyBad):
        return [one for item in refusal.refusals.values() for one in of(item, language=language)]
    if isinstance(refusal, BadValue):
        name = f"{refusal.path}.{refusal.part}" if refusal.part else refusal.path
        return [{"field": name, "text": refusal.reason_in(language)}]
    path = str(refusal.data.get("path", "")) or field
    said = (_(refusal.sentence), _(refusal.hint) if refusal.hint else "", *_named(refusal))
    return [{"field": path, "text": " ".join(part for part in said if part)}]


def _named(refusal: Refusal) -> list[str]:
    """Return what a refusal names as "here": until when, not before when, by which rule."""
    labels = {
        "until": _("Until: %(what)s."),
        "ends": _("Until: %(what)s."),
        "retry_at": _("Not before: %(what)s."),
        "rule": _("Rule: %(what)s."),
        "rules": _("Rule: %(what)s."),
    }
    return [label % {"what": _shown(refusal.data[name])} for name, label in labels.items() if refusal.data.get(name)]


def _shown(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return words.comma(sorted(str(one) for one in value))
    moment = parse_datetime(value) if isinstance(value, str) else value
    if isinstance(moment, datetime):
        return date_format(timezone.localtime(moment), _("j M Y, H:i"))
    return str(value)
