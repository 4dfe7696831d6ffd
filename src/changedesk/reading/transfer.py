"""An open or ended transfer of an account, as staff, the present holder or the new one may see it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId, parse_reference
from changedesk.base.refusal import NotFound
from changedesk.reading import sight
from changedesk.rules import identity, policy
from changedesk.rules.access import Verb
from changedesk.rules.lifecycle import CUSTOMER_WORDS
from changedesk.store import evidence, requests
from changedesk.store.requests import Request
from changedesk.store.tx import Look, look


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPanel:
    """Who gives which account to whom, and who has confirmed. The new holder is told neither account nor giver."""

    ref: str
    version: int
    state: str
    customer_word: str
    account: SubjectId | None
    giver: SubjectId | None
    taker: SubjectId
    keep: tuple[str, ...]
    giver_confirmed: bool
    taker_confirmed: bool
    expires_at: datetime


def transfer(ref: str, *, actor: Actor, at: datetime) -> TransferPanel:
    """Return a transfer. Raises Forbidden, and NotFound, also for what is none of the viewer's."""
    sight.require(actor, Verb.REQUEST_READ)
    canonical = parse_reference(ref)
    with look(actor.client) as seen:
        request = None if canonical is None else requests.by_ref(seen, canonical)
        if request is None or request.kind != "ownership_transfer" or request.proposal is None:
            raise NotFound
        taker = SubjectId(UUID(str(request.proposal.values["transfer.to"])))
        if actor.type in sight.CUSTOMERS and actor.subject not in (request.person_id, taker):
            raise NotFound
        giver_level, taker_confirmed = _proved(seen, request, taker, at=at)
    stranger = actor.type in sight.CUSTOMERS and actor.subject == taker
    keep = request.proposal.values.get("transfer.keep")
    return TransferPanel(
        ref=request.ref,
        version=request.version,
        state=request.state.value,
        customer_word=CUSTOMER_WORDS[request.state],
        account=None if stranger else request.subject_id,
        giver=None if stranger else request.person_id,
        taker=taker,
        keep=tuple(str(one) for one in keep) if isinstance(keep, list | tuple) else (),
        giver_confirmed=giver_level >= identity.level_to_prove(policy.from_json(request.route)),
        taker_confirmed=taker_confirmed,
        expires_at=request.expires_at,
    )


def _proved(seen: Look, request: Request, taker: SubjectId, *, at: datetime) -> tuple[int, bool]:
    """Return the level that the giver has proved for this content, and whether the taker has answered for it."""
    since = request.received_at - identity.CALLER_TTL
    found = evidence.challenges_of_requests(seen, [request.id], [request.person_id], since=since)
    good = [one for one in found if one.state == "confirmed" and one.decided_at is not None]
    proofs = [
        identity.Proof(one.method, one.purpose, one.contact_path, one.digest, one.decided_at)
        for one in good
        if one.subject_id == request.person_id
        and one.decided_at is not None
        and (one.request_id == request.id or one.started_by == request.entered_by)
    ]
    route = policy.from_json(request.route)
    level = identity.level(proofs, digest=request.digest, now=at, forbidden=route.methods_forbidden)
    taken = any(
        one.subject_id == taker and one.digest == request.digest and one.method in identity.FACTOR_CLASSES
        for one in good
    )
    return level, taken
