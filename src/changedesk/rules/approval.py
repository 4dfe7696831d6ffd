"""Approval by a second person: who may give it, and to exactly what."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from changedesk.base.actor import Actor, ActorType, Role
from changedesk.base.refusal import Refusal
from changedesk.rules.lifecycle import RequestState

APPROVER_ROLES: Final = frozenset({Role.SUPERVISOR, Role.COMPLIANCE})


@dataclass(frozen=True, slots=True)
class Candidate:
    """What approval looks at in a request. ``decided_by`` holds the actor ids that decided what it holds now.

    ``makers``: everybody whose hand is in it, be it in an earlier revision or by a key that they made.
    """

    id: Hashable
    state: str
    entered_by: str
    team: str
    digest: bytes
    separation: Collection[str]
    decided_by: Collection[str]
    makers: Collection[str] = ()


class SameHand(Refusal):
    """You entered or edited this request, or made the key that did, so somebody else must approve it."""

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
    """The request does not wait for approval now."""

    code = "too-late"
    hint = "Open it to see what it waits for, or what became of it."
    status = "conflict"


def screen(
    requests: Iterable[Candidate], approver: Actor, *, seen: Mapping[Hashable, bytes]
) -> tuple[list[Candidate], dict[Hashable, Refusal]]:
    """Part requests into those that this person may approve and the refused, by id.

    ``seen`` is the digest of what the approver was shown, by request id; without one nothing is approved.
    """
    allowed: list[Candidate] = []
    refused: dict[Hashable, Refusal] = {}
    for request in requests:
        refusal = _refusal(request, approver, seen.get(request.id))
        if refusal is None:
            allowed.append(request)
        else:
            refused[request.id] = refusal
    return allowed, refused


def _refusal(request: Candidate, approver: Actor, seen: bytes | None) -> Refusal | None:
    if approver.type is not ActorType.STAFF or approver.roles.isdisjoint(APPROVER_ROLES):
        return NotAnApprover()
    if approver.id == request.entered_by or approver.id in request.makers:
        return SameHand()
    if "team" in request.separation and request.team and approver.team == request.team:
        return SameTeam()
    if approver.id in request.decided_by:
        return AlreadyDecided()
    if request.state != RequestState.AWAITING_APPROVAL:
        return TooLate()
    return None if seen == request.digest else DifferentContent()
