"""What requests have in hand: the evidence that is bound to their present content, read and weighed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.ids import RequestId, SubjectId
from changedesk.flow import parties
from changedesk.ledger.value import Json
from changedesk.rules import policy, standing
from changedesk.rules.fields import Catalogue
from changedesk.rules.route import Route
from changedesk.store import hand
from changedesk.store.hand import Hand
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
    """Weigh the evidence of some requests, however many, with one round trip."""
    return weighed(look, wanted, read(look, wanted, at=at), at=at) if wanted else {}


def read(
    look: Look,
    wanted: Sequence[Request],
    *,
    held: Collection[SubjectId] = (),
    subjects: Sequence[SubjectId] = (),
    at: datetime,
) -> Hand:
    """Return the evidence of some requests, one at least, what stands on the records ``held``, and ``subjects``."""
    since = min(item.received_at for item in wanted) - CALLER_LOOKED_BACK
    ids, people = [item.id for item in wanted], {item.person_id for item in wanted}
    return hand.read(look, ids, people, since=since, held=held, wanted=subjects, now=at)


def weighed(look: Look, wanted: Sequence[Request], found: Hand, *, at: datetime) -> dict[RequestId, Standing]:
    """Weigh evidence that was read for these requests."""
    catalogue = configuration(look.client).catalogue
    return {item.id: _weighed(item, found, catalogue, at=at) for item in wanted}


def _weighed(item: Request, found: Hand, catalogue: Catalogue, *, at: datetime) -> Standing:
    route = policy.from_json(item.route)
    values = {} if item.proposal is None else item.proposal.values
    counted = standing.weigh(
        item,
        route,
        standing.new_contacts_of(catalogue, values),
        challenges=found.challenges,
        consents=[one for one in found.consents if one.request_id == item.id],
        decisions=[one for one in found.decisions if one.request_id == item.id],
        at=at,
    )
    return Standing(item, route, counted, parties.confirmed(item, found.challenges))
