"""The ways to verify, in the shape of the page."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from changedesk.channels.console.show import words
from changedesk.channels.console.show.asking import by_path
from changedesk.reading.panels import CustomerPanel
from changedesk.reading.request_panels import RequestPanel
from changedesk.rules.identity import Offer

Shape = dict[str, Any]
_CONTACT_METHODS = {"email": "code_email", "phone": "code_sms"}
_ASKABLE = frozenset({"name", "date", "address", "reference", "national_id", "email", "phone"})


def methods(offers: Iterable[Offer], panel: CustomerPanel, chosen: str) -> list[Shape]:
    """Return every way, the strongest first; a way that may not be used says why."""
    known = by_path(panel)
    found = []
    for offer in offers:
        value = f"{offer.method}|{offer.path or ''}"
        field = known.get(offer.path or "")
        label = words.method(offer.method)
        found.append(
            {
                "key": value,
                "method": str(offer.method),
                "label": label if field is None else f"{label}: {field.label}",
                "hint": str(words.METHOD_HINTS.get(offer.method, "")),
                "sends_to": "" if field is None else field.text,
                "strength": f"V{offer.strength}",
                "available": offer.refused_reason is None,
                "why_not": str(words.WHY_NOT.get(offer.refused_reason or "", "")),
            }
        )
    first = next((item["key"] for item in found if item["available"]), "")
    wanted = chosen if any(item["key"] == chosen and item["available"] for item in found) else first
    return [{**item, "selected": item["key"] == wanted} for item in found]


def questions(panel: CustomerPanel) -> list[Shape]:
    """Return the fields that a caller may be asked about: those that hold something one can say."""
    return [
        {"value": item.path, "label": item.label}
        for group in panel.groups
        for item in group.fields
        if not item.empty and item.type in _ASKABLE
    ]


def new_contacts(asked: RequestPanel) -> list[Shape]:
    """Return the new contact points that must answer a code, and those that did."""
    if not asked.strip.new_contacts_needed:
        return []
    answered = {item.path for item in asked.challenges if item.purpose == "new_contact" and item.counts}
    return [
        {
            "path": row.path,
            "label": row.label,
            "value": f"{_CONTACT_METHODS[row.type]}|{row.path}",
            "to": row.after,
            "masked": row.masked,
            "method_word": words.method(_CONTACT_METHODS[row.type]),
            "answered": row.path in answered,
        }
        for row in asked.diff
        if row.label in asked.strip.new_contacts_needed and row.after and row.type in _CONTACT_METHODS
    ]


def attempts(asked: RequestPanel) -> list[Shape]:
    """Return what was tried for this request, newest first."""
    states = {
        "open": _("No answer yet"),
        "confirmed": _("Matched"),
        "failed": _("Not matched"),
        "expired": _("Ran out"),
        "void": _("Replaced"),
    }
    return [
        {
            "at": item.started_at,
            "method_word": words.method(item.method),
            "by": item.by.name,
            "word": states.get(item.state, item.state),
            "matched": item.state == "confirmed",
        }
        for item in reversed(asked.challenges)
    ]
