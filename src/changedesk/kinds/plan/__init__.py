"""Which plan an account has: upgrade, downgrade, billing cycle, added services. Billing is told with what it needs."""

from collections.abc import Sequence
from typing import Final

from changedesk.base.json import Value
from changedesk.kinds.effects import Announce, Effect
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.refusals import NoPlan

_NAME, _CYCLE, _ADDONS, _PRICE = "plan.name", "plan.cycle", "plan.addons", "plan.price"
_TOLD: Final = (_NAME, _CYCLE, _ADDONS, _PRICE)


def operation_of(proposal: Proposal) -> str:
    """Name what values do: upgrade or downgrade by the order of the client's tiers; otherwise what else changes."""
    if _NAME in proposal.after:
        tiers = list(proposal.catalogue[_NAME].options)
        old, new = proposal.before.get(_NAME), proposal.value(_NAME)
        return "upgrade" if _tier(tiers, new) > _tier(tiers, old) else "downgrade"
    return "change_cycle" if _CYCLE in proposal.after else "change_addons" if _ADDONS in proposal.after else "update"


def _tier(tiers: list[str], name: Value) -> int:
    return tiers.index(str(name)) if name in tiers else -1


def check(proposal: Proposal) -> Checked:
    """Keep a plan: an account without one is closed, not emptied."""
    if _NAME in proposal.after and proposal.value(_NAME) is None and proposal.before.get(_NAME) is not None:
        return Checked((NoPlan(path=_NAME),))
    return Checked()


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Announce the change to billing: what was, what is, and since when, so that it can charge for each part."""
    was = {path: proposal.before.get(path) for path in _TOLD}
    facts = {
        "operation": proposal.operation,
        "from": {path: value for path, value in was.items() if value is not None},
        "to": {path: proposal.value(path) for path in _TOLD if proposal.value(path) is not None},
        "at": proposal.at.isoformat(),
    }
    return [Announce("billing.plan_changed", facts)]


KIND = Kind(
    name="plan",
    label={"en": "Plan and subscription", "de": "Tarif und Abonnement", "ar": "الباقة والاشتراك"},
    icon="layers",
    notice_subject={"en": "your plan", "de": "Ihren Tarif", "ar": "باقتك"},
    notice_words={
        _CYCLE: {"en": "how often you are billed", "de": "Ihren Abrechnungszeitraum", "ar": "دورة فوترتك"},
        _ADDONS: {"en": "your added services", "de": "Ihre Zusatzleistungen", "ar": "خدماتك الإضافية"},
    },
    form_order=_TOLD,
    subjects=frozenset({"customer", "account"}),
    initiators=frozenset({"customer", "business"}),
    operations={
        "upgrade": {"en": "Upgrade", "de": "Höherstufen", "ar": "ترقية"},
        "downgrade": {"en": "Downgrade", "de": "Herabstufen", "ar": "تخفيض"},
        "change_cycle": {"en": "Change the billing cycle", "de": "Abrechnung ändern", "ar": "تغيير دورة الفوترة"},
        "change_addons": {"en": "Add or remove services", "de": "Leistungen ändern", "ar": "إضافة خدمات أو إزالتها"},
    },
    check=check,
    operation_of=operation_of,
    effects=effects,
    entry="plan.changed",
)
