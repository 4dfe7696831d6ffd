"""Looks, reveals and broken glass in the words of the pages."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.channels.console.show.shell import ROLES
from changedesk.channels.console.visit import Visit
from changedesk.reading.seen import GlassLine, SeenLine
from changedesk.rules.seeing import GLASS_REASONS, REVEAL_REASONS

KINDS: Final[Mapping[str, Any]] = {
    "record.viewed": gettext_lazy("Record viewed"),
    "record.searched": gettext_lazy("Found by a search"),
    "value.revealed": gettext_lazy("Value revealed"),
    "glass.broken": gettext_lazy("Glass broken"),
    "glass.reviewed": gettext_lazy("Broken glass reviewed"),
}
PURPOSES: Final[Mapping[str, Any]] = {
    "customer_asks": gettext_lazy("The customer asks what we hold"),
    "reach_customer": gettext_lazy("To reach the customer"),
    "correct_record": gettext_lazy("To put the record right"),
    "fraud_review": gettext_lazy("Review of a suspicion of fraud"),
    "legal_request": gettext_lazy("Request of an authority or a court"),
    "other_system": gettext_lazy("Fault in another system"),
    "emergency": gettext_lazy("Emergency"),
    "verification_down": gettext_lazy("Verification does not work"),
    "fraud_in_progress": gettext_lazy("Fraud under way"),
    "authority_order": gettext_lazy("Order of an authority"),
    "customer_service": gettext_lazy("Serving customers"),
    "supervision": gettext_lazy("Supervision"),
    "compliance": gettext_lazy("Compliance"),
    "fraud_prevention": gettext_lazy("Prevention of fraud"),
    "data_protection": gettext_lazy("Data protection"),
    "audit": gettext_lazy("Audit"),
    "administration": gettext_lazy("Administration"),
    "connected_system": gettext_lazy("Connected system"),
    "operation": gettext_lazy("Operation of this installation"),
}
VERDICTS: Final[Mapping[str, Any]] = {
    "justified": gettext_lazy("Justified"),
    "not_justified": gettext_lazy("Not justified"),
}
_ROLES: Final = {role.value: word for role, word in ROLES.items()}


def reveal_reasons(chosen: str) -> list[dict[str, Any]]:
    """Return the reasons for a reveal; those that need a reference say so."""
    return [
        {"value": name, "label": _("%(reason)s (with reference)") % {"reason": PURPOSES[name]} if needs
         else PURPOSES[name], "selected": name == chosen}
        for name, needs in REVEAL_REASONS.items()
    ]  # fmt: skip


def glass_reasons(chosen: str) -> list[dict[str, Any]]:
    return [{"value": name, "label": PURPOSES[name], "selected": name == chosen} for name in GLASS_REASONS]


def look(one: SeenLine, visit: Visit) -> dict[str, Any]:
    """Return one line of who looked at whom."""
    of_all = one.kind.startswith("glass.")
    words = [str(_ROLES.get(role, "")) for role in one.role.split()]
    return {
        "at": one.at,
        "who": one.by.name or one.by.id,
        "who_url": f"{visit.url('access')}?actor={one.by.id}",
        "roles": _(", ").join(word for word in words if word),
        "what": KINDS[one.kind],
        "revealed": one.kind == "value.revealed",
        "found": one.found,
        "subject": "" if of_all else one.subject.hex[-6:],
        "subject_url": f"{visit.url('access')}?subject={one.subject}",
        "purpose": PURPOSES.get(one.purpose, one.purpose),
        "reference": one.reference,
        "note": one.note,
        "level": f"V{one.level}" if one.level else "",
        "fields": _(", ").join(one.fields),
        "glass": bool(one.glass) and not of_all,
    }


def glass(one: GlassLine, *, may_review: bool) -> dict[str, Any]:
    """Return one line of broken glass."""
    return {
        "id": one.id,
        "who": one.by.name or one.by.id,
        "reason": PURPOSES.get(one.reason, one.reason),
        "reference": one.reference,
        "level": f"V{one.level}",
        "at": one.started_at,
        "until": one.until,
        "running": one.running,
        "overdue": one.overdue,
        "may_review": may_review and not one.mine and not one.verdict,
        "verdict": VERDICTS.get(one.verdict, ""),
        "good": one.verdict == "justified",
        "reviewed_by": "" if one.reviewed_by is None else one.reviewed_by.name or one.reviewed_by.id,
        "reviewed_at": one.reviewed_at,
    }
