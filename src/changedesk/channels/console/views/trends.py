"""What is asked and what changes: by day or month, by channel, by kind, and what became of customers and accounts."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from changedesk.channels.console.visit import Visit, page
from changedesk.reading import trends as reading
from changedesk.reading.trends import Line
from changedesk.rules.access import Verb

PERIODS: Final = (7, 30, 90, 365)
BY_DAY_MOST: Final = 31
MONTH: Final = len("2026-01")
BECAME: Final = {
    "activated": gettext_lazy("Activated"),
    "suspended": gettext_lazy("Suspended"),
    "reinstated": gettext_lazy("Reinstated"),
    "deactivated": gettext_lazy("Deactivated"),
    "reactivated": gettext_lazy("Reactivated"),
    "closed": gettext_lazy("Closed"),
    "reopened": gettext_lazy("Reopened"),
    "merged": gettext_lazy("Merged"),
    "unmerged": gettext_lazy("Merge undone"),
}


@page("GET", "HEAD", needs=Verb.QUEUE_READ)
def trends(visit: Visit) -> HttpResponse:
    """Show what was counted of the last days; of more than a month, by month."""
    asked = visit.request.GET.get("days", "")
    days = int(asked) if asked in {str(one) for one in PERIODS} else PERIODS[1]
    until = visit.at.astimezone(ZoneInfo(visit.client.time_zone)).date() + timedelta(days=1)
    found = reading.trends(since=until - timedelta(days=days), until=until, actor=visit.actor, language=visit.language)
    daily = days <= BY_DAY_MOST
    context = {
        "periods": [
            (one, ngettext("%(days)d day", "%(days)d days", one) % {"days": one}, one == days) for one in PERIODS
        ],
        "parts": [
            _part("time", _("By day") if daily else _("By month"), _("When"), _times(found.days, daily=daily)),
            _part("kinds", _("By kind of change"), _("Kind of change"), found.kinds),
            _part("channels", _("By channel"), _("Channel"), found.channels),
        ],
        "statuses": [
            {"month": date.fromisoformat(f"{one.month}-01"), "what": BECAME.get(one.what, one.what), "times": one.times}
            for one in reversed(found.statuses)
        ],
        "behind": found.behind,
    }
    return visit.show("console/trends.html", context, here="trends")


def _times(lines: Iterable[Line], *, daily: bool) -> list[Line]:
    """Return the days, or what they come to by month; the newest first."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.key if daily else line.key[:MONTH], []).append(line)
    return [
        Line(key, "", *(sum(getattr(one, name) for one in part) for name in reading.MEASURES))
        for key, part in sorted(found.items(), reverse=True)
    ]


def _part(name: str, title: str, head: str, lines: Iterable[Line]) -> dict[str, Any]:
    rows = list(lines)
    return {"name": name, "title": title, "head": head, "rows": [_row(name, one) for one in rows],
            "most": max((one.changed for one in rows), default=0)}  # fmt: skip


def _row(name: str, line: Line) -> dict[str, Any]:
    day = None
    if name == "time":
        day = date.fromisoformat(line.key if len(line.key) > MONTH else f"{line.key}-01")
    word = line.label or (_("Recorded without a request") if name == "kinds" else line.key)
    return {"day": day, "monthly": len(line.key) == MONTH, "channel": line.key if name == "channels" else "",
            "word": word, "asked": line.asked, "changed": line.changed, "ended": line.ended,
            "disputed": line.disputed}  # fmt: skip
