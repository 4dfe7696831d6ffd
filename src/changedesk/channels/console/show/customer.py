"""A customer's panel and timeline in the shape of the pages."""

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Any, Final

from django.utils.translation import gettext as _

from changedesk.channels.console.show import policy, words
from changedesk.channels.console.show.shell import initials
from changedesk.channels.console.visit import Visit
from changedesk.reading.panels import (
    ActorView,
    AsOf,
    CustomerPanel,
    Diff,
    EntryView,
    FieldView,
    Group,
    Hit,
    HoldView,
)
from changedesk.rules.access import Verb, may

Shape = dict[str, Any]


def head(panel: CustomerPanel) -> Shape:
    """Return the top of a customer's page, and what other pages name a customer by."""
    number = next((line for line in panel.accounts if line.number), None)
    return {
        "id": panel.id,
        "type": panel.type,
        "holder": next((str(item.id) for item in panel.holders if item.until is None), ""),
        "name": panel.title,
        "initials": initials(panel.title.replace("•", "").replace("*", "")) or "…",
        "number": "" if number is None else number.number,
        "status": panel.status,
        "overlays": ["on_hold"] if panel.holds else [],
        "erased": panel.erased,
    }


def badge(panel: CustomerPanel) -> Shape | None:
    """Return what the caller has proved; None when it is nothing."""
    if panel.level == 0 or panel.level_until is None:
        return None
    return {"level": f"V{panel.level}", "minutes_left": panel.level_minutes, "until": panel.level_until}


def groups(panel: CustomerPanel, visit: Visit) -> list[Shape]:
    """Return the fields that hold something, by group; the count of the empty ones stands below each."""
    return [_group(group, panel, visit) for group in panel.groups]


def _group(group: Group, panel: CustomerPanel, visit: Visit) -> Shape:
    held = [item for item in group.fields if not item.empty or item.pending]
    offered = may(visit.actor, Verb.VALUE_REVEAL)
    return {
        "kind": group.kind,
        "name": group.label,
        "icon": group.icon,
        "fields": [
            {
                "label": item.label,
                "value": item.text,
                "masked": item.masked,
                "provenance": source(item, panel, visit),
                "pending": visit.url("change", item.pending) if item.pending else "",
                "reveal": f"{visit.url('reveal', panel.id)}?field={item.path}" if item.masked and offered else "",
            }
            for item in held
        ],
        "empty": [item.label for item in group.fields if item.empty and not item.pending],
    }


def source(item: FieldView, panel: CustomerPanel, visit: Visit) -> Shape | None:
    """Return where a value came from, leading to the history of just this field."""
    if item.since is None:
        return None
    return {
        "since": item.since,
        "by": "" if item.by is None else item.by.name,
        "channel": item.channel,
        "verified": item.verified,
        "url": f"{visit.url(panel.type, panel.id)}?field={item.path}#timeline",
    }


def entries(found: Iterable[EntryView], visit: Visit, *, may: Collection[str] = (), version: int = 0) -> list[Shape]:
    """Return a history; a run of notices is told as one.

    Where ``may`` says so, changes of values lead to their undoing, versions before ``version`` to going back, and
    both to their evidence.
    """
    shapes: list[Shape] = []
    for kind, run in groupby(found, key=lambda item: item.kind):
        told = [_entry(item, visit, may=may, version=version) for item in run]
        if kind == SENT and len(told) > 1:
            told = [{**told[-1], "title": f"{told[-1]['title']} ×{len(told)}"}]  # noqa: RUF001 - the sign for "times"
        shapes += told
    return shapes


def _entry(item: EntryView, visit: Visit, *, may: Collection[str], version: int) -> Shape:
    revert = "revert" in may
    undoable = revert and item.is_change and item.fields and not item.kind.endswith(".created") and not item.erased
    return {
        "id": item.change,
        "at": item.recorded_at,
        "icon": ENTRY_ICONS.get(item.kind, "file-text"),
        "title": item.title,
        "url": visit.url("change", item.ref) if item.ref else "",
        "rows": diff(item.fields) if item.is_change else [],
        "note": _("Its values were erased.") if item.erased else "",
        "revert_url": visit.url("revert", item.change) if undoable else "",
        "restore_url": visit.url("restore", item.subject, item.version)
        if revert and item.is_change and item.version < version and not item.erased
        else "",
        "evidence_url": f"{visit.url('evidence')}?change={item.change}" if "evidence" in may and item.is_change else "",
        "provenance": {
            "by": item.actor.name,
            "on_behalf_of": item.on_behalf_of,
            "channel": "" if item.channel == "system" else item.channel,
            "verified": item.verification,
            "consent": _("consent: %(statement)s") % {"statement": policy.statement(item.consent)}
            if item.consent
            else "",
            "approved": _and(item.approvals),
            "index": item.index,
        },
    }


SENT: Final = "notice.sent"
ENTRY_ICONS: Mapping[str, str] = {
    "customer.created": "users",
    "account.created": "package",
    "change.applied": "circle-check",
    "change.recorded": "file-up",
    "change.reverted": "undo-2",
    "change.backdated": "history",
    "request.submitted": "inbox",
    "request.revised": "pencil",
    "request.information_asked": "circle-help",
    "identity.challenged": "shield",
    "identity.verified": "shield-check",
    "identity.failed": "shield-alert",
    "identity.lapsed": "shield-alert",
    "consent.recorded": "hand",
    "request.approved": "list-checks",
    "request.rejected": "circle-x",
    "request.withdrawn": "circle-minus",
    "request.cancelled": "circle-minus",
    "request.expired": "hourglass",
    "request.stale": "refresh-cw",
    "request.scheduled": "calendar-clock",
    "request.held": "pause",
    "hold.placed": "lock",
    "hold.released": "play",
    "request.disputed": "flag",
    "dispute.resolved": "check",
    "factor.bound": "key-round",
    "notice.sent": "send",
    "notice.failed": "triangle-alert",
    "notice.resent": "repeat",
}


def _and(people: Iterable[ActorView]) -> str:
    names = [item.name for item in people]
    return _("approved by %(people)s") % {"people": words.comma(names)} if names else ""


def diff(rows: Iterable[Diff]) -> list[Shape]:
    """Return what changes, field by field."""
    return [
        {
            "label": row.label,
            "before": row.before,
            "after": row.after,
            "before_masked": row.masked and bool(row.before),
            "after_masked": row.masked and bool(row.after),
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
        }
        for row in rows
    ]


def alerts(panel: CustomerPanel, visit: Visit) -> list[Shape]:
    """Return what must be known before anything is done for this customer."""
    found: list[Shape] = [
        {
            "tone": "danger",
            "title": _("The customer reported: this wasn't me"),
            "text": _("Nothing may change until somebody has cleared it up."),
            "url": visit.url("change", item.ref) if item.ref else "",
            "action": _("Open the request"),
        }
        for item in panel.disputes
    ]
    return found + [hold(item) for item in panel.holds]


def hold(item: HoldView) -> Shape:
    """Return a hold as a note: what it stops, and until when."""
    blocked = words.comma(words.block(one) for one in item.blocks)
    return {
        "tone": "warn",
        "title": _("On hold: %(what)s") % {"what": blocked},
        "until": item.ends_at,
        "text": _("Placed by %(who)s.") % {"who": item.by.name},
    }


def as_of(found: AsOf) -> list[Shape]:
    """Return the values of an instant, as facts."""
    return [
        {"label": item.label, "value": item.text, "masked": item.masked, "provenance": None}
        for item in found.values.values()
    ]


def hit(item: Hit, visit: Visit) -> Shape:
    """Return one line of a search's answer."""
    return {
        "id": item.id,
        "url": visit.url("customer", item.id) if item.ref is None else visit.url("change", item.ref),
        "name": item.title,
        "masked": item.masked,
        "contact": item.contact,
        "status": item.status,
        "ref": item.ref,
        "matched": str(words.MATCHED.get(item.matched, item.matched)),
    }
