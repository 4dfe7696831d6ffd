"""A request with its evidence, in the shape of the pages."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext as _

from changedesk.channels.console.show import customer as people
from changedesk.channels.console.show import policy, words
from changedesk.channels.console.visit import Visit
from changedesk.reading.request_panels import ActionView, ChallengeView, ConsentView, RequestPanel
from changedesk.rules.lifecycle import ENDINGS

Shape = dict[str, Any]
CUSTOMER_KEYS: Final = {
    "received": "received",
    "being processed": "being_processed",
    "action needed": "action_needed",
    "completed": "completed",
    "declined": "declined",
    "cancelled": "cancelled",
}
PURPOSES: Final = ("caller", "change", "new_contact")


def ended(panel: RequestPanel) -> bool:
    return panel.state in {state.value for state in ENDINGS}


def head(panel: RequestPanel, visit: Visit) -> Shape:
    """Return what a page says of a request before its details."""
    open_deadlines = [] if ended(panel) else list(panel.strip.deadlines)
    first = min(open_deadlines, key=lambda one: one.due_at, default=None)
    return {
        "ref": panel.ref,
        "version": panel.version,
        "digest": panel.digest,
        "kind": panel.kind,
        "kind_word": panel.kind_label,
        "operation": panel.operation,
        "state": panel.state,
        "customer": {"id": panel.person, "name": panel.title, "number": ""},
        "decided_by": "" if panel.initiated_by == "customer" else words.INITIATORS[panel.initiated_by],
        "account": None if panel.subject == panel.person else panel.subject,
        "channel": panel.channel,
        "interaction": panel.interaction,
        "requested_by": panel.requested_by.name,
        "entered_by": panel.entered_by.name,
        "on_behalf_of": panel.on_behalf_of,
        "received_at": panel.received_at,
        "due_at": None if first is None else first.due_at,
        "late": first is not None and first.overdue,
        "effective_at": panel.effective_at,
        "hold_until": panel.hold_until,
        "expires_at": None if ended(panel) else panel.expires_at,
        "reason": panel.reason_label,
        "note": panel.note,
        "message": panel.message,
        "public_word": CUSTOMER_KEYS.get(panel.word, panel.word),
        "reverts": panel.reverts,
        "url": visit.url("change", panel.ref),
    }


def rows(panel: RequestPanel) -> list[Shape]:
    return people.diff(panel.diff)


def steps(panel: RequestPanel) -> list[Shape]:
    """Return the stations that the request passes; those that policy does not ask for are left out."""
    return [
        {"name": words.STEPS.get(item.word, item.word), "state": words.STEP_STATES[item.state], "at": item.at}
        for item in panel.steps
        if item.state != "skipped"
    ]


def evidence(panel: RequestPanel) -> list[Shape]:
    """Return what was proved and agreed to, oldest first."""
    found = [_challenge(item) for item in panel.challenges] + [_consent(item) for item in panel.consents]
    return sorted(found, key=lambda item: item["at"])


def _challenge(item: ChallengeView) -> Shape:
    done = item.state == "confirmed"
    what = {
        "caller": _("The caller was verified: %(method)s"),
        "change": _("This change was confirmed: %(method)s"),
        "new_contact": _("The new contact point answered: %(method)s"),
    }
    if not done:
        what = dict.fromkeys(PURPOSES, _("Not confirmed: %(method)s"))
    facts = []
    if item.contact:
        facts.append({"label": item.label or _("Sent to"), "value": item.contact, "masked": True})
    if item.tries:
        facts.append({"label": _("Wrong answers"), "value": str(item.tries), "masked": False})
    return {
        "icon": "shield-check" if done else "shield-alert",
        "title": what[item.purpose] % {"method": words.method(item.method)},
        "at": item.decided_at or item.started_at,
        "words": _challenge_words(item),
        "facts": facts,
        "counts": item.counts,
        "void": not item.counts and done,
    }


def _challenge_words(item: ChallengeView) -> str:
    by = _("By %(who)s.") % {"who": item.by.name}
    if item.state == "confirmed":
        return by if item.counts else _("%(by)s It no longer counts for what is asked now.") % {"by": by}
    states = {
        "open": _("No answer yet."),
        "failed": _("Too many wrong answers."),
        "expired": _("Its time ran out."),
        "void": _("Replaced by a later one."),
    }
    return f"{by} {states.get(item.state, '')}".strip()


def _consent(item: ConsentView) -> Shape:
    way = words.WAYS[item.way][0] if item.way in words.WAYS else item.way
    said = [f"{way}.", _("Recorded by %(who)s.") % {"who": item.by.name}]
    if not item.counts:
        said.append(_("It no longer counts for what is asked now."))
    if not item.wording_as_stored:
        said.append(_("The wording shown here is not the one whose hash was stored."))
    return {
        "icon": "hand",
        "title": _("Consent given: %(statement)s") % {"statement": policy.statement(item.statement)},
        "at": item.given_at,
        "words": " ".join(said),
        "quote": item.wording,
        "language": item.language,
        "facts": [
            {"label": _("Wording"), "value": f"{item.version}, {item.language}", "masked": False},
            *([{"label": _("Reference"), "value": item.evidence, "masked": False}] if item.evidence else []),
        ],
        "counts": item.counts,
        "void": not item.counts,
    }


def approvals(panel: RequestPanel) -> list[Shape]:
    return [
        {
            "person": item.by.name,
            "decision": words.VERDICTS.get(item.verdict, item.verdict),
            "at": item.at,
            "reason": " · ".join(part for part in (item.reason.replace("_", " "), item.note) if part),
            "matches": item.counts,
        }
        for item in panel.decisions
    ]


_HIDDEN_WHEN: Final = frozenset({"forbidden", "not-now"})


def actions(found: Iterable[ActionView], *, over: bool) -> dict[str, Shape]:
    """Return what can be done, by word. What this person or this step has no business with is left out."""
    return {
        item.word: {"allowed": item.allowed, "why_not": " ".join(_(part) for part in (item.reason, item.hint) if part)}
        for item in found
        if item.allowed or not (over or item.code in _HIDDEN_WHEN)
    }
