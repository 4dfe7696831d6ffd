"""A transfer of an account in the shape of the pages."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.channels.console.show import verifying, words
from changedesk.channels.console.show.asking import choice
from changedesk.channels.console.visit import Visit
from changedesk.reading import forms
from changedesk.reading.panels import CustomerPanel, Hit
from changedesk.reading.transfer import TransferPanel
from changedesk.rules.identity import FACTOR_CLASSES, Offer
from changedesk.rules.lifecycle import ENDINGS

Shape = dict[str, Any]
KEEPS: Final = {
    "plan": gettext_lazy("Plan and services"),
    "devices": gettext_lazy("Devices"),
    "loyalty": gettext_lazy("Loyalty points and tier"),
    "members": gettext_lazy("Members and their rights"),
}
_USUAL: Final = ("plan", "devices")


def ended(panel: TransferPanel) -> bool:
    return panel.state in {state.value for state in ENDINGS}


def takers(found: Iterable[Hit], panel: CustomerPanel, visit: Visit) -> list[Shape]:
    """Return the customers who were found and do not hold the account already."""
    holders = {item.id for item in panel.holders if item.until is None}
    chosen = visit.given("to")
    return [
        {
            "id": item.id,
            "name": item.title,
            "contact": item.contact,
            "masked": item.masked,
            "chosen": str(item.id) == chosen,
        }
        for item in found
        if item.ref is None and item.id not in holders
    ]


def around(panel: CustomerPanel, visit: Visit) -> Shape:
    """Return the questions of the form: who gives, what goes along, why, how it came up."""
    kept = visit.request.POST.getlist("keep") if visit.posted else list(_USUAL)
    whys = {item.code: item.label for item in forms.reasons(actor=visit.actor, language=visit.language)}
    channels = {key.value: label for key, label in words.CHANNELS.items()}
    holders = {str(item.id): item.title for item in panel.holders if item.until is None}
    return {
        "keep_field": {
            "name": "keep",
            "label": _("What goes along"),
            "hint": _("Whatever else the account holds of its holder ends with the transfer."),
            "type": "checkboxes",
            "options": [{"value": key, "label": label, "selected": key in kept} for key, label in KEEPS.items()],
        },
        "person_field": choice("person", _("Which holder gives it"), holders, next(iter(holders), ""), visit)
        if len(holders) > 1
        else None,
        "reason_field": choice("reason", _("Reason"), whys, "customer_request", visit),
        "channel_field": choice("channel", _("How they reached us"), channels, "phone", visit),
        "note": visit.given("note"),
    }


def standing(panel: TransferPanel, visit: Visit) -> Shape:
    """Return who has confirmed, and until when the other may."""
    return {
        "ref": panel.ref,
        "url": visit.url("change", panel.ref),
        "state": panel.state,
        "ended": ended(panel),
        "giver_url": "" if panel.giver is None else visit.url("customer", panel.giver),
        "taker_url": visit.url("customer", panel.taker),
        "account_url": "" if panel.account is None else visit.url("account", panel.account),
        "keep": [str(KEEPS.get(one, one)) for one in panel.keep],
        "giver_confirmed": panel.giver_confirmed,
        "taker_confirmed": panel.taker_confirmed,
        "expires_at": panel.expires_at,
        "verify_url": "" if panel.giver is None else f"{visit.url('verify', panel.giver)}?change={panel.ref}",
    }


def methods(offers: Iterable[Offer], taker: CustomerPanel, visit: Visit) -> list[Shape]:
    """Return the ways in which the new holder can answer: those that prove the possession of something of theirs."""
    found = verifying.methods(offers, taker, visit.given("method"))
    return [item for item in found if item["method"] in FACTOR_CLASSES]
