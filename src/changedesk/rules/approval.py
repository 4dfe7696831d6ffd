"""Approval by a second person: who may give it, and to exactly what."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Final, Protocol, TypeVar

from changedesk.base.actor import Actor, ActorType, Role
from changedesk.base.refusal import Refusal
from changedesk.rules.lifecycle import RequestState

APPROVER_ROLES: Final = frozenset({Role.SUPERVISOR, Role.COMPLIANCE})


class Decidable(Protocol):
    """What approval looks at in a request. ``decided_by`` holds the actor ids that decided this version of
    it.
    """

    @property
    def id(self) -> Hashable: ...
    @property
    def state(self) -> str: ...
    @property
    def entered_by(self) -> str: ...
    @property
    def team(self) -> str: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def separation(self) -> Collection[str]: ...
    @property
    def decided_by(self) -> Collection[str]: ...


class Given(Protocol):
    """A stored approval: by whom, of which content."""

    @property
    def actor(self) -> str: ...
    @property
    def digest(self) -> bytes: ...


T = TypeVar("T", bound=Decidable)


class SameHand(Refusal):
    """You entered this request, so somebody else must approve it."""

    code = "same-hand"
    hint = "Leave it in the queue for another supervisor or a compliance officer."
    status = "forbidden"


class SameTeam(Refusal):
    """The request was entered in your team, and its policy wants an approver from another one."""

    code = "same-team"
    hint = "Leave it in the queue for a supervisor of another team or a compliance officer."
    status = "forbidden"


class AlreadyDecided(Refusal):
    """You have decided on this request already; nobody decides twice."""

    code = "already-decided"
    hint = "A second approval must come from another person."
    status = "conflict"


class DifferentContent(Refusal):
    """The request no longer holds the values that you saw."""

    code = "different-content"
    hint = "Open it again, read what it would change now, and decide on that."
    status = "stale"


class NotAnApprover(Refusal):
    """Only a supervisor or a compliance officer approves requests."""

    code = "not-an-approver"
    hint = "Ask a supervisor of this client."
    status = "forbidden"


class TooLate(Refusal):
    """The request is no longer waiting for approval."""

    code = "too-late"
    hint = "Open it again to see what became of it."
    status = "conflict"


def screen(
    requests: Iterable[T], approver: Actor, *, seen: Mapping[Hashable, bytes]
) -> tuple[list[T], dict[Hashable, Refusal]]:
    """Part requests into those that this person may approve and the refused, by id.

    ``seen`` is the digest of what the approver was shown, by request id; without one nothing is approved.
    """
    allowed: list[T] = []
    refused: dict[Hashable, Refusal] = {}
    for request in requests:
        refusal = _refusal(request, approver, seen.get(request.id))
        if refusal is None:
            allowed.append(request)
        else:
            refused[request.id] = refusal
    return allowed, refused


def _refusal(request: Decidable, approver: Actor, seen: bytes | None) -> Refusal | None:
    if approver.type is not ActorType.STAFF or approver.roles.isdisjoint(APPROVER_ROLES):
        return NotAnApprover()
    if approver.id == request.entered_by:
        return SameHand()
    if "team" in request.separation and request.team and approver.team == request.team:
        return SameTeam()
    if approver.id in request.decided_by:
        return AlreadyDecided()
    if request.state != RequestState.AWAITING_APPROVAL:
        return TooLate()
    return None if seen == request.digest else DifferentContent()


def count(given: Iterable[Given], *, digest: bytes) -> int:
    """Return how many different people approved exactly this content."""
    return len({item.actor for item in given if item.digest == digest})
