"""Holds: which of them stop which operation, at which moment. A hold is looked at when something is about to
happen.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol, TypeVar

from changedesk.base.refusal import Refusal

EVERYTHING: Final = "*"
"""Blocks every operation but an opt-out: the freeze after a "this wasn't me"."""
ERASE: Final = "erase"
LEGAL_HOLD: Final = "legal"
"""Origin of a hold that blocks erasure alone and that no length of time lifts."""

_OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "auth": ("reset",),
    "payment.bank": ("payee", "payout"),
    "payment.payee": ("payee",),
    "payment.limit": ("payout",),
    "payment.card_reissue": ("reissue",),
    "service.sim": ("reissue",),
    "service.port_out": ("port_out",),
    "access.owner_transfer": ("transfer",),
    "privacy.erase": (ERASE,),
}


class Held(Protocol):
    """What is asked of a stored hold. ``ends`` None: until released."""

    @property
    def blocks(self) -> Collection[str]: ...
    @property
    def starts(self) -> datetime: ...
    @property
    def ends(self) -> datetime | None: ...
    @property
    def released_at(self) -> datetime | None: ...


T = TypeVar("T", bound=Held)


class OnHold(Refusal):
    """A hold on this customer stops the change for now.

    ``data``: blocks, ends (None: until somebody releases it).
    """

    code = "on-hold"
    hint = "Wait until the time named here, or ask the person who may release the hold."
    status = "conflict"


def operations_of(categories: Iterable[str]) -> frozenset[str]:
    """Return the operations, in the words of holds, that a change of these categories performs.

    Every category is an operation by its own name too, so that a hold may block, say, ``contact.email``.
    """
    found: set[str] = set()
    for category in categories:
        found |= {category, *_OPERATIONS.get(category, ()), *_OPERATIONS.get(category.split(".", 1)[0], ())}
    return frozenset(found)


def active(holds: Iterable[T], at: datetime) -> list[T]:
    """Return the holds that stand at an instant: the start is in, the end is out."""
    return [
        hold
        for hold in holds
        if hold.starts <= at
        and (hold.ends is None or at < hold.ends)
        and (hold.released_at is None or at < hold.released_at)
    ]


def blocking(holds: Iterable[T], operations: Collection[str], at: datetime, *, opts_out: bool = False) -> list[T]:
    """Return the holds that stop any of these operations at an instant. Nothing stops an opt-out (GDPR
    21(3)).
    """
    if opts_out:
        return []
    return [
        hold for hold in active(holds, at) if EVERYTHING in hold.blocks or not set(operations).isdisjoint(hold.blocks)
    ]


def require_clear(holds: Iterable[Held], operations: Collection[str], at: datetime, *, opts_out: bool = False) -> None:
    """Return if nothing stops these operations. Raises OnHold with the hold that ends last."""
    found = blocking(holds, operations, at, opts_out=opts_out)
    if found:
        endless = [hold for hold in found if hold.ends is None]
        last = endless[0] if endless else max(found, key=lambda hold: hold.ends or at)
        raise OnHold(blocks=sorted(last.blocks), ends=last.ends)
