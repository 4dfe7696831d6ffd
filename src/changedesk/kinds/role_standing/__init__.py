"""What somebody is in an enterprise account, and who is to be treated with special care."""

from collections.abc import Sequence

from changedesk.kinds.effects import Announce, Effect
from changedesk.kinds.kind import Kind, Proposal

_ROLE, _VIP, _RISK = "role.enterprise", "role.vip", "role.at_risk"


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Tell the systems that grant rights by role."""
    if _ROLE not in proposal.after:
        return ()
    return [Announce("access.role_changed", {"from": proposal.before.get(_ROLE), "to": proposal.value(_ROLE)})]


KIND = Kind(
    name="role_standing",
    label={"en": "Role and standing", "de": "Rolle und Stellung", "ar": "الدور والمكانة"},
    icon="badge-check",
    notice_subject={"en": "your role", "de": "Ihre Rolle", "ar": "دورك"},
    notice_words={
        # A notice may be read by whoever the customer is at risk from.
        path: {"en": "how we look after you", "de": "Ihre Betreuung", "ar": "مستوى رعايتنا لك"}
        for path in (_VIP, _RISK)
    },
    form_order=(_ROLE, _VIP, _RISK),
    subjects=frozenset({"customer", "account"}),
    initiators=frozenset({"customer", "business"}),
    effects=effects,
)
