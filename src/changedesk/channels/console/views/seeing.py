"""Showing one masked value for a minute; who looked at whom; breaking the glass, and its review."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID, uuid4

from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import Forbidden, Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.show import customer as shown
from changedesk.channels.console.show import seeing as words
from changedesk.channels.console.visit import Visit, page
from changedesk.flow.glass import GlassUnclear
from changedesk.flow.seeing import NothingToReveal, SignInAgain
from changedesk.reading import seen
from changedesk.reading.client import limits
from changedesk.reading.customer import record as read
from changedesk.rules import seeing
from changedesk.rules.access import Verb, may

LIMIT: Final = 50
MINUTES: Final = (15, 30, 60)
"""What is offered, as far as the client's policy allows; its limit is always among them."""
_ACTOR: Final = re.compile(r"[a-z][a-z0-9._]{0,60}")


@page("GET", "HEAD", "POST")
def reveal(visit: Visit, key: UUID) -> HttpResponse:
    """Ask why one value is to be shown; on POST record it, and lead to where it is shown."""
    if not visit.posted:
        return _reveal(visit, key)
    try:
        made = flow.reveal(
            SubjectId(key),
            visit.given("field"),
            reason=visit.given("reason"),
            note=visit.given("note"),
            reference=visit.given("reference"),
            signed_in_at=_signed_in_at(visit),
            actor=visit.actor,
            at=visit.at,
        )
    except SignInAgain:
        back = f"{visit.url('reveal', key)}?{urlencode({'field': visit.given('field')})}"
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="reason")
        return _reveal(visit, key, errors=errors, status=pages.status_of(refusal))
    return visit.to("revealed", made.id)


def _signed_in_at(visit: Visit) -> datetime | None:
    """Return when this person last gave a password or a code."""
    times = [one["at"] for one in get_authentication_records(visit.request, visit.request.user)]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _reveal(visit: Visit, key: UUID, *, errors: list[pages.Error] | None = None, status: int = 200) -> HttpResponse:
    panel = read(SubjectId(key), actor=visit.actor, at=visit.at, language=visit.language)
    path = visit.given("field") or visit.request.GET.get("field", "")
    item = next((one for group in panel.groups for one in group.fields if one.path == path and not one.empty), None)
    if item is None:
        raise NothingToReveal(path="path")
    context = {
        "customer": shown.head(panel),
        "customer_url": visit.url(panel.type, panel.id),
        "item": {"path": path, "label": item.label, "masked": item.text},
        "reasons": words.reveal_reasons(visit.given("reason")),
        "given": {name: visit.given(name) for name in ("reference", "note")},
        "may_reveal": may(visit.actor, Verb.VALUE_REVEAL),
        "seconds": int(seeing.REVEALED_FOR.total_seconds()),
        "quota": limits(visit.actor.client).reveals_an_hour,
        "errors": errors or [],
    }
    return visit.show("console/reveal.html", context, here="search", status=status)


@page("GET", "HEAD")
def revealed(visit: Visit, key: UUID) -> HttpResponse:
    """Show a value that this person revealed, until its minute is over."""
    found = seen.revealed(ChangeId(key), actor=visit.actor, at=visit.at, language=visit.language)
    context = {
        "value": found,
        "watermark": visit.person.name,
        "back_url": visit.url(found.type, found.subject),
        "again_url": f"{visit.url('reveal', found.subject)}?field={found.path}",
    }
    response = visit.show("console/revealed.html", context, here="search")
    if not found.masked:
        # A time limit that is the point of the page (WCAG 2.2.1, essential); every browser honours the header.
        response.headers["Refresh"] = str(found.seconds_left + 1)
    return response


@page("GET", "HEAD")
def access(visit: Visit) -> HttpResponse:
    """Show who looked at whom: at one customer, by one person or system, in a time."""
    asked = visit.request.GET
    errors: list[pages.Error] = []
    subject, who = asked.get("subject", "").strip(), asked.get("actor", "").strip()
    since, until = (_instant(visit, asked.get(name, "").strip(), name, errors) for name in ("since", "until"))
    if subject and _subject(subject) is None:
        errors.append({"field": "subject", "text": _("Customer: paste the id that stands in the address of its page.")})
    if who and not _ACTOR.fullmatch(who):
        errors.append({"field": "actor", "text": _("Who: write s and a number for staff, k and a number for systems.")})
    wanted = None if errors else _subject(subject)
    found = seen.who_looked(
        actor=visit.actor,
        language=visit.language,
        subject=wanted,
        who=who if who and not errors else None,
        since=since,
        until=until,
        before=asked.get("before"),
        limit=LIMIT,
    )
    kept = {name: asked[name] for name in ("subject", "actor", "since", "until") if asked.get(name)}
    context = {
        "rows": [] if errors else [words.look(one, visit) for one in found.items],
        "page": {
            "first_url": _url(visit, kept) if asked.get("before") else "",
            "next_url": _url(visit, {**kept, "before": found.next}) if found.next and not errors else "",
        },
        "given": kept,
        "customer_url": "" if wanted is None else visit.url("customer", wanted),
        "viewers": [] if wanted is None else [
            {"who": one.by.name or one.by.id, "url": f"{visit.url('access')}?subject={wanted}&actor={one.by.id}",
             "views": one.views, "reveals": one.reveals, "first": one.first, "last": one.last}
            for one in seen.viewers(wanted, actor=visit.actor, at=visit.at, language=visit.language)
        ],
        "waiting": len(seen.broken_glass(actor=visit.actor, at=visit.at, language=visit.language, waiting=True)),
        "errors": errors,
    }  # fmt: skip
    return visit.show("console/access.html", context, here="access", status=422 if errors else 200)


def _url(visit: Visit, kept: Mapping[str, str]) -> str:
    return f"{visit.url('access')}?{urlencode(kept)}" if kept else visit.url("access")


def _subject(text: str) -> SubjectId | None:
    try:
        return SubjectId(UUID(text))
    except ValueError:
        return None


def _instant(visit: Visit, text: str, name: str, errors: list[pages.Error]) -> datetime | None:
    if not text:
        return None
    try:
        return visit.moment(text)
    except ValueError:
        errors.append({"field": name, "text": _("Write a day and a time.")})
        return None


@page("GET", "HEAD", "POST")
def break_glass(visit: Visit) -> HttpResponse:
    """Show broken glass and what waits for a review; on POST break it, or review somebody else's."""
    if not visit.posted:
        return _glass(visit)
    try:
        if visit.given("do") == "review":
            _review(visit)
            messages.success(visit.request, _("Your verdict is on record."))
        else:
            _break(visit)
            messages.success(visit.request, _("You see values now. Every record that you open is marked."))
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="reference")
        return _glass(visit, errors=errors, status=pages.status_of(refusal))
    return visit.to("break_glass")


def _break(visit: Visit) -> None:
    minutes = visit.given("minutes")
    flow.break_glass(
        level=2,
        minutes=int(minutes) if minutes in map(str, _minutes(visit)) else 0,
        reason=visit.given("reason"),
        reference=visit.given("reference"),
        actor=visit.actor,
        at=visit.at,
        key=flow.Once(f"console:{visit.given('submission') or uuid4().hex}", b""),
    )


def _minutes(visit: Visit) -> list[int]:
    most = limits(visit.actor.client).glass_minutes
    return [*(one for one in MINUTES if one < most), most]


def _review(visit: Visit) -> None:
    try:
        which = UUID(visit.given("glass"))
    except ValueError:
        raise GlassUnclear(path="glass") from None
    flow.review_break_glass(which, verdict=visit.given("verdict"), actor=visit.actor, at=visit.at)


def _glass(visit: Visit, *, errors: list[pages.Error] | None = None, status: int = 200) -> HttpResponse:
    actor = visit.actor
    reads, reviews = may(actor, Verb.ACCESS_READ), may(actor, Verb.ACCESS_REVIEW)
    lines = seen.broken_glass(actor=actor, at=visit.at, language=visit.language) if reads else ()
    context: dict[str, Any] = {
        "may_break": may(actor, Verb.ACCESS_BREAK_GLASS),
        "may_read": reads,
        "mine": seen.my_glass(actor=actor, at=visit.at),
        "lines": [words.glass(one, may_review=reviews) for one in sorted(lines, key=lambda one: bool(one.verdict))],
        "reasons": words.glass_reasons(visit.given("reason")),
        "minutes": [{"value": one, "selected": str(one) == visit.given("minutes")} for one in _minutes(visit)],
        "verdicts": list(words.VERDICTS.items()),
        "given": {"reference": visit.given("reference")},
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors or [],
    }
    if not context["may_break"] and not reads:
        raise Forbidden(verb=str(Verb.ACCESS_BREAK_GLASS))
    return visit.show("console/break_glass.html", context, here="break_glass", status=status)
