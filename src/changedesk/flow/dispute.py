"""The "this wasn't me" link: stop first, sort out after. It works without signing in."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import named, progress
from changedesk.flow.indexing import terms_for
from changedesk.ledger.entry import EntryKind
from changedesk.rules import access
from changedesk.rules.holds import EVERYTHING
from changedesk.rules.lifecycle import OPEN
from changedesk.store import deliveries, evidence, history, links, once, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.tx import Look, Tx, look

FROZEN: Final = timedelta(hours=72)
"""How long a freeze stands before it goes to review: an old mailbox must not lock its owner out for good."""
RESOLUTIONS: Final = ("customer_confirmed", "fraud", "expired")


class LinkExpired(Refusal):
    """This link is too old to be used."""

    code = "link-expired"
    hint = "Call the number on your card or contract, and say that you did not ask for this change."


class ResolutionUnknown(Refusal):
    """A dispute ends as confirmed by the customer, as fraud, or expired."""

    code = "resolution-unknown"
    hint = "Name one of: customer_confirmed, fraud, expired."


@dataclass(frozen=True, slots=True)
class Disputed:
    """What a click on the link did. ``already``: the first click had done it."""

    ref: str
    applied: bool
    already: bool


@dataclass(frozen=True, slots=True)
class Disputable:
    """What the page of the link shows before anything is done: which request, and how far it is."""

    ref: str
    kind: str
    fields: tuple[str, ...]
    applied: bool
    opened: bool


def look_at_dispute(client: ClientId, token: str, *, at: datetime) -> Disputable:
    """Return what a link is about. Looking uses nothing up: scanners open links too."""
    with look(client) as seen:
        found, request = _find(seen, token, at=at, locked=False)
        return Disputable(
            request.ref,
            request.kind,
            request.fields,
            request.state.value == "applied",
            found.opened_at is not None,
        )


def person_of_link(client: ClientId, token: str, *, at: datetime) -> tuple[SubjectId, UUID]:
    """Return whom the notice with a link went to, and the link's id. Raises NotFound, LinkExpired."""
    with look(client) as seen:
        found, request = _find(seen, token, at=at, locked=False)
        return links.survivor_of(seen, request.person_id), found.id


def _find(seen: Look, token: str, *, at: datetime, locked: bool) -> tuple[evidence.Dispute, requests.Request]:
    found = evidence.dispute_by_token(seen, token, locked=locked)
    if found is None:
        raise NotFound
    if at >= found.expires_at:
        raise LinkExpired
    return found, requests.load(seen, [found.request_id])[found.request_id]


def _stand_still(tx: Tx, found: evidence.Dispute, request: requests.Request) -> requests.Request:
    """Return the request as it is once nobody else acts on it, nor writes what it is about, or what that goes on as."""
    held = requests.hold(tx, [request.id])[0]
    whom = {found.subject_id, request.subject_id, request.person_id}
    subjects.hold(tx, whom | {links.survivor_of(tx, one) for one in whom})
    return held


def _freeze(tx: Tx, found: evidence.Dispute, request: requests.Request, *, by: str, at: datetime) -> UUID:
    """Freeze whoever got the notice, and what the request was about, as far as it goes on elsewhere; return the hold.

    What was merged goes on as its survivor, and an account that was given away with whoever holds it now.
    """
    first = evidence.Hold(
        id=uuid4(),
        subject_id=found.subject_id,
        request_id=request.id,
        blocks=(EVERYTHING,),
        rule="dispute",
        release="fraud",
        placed_by=by,
        starts_at=at,
        ends_at=at + FROZEN,
    )
    whom = {found.subject_id, request.subject_id}
    beside = (whom | {links.survivor_of(tx, one) for one in whom}) - {found.subject_id}
    copies = [replace(first, id=uuid4(), subject_id=one, carried_from=first.id) for one in sorted(beside)]
    evidence.place_holds(tx, [first, *copies])
    return first.id


def open_dispute(client: ClientId, token: str, *, at: datetime) -> Disputed:
    """Freeze the customer's record and stop what is pending. A second click is harmless."""
    with begin(_holder_of_link(client)) as tx:
        found, request = _find(tx, token, at=at, locked=True)
        # Locked first: two links of one request, clicked at once, freeze once.
        request = _stand_still(tx, found, request)
        actor = Actor(client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "wasnt-me", subject=found.subject_id)
        applied = request.state.value == "applied"
        known = evidence.disputes_of(tx, [request.id])
        if found.opened_at is not None or any(item.resolved_at is None for item in known):
            return Disputed(request.ref, applied, already=True)
        hold = _freeze(tx, found, request, by=actor.id, at=at)
        evidence.open_dispute(tx, found.id, hold, at=at)
        facts = {"hold": str(hold), "dispute": str(found.id)}
        progress.observe(
            tx, [request], EntryKind.REQUEST_DISPUTED, actor=actor, at=at, channel=actor.channel, facts=facts
        )
        held = {"holds": [{"blocks": [EVERYTHING], "rule": "dispute"}]}
        progress.observe(tx, [request], EntryKind.HOLD_PLACED, actor=actor, at=at, channel=actor.channel, facts=held)
        if request.state in OPEN:
            stopped = requests.move(tx, [request.id], "cancel", at=at)
            why = {"cancel_reason": "disputed"}
            progress.observe(
                tx, stopped, EntryKind.REQUEST_CANCELLED, actor=actor, at=at, channel=actor.channel, facts=why
            )
        return Disputed(request.ref, applied, already=False)


def _holder_of_link(client: ClientId) -> Actor:
    return Actor(client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "wasnt-me")


def resolve_dispute(
    dispute: UUID, resolution: str, *, actor: Actor, at: datetime, key: once.Once | None = None
) -> bool:
    """Close a dispute and lift its freeze. What was applied is reverted by a request of its own.

    Return whether the first call with this key had done it already.
    """
    access.require(actor, access.Verb.DISPUTE_RESOLVE)
    if resolution not in RESOLUTIONS:
        raise ResolutionUnknown
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        closed = evidence.resolve_dispute(tx, dispute, resolution, at=at)
        if closed is None:
            raise NotFound
        request = requests.load(tx, [closed.request_id])
        facts = {"dispute": str(dispute), "resolution": resolution}
        about = list(request.values())
        progress.observe(tx, about, EntryKind.DISPUTE_RESOLVED, actor=actor, at=at, facts=facts)
        # What is open has its freeze, which nothing but this lifts.
        evidence.release_hold(tx, closed.hold_id, by=actor.id, at=at)
        progress.observe(tx, about, EntryKind.HOLD_RELEASED, actor=actor, at=at, facts=facts)
    return False


def resend_notice(delivery: UUID, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Send a failed or unconfirmed notice again, because a person says so.

    Return whether the first call with this key had done it already.
    """
    access.require(actor, access.Verb.NOTICE_RESEND)
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        found = deliveries.resend(tx, delivery, now=at)
        if found is None:
            raise NotFound
        _told_again(tx, found.subject_id, str(delivery), actor=actor, at=at)
    return False


def _told_again(tx: Tx, subject_id: UUID, delivery: str, *, actor: Actor, at: datetime) -> None:
    subject = subjects.load(tx, [subject_id])[subject_id]  # type: ignore[list-item,index]  # a row's id is a SubjectId
    draft = history.Draft(subject, EntryKind.NOTICE_RESENT, actor, at, facts={"delivery": delivery})
    history.append(tx, [draft], terms=terms_for(tx.client))
