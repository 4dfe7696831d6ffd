"""The queue and the approvals, row by row."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.channels.console.show import customer as shown
from changedesk.channels.console.show import words
from changedesk.channels.console.show.policy import statement
from changedesk.reading.request_panels import ApprovalCard, QueueRow

if TYPE_CHECKING:
    from changedesk.channels.console.visit import Visit

Shape = dict[str, Any]
TABS = {
    "open": gettext_lazy("All open"),
    "customer": gettext_lazy("Waiting on the customer"),
    "approval": gettext_lazy("Waiting for approval"),
    "returned": gettext_lazy("Returned"),
    "waiting": gettext_lazy("Scheduled and held"),
    "done": gettext_lazy("Done"),
}


def tabs(visit: "Visit", chosen: str, *, mine: bool) -> list[Shape]:
    """Return the tabs; "mine" is what this person entered and is still open."""
    base = visit.url("queue")
    found = [
        {"label": label, "url": f"{base}?tab={tab}", "current": tab == chosen and not mine}
        for tab, label in TABS.items()
    ]
    return [{"label": _("Entered by me"), "url": f"{base}?tab=open&mine=1", "current": mine}, *found]


def pager(base: str, kept: Mapping[str, str], following: str | None, asked: Mapping[str, str]) -> Shape:
    """Return the way to the next page by keyset, and back to the first."""
    further = f"{base}?{urlencode({**kept, 'after': following})}" if following else ""
    return {"first_url": f"{base}?{urlencode(kept)}" if asked.get("after") else "", "next_url": further}


def row(item: QueueRow, visit: "Visit") -> Shape:
    return {
        "url": visit.url("change", item.ref),
        "ref": item.ref,
        "customer": item.title,
        "kind": item.kind,
        "kind_word": item.kind_label,
        "channel": item.channel,
        "state": item.state,
        "needs": "" if item.state.startswith("awaiting_") else str(words.NEEDS.get(item.needs, "")),
        "due_at": item.due_at,
        "late": item.due_at is not None and item.due_at < visit.at,
        "entered_by": item.entered_by.name,
        "mine": item.mine,
        "received_at": item.received_at,
    }


def card(item: ApprovalCard, visit: "Visit") -> Shape:
    """Return one request to decide on, as far as deciding needs it."""
    verified = words.comma(words.method(one) for one in item.verified)
    consent = ""
    if item.consent_needed is not None:
        consent = _("consent given: %(statement)s") if item.consent_given else _("no consent yet: %(statement)s")
        consent %= {"statement": statement(item.consent_needed)}
    return {
        **row(item.row, visit),
        "rows": shown.diff(item.diff),
        "note": item.note,
        "verified": f"V{item.level_reached}, {verified}" if verified else f"V{item.level_reached}",
        "consent": consent,
        "given": item.approvals_given,
        "needed": item.approvals_needed,
        "citations": [one.citation for one in item.rules if one.citation],
        "allowed": item.approve.allowed,
        "why_not": why_not(item.approve.reason, item.approve.hint),
    }


def why_not(reason: str, hint: str) -> str:
    """Return a refusal's sentence and what to do next, translated."""
    return " ".join(_(part) for part in (reason, hint) if part)
