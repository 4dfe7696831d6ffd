"""What requests have in hand: the evidence that is bound to their present content, read and weighed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.ids import RequestId
from changedesk.flow import parties
from changedesk.ledger.value import Json
from changedesk.rules import policy, standing
from changedesk.rules.route import Route
from changedesk.store import evidence
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look

CALLER_LOOKED_BACK: Final = timedelta(days=30)
"""How far back a caller's proof is looked for: it counts for good once a proof of the change followed it in time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A request with its route and what it has in hand."""

    request: Request
    route: Route
    hand: standing.Standing
    others_confirmed: bool
    """Whoever else must confirm has: the new holder of an account."""

    def facts(self) -> dict[str, Json]:
        """Return the evidence in the words of the ledger: methods, levels and ids, never a value."""
        return {
            "verified": {
                "level": self.hand.level,
                "methods": sorted({str(proof.method) for proof in self.hand.proofs if proof.purpose != "new_contact"}),
            },
            "consent": self.route.consent,
            "approved_by": list(self.hand.approvers),
        }


def standings(look: Look, wanted: Sequence[Request], *, at: datetime) -> dict[RequestId, Standing]:
    """Weigh the evidence of some requests, however many, with three queries."""
    if not wanted:
        return {}
    ids = [item.id for item in wanted]
    since = min(item.received_at for item in wanted) - CALLER_LOOKED_BACK
    challenges = evidence.challenges_of_requests(look, ids, [item.person_id for item in wanted], since=since)
    consents = evidence.consents_of(look, ids)
    decisions = evidence.decisions_of(look, ids)
    catalogue = configuration(look.client).catalogue
    found: dict[RequestId, Standing] = {}
    for item in wanted:
        route = policy.from_json(item.route)
        values = {} if item.proposal is None else item.proposal.values
        hand = standing.weigh(
            item,
            route,
            standing.new_contacts_of(catalogue, values),
            challenges=challenges,
            consents=[one for one in consents if one.request_id == item.id],
            decisions=[one for one in decisions if one.request_id == item.id],
            at=at,
        )
        found[item.id] = Standing(item, route, hand, parties.confirmed(item, challenges))
    return found
