"""An account changes hands: both parties confirm, and of the old holder's only what both agreed on goes along."""

from collections.abc import Mapping, Sequence
from typing import Final

from changedesk.base.refusal import Refusal
from changedesk.kinds.effects import Announce, Effect, Transfer
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.rules.fields import Sensitivity

TO, KEEP = "transfer.to", "transfer.keep"
USUAL: Final = ("plan", "devices")
"""What goes along where nobody says otherwise: what the account is, not who uses it."""
_STAYS: Final = ("account.", "status.", "merge.", "unmerge.", "transfer.")
"""What belongs to the account itself."""
_GOES_WITH: Final[Mapping[str, str]] = {
    "plan": "plan",
    "service_preferences": "plan",
    "device": "devices",
    "loyalty": "loyalty",
    "access_grant": "members",
    "role_standing": "members",
}


class NotTransferable(Refusal):
    """This account cannot be given to that customer.

    ``data``: why (unknown, same_holder, merged, erased, not_a_customer).
    """

    code = "not-transferable"
    hint = "Name another customer of this client, by their id, who is to take the account over."


def check(proposal: Proposal) -> Checked:
    """End with the transfer what does not go along: what a value says of the old holder is not the new one's."""
    if not proposal.sets(TO):
        return Checked((NotTransferable(why="unknown"),))
    kept = proposal.value(KEEP)
    keep = list(kept) if isinstance(kept, list | tuple) else list(USUAL)
    ends = {path: None for path in proposal.before if not _travels(proposal, path, keep)}
    return Checked(follows={**ends, KEEP: keep})


def _travels(proposal: Proposal, path: str, keep: Sequence[str]) -> bool:
    if path.startswith(_STAYS):
        return True
    if path not in proposal.catalogue:
        return False
    field = proposal.catalogue[path]
    goes_with = _GOES_WITH.get(field.kind)
    return goes_with in keep if goes_with else field.sensitivity is Sensitivity.PUBLIC


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Give the account its new holder, and tell billing from when on."""
    to, keep = str(proposal.value(TO)), proposal.value(KEEP)
    keeps = tuple(keep) if isinstance(keep, list | tuple) else USUAL
    facts = {"to": to.lower(), "keep": list(keeps), "at": proposal.at.isoformat()}
    return [Announce("account.transferred", facts), Transfer(to, keeps)]


KIND = Kind(
    name="ownership_transfer",
    label={"en": "Ownership transfer", "de": "Inhaberwechsel", "ar": "نقل الملكية"},
    icon="arrow-left-right",
    notice_subject={
        "en": "the transfer of an account to another person",
        "de": "die Übertragung eines Kontos auf eine andere Person",
        "ar": "نقل حساب إلى شخص آخر",
    },
    notice_words={},
    form_order=(TO, KEEP),
    check=check,
    subjects=frozenset({"account"}),
    initiators=frozenset({"customer", "business"}),
    operations={"transfer": {"en": "Transfer", "de": "Übertragen", "ar": "نقل"}},
    operation_of=lambda _proposal: "transfer",
    effects=effects,
    entry="ownership.transferred",
)
