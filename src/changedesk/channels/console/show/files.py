"""What a page shows of a file that was sent: by which maps it can be read, and what would become of its rows."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from changedesk.base.actor import Actor
from changedesk.channels.bulk import (
    CustomerMap,
    Report,
    RequestReport,
    read_map,
    read_request_map,
    shipped,
    shipped_request_maps,
)
from changedesk.channels.bulk.report import Line
from changedesk.channels.console.show.policy import statement
from changedesk.reading import batches, imports
from changedesk.rules.access import Verb, may
from changedesk.rules.values.reasons import REASONS

REQUESTS, CUSTOMERS = "requests", "customers"
SHOWN: Final = 200
"""Rows that the page tells of one by one; the counts are of all."""
WORDS: Final = {
    "rows": gettext_lazy("Rows read"),
    "checked": gettext_lazy("Would go in"),
    "unchanged": gettext_lazy("Known already, unchanged"),
    "warned": gettext_lazy("Would go in, with a remark"),
    "refused": gettext_lazy("Refused"),
}
_ALWAYS: Final = ("rows", "checked", "refused")
OUTCOMES: Final = {"refused": gettext_lazy("Refused"), "warning": gettext_lazy("Goes in, with a remark")}


def offered(actor: Actor) -> tuple[str, ...]:
    """Return what this person may send files of: requests, customers. Who enters a file may follow it too."""
    found = {
        REQUESTS: may(actor, Verb.REQUEST_SUBMIT) and batches.may_read(actor),
        CUSTOMERS: may(actor, Verb.IMPORT_RUN) and may(actor, Verb.CUSTOMER_CREATE),
    }
    return tuple(what for what, allowed in found.items() if allowed)


def known(what: str) -> dict[str, str]:
    """Return the maps that come with the program and need this one file alone: what they read, by name."""
    if what == REQUESTS:
        return {name: read_request_map(name).about for name in shipped_request_maps()}
    maps = {name: read_map(name) for name in shipped()}
    return {name: one.about for name, one in maps.items() if isinstance(one, CustomerMap) and not one.joins}


def choices(actor: Actor, chosen: str) -> list[dict[str, Any]]:
    """Return the maps to choose from, in groups."""
    labels = {REQUESTS: _("Requests, entered as a batch"), CUSTOMERS: _("Customers, taken in")}
    own = {REQUESTS: _("A map of your own, for requests"), CUSTOMERS: _("A map of your own, for customers")}
    return [
        {
            "label": labels[what],
            "options": [
                {"value": f"{what}/{name}", "label": label, "selected": chosen == f"{what}/{name}"}
                for name, label in [*((key, _(about)) for key, about in known(what).items()), ("", own[what])]
            ],
        }
        for what in offered(actor)
    ]


def looked(report: Report, lines: Iterable[Line]) -> dict[str, Any]:
    """Return what a dry run found: counts, what policy would ask, why rows are refused, and which."""
    totals = report.totals()
    told = sorted((one for one in lines if one.outcome in OUTCOMES), key=lambda one: one.row)
    routes = sorted(report.routes.items()) if isinstance(report, RequestReport) else []
    rows = [
        {"row": one.row, "outcome": OUTCOMES[one.outcome], "code": words_of(one.code), "field": one.field}
        for one in told[:SHOWN]
    ]
    return {
        "counts": [(word, totals.get(name, 0)) for name, word in WORDS.items() if totals.get(name) or name in _ALWAYS],
        "routes": [route(*asked, count) for asked, count in routes],
        "reasons": [reason(imports.reason(code, path, n)) for (code, path), n in report.codes.most_common()],
        "rows": rows,
        "more": max(0, len(told) - SHOWN),
        "left_out": report.left_out,
        "stopped": bool(report.stopped),
        "new": bool(totals.get("checked")),
        "may_start": bool(report.rows) and not report.stopped,
    }


def reason(item: imports.RowReason) -> dict[str, Any]:
    """Return why rows stayed out, as the pages of files show it."""
    known_text = item.text or imports.reason(item.code, item.field, item.count).text
    own = REASONS.get(item.code, {}).get(get_language() or "", "")
    text = own or (_(known_text) if known_text else "")
    return {"code": words_of(item.code), "field": item.field, "text": text, "count": item.count}


def route(level: int, consent: str, approvals: int, count: int) -> dict[str, Any]:
    """Return how many requests policy asks the same of, with the consent's words."""
    return {"level": level, "consent": statement(consent) if consent else "", "approvals": approvals, "count": count}


def words_of(code: str) -> str:
    return code.replace("-", " ").replace("_", " ")
