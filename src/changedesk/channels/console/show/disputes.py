"""Disputes in the shape of the pages."""

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _

from changedesk.channels.console.show import customer, words
from changedesk.channels.console.visit import Visit
from changedesk.reading.disputes import DisputeRow

Shape = dict[str, Any]


def tabs(visit: Visit, *, resolved: bool) -> list[Shape]:
    base = visit.url("disputes")
    return [
        {"label": _("Waiting"), "url": base, "current": not resolved},
        {"label": _("Cleared up"), "url": f"{base}?state=resolved", "current": resolved},
    ]


def row(item: DisputeRow, visit: Visit, *, may: Collection[str]) -> Shape:
    """Return one dispute: the request, the freeze, what came out, and the ways on that this person has."""
    return {
        "id": item.id,
        "url": visit.url("change", item.request.ref),
        "ref": item.request.ref,
        "kind_word": item.request.kind_label,
        "state": item.request.state,
        "fields": item.request.fields,
        "customer": item.title,
        "customer_url": visit.url("customer", item.subject),
        "applied": item.applied_change is not None,
        "at": item.opened_at,
        "freeze": None if item.freeze is None else customer.hold(item.freeze),
        "resolved_at": item.resolved_at,
        "resolution": words.RESOLUTIONS.get(item.resolution or "", ""),
        "can_resolve": "resolve" in may and item.resolved_at is None,
        "revert_url": visit.url("revert", item.applied_change) if item.applied_change and "revert" in may else "",
    }
