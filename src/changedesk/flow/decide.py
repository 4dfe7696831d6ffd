"""The second pair of eyes: approve, reject, ask for information."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.ids import RequestId
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.flow import progress, standing
from changedesk.flow.asking import Gone, Receipt
from changedesk.flow.named import Named, TooLate, on_request, on_requests
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.rules import access, approval
from changedesk.rules.values import screen_text
from changedesk.store import evidence, once, people, requests, subjects
from changedesk.store.evidence import Decision
from changedesk.store.requests import Request
from changedesk.store.tx import Tx


class ReasonMissing(Refusal):
    """A decision against a request needs a reason that its asker can read."""

    code = "reason-missing"
    hint = "Choose a reason code and write one sentence for the person who asked."


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Named):
    """A request that may go ahead, exactly as it was seen: ``digest`` (hex) stands for its very values."""

    digest: str
    note: str = field(default="", repr=False)


def approve(seen: Mapping[str, str], *, note: str = "", actor: Actor, at: datetime) -> Outcome[Receipt]:
    """Let requests go ahead as ``approve_each`` does: ``seen`` is reference to digest. Refused by reference."""
    outcome = approve_each(
        [Approval(ref=ref, digest=digest, note=note) for ref, digest in seen.items()], actor=actor, at=at
    )
    refs = list(seen)
    return Outcome(outcome.done, {refs[place]: refusal for place, refusal in outcome.refused.items()})


def approve_each(items: Sequence[Approval], *, actor: Actor, at: datetime) -> Outcome[Receipt]:
    """Let requests go ahead, each exactly as it was seen.

    Nobody approves a change they entered, and nobody approves values other than the ones they saw: those come
    back refused by place, and the rest of the batch stands.
    """

    def act(writing: Writing, asked: Mapping[int, Request], refused: dict[int, Refusal]) -> Mapping[int, Request]:
        waiting, tx = list(asked.values()), writing.tx
        hand = progress.in_hand(writing, waiting, at=at)
        wanted = [_candidate(one) for one in standing.weighed(tx, waiting, hand, at=at).values()]
        places: dict[Hashable, int] = {request.id: place for place, request in asked.items()}
        digests = {id_: _bytes(items[place].digest) for id_, place in places.items()}
        allowed, not_allowed = approval.screen(wanted, actor, seen=digests)
        refused.update({places[id_]: refusal for id_, refusal in not_allowed.items()})
        approved = {places[one.id]: asked[places[one.id]] for one in allowed}
        notes = {request.id: items[place].note for place, request in approved.items()}
        moving = list(approved.values())
        decided = _record(writing, moving, "approve", None, notes, actor=actor, at=at)
        hand = replace(hand, decisions=[*hand.decisions, *decided])
        progress.observe(tx, moving, EntryKind.REQUEST_APPROVED, actor=actor, at=at, writing=writing)
        now = progress.advance(tx, moving, actor=actor, at=at, hand=hand, writing=writing)
        return {place: now[request.id] for place, request in approved.items()}

    return on_requests(items, act, verb=access.Verb.REQUEST_APPROVE, weighs=True, actor=actor, at=at)


def _candidate(one: standing.Standing) -> approval.Candidate:
    request = one.request
    return approval.Candidate(
        id=request.id,
        state=request.state.value,
        entered_by=request.entered_by,
        team=request.entered_team,
        digest=request.digest,
        separation=one.route.separation,
        decided_by=one.hand.decided_by,
        makers=people.behind((request.entered_by, *request.earlier_makers)),
    )


def _bytes(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest)
    except ValueError:
        return b""


def _record(
    writing: Writing,
    decided: Sequence[Request],
    verdict: str,
    reason: str | None,
    notes: Mapping[RequestId, str],
    *,
    actor: Actor,
    at: datetime,
) -> list[Decision]:
    given = [
        Decision(
            request_id=item.id,
            digest=item.digest,
            actor=actor.id,
            team=actor.team,
            verdict=verdict,
            reason_code=reason,
            note_ct=_sealed(writing, item, notes[item.id]) if notes[item.id] else None,
            at=at,
        )
        for item in decided
    ]
    evidence.record_decisions(writing.tx, given)
    return given


def _sealed(writing: Writing, request: Request, note: str) -> bytes | None:
    key = writing.subjects([request.subject_id])[request.subject_id].key
    return None if key is None else evidence.seal_text(writing.tx, key, request.id, screen_text(note).text)


def reject(
    ref: str,
    *,
    seen_version: int | None,
    reason: str,
    message: str,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """End a request with a no. The reason code is kept in clear, the sentence is sealed with the evidence."""
    if not reason or not message.strip():
        raise ReasonMissing

    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        _record(writing, [request], "reject", reason, {request.id: message}, actor=actor, at=at)
        ended = requests.move(tx, [request.id], "reject", at=at)
        if not ended:
            raise TooLate(state=request.state.value)
        facts = {"verdict_reason": reason}
        progress.observe(tx, ended, EntryKind.REQUEST_REJECTED, actor=actor, at=at, facts=facts, writing=writing)
        return ended[0]

    verb = access.Verb.REQUEST_REJECT
    return on_request(ref, act, verb=verb, seen_version=seen_version, reason=reason, actor=actor, at=at, key=key)


def ask_information(
    ref: str,
    *,
    seen_version: int | None,
    message: str,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """Send a request back to whoever entered it, with a question. It waits, and keeps its fields."""
    if not message.strip():
        raise ReasonMissing

    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        key = subjects.load(tx, [request.subject_id])[request.subject_id].key
        if request.proposal is None or key is None:
            raise Gone
        asked = requests.move(tx, [request.id], "ask_information", at=at)
        if not asked:
            raise TooLate(state=request.state.value)
        requests.ask(tx, request, key, replace(request.proposal, message=screen_text(message).text))
        progress.observe(tx, asked, EntryKind.REQUEST_INFORMATION_ASKED, actor=actor, at=at, writing=writing)
        return asked[0]

    verb = access.Verb.REQUEST_ASK_INFORMATION
    return on_request(ref, act, verb=verb, seen_version=seen_version, actor=actor, at=at, key=key)
