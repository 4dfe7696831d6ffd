"""What requests have in hand: the evidence that is bound to their present content, read and weighed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.ids import RequestId, SubjectId
from changedesk.flow import left_behind, parties
from changedesk.ledger.value import Json
from changedesk.rules import policy, standing
from changedesk.rules.fields import Catalogue
from changedesk.rules.route import Route
from changedesk.store import evidence, hand, links
from changedesk.store import subjects as records
from changedesk.store.hand import Hand
from changedesk.store.places import Place
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look
from changedesk.store.wire import Call

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


def at_first(look: Look, made: Sequence[Request], *, at: datetime) -> Hand:
    """Return what requests that are about to be written have in hand: the callers of their customers, and holds."""
    if not made:
        return Hand((), (), (), ())
    people, received = {item.person_id for item in made}, [item.received_at for item in made]
    callers, holds = look.together(*first_asks(people, whom(look, made), received, at=at))
    return Hand(evidence.opened_challenges(callers), (), (), evidence.opened_holds(holds))


def first_asks(
    people: Iterable[SubjectId], held: Iterable[SubjectId], received: Iterable[datetime], *, at: datetime
) -> tuple[Call, Call]:
    """Return what ``at_first`` asks: to be read ahead."""
    since = min(received) - CALLER_LOOKED_BACK
    return evidence.of_requests((), people, since=since), evidence.holds_on(held, now=at)


def concerned(look: Look, moving: Sequence[Request]) -> dict[RequestId, set[SubjectId]]:
    """Return whom each request concerns: a hold on any of them stops it."""
    beside = parties.others(look, moving)
    # What was merged into a record is forgotten with it: a hold on it stops that, too.
    merged = {one.id: links.family(look, one.subject_id) for one in moving if one.kind == left_behind.ERASURE}
    return {
        item.id: {item.subject_id, item.person_id, *beside.get(item.id, ()), *merged.get(item.id, ())}
        for item in moving
    }


def whom(look: Look, moving: Sequence[Request]) -> set[SubjectId]:
    """Return all whom some requests concern."""
    return {id_ for ids in concerned(look, moving).values() for id_ in ids}


def asks(found: Sequence[Place], *, at: datetime) -> tuple[Call, ...]:
    """Return what ``read`` asks of requests, and their subjects, before they are opened: to be read ahead.

    Nothing where one may concern others: who that is stands in what it asks for.
    """
    if not found or any(one.kind in parties.LINKING or one.kind == left_behind.ERASURE for one in found):
        return ()
    people, theirs = {one.person_id for one in found}, sorted({one.subject_id for one in found})
    since = min(one.received_at for one in found) - CALLER_LOOKED_BACK
    ids = sorted(one.id for one in found)
    return *hand.asks(ids, people, since=since, held=people.union(theirs), now=at), records.load_asks(theirs)


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
    ids, people = sorted(item.id for item in wanted), {item.person_id for item in wanted}
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
