"""Taking requests as far along their route as their evidence carries them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from changedesk.base.actor import Actor, Channel
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, RequestId, SubjectId, uuid7
from changedesk.flow import asking
from changedesk.flow.indexing import terms_for
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json, encode_value
from changedesk.rules import consent as consent_rules
from changedesk.rules import identity, policy
from changedesk.rules.lifecycle import ENDINGS, STEPS, RequestState
from changedesk.rules.route import Route
from changedesk.rules.route_progress import next_step
from changedesk.store import evidence, history, requests, subjects
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx

CALLER_LOOKED_BACK: Final = timedelta(days=30)
"""How far back a caller's proof is looked for: it counts for good once a proof of the change followed it in time."""
_WAITING_STEPS: Final = frozenset({"ask_verification", "ask_consent", "ask_approval"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request has in hand: its route, and the evidence bound to its present content."""

    request: Request
    route: Route
    proofs: tuple[identity.Proof, ...]
    level: int
    new_contacts: tuple[str, ...]
    new_contacts_confirmed: bool
    consented: bool
    approvers: tuple[str, ...]

    def facts(self) -> dict[str, Json]:
        """Return the evidence in the words of the ledger: methods, levels and ids, never a value."""
        return {
            "verified": {
                "level": self.level,
                "methods": sorted({str(proof.method) for proof in self.proofs if proof.purpose != "new_contact"}),
            },
            "consent": self.route.consent,
            "approved_by": list(self.approvers),
        }


def standings(look: Look, wanted: Sequence[Request], *, at: datetime) -> dict[RequestId, Standing]:
    """Weigh the evidence of some requests."""
    if not wanted:
        return {}
    ids = [item.id for item in wanted]
    since = min(item.received_at for item in wanted) - CALLER_LOOKED_BACK
    challenges = evidence.challenges_of_requests(look, ids, [item.subject_id for item in wanted], since=since)
    consents = evidence.consents_of(look, ids)
    decisions = evidence.decisions_of(look, ids)
    catalogue = configuration(look.client).catalogue
    found: dict[RequestId, Standing] = {}
    for item in wanted:
        route = policy.from_json(item.route)
        proofs = tuple(
            proof_of(challenge)
            for challenge in challenges
            if challenge.state == "confirmed"
            and challenge.subject_id == item.subject_id
            and challenge.request_id in (None, item.id)
        )
        values = {} if item.proposal is None else item.proposal.values
        new_contacts = tuple(
            path for path in item.fields if catalogue[path].contact_point and values.get(path) is not None
        )
        found[item.id] = Standing(
            request=item,
            route=route,
            proofs=proofs,
            level=identity.level(
                proofs,
                digest=item.digest,
                now=at,
                forbidden=route.methods_forbidden,
                in_session=item.entered_by.startswith("c") and item.channel in _OWN_SESSION,
            ),
            new_contacts=new_contacts,
            new_contacts_confirmed=identity.new_contacts_confirmed(proofs, new_contacts, digest=item.digest),
            consented=consent_rules.consented(
                route, [one for one in consents if one.request_id == item.id], digest=item.digest
            ),
            approvers=tuple(
                one.actor
                for one in decisions
                if one.request_id == item.id and one.verdict == "approve" and one.digest == item.digest
            ),
        )
    return found


_OWN_SESSION: Final = frozenset({Channel.WEB_PORTAL.value, Channel.MOBILE_APP.value})


def proof_of(challenge: evidence.Challenge) -> identity.Proof:
    """Return a confirmed challenge in the words of ``rules.identity``."""
    return identity.Proof(
        method=challenge.method,
        purpose=challenge.purpose,
        contact_path=challenge.contact_path,
        bound_digest=challenge.digest,
        confirmed_at=challenge.decided_at or challenge.started_at,
    )


def advance(tx: Tx, moving: Sequence[Request], *, actor: Actor, at: datetime) -> dict[RequestId, Request]:
    """Move requests on until each waits for somebody or has ended; return them as they stand then.

    What is applied here is applied in this transaction: the request's move, the entry and the state together.
    """
    done = {item.id: item for item in moving}
    rest = [item for item in moving if item.state not in ENDINGS]
    while rest:
        steps: defaultdict[str, list[Standing]] = defaultdict(list)
        weighed = standings(tx, rest, at=at)
        stopped = _stopped(tx, rest, at=at)
        for item in rest:
            standing = weighed[item.id]
            steps[_step(standing, held=item.id in stopped, at=at)].append(standing)
        rest = []
        for step, group in steps.items():
            waiting = [one for one in group if one.request.state is STEPS[step].target]
            due = [one for one in group if one.request.state is not STEPS[step].target]
            moved = _take(tx, step, due, stopped, actor=actor, at=at)
            done.update({item.id: item for item in moved})
            if step not in _WAITING_STEPS and not waiting:
                rest += [item for item in moved if item.state not in _AT_REST]
    return done


_AT_REST: Final = ENDINGS | {
    RequestState.AWAITING_VERIFICATION,
    RequestState.AWAITING_CONSENT,
    RequestState.AWAITING_APPROVAL,
    RequestState.AWAITING_INFORMATION,
    RequestState.SCHEDULED,
    RequestState.ON_HOLD,
    RequestState.STALE,
}


def _step(standing: Standing, *, held: bool, at: datetime) -> str:
    request = standing.request
    effective_at = request.effective_at
    if standing.route.wait_seconds:
        earliest = request.state_at + timedelta(seconds=standing.route.wait_seconds)
        effective_at = earliest if effective_at is None else max(earliest, effective_at)
    return next_step(
        standing.route,
        level=standing.level,
        consented=standing.consented,
        approvals=len(standing.approvers),
        new_contacts_confirmed=standing.new_contacts_confirmed or not standing.new_contacts,
        effective_at=effective_at,
        now=at,
        held=held,
        decided=request.state in (RequestState.APPROVED, RequestState.SCHEDULED),
    )


def _stopped(look: Look, moving: Sequence[Request], *, at: datetime) -> dict[RequestId, datetime | None]:
    """Return the requests that a hold on their customer stops, with the end of that hold."""
    config = configuration(look.client)
    active = evidence.active_holds(look, {item.subject_id for item in moving}, now=at)
    found: dict[RequestId, datetime | None] = {}
    for item in moving:
        values = {} if item.proposal is None else {path: item.proposal.values.get(path) for path in item.fields}
        mine = [hold for hold in active if hold.subject_id == item.subject_id]
        if mine and asking.hold_against(mine, config, values, at=at) is not None:
            endings = [hold.ends_at for hold in mine]
            found[item.id] = None if None in endings else max(end for end in endings if end is not None)
    return found


def _take(
    tx: Tx,
    step: str,
    due: Sequence[Standing],
    stopped: Mapping[RequestId, datetime | None],
    *,
    actor: Actor,
    at: datetime,
) -> list[Request]:
    if not due:
        return []
    if step == "apply":
        return apply(tx, due, actor=actor, at=at)
    ids = [one.request.id for one in due]
    until = {item: end for item in ids if (end := stopped.get(item)) is not None} if step == "hold" else None
    moved = requests.move(tx, ids, step, at=at, hold_until=until)
    kind = _TOLD.get(step)
    if kind is not None and moved:
        observe(tx, moved, kind, actor=actor, at=at)
    return moved


_TOLD: Final[Mapping[str, EntryKind]] = {
    "schedule": EntryKind.REQUEST_SCHEDULED,
    "hold": EntryKind.REQUEST_HELD,
}


def observe(
    tx: Tx,
    about: Sequence[Request],
    kind: EntryKind,
    *,
    actor: Actor,
    at: datetime,
    facts: Mapping[str, Json] | None = None,
    each: Mapping[RequestId, Mapping[str, Json]] | None = None,
) -> None:
    """Record something that happened to requests; it changes no value."""
    known = subjects.load(tx, {item.subject_id for item in about})
    drafts = [
        history.Draft(
            subject=known[item.subject_id],
            kind=kind,
            actor=actor,
            at=at,
            facts={**request_facts(item), **(facts or {}), **((each or {}).get(item.id, {}))},
            request=item.id,
            channel=item.channel,
        )
        for item in about
    ]
    history.append(tx, drafts, terms=terms_for(tx.client))


def request_facts(request: Request) -> dict[str, Json]:
    """Return what every entry about a request says of it: references and codes, never a value."""
    facts: dict[str, Json] = {
        "ref": request.ref,
        "kind": request.kind,
        "fields": list(request.fields),
        "reason": request.reason_code,
        "requested_by": request.requested_by,
        "entered_by": request.entered_by,
        "digest": request.digest.hex(),
    }
    if request.on_behalf_of:
        facts["on_behalf_of"] = request.on_behalf_of
    if request.interaction:
        facts["interaction"] = request.interaction
    return facts


def apply(tx: Tx, due: Sequence[Standing], *, actor: Actor, at: datetime) -> list[Request]:
    """Apply approved requests: exactly what was previewed and approved, or not at all.

    A request whose fields moved since it was made goes stale instead. The digest is computed again here, in the
    transaction that writes: whatever was edited in between no longer fits what was approved.
    """
    held = subjects.hold(tx, {one.request.subject_id for one in due})
    stale: dict[RequestId, list[str]] = {}
    failed: list[RequestId] = []
    ready: list[Standing] = []
    for one in due:
        subject = held[one.request.subject_id]
        moved = _moved_since(one.request, subject)
        if one.request.proposal is None or subject.key is None:
            failed.append(one.request.id)
        elif moved or not _digest_fits(tx, one.request):
            stale[one.request.id] = moved
        else:
            ready.append(one)
    gone = requests.move(tx, list(stale), "go_stale", at=at)
    if gone:
        observe(tx, gone, EntryKind.REQUEST_STALE, actor=actor, at=at, each={k: {"moved": v} for k, v in stale.items()})
    ended = requests.move(tx, failed, "fail", at=at)
    return [*_write(tx, ready, held, actor=actor, at=at), *gone, *ended]


def _moved_since(request: Request, subject: Subject) -> list[str]:
    seen = {} if request.proposal is None else request.proposal.seen
    return [path for path in request.fields if version_of(subject, path) != seen.get(path, 0)]


def version_of(subject: Subject, path: str) -> int:
    """Return the version that set a field as it stands, 0 where it holds nothing."""
    held = subject.state.get(path)
    return 0 if held is None else held.ver


def _digest_fits(look: Look, request: Request) -> bool:
    if request.proposal is None:
        return False
    again = asking.digest_of(
        look.client, request.subject_id, request.id, request.revision, request.proposal.values, request.base_ver,
        request.proposal.salt,
    )  # fmt: skip
    return again == request.digest


def _write(
    tx: Tx, ready: Sequence[Standing], held: Mapping[SubjectId, Subject], *, actor: Actor, at: datetime
) -> list[Request]:
    changes = {one.request.id: ChangeId(uuid7()) for one in ready}
    applied = {item.id: item for item in requests.move(tx, list(changes), "apply", at=at, changes=changes)}
    now_us = micros(at) // 1000 * 1000
    drafts: list[history.Draft] = []
    for one in ready:
        if one.request.id not in applied:
            continue
        request = one.request
        subject = held[request.subject_id]
        values = {} if request.proposal is None else request.proposal.values
        drafts.append(
            history.Draft(
                subject=subject,
                kind=EntryKind.CHANGE_APPLIED if request.reverts is None else EntryKind.CHANGE_REVERTED,
                actor=actor,
                at=at,
                assertions=[assertion(subject, path, values.get(path), now_us) for path in request.fields],
                facts=_applied_facts(one),
                request=request.id,
                channel=request.channel,
                change=changes[request.id],
            )
        )
    history.append(tx, drafts, terms=terms_for(tx.client))
    _place_holds(tx, [one for one in ready if one.request.id in applied], actor=actor, at=at)
    return list(applied.values())


def assertion(subject: Subject, path: str, value: object, from_us: int, to_us: int = FOREVER) -> Assertion:
    """Return "this field holds this from then on", with what it held before."""
    old = subject.state.get(path)
    return Assertion(
        path,
        None if old is None else old.text,
        None if value is None else encode_value(value),  # type: ignore[arg-type]  # a proposal holds canonical values
        from_us,
        to_us,
    )


def _applied_facts(one: Standing) -> dict[str, Json]:
    facts = {**request_facts(one.request), **one.facts()}
    facts["rules"] = [[rule, version] for rule, version in one.route.rules]
    facts["policy"] = one.route.policy_version
    if one.request.reverts is not None:
        facts["reverts"] = str(one.request.reverts)
    return facts


def _place_holds(tx: Tx, applied: Sequence[Standing], *, actor: Actor, at: datetime) -> None:
    """Start the holds that the route wants from the moment the change holds."""
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
        for one in applied
        for duty in one.route.holds
    ]
    if placed:
        evidence.place_holds(tx, placed)
        by_request = {one.request.id: one.request for one in applied}
        each: defaultdict[RequestId, list[Json]] = defaultdict(list)
        for hold in placed:
            if hold.request_id is not None:
                each[hold.request_id].append({"blocks": list(hold.blocks), "rule": hold.rule})
        observe(
            tx,
            [by_request[item] for item in each],
            EntryKind.HOLD_PLACED,
            actor=actor,
            at=at,
            each={item: {"holds": found} for item, found in each.items()},
        )
