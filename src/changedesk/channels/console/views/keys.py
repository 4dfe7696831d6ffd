"""System, keys: every epoch of the client's keys, how far a renewal is, and beginning one."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.visit import Visit, page
from changedesk.flow import rotating
from changedesk.reading import keys as reading

PURPOSES: Final = {
    "kek": gettext_lazy("Key of the data keys"),
    "blind": gettext_lazy("Look-up key"),
    "meta": gettext_lazy("Key of who, how and why"),
    "code": gettext_lazy("Key of codes and repeats"),
    "log": gettext_lazy("Signature of the log"),
    "log_pq": gettext_lazy("Signature of the log, post-quantum"),
}
PHASES: Final = {
    "announced": pgettext_lazy("key", "Announced"),
    "in_use": pgettext_lazy("key", "In use"),
    "leaving": pgettext_lazy("key", "Still opens what is old"),
    "destroyed": pgettext_lazy("key", "Destroyed"),
}
STEPS: Final = {
    "announced": gettext_lazy("Every process gets to know the new key"),
    "in_use": gettext_lazy("Every process gets to use the new key"),
    "moving": gettext_lazy("What stands under the old key is written again"),
    "leaving": gettext_lazy("What is left under the old key goes"),
    "done": gettext_lazy("Done: nothing stands under the old key, and it is destroyed"),
}
RENEWED: Final = ("kek", "blind")


@page("GET", "HEAD", "POST")
def keys(visit: Visit) -> HttpResponse:
    """Show how the client's keys stand; on POST begin to renew one."""
    errors: list[pages.Error] = []
    status = 200
    if visit.posted:
        purpose = visit.given("purpose")
        try:
            rotating.renew_keys([purpose], actor=visit.actor, at=visit.at)
            messages.success(visit.request, _("The renewal has begun. Everybody works on meanwhile."))
            return visit.to("system_keys")
        except Refusal as refusal:
            errors, status = pages.of(refusal, language=visit.language), pages.status_of(refusal)
    found = reading.keys(actor=visit.actor)
    context: dict[str, Any] = {
        "renewals": [
            {
                "name": PURPOSES[one.purpose], "epoch": one.epoch, "step": STEPS[one.step], "done": one.done,
                "todo": max(one.todo, one.done), "old": one.old, "at": one.started_at, "ended": one.finished_at,
            }
            for one in found.renewals
        ],
        "epochs": [
            {
                "name": PURPOSES[one.purpose], "epoch": one.epoch, "master": one.master, "word": PHASES[one.phase],
                "gone": one.phase == "destroyed", "at": one.created_at,
            }
            for one in found.epochs
        ],
        "offered": [
            {"value": purpose, "label": PURPOSES[purpose]}
            for purpose in RENEWED
            if found.may_renew and found.running(purpose) is None
        ],
        "errors": errors,
    }  # fmt: skip
    return visit.show("console/system_keys.html", context, here="system_keys", status=status)
