"""Who else may act on an account: representatives, family, members of a company; what each may do, until when."""

from collections.abc import Sequence
from typing import Final

from changedesk.base.refusal import Refusal
from changedesk.kinds.effects import Announce, Effect
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.refusals import GrantEnded, SlotIncomplete
from changedesk.kinds.slots import Slots
from changedesk.rules.status import today_in

SLOTS: Final = Slots("access", "person", ("person", "role", "scope"), "grant", "change", "revoke")
_BY_DEED: Final = frozenset({"representative", "executor", "attorney"})
"""Roles that rest on a document: identity and authority are two things, and each is proved."""


def operation_of(proposal: Proposal) -> str:
    """Name what values do: grant, change, revoke."""
    return SLOTS.operation(proposal.before, proposal.after)


def check(proposal: Proposal) -> Checked:
    """Want every permission whole: who, as what, to do what, on which authority; and its last day to come."""
    refusals: list[Refusal] = SLOTS.incomplete(proposal)
    for slot in SLOTS.touched(proposal.after):
        needs_deed = str(proposal.value(f"{slot}.role")) in _BY_DEED and proposal.value(f"{slot}.person") is not None
        if needs_deed and proposal.value(f"{slot}.mandate") is None:
            refusals.append(SlotIncomplete(missing=[f"{slot}.mandate"]))
        last = proposal.after.get(f"{slot}.until")
        if last is not None and str(last) < today_in(proposal.at, proposal.zone).isoformat():
            refusals.append(GrantEnded(path=f"{slot}.until"))
    return Checked(tuple(refusals), follows=SLOTS.emptied(proposal))


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Tell other systems which permission changed, without saying whose."""
    slots = SLOTS.touched(proposal.after)
    return [Announce("access.changed", {"operation": proposal.operation, "slots": slots})]


KIND = Kind(
    name="access_grant",
    label={"en": "Authorised persons", "de": "Berechtigte Personen", "ar": "الأشخاص المفوَّضون"},
    icon="users",
    notice_subject={
        "en": "who may act on your account",
        "de": "wer über Ihr Konto verfügen darf",
        "ar": "من يحق له التصرف في حسابك",
    },
    notice_words={},
    form_order=tuple(
        f"access.{n}.{part}" for n in range(1, 6) for part in ("person", "role", "scope", "until", "mandate")
    ),
    subjects=frozenset({"account"}),
    operations={
        "grant": {"en": "Authorise a person", "de": "Person berechtigen", "ar": "تفويض شخص"},
        "change": {"en": "Change a permission", "de": "Berechtigung ändern", "ar": "تغيير صلاحية"},
        "revoke": {"en": "Withdraw a permission", "de": "Berechtigung entziehen", "ar": "سحب صلاحية"},
    },
    check=check,
    operation_of=operation_of,
    effects=effects,
)
