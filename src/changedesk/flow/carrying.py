"""What waits for a record that is merged: asked anew of the survivor, or closed with the reason.

Nothing that was proved, agreed to or approved goes along: it was bound to a digest, and the digest to the other record.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from changedesk.base.actor import Actor, Channel, type_of
from changedesk.base.ids import ClientId, RequestId, SubjectId
from changedesk.base.refusal import Refusal
from changedesk.flow import asking, making, standing
from changedesk.flow.observed import observe
from changedesk.flow.parties import LINKING, MERGE
from changedesk.flow.wish import Wish
from changedesk.flow.writing import Writing
from changedesk.kinds.merge import LEFT_OUT
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules.conflict import FieldTaken
from changedesk.store import links, requests, subjects
from changedesk.store.requests import Request
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx

_STAYS: Final = LEFT_OUT - {"restriction"}
"""What is asked of how a record stands is asked of that record; that its data be hardly used is asked of the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A request that waits for the merged record, and why it ends; no ``why``: it is asked anew of the survivor.

    ``why``: chosen (somebody chose so), stands (it is about how records stand, or whose they are), undoes (a change of
    the merged record), erased (nobody can read what was asked), or the code of ``refusal``, which asking anew meets.
    """

    request: Request
    why: str = ""
    refusal: Refusal | None = None


def foreseen(
    seen: Look, merged: Subject, survivor: Subject, close: Collection[str], *, at: datetime
) -> tuple[Pending, ...]:
    """Return what a merge would do with each request that waits. ``survivor``: as it would stand then."""
    waiting = requests.load(seen, links.pending(seen, merged.id)).values()
    theirs = [item for item in waiting if item.kind != MERGE or item.subject_id != merged.id]
    return tuple(
        _foreseen(seen, item, merged, survivor, close, at=at) for item in sorted(theirs, key=lambda item: item.id)
    )


def _foreseen(
    seen: Look, item: Request, merged: Subject, survivor: Subject, close: Collection[str], *, at: datetime
) -> Pending:
    why = _ends(item, merged.id, close)
    if why or item.subject_id != merged.id:
        # An account goes to the survivor as it is, with what is asked of it.
        return Pending(request=item, why=why)
    person = survivor.id if item.person_id == merged.id else item.person_id
    try:
        wish = _wish(item, survivor.id, person)
        plan = asking.plan(seen, wish, survivor, actor=_maker(item, seen.client, person), at=at)
        making.require_known(plan)
        if plan.conflicts:
            raise FieldTaken(reference=min(plan.conflicts.values()), paths=sorted(plan.conflicts))
    except Refusal as refusal:
        return Pending(request=item, why=refusal.code, refusal=refusal)
    return Pending(request=item)


def _ends(item: Request, merged: SubjectId, close: Collection[str]) -> str:
    if item.proposal is None:
        return "erased"
    if item.kind in LINKING or (item.subject_id == merged and item.kind in _STAYS):
        return "stands"
    if item.reverts is not None:
        return "undoes"
    return "chosen" if item.ref in close else ""


def _maker(item: Request, client: ClientId, person: SubjectId) -> Actor:
    """Return whoever asked: policy is told the same again, and nobody approves what they entered themselves."""
    return Actor(
        client,
        type_of(item.entered_by),
        item.entered_by,
        Channel(item.channel),
        MERGE,
        team=item.entered_team,
        subject=person,
    )


def _wish(item: Request, subject: SubjectId, person: SubjectId) -> Wish:
    proposal = item.proposal
    assert proposal is not None  # noqa: S101 - what was erased stays where it is
    return Wish(
        subject=subject,
        kind=item.kind,
        values=proposal.values,
        stood=proposal.values,
        person=person,
        initiated_by=item.initiated_by,
        reason=item.reason_code,
        channel=Channel(item.channel),
        note=proposal.note,
        requested_by=item.requested_by,
        on_behalf_of=item.on_behalf_of,
        interaction=item.interaction,
        acknowledged=tuple(proposal.acknowledged),
        earlier_makers=item.earlier_makers,
        effective_at=item.effective_at,
        received_at=item.received_at,
    )


def end(tx: Tx, request: Request, *, at: datetime) -> list[Request]:
    """End what waits beside the request that is applied, and return it; ``carry`` says what became of each."""
    waiting = [id_ for id_ in links.pending(tx, request.subject_id) if id_ != request.id]
    return requests.move(tx, waiting, "cancel", at=at)


def carry(
    tx: Tx, ended: Sequence[Request], merged: SubjectId, into: SubjectId, close: Collection[str], *, actor: Actor,
    at: datetime,
) -> list[Request]:  # fmt: skip
    """Ask anew of the survivor what can be, and say of each request that was ended what became of it."""
    why = {place: word for place, item in enumerate(ended) if (word := _ends(item, merged, close))}
    refused: dict[int, Refusal] = {}
    made: list[making.Made] = []
    found = subjects.load(tx, {into, *(item.subject_id for item in ended)})
    for place, item in enumerate(ended):
        if place in why:
            continue
        subject, person = (into if id_ == merged else id_ for id_ in (item.subject_id, item.person_id))
        maker = _maker(item, tx.client, person)
        try:
            plan = asking.plan(tx, _wish(item, subject, person), found[subject], taking=True, actor=maker, at=at)
            made.append(making.make(tx, place, plan, None, actor=maker, at=at))
        except Refusal as refusal:
            refused[place] = refusal
    made = making.undisturbed(tx, made, standing.at_first(tx, [one.request for one in made], at=at), refused, at=at)
    from_: Mapping[RequestId, Mapping[str, Json]] = {
        one.request.id: {"carried_from": ended[one.place].ref} for one in made
    }
    writing = Writing(tx)
    new = making.write(writing, made, actor=actor, at=at, facts=from_)
    to = {one.place: one.request.ref for one in made}
    why |= {place: refusal.code for place, refusal in refused.items()}
    each: dict[RequestId, Mapping[str, Json]] = {}
    for place, item in enumerate(ended):
        became = {"carried_to": to[place]} if place in to else {"not_carried": why[place]}
        each[item.id] = {"cancel_reason": "merged", "into": str(into), **became}
    observe(tx, ended, EntryKind.REQUEST_CANCELLED, actor=actor, at=at, each=each, writing=writing)
    writing.write()
    return new


def as_merged(survivor: Subject, merged: Subject, take: Collection[str]) -> Subject:
    """Return the survivor as it would stand with the values that it takes."""
    taken = {path: merged.state[path] for path in take if path in merged.state}
    return replace(survivor, state={**survivor.state, **taken})
