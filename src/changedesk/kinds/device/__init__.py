"""The devices on an account: register, replace, remove. A new SIM makes other systems wait."""

from collections.abc import Sequence
from typing import Final

from changedesk.kinds.effects import Announce, Effect
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.slots import Slots

SLOTS: Final = Slots("device", "type", ("type",), "register", "replace", "remove")


def operation_of(proposal: Proposal) -> str:
    """Name what values do: register, replace, remove."""
    return SLOTS.operation(proposal.before, proposal.after)


def check(proposal: Proposal) -> Checked:
    """Want to know of every device what it is; with a removed one, all of it goes."""
    return Checked(tuple(SLOTS.incomplete(proposal)), follows=SLOTS.emptied(proposal))


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Tell other systems; whoever has the new SIM gets the codes, so what rests on them waits."""
    told: list[Effect] = [
        Announce("device.changed", {"operation": proposal.operation, "slots": SLOTS.touched(proposal.after)})
    ]
    if any(path.endswith(".sim") and value is not None for path, value in proposal.after.items()):
        told.append(Announce("downstream.freeze", {"what": ["payout", "reset", "port_out"], "why": "sim_changed"}))
    return told


KIND = Kind(
    name="device",
    label={"en": "Devices", "de": "Geräte", "ar": "الأجهزة"},
    icon="smartphone",
    notice_subject={"en": "your devices", "de": "Ihre Geräte", "ar": "أجهزتك"},
    notice_words={},
    form_order=tuple(f"device.{n}.{part}" for n in range(1, 6) for part in ("type", "model", "serial", "sim")),
    subjects=frozenset({"account"}),
    operations={
        "register": {"en": "Register a device", "de": "Gerät anmelden", "ar": "تسجيل جهاز"},
        "replace": {
            "en": "Replace or correct a device",
            "de": "Gerät ersetzen oder berichtigen",
            "ar": "استبدال جهاز أو تصحيحه",
        },
        "remove": {"en": "Remove a device", "de": "Gerät abmelden", "ar": "إزالة جهاز"},
    },
    check=check,
    operation_of=operation_of,
    effects=effects,
)
