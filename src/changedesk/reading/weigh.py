"""What requests have in hand: the evidence bound to what they hold now, weighed by the same rules as the verbs do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import Channel
from changedesk.base.ids import RequestId
from changedesk.rules import consent as consent_rules
from changedesk.rules import identity, policy
from changedesk.rules.fields import Catalogue
from changedesk.rules.route import Route
from changedesk.store import evidence
from changedesk.store.evidence import Challenge, Consent, Decision
from changedesk.store.requests import Request
from changedesk.store.tx import Look

_CALLER_LOOKED_BACK: Final = timedelta(days=30)
_OWN_SESSION: Final = frozenset({Channel.WEB_PORTAL.value, Channel.MOBILE_APP.value})


@dataclass(frozen=True, slots=True)
class Weighed:
    """One request with its route and its evidence. ``proofs`` are the challenges that count towards ``level``."""

    request: Request
    route: Route
    challenges: tuple[Challenge, ...]
    """The request's own."""
    proofs: tuple[Challenge, ...]
    consents: tuple[Consent, ...]
    decisions: tuple[Decision, ...]
    level: int
    new_contacts: tuple[str, ...]
    new_contacts_confirmed: bool
    consented: bool

    @property
    def approvals(self) -> int:
        return len({item.actor for item in self.decisions if self.counts(item) and item.verdict == "approve"})

    @property
    def decided_by(self) -> frozenset[str]:
        return frozenset(item.actor for item in self.decisions if self.counts(item))

    @property
    def id(self) -> RequestId:
        return self.request.id

    @property
    def state(self) -> str:
        return self.request.state.value

    @property
    def entered_by(self) -> str:
        return self.request.entered_by

    @property
    def team(self) -> str:
        return self.request.entered_team

    @property
    def digest(self) -> bytes:
        return self.request.digest

    @property
    def separation(self) -> tuple[str, ...]:
        return self.route.separation

    def counts(self, item: Consent | Decision) -> bool:
        """Say whether it was given for what the request holds now."""
        return item.digest == self.request.digest


def weigh(look: Look, wanted: Sequence[Request], catalogue: Catalogue, *, at: datetime) -> dict[RequestId, Weighed]:
    """Return the standing of some requests, however many, with three queries."""
    if not wanted:
        return {}
    ids = [item.id for item in wanted]
    since = min(item.received_at for item in wanted) - _CALLER_LOOKED_BACK
    challenges = evidence.challenges_of_requests(look, ids, list({item.person_id for item in wanted}), since=since)
    consents = evidence.consents_of(look, ids)
    decisions = evidence.decisions_of(look, ids)
    return {
        item.id: _weighed(
            item,
            [one for one in challenges if one.subject_id == item.person_id and one.request_id in (None, item.id)],
            [one for one in consents if one.request_id == item.id],
            [one for one in decisions if one.request_id == item.id],
            catalogue,
            at,
        )
        for item in wanted
    }


def _weighed(
    request: Request,
    challenges: Sequence[Challenge],
    consents: Sequence[Consent],
    decisions: Sequence[Decision],
    catalogue: Catalogue,
    at: datetime,
) -> Weighed:
    route = policy.from_json(request.route)
    confirmed = [one for one in challenges if one.state == "confirmed"]
    own_session = request.entered_by.startswith("c") and request.channel in _OWN_SESSION

    def level(counted: Sequence[Challenge]) -> int:
        proofs = [_proof(one) for one in counted]
        forbidden = route.methods_forbidden
        return identity.level(proofs, digest=request.digest, now=at, forbidden=forbidden, in_session=own_session)

    values = {} if request.proposal is None else request.proposal.values
    new_contacts = tuple(
        path
        for path in request.fields
        if path in catalogue and catalogue[path].contact_point and values.get(path) is not None
    )
    reached = level(confirmed)
    bound = [one for one in confirmed if one.purpose == identity.Purpose.CHANGE and one.digest == request.digest]
    callers = [one for one in confirmed if one.purpose == identity.Purpose.CALLER]
    counted = [*bound, *(one for one in callers if level([*bound, one]) > level(bound))]
    return Weighed(
        request=request,
        route=route,
        challenges=tuple(one for one in challenges if one.request_id == request.id),
        proofs=tuple(counted),
        consents=tuple(consents),
        decisions=tuple(decisions),
        level=reached,
        new_contacts=new_contacts if route.confirm_new_contacts else (),
        new_contacts_confirmed=identity.new_contacts_confirmed(
            [_proof(one) for one in confirmed], new_contacts, digest=request.digest
        ),
        consented=consent_rules.consented(route, consents, digest=request.digest),
    )


def _proof(item: Challenge) -> identity.Proof:
    return identity.Proof(item.method, item.purpose, item.contact_path, item.digest, item.decided_at or item.started_at)
