"""Policies: written, looked at beside what is in force and against the past, and published by a second person."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.show import words
from changedesk.channels.console.visit import Visit, page
from changedesk.flow import policies as flow
from changedesk.reading import policies as reading
from changedesk.rules.access import Verb, may
from changedesk.rules.limits import BOUNDS

STATES: Final = {
    "draft": gettext_lazy("Draft"),
    "in_force": gettext_lazy("In force"),
    "former": gettext_lazy("Former"),
}
CHANGES: Final = {
    "added": gettext_lazy("added"),
    "removed": gettext_lazy("removed"),
    "changed": gettext_lazy("changed"),
}
OUTCOMES: Final = {
    "same": gettext_lazy("The same"),
    "more": gettext_lazy("Would have needed more"),
    "less": gettext_lazy("Would have needed less"),
    "mixed": gettext_lazy("More of one thing, less of another"),
    "unknown": gettext_lazy("Not to be told: erased, or without its pack"),
}


LIMITS: Final = {
    "reveals_an_hour": gettext_lazy("Values that one person reveals in an hour"),
    "reveals_a_day": gettext_lazy("Values that one person reveals in a day"),
    "export_entries": gettext_lazy("Entries of the history in one file"),
    "glass_minutes": gettext_lazy("Minutes of broken glass"),
}


@page("GET", "HEAD", "POST")
def policies(visit: Visit) -> HttpResponse:
    """Show the policies; on POST keep a draft."""
    source, packs, places, industries, limits = reading.in_force(actor=visit.actor)
    given = {
        "source": source, "packs": ", ".join(packs), "jurisdictions": ", ".join(places),
        "industries": ", ".join(industries), **{name: str(value) for name, value in asdict(limits).items()},
    }  # fmt: skip
    errors: list[pages.Error] = []
    status = 200
    if visit.posted:
        given = {name: visit.given(name) for name in given}
        new = flow.NewPolicy(
            source=given["source"].replace("\r\n", "\n"),
            packs=_names(given["packs"]),
            jurisdictions=_names(given["jurisdictions"]),
            industries=_names(given["industries"]),
            limits=_limits(given),
        )
        try:
            return visit.to("policy", flow.write_policy(new, actor=visit.actor, at=visit.at))
        except Refusal as refusal:
            errors, status = _errors(refusal, visit, "source"), pages.status_of(refusal)
    rows = [
        {"url": visit.url("policy", one.number), "number": one.number, "word": STATES[one.state],
         "author": one.author.name, "at": one.written_at, "by": one.published_by.name if one.published_by else ""}
        for one in reading.policies(actor=visit.actor, language=visit.language)
    ]  # fmt: skip
    context = {"rows": rows, "given": given, "may_write": may(visit.actor, Verb.CONFIGURE_RULES), "errors": errors,
               "limits": [{"name": name, "label": word, "value": given[name], "least": BOUNDS[name][0],
                           "most": BOUNDS[name][1]} for name, word in LIMITS.items()]}  # fmt: skip
    return visit.show("console/policies.html", context, here="policies", status=status)


def _limits(given: Mapping[str, str]) -> dict[str, int]:
    """Return the limits that were typed; what is no number lies outside every bound, and is refused as such."""
    typed = {name: given[name] for name in LIMITS if given[name]}
    plain = {
        name for name, text in typed.items() if text.isascii() and text.isdecimal() and len(text) < len("1000000000")
    }
    return {name: int(text) if name in plain else -1 for name, text in typed.items()}


def _names(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _errors(refusal: Refusal, visit: Visit, field: str) -> list[pages.Error]:
    """Return what to show: with the rule and the place in it, which staff wrote themselves."""
    told = pages.of(refusal, language=visit.language, field=field)
    named = [str(refusal.data[name]) for name in ("rule", "rule_a", "rule_b", "why", "reason") if name in refusal.data]
    if "least" in refusal.data:
        limit = str(refusal.data["limit"])
        told = [{**one, "field": limit} for one in told]
        named += [str(LIMITS[limit]), _("From %(least)s to %(most)s") % refusal.data]
    return [{**one, "text": " ".join((one["text"], " · ".join(named)))} for one in told] if named else told


@page("GET", "HEAD", "POST")
def policy(visit: Visit, number: int) -> HttpResponse:
    """Show one policy beside what is in force, and what past requests would have needed; on POST publish it."""
    errors: list[pages.Error] = []
    status = 200
    if visit.posted:
        try:
            flow.publish_policy(number, actor=visit.actor, at=visit.at)
        except Refusal as refusal:
            errors, status = _errors(refusal, visit, ""), pages.status_of(refusal)
        else:
            messages.success(visit.request, _("Published. New requests are decided by it from now on."))
            return visit.to("policy", number)
    found = reading.policy_panel(number, actor=visit.actor, language=visit.language)
    tried = reading.simulate(number, actor=visit.actor)
    context: dict[str, Any] = {
        "number": number,
        "word": STATES[found.policy.state],
        "author": found.policy.author.name,
        "at": found.policy.written_at,
        "by": found.policy.published_by.name if found.policy.published_by else "",
        "source": found.source,
        "lines": found.lines,
        "rules": [{"rule": one.rule, "citation": one.citation, "word": CHANGES[one.change]} for one in found.rules],
        "settings": [(words.comma(was), words.comma(now)) for was, now in found.settings.values()],
        "limits": [(LIMITS[name], was, now) for name, (was, now) in found.limits.items()],
        "looked_at": tried.looked_at,
        "counts": [(word, tried.counts.get(name, 0)) for name, word in OUTCOMES.items()],
        "samples": [
            {"ref": one.ref, "more": words.comma(one.more), "less": words.comma(one.less)} for one in tried.samples
        ],
        "may_publish": found.may_publish,
        "errors": errors,
    }
    return visit.show("console/policy.html", context, here="policies", status=status)
