"""The kinds of change, listed once."""

from collections.abc import Mapping
from typing import Final

from changedesk.base.refusal import Refusal
from changedesk.kinds import (
    access_grant,
    account_status,
    billing_payment,
    communication_preferences,
    contact_details,
    device,
    directory_entry,
    erasure,
    inactivation,
    loyalty,
    marketing_preferences,
    merge,
    ownership_transfer,
    personal_details,
    plan,
    restriction,
    role_standing,
    security_settings,
    service_preferences,
    unmerge,
)
from changedesk.kinds.diff import Diff, ManyBad, NoChange, SecretField, UnknownField, changes, not_held
from changedesk.kinds.edit import Edit, HoldsAnother, NotHeld, OneValueOnly, edited
from changedesk.kinds.effects import Announce, Effect, Erase, Merge, Say, Transfer, Unmerge
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.schema import json_schema

__all__ = [
    "KINDS",
    "Announce",
    "Checked",
    "Diff",
    "Edit",
    "Effect",
    "Erase",
    "HoldsAnother",
    "Kind",
    "ManyBad",
    "Merge",
    "NoChange",
    "NotHeld",
    "OneValueOnly",
    "Proposal",
    "Say",
    "SecretField",
    "Transfer",
    "UnknownField",
    "UnknownKind",
    "Unmerge",
    "all",
    "changes",
    "edited",
    "find",
    "json_schema",
    "not_held",
]

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        personal_details.KIND,
        contact_details.KIND,
        billing_payment.KIND,
        security_settings.KIND,
        service_preferences.KIND,
        communication_preferences.KIND,
        marketing_preferences.KIND,
        plan.KIND,
        access_grant.KIND,
        role_standing.KIND,
        device.KIND,
        loyalty.KIND,
        directory_entry.KIND,
        account_status.KIND,
        restriction.KIND,
        inactivation.KIND,
        merge.KIND,
        unmerge.KIND,
        ownership_transfer.KIND,
        erasure.KIND,
    )
}


class UnknownKind(Refusal):
    """There is no kind of change by this name."""

    code = "unknown-kind"
    hint = "Choose one of the kinds that this client offers."
    status = "missing"


def find(name: str) -> Kind:
    """Return a kind by its name, or raise ``UnknownKind``."""
    if name not in KINDS:
        raise UnknownKind
    return KINDS[name]


def all() -> list[Kind]:  # noqa: A001 - read as kinds.all()
    """Return every kind in the order of display."""
    return list(KINDS.values())
