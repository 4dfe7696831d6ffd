"""Making requests of plans: with their digest, their proposal sealed, and the fields that they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import Actor
from changedesk.base.ids import RequestId, new_reference, uuid7
from changedesk.base.refusal import Refusal
from changedesk.flow import asking
from changedesk.flow.asking import Plan
from changedesk.flow.observed import observe, version_of
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import policy
from changedesk.rules.conflict import FieldTaken
from changedesk.rules.standing import new_contacts_of
from changedesk.store import once, requests
from changedesk.store.hand import Hand
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look, Tx

LIFE: Final = timedelta(days=7)
"""How long a request may wait for people before it expires; a rule's own deadline may end it sooner."""


@dataclass(frozen=True, slots=True)
class Made:
    """A wish turned into a request that is about to be written."""

    place: int
    plan: Plan
    request: requests.Request
    proposal: requests.Proposal
    sealed: bytes
    claim: once.Claim | None


def require_known(plan: Plan) -> None:
    """Return if every concern was checked with the customer. Raises NeedsAcknowledgement."""
    wish = plan.wish
    # The very object: whoever sends its sign in a form has named no concern.
    if wish.acknowledged is asking.ALL_CONCERNS:
        return
    # What stood in this record was looked at by whoever put it there.
    put_back = frozenset[str]() if wish.reverts is None else wish.stood.keys()
    waiting = [item for item in plan.concerns if item.code not in wish.acknowledged and item.path not in put_back]
    if waiting:
        raise asking.NeedsAcknowledgement(concerns=[item.told() for item in waiting])


def make(tx: Look, place: int, plan: Plan, claim: once.Claim | None, *, actor: Actor, at: datetime) -> Made:
    """Return the request of a plan, ready to be written. Raises NeedsAcknowledgement."""
    wish, subject, config = plan.wish, plan.subject, configuration(tx.client)
    require_known(plan)
    request_id = RequestId(uuid7())
    proposal = _proposal(plan)
    request = requests.Request(
        id=request_id,
        ref=new_reference(),
        subject_id=subject.id,
        person_id=plan.person.id,
        initiated_by=wish.initiated_by,
        kind=plan.kind.name,
        operation=plan.operation,
        channel=wish.channel.value,
        requested_by=wish.requested_by,
        entered_by=actor.id,
        entered_team=actor.team,
        on_behalf_of=wish.on_behalf_of,
        interaction=wish.interaction,
        reason_code=wish.reason,
        fields=tuple(sorted(plan.after)),
        base_ver=subject.ver,
        digest=asking.digest_of(tx.client, subject.id, request_id, 1, plan.after, subject.ver, proposal.salt),
        key_id=plan.key.id,
        proposal=proposal,
        route={
            **policy.to_json(plan.route),
            "new_contacts": new_contacts_of(config.catalogue, plan.after),
            "forced": wish.forced,
            **({"makers": sorted(wish.earlier_makers)} if wish.earlier_makers else {}),
        },
        needs_level=plan.route.level,
        needs_consent=plan.route.consent,
        needs_approvals=plan.route.approvals,
        reverts=wish.reverts,
        effective_at=wish.effective_at,
        received_at=wish.received_at or at,
        submitted_at=at,
        state_at=at,
        expires_at=at + LIFE,
    )
    sealed = requests.seal_proposal(tx.client, request_id, plan.key, proposal)
    return Made(place, plan, request, proposal, sealed, claim)


def _proposal(plan: Plan) -> requests.Proposal:
    return requests.Proposal(
        values=plan.after,
        salt=asking.new_salt(),
        seen={path: version_of(plan.subject, path) for path in plan.after},
        note=plan.note,
        acknowledged=tuple(plan.wish.acknowledged),
        told={
            name: value for name, value in plan.attributes.items() if value != "false"
        },  # what an absent one reads as
    )


def undisturbed(tx: Tx, made: Sequence[Made], hand: Hand, refused: dict[int, Refusal], *, at: datetime) -> list[Made]:
    """Return those that no hold stops and whose fields no other open request sets; they hold those fields now."""
    config = configuration(tx.client)
    free: list[Made] = []
    for item in made:
        mine = [hold for hold in hand.holds if hold.subject_id in (item.plan.subject.id, item.plan.person.id)]
        stopped = asking.hold_against(mine, config, item.plan.after, at=at)
        if stopped is None:
            free.append(item)
        else:
            refused[item.place] = stopped
    taken = requests.take_fields(tx, [item.request for item in free])
    if taken:
        requests.give_back_fields(tx, taken)
        paths = sorted({path for missing in taken.values() for path in missing})
        holders = requests.holders_of_fields(tx, [item.plan.subject.id for item in free], paths)
        for item in free:
            missing = sorted(taken.get(item.request.id, ()))
            if missing:
                others = {holders.get((item.plan.subject.id, path), "") for path in missing}
                refused[item.place] = FieldTaken(reference=min(others), paths=missing)
    return [item for item in free if item.request.id not in taken]


def write(
    writing: Writing,
    made: Sequence[Made],
    *,
    actor: Actor,
    at: datetime,
    facts: Mapping[RequestId, Mapping[str, Json]] | None = None,
) -> list[requests.Request]:
    """Write requests as submitted, with the entry that says so; ``facts`` are further ones of some of them."""
    if not made:
        return []
    requests.insert(writing.tx, [item.request for item in made], [item.sealed for item in made])
    each: dict[RequestId, Mapping[str, Json]] = {
        item.request.id: {
            "rules": [[rule, version] for rule, version in item.plan.route.rules],
            "received_at": item.request.received_at.isoformat(),
            "concerns": [concern.code for concern in item.plan.concerns],
            **(facts or {}).get(item.request.id, {}),
        }
        for item in made
    }
    new = [item.request for item in made]
    observe(writing.tx, new, EntryKind.REQUEST_SUBMITTED, actor=actor, at=at, each=each, writing=writing)
    return new
