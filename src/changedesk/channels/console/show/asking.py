"""The page of a new change: its form, and what asking for it would do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _

from changedesk import flow
from changedesk.channels import forms
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import customer as shown
from changedesk.channels.console.show import words
from changedesk.channels.console.visit import Visit
from changedesk.reading.forms import Choice, KindForm
from changedesk.reading.panels import CustomerPanel, FieldView
from changedesk.rules.fields import Field
from changedesk.rules.values import display
from changedesk.rules.values.concern import Concern

Shape = dict[str, Any]


NOT_TYPED: Final = frozenset({"unmerge"})
"""Asked for from the merge that it undoes."""


def kind_groups(offered: Iterable[KindForm], chosen: str, panel: CustomerPanel, visit: Visit) -> list[Shape]:
    """Return the kinds to pick from, each with its address."""
    account = panel.type == "account"
    base = visit.url("account_change_new" if account else "change_new", panel.id)
    pages = {
        "merge": visit.url("account_duplicates" if account else "duplicates", panel.id),
        "ownership_transfer": visit.url("transfer", panel.id),
        "erasure": visit.url("erase", panel.id),
    }
    kinds = [
        {
            "key": item.kind,
            "label": item.label,
            "url": pages.get(item.kind, f"{base}?kind={item.kind}"),
            "current": item.kind == chosen,
        }
        for item in offered
        if item.kind not in NOT_TYPED
    ]
    return [{"name": _("Kinds of change"), "kinds": kinds}]


def _in_use(items: Iterable[Field], now: Mapping[str, FieldView]) -> list[Field]:
    """Return the fields to show: of numbered slots those in use and the first free one, so that a form stays short."""
    shown_, free = [], ""
    for item in items:
        slot = item.path.rsplit(".", 1)[0]
        if not slot.rsplit(".", 1)[-1].isdecimal():
            shown_.append(item)
            continue
        used = any(path.startswith(f"{slot}.") and not one.empty for path, one in now.items())
        free = free or ("" if used else slot)
        if used or slot == free:
            shown_.append(item)
    return shown_


def fields(
    form: KindForm, panel: CustomerPanel, plan: flow.Plan | None, errors: Iterable[Error], visit: Visit
) -> list[Shape]:
    """Return the fields of the form: the value of today beside each, what was typed, what is wrong with it."""
    now = by_path(panel)
    said = list(errors)
    shapes = []
    for item in _in_use(form.fields, now):
        control = forms.control(item, visit.request.POST, language=visit.language, region=form.region)
        standing = now.get(item.path)
        control["error"] = " ".join(one["text"] for one in said if one["field"] == control["name"])
        for part in control.get("parts", ()):
            part["error"] = " ".join(one["text"] for one in said if one["field"] == part["name"])
            control["opened"] = control.get("opened") or bool(part["error"])
        if standing is not None:
            control |= {
                "has_current": True,
                "current": standing.text,
                "current_masked": standing.masked,
                "removable": not standing.empty,
                "provenance": shown.source(standing, panel, visit),
            }
            if standing.pending:
                control["warning"] = _("An open request would change this already: %(ref)s.") % {
                    "ref": standing.pending
                }
        if plan is not None:
            control["normalised"] = _stored(item, plan, visit)
            control["warning"] = " ".join(
                [one.text(visit.language) for one in plan.concerns if one.path == item.path]
                or [str(control.get("warning", ""))]
            )
        shapes.append(control)
    return shapes


def _stored(item: Field, plan: flow.Plan, visit: Visit) -> str:
    """Return how a typed value will be kept, where that reads differently."""
    if plan.after.get(item.path) is None:
        return ""
    text = display(item, plan.after[item.path], visit.language)
    return "" if text == plan.wish.values.get(item.path) else text


def by_path(panel: CustomerPanel) -> Mapping[str, FieldView]:
    return {item.path: item for group in panel.groups for item in group.fields}


def rows(form: KindForm, panel: CustomerPanel, plan: flow.Plan, visit: Visit) -> list[Shape]:
    """Return what the plan changes. What stands now is shown as far as this person may see it."""
    now, known = by_path(panel), {item.path: item for item in form.fields}
    found = []
    for path, value in plan.after.items():
        standing = now.get(path)
        typed = path in plan.wish.values
        hidden = not typed and standing is not None and standing.masked
        found.append(
            {
                "label": known[path].label_in(visit.language) if path in known else path,
                "before": "" if standing is None else standing.text,
                "before_masked": standing is not None and standing.masked,
                "after": display(known[path], value, visit.language) if path in known and not hidden else "",
            }
        )
    return found


def acknowledge(plan: flow.Plan | None, visit: Visit) -> Shape | None:
    """Return the concerns to tick, once each; None when there are none."""
    return None if plan is None else to_tick(plan.concerns, visit)


def to_tick(concerns: Sequence[Concern], visit: Visit) -> Shape | None:
    """Return the same of the concerns themselves."""
    if not concerns:
        return None
    ticked = visit.request.POST.getlist("acknowledged")
    texts = {item.code: item.text(visit.language) for item in concerns}
    return {
        "name": "acknowledged",
        "label": _("Checked with the customer"),
        "type": "checkboxes",
        "required": True,
        "options": [{"value": code, "label": text, "selected": code in ticked} for code, text in texts.items()],
    }


def warnings(plan: flow.Plan | None, visit: Visit) -> list[Shape]:
    """Return what stands in the way of asking: open requests on the same fields."""
    if plan is None:
        return []
    return [
        {
            "tone": "warn",
            "title": _("An open request holds these fields"),
            "text": _("Finish or withdraw %(ref)s first.") % {"ref": ref},
            "url": visit.url("change", ref),
            "action": ref,
        }
        for ref in sorted(set(plan.conflicts.values()))
    ]


def around(reasons: Iterable[Choice], visit: Visit) -> Shape:
    """Return the questions that every kind has: who asks, by which channel, why, when."""
    channels = {key.value: label for key, label in words.CHANNELS.items()}
    whys = {item.code: item.label for item in reasons}
    return {
        "asker_field": choice("requested_by", _("Who is asking"), words.REQUESTERS, "customer", visit),
        "channel_field": choice("channel", _("How they reached us"), channels, "phone", visit),
        "interaction_field": {
            "name": "interaction",
            "label": _("Reference of the call, chat or letter"),
            "type": "text",
            "value": visit.request.POST.get("interaction", ""),
            "max_length": 100,
            "autocomplete": "off",
        },
        "reason_field": choice("reason", _("Reason"), whys, "customer_request", visit),
        "note_field": {
            "name": "note",
            "label": _("Note"),
            "type": "textarea",
            "hint": _("For colleagues. No card numbers, no passwords."),
            "value": visit.request.POST.get("note", ""),
            "max_length": 2000,
        },
        "effective_field": {
            "name": "effective_at",
            "label": _("Takes effect on"),
            "type": "date",
            "hint": _("Empty: as soon as policy allows."),
            "value": visit.request.POST.get("effective_at", ""),
        },
    }


def whose(form: KindForm, panel: CustomerPanel, visit: Visit) -> Shape:
    """Return the questions that only some kinds or accounts have: what is to be done, whose decision, who asks."""
    deciders = {item: words.INITIATORS[item] for item in form.initiators}
    holders = {str(item.id): item.title for item in panel.holders if item.until is None or item.until > visit.at}
    first = next(iter(holders), "")
    return {
        "operation_field": _operation(form, visit),
        "initiator_field": choice("initiated_by", _("Whose decision it is"), deciders, form.initiators[0], visit)
        if len(deciders) > 1
        else None,
        "person_field": choice("person", _("Which holder is asking"), holders, first, visit)
        if len(holders) > 1
        else None,
    }


def _operation(form: KindForm, visit: Visit) -> Shape | None:
    if not form.operations:
        return None
    offered = {"": _("As the values say"), **{item.code: item.label for item in form.operations}}
    return {**choice("operation", _("What is to be done"), offered, "", visit), "required": False}


def choice(name: str, label: str, options: Mapping[str, object], usual: str, visit: Visit) -> Shape:
    """Return a question with one answer of several: what was chosen, or what is usual."""
    chosen = visit.request.POST.get(name, usual)
    return {
        "name": name,
        "label": label,
        "type": "select",
        "required": True,
        "options": [{"value": key, "label": text, "selected": key == chosen} for key, text in options.items()],
    }
