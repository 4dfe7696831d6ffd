"""Records that are one, in the shape of the pages; values as far as this person may see them."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk import flow
from changedesk.base.json import Value
from changedesk.channels.console.errors import of
from changedesk.channels.console.show import words
from changedesk.channels.console.show.asking import choice
from changedesk.channels.console.visit import Visit
from changedesk.kinds import find
from changedesk.reading import forms as reading
from changedesk.reading.merging import Candidate, Compared, LinkLine, WorkLine
from changedesk.reading.panels import CustomerPanel
from changedesk.rules.fields import Sensitivity
from changedesk.rules.survivorship import Rule, Side
from changedesk.rules.values import display, mask

Shape = dict[str, Any]
RULES: Final = {
    Rule.MOST_RECENT: gettext_lazy("the newer value"),
    Rule.MOST_COMPLETE: gettext_lazy("the more complete value"),
    Rule.VERIFIED_FIRST: gettext_lazy("the one that was verified"),
    Rule.SURVIVOR: gettext_lazy("the record that stays"),
    Rule.LONGEST: gettext_lazy("the longer value"),
    Rule.LEAST_PERMISSIVE: gettext_lazy("the stricter choice: a no outlives the merge"),
    Rule.ONLY: gettext_lazy("the only value there is"),
    Rule.CHOSEN: gettext_lazy("chosen by hand"),
}
WHY: Final = {
    "changed_since": gettext_lazy("The value that came with the merge was changed since."),
    "changed_while_merged": gettext_lazy("Changed while the records were one: whose change was it?"),
    "account_moved": gettext_lazy("The account was given to somebody else while the records were one."),
    "account_new": gettext_lazy("The account is new since the merge: whose is it?"),
}
ENDS: Final = {
    "stands": gettext_lazy("It is about how records stand, or whose they are: that does not go over to another one."),
    "undoes": gettext_lazy("It undoes a change of the record that goes, which stays there."),
    "erased": gettext_lazy("What was asked can be read by nobody any more."),
}
_CHOICE: Final = "side."
_PENDING: Final = "pending."


def candidate(item: Candidate, panel: CustomerPanel, visit: Visit) -> Shape:
    """Return a record that may be the same, with the way to compare the two."""
    name = "merge" if panel.type == "customer" else "account_merge"
    return {
        "name": item.title,
        "masked": item.title_masked,
        "status": item.status,
        "url": visit.url(panel.type, item.id),
        "score": item.score,
        "suggested": item.suggested,
        "reasons": item.reasons,
        "merge_url": visit.url(name, item.id, panel.id),
    }


def link(item: LinkLine, panel: CustomerPanel, visit: Visit, *, undo: bool) -> Shape:
    """Return a merge there has been; one that stands can be undone."""
    return {
        "into_here": item.survivor == panel.id,
        "since": item.since,
        "until": item.until,
        "url": visit.url("unmerge", item.id) if undo and item.until is None else "",
    }


def chosen(visit: Visit) -> dict[str, str]:
    """Return the sides that were chosen by hand, by path; where nothing was, the rules choose."""
    sides = {side.value for side in Side}
    return {
        name.removeprefix(_CHOICE): side
        for name, side in visit.request.POST.items()
        if name.startswith(_CHOICE) and isinstance(side, str) and side in sides
    }


def closed(visit: Visit) -> tuple[str, ...]:
    """Return the references of what somebody chose to end with the merge."""
    given = visit.request.POST.items()
    return tuple(name.removeprefix(_PENDING) for name, word in given if name.startswith(_PENDING) and word == "close")


def pending(foreseen: Iterable[flow.Pending], visit: Visit) -> list[Shape]:
    """Return what waits for the record that goes, and what becomes of each."""
    labels = {item.path: item.label_in(visit.language) for item in reading.fields(actor=visit.actor)}
    found = []
    for item in foreseen:
        asked, label = item.request, find(item.request.kind).label
        told = [one["text"] for one in of(item.refusal, language=visit.language)] if item.refusal is not None else []
        found.append(
            {
                "name": f"{_PENDING}{asked.ref}",
                "ref": asked.ref,
                "url": visit.url("change", asked.ref),
                "kind": label.get(visit.language, label["en"]),
                "fields": words.comma(labels[path] for path in asked.fields if path in labels),
                "by_hand": item.why in ("", "chosen"),
                "closed": item.why == "chosen",
                "why": " ".join(told) or str(ENDS.get(item.why, "")),
            }
        )
    return found


def rows(plan: flow.MergePlan, merged: CustomerPanel, survivor: CustomerPanel, visit: Visit) -> list[Shape]:
    """Return a row for each field in which the two differ: what each holds, which of them stays, and by which rule."""
    known = {item.path: item for item in reading.fields(actor=visit.actor)}
    opened = merged.open and survivor.open
    found = []
    for item in plan.choices:
        field = known.get(item.path)
        if field is None:
            continue
        clear = opened or field.sensitivity is Sensitivity.PUBLIC

        def text(value: Value, field: Any = field, clear: bool = clear) -> str:  # noqa: FBT001 - bound here
            if value is None:
                return ""
            return display(field, value, visit.language) if clear else mask(field, value, visit.language)

        here, there = (item.value, item.other) if item.source is Side.SURVIVOR else (item.other, item.value)
        by_hand = item.rule is Rule.CHOSEN
        found.append(
            {
                "name": f"{_CHOICE}{item.path}",
                "label": field.label_in(visit.language),
                "stays": text(here),
                "goes": text(there),
                "masked": not clear,
                "source": item.source.value,
                "rule": str(RULES[item.rule]),
                "chosen": item.source.value if by_hand else "",
            }
        )
    return found


def decided(found: Compared, foreseen: Iterable[flow.Pending], visit: Visit) -> Shape:
    """Return what somebody decides on who decides on a merge: whose values stay, and what becomes of what waits."""
    return {
        "moved": found.moved,
        "lines": [
            {
                "label": one.label,
                "stays": one.survivor,
                "goes": one.merged,
                "masked": one.masked,
                "source": one.source,
                "rule": str(RULES[Rule(one.rule)]),
            }
            for one in found.lines
        ],
        "pending": pending(foreseen, visit),
    }


def around(visit: Visit, panel: CustomerPanel, *, reason: str) -> Shape:
    """Return the questions that a merge and its undoing have: why, how it came up, whose decision, which holder."""
    whys = {item.code: item.label for item in reading.reasons(actor=visit.actor, language=visit.language)}
    channels = {key.value: label for key, label in words.CHANNELS.items()}
    deciders = {item: words.INITIATORS[item] for item in ("customer", "business")}
    holders = {str(item.id): item.title for item in panel.holders if item.until is None or item.until > visit.at}
    first = next(iter(holders), "")
    return {
        "reason_field": choice("reason", _("Reason"), whys, reason, visit),
        "channel_field": choice("channel", _("How it came up"), channels, "phone", visit),
        "initiator_field": choice("initiated_by", _("Whose decision it is"), deciders, "customer", visit),
        "person_field": choice("person", _("Which holder is asking"), holders, first, visit)
        if len(holders) > 1
        else None,
        "note": visit.given("note"),
    }


def parting(parts: flow.Parting, survivor: CustomerPanel, visit: Visit) -> Shape:
    """Return what an undoing gives back, and what it leaves to a person."""
    known = {item.path: item.label_in(visit.language) for item in reading.fields(actor=visit.actor)}
    return {
        "back": [known.get(item.path, item.path) for item in parts.back],
        "holdings": len(parts.returned),
        "left": [{"label": _what(known, what), "why": str(WHY.get(why, why))} for what, why in parts.work],
        "survivor_url": visit.url(survivor.type, survivor.id),
    }


def _what(known: dict[str, str], what: str) -> str:
    return known.get(what) or _("An account")


def work(item: WorkLine, visit: Visit) -> Shape:
    """Return one thing that is left to a person, with both records to compare."""
    return {
        "link": item.link,
        "what": item.what,
        "label": item.label or _("An account"),
        "why": str(WHY.get(item.why, item.why)),
        "at": item.at,
        "records": [
            {"url": visit.url("customer", one), "label": label}
            for one, label in ((item.survivor, _("The record that stayed")), (item.merged, _("The other record")))
        ],
    }
