"""How a client's keys stand: every epoch, who wraps it, and how far a renewal is. Never a key."""

from dataclasses import dataclass
from typing import Final

from changedesk.base.actor import Actor
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import rotation
from changedesk.store.rotation import Epoch, Rotation
from changedesk.store.tx import look

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Keys:
    """All epochs by purpose, oldest first; the last renewals, newest first; and what this viewer may begin."""

    epochs: tuple[Epoch, ...]
    renewals: tuple[Rotation, ...]
    may_renew: bool

    @property
    def old(self) -> int:
        """How much still stands under older epochs of what is being renewed."""
        return sum(one.old for one in self.renewals)

    def running(self, purpose: str) -> Rotation | None:
        """Return the renewal of a purpose that runs."""
        return next((one for one in self.renewals if one.purpose == purpose and one.finished_at is None), None)


def keys(*, actor: Actor) -> Keys:
    """Return how the keys of the actor's client stand. Raises Forbidden."""
    access.require(actor, Verb.CONFIGURE_READ)
    with look(actor.client) as seen:
        return Keys(
            tuple(rotation.epochs(seen)),
            tuple(rotation.newest(seen, limit=_SHOWN)),
            access.may(actor, Verb.CONFIGURE_KEYS),
        )
