"""How readers looked, who stands out among their peers, and certifying that their access was reviewed (U5)."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.how import once
from changedesk.channels.console.show import readers as words
from changedesk.channels.console.visit import YEARS, Visit, page
from changedesk.reading import readers as reading
from changedesk.reading.roles import roles_of
from changedesk.rules.access import Verb
from changedesk.rules.readers import VERDICTS

VERDICT: Final = "verdict."


@page("GET", "HEAD", "POST", needs=Verb.ACCESS_READ)
def readers(visit: Visit) -> HttpResponse:
    """Show the readers of a period of whole days; on POST certify them."""
    errors: list[pages.Error] = []
    status = 200
    first, last = _period(visit, errors)
    since, until = _instant(visit, first), _instant(visit, last + timedelta(days=1))
    if errors:
        status = 422
    elif visit.posted:
        try:
            _certify(visit, since, until)
        except Refusal as refusal:
            errors, status = pages.of(refusal, language=visit.language, field="since"), pages.status_of(refusal)
        else:
            messages.success(visit.request, _("Your review is on record, in the log."))
            return visit.to("readers", query=f"?since={first}&until={last}")
    try:
        found = reading.readers_of(since=since, until=until, actor=visit.actor, at=visit.at, language=visit.language)
    except reading.PeriodTooLong as refusal:
        errors, status = pages.of(refusal, language=visit.language, field="since"), pages.status_of(refusal)
        found = reading.Readers(since=since, until=until, items=(), may_certify=False)
    held = roles_of(since=since, until=until, actor=visit.actor, language=visit.language)
    certified = reading.certifications(actor=visit.actor, language=visit.language)
    context: dict[str, Any] = {
        "rows": [words.reader(one, visit, VERDICT) for one in found.items],
        "given": {"since": first.isoformat(), "until": last.isoformat()},
        "may_certify": found.may_certify and any(not one.mine for one in found.items),
        "over": until <= visit.at,
        "held": [words.role(one) for one in held],
        "certified": [words.certification(one) for one in certified],
        "submission": visit.given("submission") or uuid4().hex,
        "errors": errors,
    }
    return visit.show("console/readers.html", context, here="readers", status=status)


def _certify(visit: Visit, since: datetime, until: datetime) -> None:
    given = {name.removeprefix(VERDICT): text for name, text in visit.request.POST.items() if name.startswith(VERDICT)}
    verdicts = {who: str(text) for who, text in given.items() if text in VERDICTS}
    key = once(visit, b"")
    flow.certify_access(since, until, verdicts, actor=visit.actor, at=visit.at, key=key)


def _period(visit: Visit, errors: list[pages.Error]) -> tuple[date, date]:
    """Return the first and the last day: those asked for, or the whole month before this one."""
    month = visit.at.astimezone(ZoneInfo(visit.client.time_zone)).date().replace(day=1)
    last = month - timedelta(days=1)
    asked = visit.request.POST if visit.posted else visit.request.GET
    days = []
    for name, usual in (("since", last.replace(day=1)), ("until", last)):
        text = asked.get(name, "").strip()
        try:
            day = date.fromisoformat(text) if text else usual
        except ValueError:
            day = date.max
        if day.year not in YEARS:
            errors.append({"field": name, "text": _("Write a day.")})
            day = usual
        days.append(day)
    return days[0], days[1]


def _instant(visit: Visit, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(visit.client.time_zone))
