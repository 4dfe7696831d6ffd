"""Data-subject requests in the words and tones of the pages."""

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from changedesk.channels.console.show import words
from changedesk.reading.recipients import Disclosure
from changedesk.reading.subject_requests import DataRequestLine, DataRequestPanel, Figures

if TYPE_CHECKING:
    from changedesk.channels.console.visit import Visit

SOON: Final = 10
"""Days left from which a badge warns."""
RIGHTS: Final = {
    "access": gettext_lazy("Access: a copy of the data"),
    "portability": gettext_lazy("Portability: data to take along"),
    "rectification": gettext_lazy("Rectification"),
    "erasure": gettext_lazy("Erasure"),
    "restriction": gettext_lazy("Restriction"),
    "objection": gettext_lazy("Objection"),
    "opt_out": gettext_lazy("Opt-out of sale, sharing, marketing"),
    "amendment": gettext_lazy("Amendment of a health or education record"),
    "accounting": gettext_lazy("Accounting of disclosures"),
}
STATES: Final = {
    "open": ("received", gettext_lazy("Open")),
    "answered": ("completed", gettext_lazy("Answered")),
    "refused": ("declined", gettext_lazy("Refused")),
    "appealed": ("disputed", gettext_lazy("Appealed")),
}
GROUNDS: Final = {
    "identity_unverified": gettext_lazy("The person could not be verified"),
    "manifestly_unfounded": gettext_lazy("Manifestly unfounded"),
    "excessive": gettext_lazy("Excessive, repeated"),
    "legal_obligation": gettext_lazy("A law obliges us to keep the data"),
    "legal_claims": gettext_lazy("Needed for legal claims (legal hold)"),
    "rights_of_others": gettext_lazy("Rights of others"),
    "accurate_and_complete": gettext_lazy("The record is accurate and complete"),
    "not_our_record": gettext_lazy("Not our record"),
    "fraudulent": gettext_lazy("Fraudulent"),
    "no_such_right": gettext_lazy("The law that applies gives no such right"),
    "withdrawn": gettext_lazy("Withdrawn by the person"),
}
DELAYS: Final = {
    "complex": gettext_lazy("It is complex"),
    "numerous": gettext_lazy("Many requests of this person"),
    "archived": gettext_lazy("Records come from an archive"),
}
PAUSES: Final = {
    "identity": gettext_lazy("More is needed to know who asks"),
    "clarification": gettext_lazy("It is not clear what is asked"),
}
DUTIES: Final = {
    "acknowledge": gettext_lazy("Confirm receipt"),
    "answer": gettext_lazy("Answer"),
    "honour": gettext_lazy("Do it"),
    "answer_appeal": gettext_lazy("Answer an appeal"),
}
UNITS: Final = {
    "hours": gettext_lazy("hours"),
    "days": gettext_lazy("days"),
    "business_days": gettext_lazy("business days"),
    "months": gettext_lazy("months"),
}
NOTES: Final = {
    "received": gettext_lazy("What was said"),
    "doubted": gettext_lazy("Reasonable doubt"),
    "extended": gettext_lazy("Why more time"),
    "paused": gettext_lazy("What was asked of the person"),
    "refused": gettext_lazy("What the refusal rests on"),
    "answered": gettext_lazy("Note to the answer"),
    "appealed": gettext_lazy("What the person objects"),
    "statement": gettext_lazy("The person's own statement"),
}
SORTS: Final = {
    "feed": gettext_lazy("Connected system, by the feed"),
    "system": gettext_lazy("Announced to holders of the data"),
    "hook": gettext_lazy("Own system, by a hook"),
    "evidence": gettext_lazy("Evidence bundle"),
    "export": gettext_lazy("File of the history"),
    "copy": gettext_lazy("Copy for the person"),
    "notice": gettext_lazy("Notice to the person"),
}
WHO: Final = {
    "person": gettext_lazy("The person"),
    "privacy_officer": gettext_lazy("The privacy officer, for the person"),
    "bundle": gettext_lazy("Whoever asked for the bundle"),
    "export": gettext_lazy("Whoever asked for the file"),
}


def badge(line: DataRequestLine) -> dict[str, Any]:
    """Return what the badge of a request says: how many days are left, and how loud."""
    if line.closed_at is not None:
        return {}
    if line.stopped:
        return {"tone": "quiet", "icon": "pause", "word": _("Clock stopped")}
    if line.overdue:
        late = max(-line.days_left, 0)
        word = ngettext("%(days)s day overdue", "%(days)s days overdue", late) % {"days": late}
        return {"tone": "danger", "icon": "clock-alert", "word": word}
    word = ngettext("%(days)s day left", "%(days)s days left", line.days_left) % {"days": line.days_left}
    tone = "warn" if line.days_left <= SOON else "info"
    return {"tone": tone, "icon": "clock", "word": word}


def row(line: DataRequestLine, visit: "Visit") -> dict[str, Any]:
    state, word = STATES[line.state]
    return {
        "url": visit.url("privacy_request", line.ref),
        "ref": line.ref,
        "right": RIGHTS[line.right],
        "name": line.name,
        "masked": line.name_masked,
        "customer_url": visit.url("customer", line.subject),
        "state": state,
        "word": word,
        "badge": badge(line),
        "identified": line.identified,
        "needed": line.needed,
        "level": line.level,
        "received_at": line.received_at,
        "due_at": line.due_at,
        "due_rule": line.due_rule,
        "acknowledge_by": line.acknowledge_by,
        "acknowledged_at": line.acknowledged_at,
        "channel": line.channel,
        "extended": line.extended,
        "stopped": line.stopped,
        "closed_at": line.closed_at,
        "outcome": line.outcome,
        "ground": GROUNDS.get(line.ground, ""),
    }


def panel(found: DataRequestPanel, visit: "Visit") -> dict[str, Any]:
    return {
        "jurisdictions": found.jurisdictions,
        "clocks": [
            {"duty": DUTIES.get(one.duty, one.duty), "rule": one.rule, "citation": one.citation, "amount": one.amount,
             "unit": UNITS[one.unit], "extend": one.extend}
            for one in found.clocks
        ],
        "extendable_to": found.extendable_to,
        "pauses": [(word, PAUSES[word]) for word in found.pauses],
        "steps": found.steps,
        "notes": [{"title": NOTES[one.step], "text": one.text, "by": one.by.name, "at": one.at} for one in found.notes],
        "linked": [
            {"url": visit.url("change", one.ref), "ref": one.ref, "word": one.kind_label, "state": one.state}
            for one in found.linked
        ],
        "holds": found.holds,
        "copy": found.copy,
        "may": found.may,
        "grounds": GROUNDS.items(),
        "delays": DELAYS.items(),
        "verify_url": visit.url("verify", found.line.subject),
        "ask_url": visit.url("change_new", found.line.subject),
        "disclosures_url": visit.url("privacy_disclosures", found.line.subject),
    }  # fmt: skip


def figure(one: Figures) -> dict[str, Any]:
    return {"right": RIGHTS[one.right], "one": one}


def disclosure(one: Disclosure) -> dict[str, Any]:
    times = one.times or 0
    return {
        "at": one.at,
        "until": one.until,
        "masked": one.masked,
        "times": ngettext("taken once", "taken %(times)s times", times) % {"times": times} if times else "",
        "sort": SORTS[one.sort],
        "to": WHO.get(one.recipient, one.recipient),
        "purpose": _("Events as they happen") if one.sort == "hook" else words.EVENTS.get(one.purpose, one.purpose),
        "fields": words.comma(one.labels),
        "certain": one.certain,
        "reference": one.reference,
        "by": one.by,
    }
