"""Asking: preview, submit, revise."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import structs

from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.flow import asking, circumstances, making, progress, standing
from changedesk.flow.asking import Plan, Receipt
from changedesk.flow.making import Made
from changedesk.flow.named import TooLate, claim, must_be_at
from changedesk.flow.wish import Wish
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.rules import access
from changedesk.rules.conflict import FieldTaken
from changedesk.store import evidence, once, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx, look


def preview(wish: Wish, *, actor: Actor, at: datetime) -> Plan:
    """Return exactly what submitting this wish would do. Writes nothing."""
    access.require(actor, access.Verb.REQUEST_PREVIEW, subject=actor.subject)
    with look(actor.client) as seen:
        found = subjects.load(seen, [wish.subject]).get(wish.subject)
        made = asking.plan(seen, wish, found, actor=actor, at=at)
        _require_clear(seen, made, at=at)
        return made


def _require_clear(seen: Look, plan: Plan, *, at: datetime) -> None:
    holds = evidence.active_holds(seen, {plan.subject.id, plan.person.id}, now=at)
    stopped = asking.hold_against(holds, configuration(seen.client), plan.after, at=at)
    if stopped is not None:
        raise stopped


def submit(wishes: Sequence[Wish], *, actor: Actor, at: datetime) -> Outcome[Receipt]:
    """Record requests, and take each as far as its evidence carries it: to the person it waits for, or to the end.

    One refused wish leaves the rest standing; refusals come back by the wish's place. A retry with the same key
    gets the first answer. A field that another open request would set is refused with that request's reference.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT, subject=actor.subject)
    return enter(wishes, actor=actor, at=at)


def enter(wishes: Sequence[Wish], *, actor: Actor, at: datetime) -> Outcome[Receipt]:
    """Record requests for a verb that has seen to who may ask."""
    refused: dict[int, Refusal] = {}
    with begin(actor) as tx:
        _ahead(tx, wishes, at=at)
        claims = claim(tx, [wish.once for wish in wishes], actor, refused)
        receipts = {place: Receipt.replay(one.reply) for place, one in claims.items() if one.reply is not None}
        found = subjects.load(tx, {wish.subject for wish in wishes})
        new = {place: wish for place, wish in enumerate(wishes) if place not in refused and place not in receipts}
        made = _made(tx, new, found, claims, refused, actor=actor, at=at)
        hand = standing.at_first(tx, [item.request for item in made], at=at)
        made = making.undisturbed(tx, made, hand, refused, at=at)
        writing = Writing(tx, dict(found))
        entered = making.write(writing, made, actor=actor, at=at)
        written = progress.advance(tx, entered, actor=actor, at=at, hand=hand, writing=writing)
        for item in made:
            receipts[item.place] = Receipt.of(written[item.request.id])
        answered = [(item.claim, receipts[item.place].reply()) for item in made if item.claim is not None]
        writing.end(answered, actor=actor, at=at)
    return Outcome([receipts[place] for place in sorted(receipts)], refused)


def _made(
    tx: Tx,
    wishes: Mapping[int, Wish],
    found: Mapping[SubjectId, Subject],
    claims: Mapping[int, once.Claim],
    refused: dict[int, Refusal],
    *,
    actor: Actor,
    at: datetime,
) -> list[Made]:
    """Make requests of wishes, by their places; put what cannot be asked into ``refused``."""
    asked = {wish.subject for wish in wishes.values()}
    people = [one for id_, one in found.items() if id_ in asked and one.type == "customer"]
    known = circumstances.around(tx, people, told=asked, at=at) if people else {}
    made: list[Made] = []
    for place, wish in wishes.items():
        try:
            plan = asking.plan(tx, wish, found.get(wish.subject), known=known, taking=True, actor=actor, at=at)
            made.append(making.make(tx, place, plan, claims.get(place), actor=actor, at=at))
        except Refusal as refusal:
            refused[place] = refusal
    return made


def _ahead(tx: Tx, wishes: Sequence[Wish], *, at: datetime) -> None:
    """Say what will be asked of the wishes: it is found with their keys."""
    people = {wish.subject for wish in wishes}
    if people:
        tx.ahead(subjects.load_asks(list(people)), *circumstances.asks(people, at=at))
        tx.ahead(*standing.first_asks(people, people, [wish.received_at or at for wish in wishes], at=at))


def revise(
    ref: str,
    values: Mapping[str, object],
    *,
    seen_version: int | None,
    operation: str = "",
    reason: str | None = None,
    note: str = "",
    acknowledged: Sequence[str] = (),
    actor: Actor,
    at: datetime,
) -> Receipt:
    """Put new content into a request that waits. What was bound to the old content is void from then on."""
    access.require(actor, access.Verb.REQUEST_REVISE, subject=actor.subject)
    with begin(actor) as tx:
        request = must_be_at(tx, ref, seen_version, actor=actor, verb=access.Verb.REQUEST_REVISE)
        wish = Wish(
            subject=request.subject_id,
            kind=request.kind,
            values=values,
            operation=operation,
            person=request.person_id,
            initiated_by=request.initiated_by,
            reason=reason or request.reason_code,
            channel=Channel(request.channel),
            note=note or ("" if request.proposal is None else request.proposal.note),
            requested_by=request.requested_by,
            acknowledged=acknowledged,
            received_at=request.received_at,
            reverts=request.reverts,
            forced=bool(request.route.get("forced")),
        )
        requests.give_back_fields(tx, [request.id])
        found = subjects.load(tx, [request.subject_id]).get(request.subject_id)
        plan = asking.plan(tx, wish, found, taking=True, actor=actor, at=at)
        _require_clear(tx, plan, at=at)
        asked, sealed = _again(tx, request, making.make(tx, 0, plan, None, actor=actor, at=at), at=at)
        _take_fields(tx, asked)
        revised = requests.revise(tx, asked, sealed)
        if revised is None:
            raise TooLate(state=request.state.value)
        writing = Writing(tx)
        progress.observe(tx, [revised], EntryKind.REQUEST_REVISED, actor=actor, at=at, writing=writing)
        now = progress.advance(tx, [revised], actor=actor, at=at, writing=writing)
        writing.write()
        return Receipt.of(now[revised.id])


def _again(tx: Tx, request: requests.Request, made: Made, *, at: datetime) -> tuple[requests.Request, bytes]:
    """Return a request with what was made of its new content, and its proposal sealed."""
    fresh, proposal = made.request, made.proposal
    digest = asking.digest_of(
        tx.client, request.subject_id, request.id, request.revision + 1, proposal.values, fresh.base_ver, proposal.salt
    )
    asked = structs.replace(
        request,
        operation=fresh.operation,
        fields=fresh.fields,
        base_ver=fresh.base_ver,
        digest=digest,
        proposal=proposal,
        # Nor can whoever made it before: a word of another's put into it does not make it that other's.
        route={**fresh.route, "makers": sorted({request.entered_by, *request.earlier_makers} - {fresh.entered_by})},
        needs_level=fresh.needs_level,
        needs_consent=fresh.needs_consent,
        needs_approvals=fresh.needs_approvals,
        reason_code=fresh.reason_code,
        # Whoever gives it new content is its maker from now on: they cannot be its checker.
        entered_by=fresh.entered_by,
        entered_team=fresh.entered_team,
        submitted_at=at,
        state_at=at,
        expires_at=fresh.expires_at,
    )
    return asked, requests.seal_proposal(tx.client, request.id, made.plan.key, proposal)


def _take_fields(tx: Tx, asked: requests.Request) -> None:
    taken = requests.take_fields(tx, [asked])
    if taken:
        paths = sorted(taken[asked.id])
        others = requests.holders_of_fields(tx, [asked.subject_id], paths)
        raise FieldTaken(reference=min(others.values(), default=""), paths=paths)
