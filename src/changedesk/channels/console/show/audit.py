"""The search of the history and one entry of it, in the shape of the pages."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.base.refusal import Refusal
from changedesk.channels.console.errors import Error
from changedesk.channels.console.show import customer, policy, words
from changedesk.reading import forms
from changedesk.reading.audit_search import Found, Line
from changedesk.reading.audit_search.event import Event, Verdict, Word
from changedesk.reading.audit_search.facets import FacetChoice

if TYPE_CHECKING:
    from changedesk.channels.console.visit import Visit

Shape = dict[str, Any]
COLUMNS: Final = {
    "whose": gettext_lazy("Record"),
    "by": gettext_lazy("By"),
    "channel": gettext_lazy("Channel"),
    "verified": gettext_lazy("Verification"),
    "reason": gettext_lazy("Reason"),
    "request": gettext_lazy("Request"),
    "fields": gettext_lazy("Fields"),
}
_FIRST: Final = ("whose", "by", "channel", "request")
FACETS: Final = {
    "action": gettext_lazy("Entry"),
    "channel": gettext_lazy("Channel"),
    "field": gettext_lazy("Field"),
    "actor": gettext_lazy("By"),
    "change": gettext_lazy("Kind of change"),
}
VERDICTS: Final = {
    Word.SOUND: ("ok", gettext_lazy("This entry is what was logged, and stands under the signed checkpoint.")),
    Word.WAITING: ("info", gettext_lazy("No checkpoint covers this entry yet. Ask again in a few seconds.")),
    Word.CHANGED: ("danger", gettext_lazy("This entry is not what was logged. Tell whoever runs the installation.")),
    Word.BROKEN: ("danger", gettext_lazy("The published log does not hold this entry, or is not signed by its key.")),
}


def columns(asked: Sequence[str]) -> list[Shape]:
    """Return the columns that can be shown, and which are."""
    chosen = [name for name in asked if name in COLUMNS] or _FIRST
    return [{"name": name, "word": word, "chosen": name in chosen} for name, word in COLUMNS.items()]


def found(page: Found, visit: "Visit", base: Sequence[tuple[str, str]]) -> Shape:
    """Return a page of a search. ``base``: what its addresses begin with."""
    kept = [*base, *(("col", name) for name in visit.request.GET.getlist("col"))]

    def to(**place: int | None) -> str:
        return f"{visit.url('audit')}?{urlencode([*kept, *place.items()])}"

    whys = _whys(visit)
    number = "" if page.count is None else number_format(page.count, use_l10n=True, force_grouping=True)
    return {
        "rows": [row(one, visit, whys) for one in page.items],
        "count": "" if page.count is None else number if page.exact else f"{number}+",
        "counted": "" if page.exact else number_format(page.counted, use_l10n=True, force_grouping=True),
        "facets": [
            {"word": FACETS[facet.key], "choices": [_choice(facet.key, one) for one in facet.choices]}
            for facet in page.facets
        ],
        "behind": page.behind,
        "newer_url": "" if page.newer is None else to(after=page.newer),
        "older_url": "" if page.older is None else to(before=page.older),
        "first_url": to() if page.count is None else "",
    }  # fmt: skip


def _choice(key: str, one: FacetChoice) -> Shape:
    label = _channel(one.value) if key == "channel" else one.label
    return {"label": label, "count": one.count, "chosen": one.chosen, "query": one.query}


def _channel(value: str) -> str:
    from changedesk.channels.console.templatetags.desk import CHANNELS  # noqa: PLC0415 - a tag library, loaded by Django

    return str(CHANNELS[value].word) if value in CHANNELS else value


def _whys(visit: "Visit") -> Mapping[str, str]:
    """Return the words of the client's reasons, by their codes."""
    return {item.code: item.label for item in forms.reasons(actor=visit.actor, language=visit.language)}


def row(line: Line, visit: "Visit", whys: Mapping[str, str]) -> Shape:
    view = line.view
    return {
        "url": visit.url("audit_entry", line.place),
        "place": line.place,
        "at": view.recorded_at,
        "icon": customer.ENTRY_ICONS.get(view.kind, "file-text"),
        "title": view.title,
        "whose": line.whose,
        "whose_masked": line.whose_masked,
        "by": view.actor.name,
        "channel": view.channel,
        "verified": view.verification,
        "reason": whys.get(view.reason, view.reason),
        "ref": view.ref or "",
        "ref_url": visit.url("change", view.ref) if view.ref else "",
        "fields": words.comma(one.label for one in view.fields),
    }


def event(found: Event, visit: "Visit") -> Shape:
    """Return one entry with everything that is known of it."""
    view, whys = found.line.view, _whys(visit)

    def to(place: int | None) -> str:
        return "" if place is None else visit.url("audit_entry", place)

    facts = [
        (_("By"), f"{view.actor.name} ({view.actor.id})"),
        (_("On behalf of"), view.on_behalf_of),
        (_("Channel"), _channel(view.channel)),
        (_("Verification"), view.verification),
        (_("Consent"), policy.statement(view.consent) if view.consent else ""),
        (_("Reason"), whys.get(view.reason, view.reason)),
        (_("Approved by"), words.comma(one.name for one in view.approvals)),
        (_("Rule"), words.comma(view.rules)),
        (_("Policy version"), str(found.policy) if found.policy else ""),
    ]
    return {
        **row(found.line, visit, whys),
        "facts": [(word, value) for word, value in facts if value],
        "rows": customer.diff(view.fields),
        "erased": view.erased,
        "before_url": to(found.before),
        "after_url": to(found.after),
        "change_before_url": to(found.change_before),
        "change_after_url": to(found.change_after),
        "change": view.change,
        "version": view.version,
        "leaf": found.leaf,
        "previous_leaf": found.previous_leaf,
        "size": found.size,
    }


def verdict(found: Verdict) -> Shape:
    """Return what a check came to, in a sentence."""
    tone, text = VERDICTS[found.word]
    return {"tone": tone, "text": text, "size": found.size, "root": found.root}


def placed(error: Error, refusal: Refusal) -> Error:
    """Return a line of the error summary with the place in the text, and what is nearest to what was typed."""
    place, nearest = refusal.data.get("place"), refusal.data.get("nearest")
    text = error["text"]
    if isinstance(place, int):
        text = f"{text} {_('At letter %(number)s.') % {'number': place + 1}}"
    if nearest:
        text = f"{text} {_('Nearest: %(what)s.') % {'what': nearest}}"
    return {"field": "query", "text": text}
