"""Membership in the loyalty programme: enrol, reward, tier, leave."""

from collections.abc import Mapping, Sequence

from changedesk.base.json import State
from changedesk.kinds.effects import Announce, Effect
from changedesk.kinds.kind import Checked, Kind, Proposal

_ENROLLED, _TIER, _REWARD = "loyalty.enrolled", "loyalty.tier", "loyalty.reward"


def asked(operation: str, values: Mapping[str, object], _before: State) -> Mapping[str, object]:
    """Turn joining and leaving into the value that says so."""
    if operation in ("enrol", "leave"):
        return {**values, _ENROLLED: operation == "enrol"}
    return values


def operation_of(proposal: Proposal) -> str:
    """Name what values do: enrol, leave, change."""
    if _ENROLLED not in proposal.after:
        return "change"
    return "enrol" if proposal.after[_ENROLLED] else "leave"


def check(proposal: Proposal) -> Checked:
    """Clear what only a member has when the customer leaves."""
    left = [path for path in (_TIER, _REWARD) if proposal.value(path) is not None]
    return Checked(follows=dict.fromkeys(left) if proposal.operation == "leave" else {})


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Tell the loyalty system."""
    return [Announce("loyalty.changed", {"operation": proposal.operation})]


KIND = Kind(
    name="loyalty",
    label={"en": "Loyalty programme", "de": "Treueprogramm", "ar": "برنامج الولاء"},
    icon="gift",
    notice_subject={
        "en": "your loyalty membership",
        "de": "Ihre Mitgliedschaft im Treueprogramm",
        "ar": "عضويتك في برنامج الولاء",
    },
    notice_words={_REWARD: {"en": "your rewards", "de": "Ihre Prämien", "ar": "مكافآتك"}},
    form_order=(_ENROLLED, "loyalty.number", _TIER, _REWARD),
    initiators=frozenset({"customer", "business"}),
    operations={
        "enrol": {"en": "Join", "de": "Beitreten", "ar": "الانضمام"},
        "change": {"en": "Change the membership", "de": "Mitgliedschaft ändern", "ar": "تغيير العضوية"},
        "leave": {"en": "Leave", "de": "Austreten", "ar": "الانسحاب"},
    },
    asked=asked,
    operation_of=operation_of,
    check=check,
    effects=effects,
)
