"""An account changes hands: proposed, confirmed by the present holder and by the new one, approved, applied.

The present holder proves themselves as for any request. The new holder then proves themselves at a contact point of
their own, for exactly this content; until they do the request waits, and silence lets it expire with nothing changed.
"""

from collections.abc import Sequence
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId, parse_reference
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking, named, parties, progress, standing, verify, ways, whose
from changedesk.flow.asking import Receipt
from changedesk.flow.parties import TRANSFER
from changedesk.flow.submit import enter
from changedesk.flow.verify import Challenged, Wanted
from changedesk.flow.ways import About
from changedesk.flow.wish import How, Wish
from changedesk.flow.writing import Writing
from changedesk.kinds.ownership_transfer import KEEP, TO
from changedesk.ledger.entry import EntryKind
from changedesk.rules import access
from changedesk.rules.identity import Offer, Purpose, level_to_prove
from changedesk.rules.lifecycle import OPEN
from changedesk.store import evidence, links, once, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.requests import Request
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx, look


class HolderFirst(Refusal):
    """The present holder has not confirmed the transfer yet.

    ``data``: level, needed.
    """

    code = "holder-first"
    hint = "Verify the present holder for this request; then the new holder can confirm."
    status = "conflict"


def propose_transfer(
    account: SubjectId,
    to: SubjectId,
    how: How,
    *,
    keep: Sequence[str] | None = None,
    actor: Actor,
    at: datetime,
) -> Receipt:
    """Ask for an account to be given to another customer of the client. ``how.person`` is the holder who gives it.

    ``keep`` says what goes along: plan, devices, loyalty, members; plan and devices when not given. Whatever else the
    account holds of its holder ends with the transfer. Raises NotTransferable, and whatever a request may meet.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT, subject=actor.subject)
    values: dict[str, object] = {TO: str(to)} if keep is None else {TO: str(to), KEEP: list(keep)}
    return enter([Wish.of(how, account, TRANSFER, values, actor=actor)], actor=actor, at=at).one()


def new_holder_offers(ref: str, *, actor: Actor, at: datetime) -> list[Offer]:
    """Return the ways in which the new holder can confirm; those that may not be used come with the reason."""
    with look(actor.client) as seen:
        new, request = _parties(seen, ref, actor=actor, verb=access.Verb.IDENTITY_CHALLENGE)
        return ways.ways(seen, [About(new, request)], at=at)[new.id]


def challenge_new_holder(
    ref: str, *, method: str, path: str | None = None, actor: Actor, at: datetime, key: once.Once | None = None
) -> Challenged:
    """Start the new holder's own challenge, at their own contact points; ``flow.confirm`` takes the answer.

    Raises HolderFirst while the present holder has not proved themselves for this content.
    """
    with begin(actor) as tx:
        new, request = _parties(tx, ref, actor=actor, verb=access.Verb.IDENTITY_CHALLENGE)
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return verify.started_before(tx, About(new, request), path, claimed.reply)
        # Their budget before the request, as an answer takes them: none waits in a circle.
        evidence.lock_budgets(tx, [new.id])
        request = _locked(tx, request)
        weighed = standing.standings(tx, [request], at=at)[request.id]
        needed = level_to_prove(weighed.route)
        if weighed.hand.level < needed:
            raise HolderFirst(level=weighed.hand.level, needed=needed)
        links.ask_new_holder(
            tx,
            request.id,
            request.digest,
            account=request.subject_id,
            old=request.person_id,
            new=new.id,
            at=at,
        )
        about = About(new, request)
        writing = Writing(tx)
        wanted = Wanted(whose=ref, purpose=Purpose.CHANGE, method=method, path=path)
        started = verify.start(writing, {ref: (wanted, about)}, actor=actor, at=at).one()
        writing.end([] if claimed is None else [(claimed, started.reply())], actor=actor, at=at)
        return started


def _parties(seen: Look, ref: str, *, actor: Actor, verb: access.Verb) -> tuple[Subject, Request]:
    """Return the new holder and the transfer, for staff and for the new holder alone. Raises NotFound, Gone."""
    access.require(actor, verb, subject=actor.subject)
    canonical = parse_reference(ref)
    request = None if canonical is None else requests.by_ref(seen, canonical)
    new = None if request is None else parties.new_holder(request)
    if request is None or new is None or (actor.type in whose.THEMSELVES and actor.subject != new):
        raise NotFound
    found = subjects.load(seen, [new])[new]
    if found.key is None:
        raise asking.Gone
    return found, request


def _locked(tx: Tx, request: Request) -> Request:
    held = requests.hold(tx, [request.id])[0]
    if held.state not in OPEN:
        raise named.TooLate(state=held.state.value)
    return held


def decline_transfer(ref: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Receipt:
    """End a transfer at the wish of the new holder: possible until it is applied. Both parties are told."""
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return Receipt.replay(claimed.reply)
        request = _locked(tx, _parties(tx, ref, actor=actor, verb=access.Verb.REQUEST_WITHDRAW)[1])
        ended = requests.move(tx, [request.id], "withdraw", at=at)
        facts = {"cancel_reason": "declined_by_new_holder"}
        progress.observe(tx, ended, EntryKind.REQUEST_WITHDRAWN, actor=actor, at=at, facts=facts)
        receipt = Receipt.of(ended[0])
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, receipt.reply())], at=at)
        return receipt
