"""What forms of undoing have in common: a choice for each field, the reason, and how we heard of it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import words
from changedesk.channels.console.show.asking import to_tick
from changedesk.channels.console.visit import Visit
from changedesk.flow.asking import NeedsAcknowledgement
from changedesk.reading import forms
from changedesk.rules.values.concern import Concern

Choices = dict[str, str | tuple[str, object]]


def choices(visit: Visit, fields: Sequence[flow.FieldRevert]) -> Choices:
    """Return the choice for each field; one without a choice is left to the verb, which asks for it."""
    found: Choices = {}
    for item in fields:
        choice = visit.given(f"choice.{item.path}")
        if choice == "custom":
            found[item.path] = ("custom", visit.given(f"custom.{item.path}"))
        elif choice in {"keep", "force"}:
            found[item.path] = choice
    return found


def errors(refusal: Refusal, visit: Visit) -> list[Error]:
    """Return a refusal as lines of the error summary; one that asks for choices leads to the first of them."""
    paths = refusal.data.get("paths")
    if refusal.code == "revert-conflicts" and isinstance(paths, list):
        text = " ".join((_(refusal.sentence), _(refusal.hint)))
        return [{"field": f"choice.{path}", "text": text} for path in paths[:1]]
    return pages.of(refusal, language=visit.language)


def acknowledge(refusals: Iterable[Refusal], visit: Visit) -> dict[str, Any]:
    """Return the box for what is to be checked with the customer first, where a refusal says so."""
    told = [one.data["concerns"] for one in refusals if one.code == NeedsAcknowledgement.code]
    concerns = [Concern(**one) for some in told if isinstance(some, list) for one in some]
    return {"acknowledge": to_tick(concerns, visit)}


def fields(visit: Visit) -> dict[str, Any]:
    """Return the boxes for the reason and the channel, as they were left."""
    reasons = forms.reasons(actor=visit.actor, language=visit.language)
    chosen, told = visit.given("reason") or "reversal", visit.given("channel") or "phone"
    return {
        "reason_field": {
            "name": "reason",
            "label": _("Reason"),
            "type": "select",
            "required": True,
            "options": [{"value": item.code, "label": item.label, "selected": item.code == chosen} for item in reasons],
        },
        "channel_field": {
            "name": "channel",
            "label": _("How we heard of it"),
            "type": "select",
            "required": True,
            "options": [
                {"value": item.value, "label": label, "selected": item == told}
                for item, label in words.CHANNELS.items()
            ],
        },
    }
