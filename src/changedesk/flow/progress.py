"""Taking requests as far along their route as their evidence carries them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, RequestId, SubjectId, uuid7
from changedesk.flow import asking, effects, forget, left_behind, linking, parties, standing
from changedesk.flow.observed import observe, request_facts, version_of
from changedesk.flow.standing import Standing
from changedesk.flow.writing import Writing
from changedesk.kinds import Effect
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules.holds import OnHold
from changedesk.rules.lifecycle import ENDINGS, STEPS, RequestState
from changedesk.rules.route_progress import next_step
from changedesk.store import evidence, history, requests, subjects
from changedesk.store import hand as locking
from changedesk.store.evidence import Hold
from changedesk.store.hand import Hand
from changedesk.store.requests import Proposal, Request
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx

__all__ = ["advance", "apply", "observe", "request_facts", "version_of"]


def in_hand(writing: Writing, moving: Sequence[Request], *, at: datetime) -> Hand:
    """Return what ``advance`` weighs for some requests: their evidence, and what holds them up.

    Their subjects are read with it, for their entries.
    """
    if not moving:
        return Hand((), (), (), ())
    unread = {item.subject_id for item in moving} - writing.known.keys()
    found = standing.read(writing.tx, moving, held=standing.whom(writing.tx, moving), subjects=sorted(unread), at=at)
    writing.known.update({subject.id: subject for subject in found.subjects})
    return found


def advance(
    tx: Tx,
    moving: Sequence[Request],
    *,
    actor: Actor,
    at: datetime,
    hand: Hand | None = None,
    writing: Writing | None = None,
) -> dict[RequestId, Request]:
    """Move requests that were locked or made in this transaction on until each waits for somebody or has ended.

    Returns them as they stand then. ``hand`` is what was read for them in this transaction, after all that was written
    for them. Their entries are written at the end of ``writing``, where it is given.

    What is applied here is applied in this transaction: the request's move, the entry and the state together.
    """
    done = {item.id: item for item in moving}
    into = writing or Writing(tx)
    rest = [item for item in moving if item.state not in ENDINGS]
    # Weighed once: what a request has in hand does not change by being moved.
    hand = hand or in_hand(into, rest, at=at)
    weighed = standing.weighed(tx, rest, hand, at=at)
    stopped = _stopped(tx, rest, hand.holds, at=at)
    while rest:
        steps: defaultdict[str, list[Standing]] = defaultdict(list)
        for item in rest:
            one = weighed[item.id] if weighed[item.id].request is item else replace(weighed[item.id], request=item)
            steps[_step(one, held=item.id in stopped, at=at)].append(one)
        rest = []
        for step, group in steps.items():
            due = [one for one in group if one.request.state is not STEPS[step].target]
            moved = _take(tx, step, due, stopped, into, actor=actor, at=at)
            done.update({item.id: item for item in moved})
            rest += [item for item in moved if item.state is RequestState.APPROVED]
    if writing is None:
        into.write()
    return done


def _step(one: Standing, *, held: bool, at: datetime) -> str:
    request = one.request
    return next_step(
        one.route,
        level=one.hand.level,
        consented=one.hand.consented,
        approvals=len(one.hand.approvers),
        new_contacts_confirmed=one.hand.new_contacts_confirmed or not one.hand.new_contacts,
        effective_at=_earliest(one),
        now=at,
        held=held,
        others_confirmed=one.others_confirmed,
        decided=request.state in (RequestState.APPROVED, RequestState.SCHEDULED),
    )


def _earliest(one: Standing) -> datetime | None:
    """Return when an approved request may be applied: on its day, and not before the wait that a rule demands ends.

    The wait is kept with the request once it is scheduled (``hold_until``): moving its day does not move the wait.
    """
    request, wait = one.request, one.route.wait_seconds
    if not wait:
        return request.effective_at
    ends = request.hold_until or request.state_at + timedelta(seconds=wait)
    return ends if request.effective_at is None else max(ends, request.effective_at)


def _stopped(look: Look, moving: Sequence[Request], active: Sequence[Hold], *, at: datetime) -> dict[RequestId, OnHold]:
    """Return the requests that a hold on their customer stops, with its refusal."""
    if not active:
        return {}
    config, concerned = configuration(look.client), standing.concerned(look, moving)
    found: dict[RequestId, OnHold] = {}
    for item in moving:
        values = {} if item.proposal is None else {path: item.proposal.values.get(path) for path in item.fields}
        mine = [hold for hold in active if hold.subject_id in concerned[item.id]]
        if (stopped := asking.hold_against(mine, config, values, at=at)) is not None:
            found[item.id] = stopped
    return found


def _take(
    tx: Tx,
    step: str,
    due: Sequence[Standing],
    stopped: Mapping[RequestId, OnHold],
    writing: Writing,
    *,
    actor: Actor,
    at: datetime,
) -> list[Request]:
    if not due:
        return []
    if step == "apply":
        return apply(tx, due, writing, actor=actor, at=at)
    asked = [one.request for one in _as_they_stand(writing, due)]
    until: dict[RequestId, datetime] = {}
    if step == "hold":
        until = {item.id: end for item in asked if isinstance(end := stopped[item.id].data["ends"], datetime)}
    elif step == "schedule":
        until = {one.request.id: end for one in due if one.route.wait_seconds and (end := _earliest(one)) is not None}
    moved = requests.move_held(tx, asked, step, at=at, hold_until=until)
    kind = _TOLD.get(step)
    told = moved if step != "ask_verification" else _lapsed(due, moved)
    if kind is not None:
        observe(tx, told, kind, actor=actor, at=at, writing=writing)
    return moved


def _lapsed(due: Sequence[Standing], moved: Sequence[Request]) -> list[Request]:
    """Return the requests that were proved once, and have to be proved anew."""
    fresh = {one.request.id for one in due if one.request.state in _UNPROVED}
    return [item for item in moved if item.id not in fresh]


_UNPROVED: Final = frozenset({RequestState.SUBMITTED, RequestState.AWAITING_INFORMATION})


_TOLD: Final[Mapping[str, EntryKind]] = {
    "ask_verification": EntryKind.IDENTITY_LAPSED,
    "schedule": EntryKind.REQUEST_SCHEDULED,
    "hold": EntryKind.REQUEST_HELD,
}


def apply(tx: Tx, due: Sequence[Standing], writing: Writing, *, actor: Actor, at: datetime) -> list[Request]:
    """Apply approved requests: exactly what was previewed and approved, or not at all.

    A request whose fields moved since it was made goes stale instead, and one that would end before it begins. The
    digest is computed again here, in the transaction that writes: whatever was edited in between no longer fits what
    was approved.
    """
    if writing.changes:
        writing.write()
    due = _as_they_stand(writing, due)
    asked = [one.request for one in due]
    beside = parties.others(tx, asked) | left_behind.along(tx, asked, at=at)
    busy = linking.busy(tx, asked) | forget.busy(tx, asked) | left_behind.busy(tx, asked, at=at)
    due = [one for one in due if one.request.id not in busy]
    held, active = _lock(writing, due, beside, at=at)
    parts = [[one] for one in due] if beside else _in_turn(due)
    if len(parts) > 1:
        # Each is weighed against the record as the one before has left it, and what brings records together with all.
        return [item for part in parts for item in apply(tx, part, writing, actor=actor, at=at)]
    stopped = _stopped(tx, [one.request for one in due], active, at=at) | _forbidden(tx, due, held, beside)
    halted = _take(tx, "hold", [one for one in due if one.request.id in stopped], stopped, writing, actor=actor, at=at)
    config = configuration(tx.client)
    stale: dict[RequestId, list[str]] = {}
    failed: list[Request] = []
    ready: list[Standing] = []
    for one in due:
        if one.request.id in stopped:
            continue
        subject = held[one.request.subject_id]
        moved = (
            # What is no field of the client any more is not set: whoever asked may ask for the rest.
            [path for path in one.request.fields if path not in config.catalogue]
            or _moved_since(one.request, subject)
            or parties.moved(tx, one.request, held, beside.get(one.request.id, ()), at=at)
            or effects.over(config, one.request, subject, at=at)
        )
        if one.request.proposal is None or subject.key is None:
            failed.append(one.request)
        elif moved or not _digest_fits(tx, one.request, one.request.proposal):
            stale[one.request.id] = moved
        else:
            ready.append(one)
    late = [one.request for one in due if one.request.id in stale]
    gone = requests.move_held(tx, late, "go_stale", at=at)
    why = {id_: {"moved": paths} for id_, paths in stale.items()}
    observe(tx, gone, EntryKind.REQUEST_STALE, actor=actor, at=at, each=why, writing=writing)
    ended = requests.move_held(tx, failed, "fail", at=at)
    return [*_write(tx, ready, held, writing, actor=actor, at=at), *halted, *gone, *ended]


def _in_turn(due: Sequence[Standing]) -> list[list[Standing]]:
    """Part requests so that no two of one subject are together."""
    parts: list[list[Standing]] = []
    before: Counter[SubjectId] = Counter()
    for one in due:
        turn = before[one.request.subject_id]
        parts += [[]] if turn == len(parts) else []
        parts[turn].append(one)
        before[one.request.subject_id] += 1
    return parts


def _lock(
    writing: Writing, due: Sequence[Standing], beside: Mapping[RequestId, Sequence[SubjectId]], *, at: datetime
) -> tuple[Mapping[SubjectId, Subject], Sequence[Hold]]:
    """Return the subjects of requests, and those beside them, locked; and the holds on all whom they concern.

    Holds are asked again under the lock: a freeze that was placed meanwhile has committed by now, or waits for us.
    """
    tx, going = writing.tx, [one.request for one in due]
    wanted = {item.subject_id for item in going} | {id_ for ids in beside.values() for id_ in ids}
    held, active = locking.lock(tx, list(wanted), held=standing.whom(tx, going), now=at)
    writing.known.update(held)
    # Whom an erasure concerns is known for sure under the lock.
    return held, evidence.active_holds(tx, standing.whom(tx, going), now=at) if beside else active


def _as_they_stand(writing: Writing, due: Sequence[Standing]) -> Sequence[Standing]:
    """Return requests again: what one brought may have ended another."""
    if not writing.carried:
        return due
    now = {item.id: item for item in requests.hold(writing.tx, [one.request.id for one in due])}
    return [replace(one, request=now[one.request.id]) for one in due]


def _forbidden(
    look: Look,
    due: Sequence[Standing],
    held: Mapping[SubjectId, Subject],
    beside: Mapping[RequestId, Sequence[SubjectId]],
) -> dict[RequestId, OnHold]:
    """Return the requests that the way their subject stands by now forbids, or the person behind it.

    An erasure takes what was merged into its subject: the way that stands counts, too.
    """
    others = subjects.load(look, {one.request.person_id for one in due} - held.keys())
    config = configuration(look.client)
    found: dict[RequestId, OnHold] = {}
    for request in (one.request for one in due):
        values = (
            {} if request.proposal is None else {path: request.proposal.values.get(path) for path in request.fields}
        )
        whom = [held[request.subject_id], held.get(request.person_id) or others[request.person_id]]
        if request.kind == left_behind.ERASURE:
            whom += [held[id_] for id_ in beside.get(request.id, ()) if held[id_].status == "merged"]
        refusal = asking.forbidden_by_status(config, whom, values, request.operation, reason=request.reason_code)
        if refusal is not None:
            found[request.id] = refusal
    return found


def _moved_since(request: Request, subject: Subject) -> list[str]:
    seen = {} if request.proposal is None else request.proposal.seen
    return [path for path in request.fields if version_of(subject, path) != seen.get(path, 0)]


def _digest_fits(look: Look, request: Request, proposal: Proposal) -> bool:
    again = asking.digest_of(
        look.client, request.subject_id, request.id, request.revision, proposal.values, request.base_ver, proposal.salt
    )
    return again == request.digest


def _write(
    tx: Tx,
    ready: Sequence[Standing],
    held: Mapping[SubjectId, Subject],
    writing: Writing,
    *,
    actor: Actor,
    at: datetime,
) -> list[Request]:
    changes = {one.request.id: ChangeId(uuid7()) for one in ready}
    asked = [one.request for one in ready]
    applied = {item.id: item for item in requests.move_held(tx, asked, "apply", at=at, changes=changes)}
    config = configuration(tx.client)
    brought: dict[RequestId, Sequence[Effect]] = {}
    drafts: list[history.Draft] = []
    for one in ready:
        if one.request.id not in applied:
            continue
        request = one.request
        subject = held[request.subject_id]
        from_us = micros(effects.true_from(request, at)) // 1000 * 1000
        brought[request.id] = effects.of(config, request, subject, at=at)
        drafts.append(
            history.Draft(
                subject=subject,
                kind=effects.entry_of(request),
                actor=actor,
                at=at,
                assertions=effects.assertions(subject, request, brought[request.id], from_us),
                facts={**_applied_facts(one), **effects.announced(brought[request.id])},
                request=request.id,
                channel=request.channel,
                change=changes[request.id],
            )
        )
    writing.add(drafts)
    _place_holds(tx, [one for one in ready if one.request.id in applied], writing, actor=actor, at=at)
    for request_id, found in brought.items():
        if not effects.carries(found):
            continue
        writing.write()
        writing.carried = True
        asked = effects.carry_out(tx, applied[request_id], changes[request_id], found, actor=actor, at=at)
        advance(tx, asked, actor=actor, at=at)
    return list(applied.values())


def _applied_facts(one: Standing) -> dict[str, Json]:
    facts = {**request_facts(one.request), **one.facts()}
    facts["rules"] = [[rule, version] for rule, version in one.route.rules]
    facts["policy"] = one.route.policy_version
    if one.request.reverts is not None:
        facts["reverts"] = str(one.request.reverts)
    return facts


def _place_holds(tx: Tx, applied: Sequence[Standing], writing: Writing, *, actor: Actor, at: datetime) -> None:
    """Start the holds that the route wants from the moment the change holds."""
    stopping = [one for one in applied if one.route.holds]
    if not stopping:
        return
    placed = [
        evidence.Hold(
            id=uuid4(),
            subject_id=one.request.subject_id,
            request_id=one.request.id,
            blocks=duty.blocks,
            rule=duty.rule or "policy",
            release=duty.release,
            placed_by=actor.id,
            starts_at=at,
            ends_at=at + timedelta(seconds=duty.seconds),
        )
        for one in stopping
        for duty in one.route.holds
    ]
    evidence.place_holds(tx, placed)
    each: Mapping[RequestId, Mapping[str, Json]] = {
        one.request.id: {
            "holds": [
                {"blocks": list(hold.blocks), "rule": hold.rule} for hold in placed if hold.request_id == one.request.id
            ]
        }
        for one in stopping
    }
    observe(
        tx, [one.request for one in stopping], EntryKind.HOLD_PLACED, actor=actor, at=at, each=each, writing=writing
    )
