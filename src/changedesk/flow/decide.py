"""The second pair of eyes: approve, reject, ask for information."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.ids import parse_reference
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import progress, standing
from changedesk.flow.asking import Gone, Receipt
from changedesk.flow.named import Moved, TooLate, claim_one, hold, hold_ahead, on_request
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, approval
from changedesk.rules.values import screen_text
from changedesk.store import evidence, once, people, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.evidence import Decision
from changedesk.store.requests import Request
from changedesk.store.tx import Tx


class ReasonMissing(Refusal):
    """A decision against a request needs a reason that its asker can read."""

    code = "reason-missing"
    hint = "Choose a reason code and write one sentence for the person who asked."


def approve(
    seen: Mapping[str, str],
    *,
    versions: Mapping[str, int] | None = None,
    note: str = "",
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Outcome[Receipt]:
    """Let requests go ahead, each exactly as it was seen: ``seen`` is reference to digest (hex).

    ``versions`` says of some references which version was seen too: another one is refused as Moved.
    Nobody approves a change they entered, and nobody approves values other than the ones they saw: those come
    back refused by reference, and the rest of the batch stands.
    """
    access.require(actor, access.Verb.REQUEST_APPROVE)
    with begin(actor) as tx:
        hold_ahead(tx, seen)
        claimed = claim_one(tx, key, actor)
        said: list[Receipt] = []
        if claimed is not None and claimed.reply is not None:
            said = [Receipt.replay(item) for item in claimed.reply["receipts"]]
            # What was refused the first time was not done, so it is looked at again.
            done = {receipt.ref for receipt in said}
            seen = {ref: digest for ref, digest in seen.items() if parse_reference(ref) not in done}
        held, refused = _hold(tx, seen, versions or {}, at=at)
        writing = Writing(tx)
        hand = progress.in_hand(writing, list(held.values()), at=at)
        weighed = standing.weighed(tx, list(held.values()), hand, at=at)
        wanted = [_candidate(one) for one in weighed.values()]
        named = {canonical: ref for ref in seen if (canonical := parse_reference(ref)) is not None}
        digests: dict[Hashable, bytes] = {canonical: _bytes(seen[ref]) for canonical, ref in named.items()}
        allowed, not_allowed = approval.screen(wanted, actor, seen=digests)
        refused.update({named[str(canonical)]: refusal for canonical, refusal in not_allowed.items()})
        approved = [held[str(item.id)] for item in allowed]
        decided = _record(writing, approved, "approve", None, note, actor=actor, at=at)
        hand = replace(hand, decisions=[*hand.decisions, *decided])
        progress.observe(tx, approved, EntryKind.REQUEST_APPROVED, actor=actor, at=at, writing=writing)
        now = progress.advance(tx, approved, actor=actor, at=at, hand=hand, writing=writing)
        receipts = [Receipt.of(now[item.id]) for item in approved]
        answered: list[tuple[once.Claim, dict[str, Json]]] = []
        if claimed is not None and claimed.reply is None and receipts:
            answered = [(claimed, {"receipts": [receipt.reply() for receipt in receipts]})]
        writing.end(answered, actor=actor, at=at)
    return Outcome([*said, *receipts], refused)


def _hold(
    tx: Tx, seen: Mapping[str, str], versions: Mapping[str, int], *, at: datetime
) -> tuple[dict[str, Request], dict[Hashable, Refusal]]:
    canonical = {ref: parse_reference(ref) for ref in seen}
    held = hold(tx, {known for known in canonical.values() if known is not None}, weighed_at=at)
    refused: dict[Hashable, Refusal] = {ref: NotFound() for ref, known in canonical.items() if known not in held}
    for ref, version in versions.items():
        moved = held.get(canonical.get(ref) or "")
        if moved is not None and moved.version != version:
            refused[ref] = Moved(seen=version, version=moved.version)
            del held[moved.ref]
    return held, refused


def _candidate(one: standing.Standing) -> approval.Candidate:
    request = one.request
    return approval.Candidate(
        id=request.ref,
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
    decided: list[Request],
    verdict: str,
    reason: str | None,
    note: str,
    *,
    actor: Actor,
    at: datetime,
) -> list[Decision]:
    known = writing.subjects({item.subject_id for item in decided}) if note else {}
    text = screen_text(note).text
    given: list[Decision] = []
    for item in decided:
        key = known[item.subject_id].key if note else None
        given.append(
            Decision(
                request_id=item.id,
                digest=item.digest,
                actor=actor.id,
                team=actor.team,
                verdict=verdict,
                reason_code=reason,
                note_ct=None if key is None else evidence.seal_text(writing.tx, key, item.id, text),
                at=at,
            )
        )
    evidence.record_decisions(writing.tx, given)
    return given


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
        _record(writing, [request], "reject", reason, message, actor=actor, at=at)
        ended = requests.move(tx, [request.id], "reject", at=at)
        if not ended:
            raise TooLate(state=request.state.value)
        facts = {"verdict_reason": reason}
        progress.observe(tx, ended, EntryKind.REQUEST_REJECTED, actor=actor, at=at, facts=facts, writing=writing)
        return ended[0]

    verb = access.Verb.REQUEST_REJECT
    return on_request(ref, act, verb=verb, seen_version=seen_version, actor=actor, at=at, key=key)


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
