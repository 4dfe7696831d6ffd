"""A profile at rest: it stays, nothing new is sold to it, and it wakes by itself where a last day was named."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from changedesk.base.json import State
from changedesk.base.refusal import Refusal
from changedesk.kinds.account_status.refusals import UntilPast
from changedesk.kinds.effects import Announce, Effect, Say
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.rules.status import end_of, today_in

_ACTIVE, _UNTIL = "inactivation.active", "inactivation.until"
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "inactivate": {"en": "Place the profile inactive", "de": "Profil ruhen lassen", "ar": "جعل الملف غير نشط"},
    "wake": {"en": "Make the profile active again", "de": "Profil wieder aktivieren", "ar": "إعادة تنشيط الملف"},
}


def asked(operation: str, typed: Mapping[str, object], _before: State) -> Mapping[str, object]:
    """Turn an operation, and the last day that was given, into values."""
    return {**typed, _ACTIVE: True} if operation == "inactivate" else {_ACTIVE: None, _UNTIL: None}


def operation_of(proposal: Proposal) -> str:
    """Name what the values do: inactivate (also for another last day) or wake."""
    stands = proposal.value(_ACTIVE) is True
    return "inactivate" if stands else "wake"


def check(proposal: Proposal) -> Checked:
    """Refuse a last day that is over; waking takes the day with it."""
    until = proposal.after.get(_UNTIL)
    refusals: tuple[Refusal, ...] = ()
    if until is not None and date.fromisoformat(str(until)) < today_in(proposal.at, proposal.zone):
        refusals = (UntilPast(path=_UNTIL),)
    return Checked(refusals, follows={} if proposal.value(_ACTIVE) is True else {_UNTIL: None})


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Say what holds when the rest is over, and tell other systems."""
    if operation_of(proposal) == "wake":
        return (Announce("profile.active", {}),)
    until = proposal.value(_UNTIL)
    if until is None:
        return (Say(_ACTIVE, value=True), Announce("profile.inactive", {"until": None}))
    ends = end_of(date.fromisoformat(str(until)), proposal.zone)
    lasting: list[Effect] = [Say(path, proposal.value(path)) for path in (_ACTIVE, _UNTIL)]
    after: list[Effect] = [Say(path, None, ends) for path in (_ACTIVE, _UNTIL)]
    return (*lasting, *after, Announce("profile.inactive", {"until": ends.isoformat()}))


KIND = Kind(
    name="inactivation",
    label={"en": "Inactive profile", "de": "Ruhendes Profil", "ar": "ملف غير نشط"},
    icon="pause",
    notice_subject={"en": "the rest of your profile", "de": "die Ruhe Ihres Profils", "ar": "حالة نشاط ملفك"},
    notice_words={},
    form_order=(_ACTIVE, _UNTIL),
    check=check,
    initiators=frozenset({"customer", "business"}),
    operations=LABELS,
    asked=asked,
    operation_of=operation_of,
    effects=effects,
)
