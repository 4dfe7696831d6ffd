"""What requests have in hand, read for showing and weighed by the rule that the verbs weigh it by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.ids import RequestId, SubjectId
from changedesk.rules import approval, policy, standing
from changedesk.rules.fields import Catalogue
from changedesk.rules.route import Route
from changedesk.rules.standing import Standing
from changedesk.store import hand, people
from changedesk.store.evidence import Challenge, Consent, Decision
from changedesk.store.requests import Request
from changedesk.store.tx import Look
from changedesk.store.wire import Call

_CALLER_LOOKED_BACK: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Weighed:
    """One request with its route, its evidence, and what that comes to (``hand``)."""

    request: Request
    route: Route
    hand: Standing
    challenges: tuple[Challenge, ...]
    """The request's own."""
    proofs: tuple[Challenge, ...]
    """The challenges that carry its level."""
    consents: tuple[Consent, ...]
    decisions: tuple[Decision, ...]

    @property
    def new_contacts(self) -> tuple[str, ...]:
        """The contact points that it sets, as far as the route wants them confirmed."""
        return self.hand.new_contacts if self.route.confirm_new_contacts else ()

    @property
    def candidate(self) -> approval.Candidate:
        """It, as approval looks at it."""
        return approval.Candidate(
            id=self.request.id,
            state=self.request.state.value,
            entered_by=self.request.entered_by,
            team=self.request.entered_team,
            digest=self.request.digest,
            separation=self.route.separation,
            decided_by=self.hand.decided_by,
            makers=people.behind((self.request.entered_by, *self.request.earlier_makers)),
        )

    def counts(self, item: Consent | Decision) -> bool:
        """Say whether it was given for what the request holds now."""
        return item.digest == self.request.digest


def weigh(look: Look, wanted: Sequence[Request], catalogue: Catalogue, *, at: datetime) -> dict[RequestId, Weighed]:
    """Return the standing of some requests, however many, with one round trip."""
    if not wanted:
        return {}
    found = hand.read(look, *_of_whom(wanted), since=_since(wanted), now=at)
    return {
        item.id: _weighed(
            item,
            found.challenges,
            [one for one in found.consents if one.request_id == item.id],
            [one for one in found.decisions if one.request_id == item.id],
            catalogue,
            at,
        )
        for item in wanted
    }


def weigh_asks(wanted: Sequence[Request], *, at: datetime) -> Sequence[Call]:
    """Return what ``weigh`` asks: to be read ahead."""
    return hand.asks(*_of_whom(wanted), since=_since(wanted), now=at)


def _of_whom(wanted: Sequence[Request]) -> tuple[list[RequestId], list[SubjectId]]:
    return [item.id for item in wanted], list(dict.fromkeys(item.person_id for item in wanted))


def _since(wanted: Sequence[Request]) -> datetime:
    return min(item.received_at for item in wanted) - _CALLER_LOOKED_BACK


def _weighed(
    request: Request,
    challenges: Sequence[Challenge],
    consents: Sequence[Consent],
    decisions: Sequence[Decision],
    catalogue: Catalogue,
    at: datetime,
) -> Weighed:
    route = policy.from_json(request.route)
    values = {} if request.proposal is None else request.proposal.values
    new_contacts = standing.new_contacts_of(catalogue, values)
    return Weighed(
        request=request,
        route=route,
        hand=standing.weigh(
            request, route, new_contacts, challenges=challenges, consents=consents, decisions=decisions, at=at
        ),
        challenges=tuple(one for one in challenges if one.request_id == request.id),
        proofs=tuple(standing.counting(request, route, challenges, at=at)),
        consents=tuple(consents),
        decisions=tuple(decisions),
    )
