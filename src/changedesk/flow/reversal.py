"""Everything undone that one actor did in a time: by ordinary requests, with their own verification and notices.

They are a batch: it is planned as a whole, asked for part by part, and approved by somebody else who has seen its
digest. One that was ended from outside goes on where it was.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor, Channel
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, SubjectId, uuid7
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow.asking import ALL_CONCERNS, Receipt, require_reason
from changedesk.flow.batch import REFUSED, REQUESTED, TOGETHER, UNCHANGED, complete, reasons
from changedesk.flow.revert import (
    Conflicts,
    FieldRevert,
    NothingToRevert,
    NotRevertible,
    forces,
    shown,
    stood_of,
    values_of,
)
from changedesk.flow.submit import enter
from changedesk.flow.undoing import UNDOABLE, Net, net
from changedesk.flow.wish import Wish
from changedesk.kinds import find
from changedesk.ledger.revert import Choice, FieldPlan, Finding
from changedesk.rules import access
from changedesk.store import batches, imported, past, reversals, subjects
from changedesk.store.batches import Batch
from changedesk.store.begin import begin
from changedesk.store.once import Once, OtherBody
from changedesk.store.reversals import Did, Reversal, Row
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

MOST: Final = 10_000
"""Changes that one reversal may undo: more than one person can look at."""
MAP: Final = "reversal"
"""What the batches of reversals name in place of a file's map."""


class BadPeriod(Refusal):
    """This time ends before it begins, or has not passed yet."""

    code = "bad-period"
    hint = "Give a start and a later end, both in the past."


class ReversalTooLarge(Refusal):
    """There are more changes in this time than one reversal takes.

    ``data``: most.
    """

    code = "reversal-too-large"
    hint = "Choose a shorter time, and undo the rest by another reversal."


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One change of the actor: ``finding`` is revertible, already, conflict, erased or not_revertible."""

    change: ChangeId
    subject: SubjectId
    recorded_at: datetime
    kind: str
    finding: str
    fields: tuple[FieldRevert, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPlan:
    """What undoing everything of one actor would meet: ``changes`` one by one."""

    whose: str
    since: datetime
    until: datetime
    changes: tuple[Found, ...]
    rows: int
    """How many requests it would make: one for each kind of change on each subject."""


def plan_reversal(whose: str, *, since: datetime, until: datetime, actor: Actor, at: datetime) -> ReversalPlan:
    """Return what undoing everything of an actor would meet, change by change. Writes nothing.

    An actor is staff (s12), an API key (k3) or automation. Of what was asked for, whoever entered the request did it;
    of the rest, whoever recorded it. Raises Forbidden, BadPeriod, ReversalTooLarge.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        did = _did(seen, whose, since=since, until=until, at=at)
        found = [one for mine in _by_subject(did) for one in _findings(seen, mine, at=at)]
        rows = _rows(seen, did, at=at)
    found.sort(key=lambda one: (one.recorded_at, one.change))
    asked = sum(bool(row.kind) for row in rows)
    return ReversalPlan(whose=whose, since=since, until=until, changes=tuple(found), rows=asked)


def plan_import(run: UUID, *, actor: Actor, at: datetime) -> ReversalPlan:
    """Return what undoing everything of one import would meet. Raises NotFound, and as ``plan_reversal`` does."""
    whose, since, until = of_import(run, actor=actor, at=at)
    return plan_reversal(whose, since=since, until=until, actor=actor, at=at)


def of_import(run: UUID, *, actor: Actor, at: datetime) -> tuple[str, datetime, datetime]:
    """Return who ran an import, and its time: what a reversal of it is of. Raises Forbidden, NotFound."""
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        found = imported.run(seen, run)
    if found is None:
        raise NotFound
    return found.started_by, found.started_at, min(found.finished_at or at, at) + timedelta(microseconds=1)


def start_reversal(
    whose: str,
    *,
    since: datetime,
    until: datetime,
    reason: str,
    force: bool = False,
    handed: bool = False,
    actor: Actor,
    at: datetime,
    key: Once,
) -> Reversal:
    """Plan the reversal of everything that an actor did, as a whole; ``run_reversal`` asks for it, part by part.

    ``force`` puts old values over what others said later, each with one more approval. ``handed`` leaves the asking to
    the worker (``flow.handed``). The same key is the same reversal. Raises Forbidden, BadPeriod, ReversalTooLarge,
    NothingToRevert, ReasonUnknown, OtherBody.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    content = hashlib.sha256(f"{actor.id}\x00{key.key}".encode()).digest()
    with begin(actor) as tx:
        require_reason(configuration(actor.client), reason, other=False)
        batch = batches.start(tx, uuid7(), map_name=MAP, content=content, by=actor.id, at=at)
        known = reversals.load(tx, batch.id)
        made = Reversal(id=batch.id, whose=whose, since=since, until=until, reason=reason, force=force, handed=handed)
        if known is not None:
            if known != made:
                raise OtherBody
            return known
        rows = _rows(tx, _did(tx, whose, since=since, until=until, at=at), at=at)
        if not rows:
            raise NothingToRevert
        reversals.start(tx, made, rows)
        return made


def run_reversal(
    id_: UUID, *, most: int = reversals.ALL, channel: Channel = Channel.SYSTEM, actor: Actor, at: datetime
) -> Batch:
    """Ask for what a reversal has not asked for yet; return its batch, with the digest that is to be approved.

    ``most``: so many rows at a time; the digest comes with the last.

    Ended from outside, it can be run again: what was asked for is not asked for twice. Fields that others set later
    stay as they are unless it forces, and are named in the reasons of their row. Raises Forbidden, NotFound.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        reversal = reversals.load(seen, id_)
        if reversal is None:
            raise NotFound
        done = {row.number for row in batches.rows(seen, id_)}
        left = [row for row in reversals.rows(seen, id_) if row.number not in done]
    now = left[:most]
    for first in range(0, len(now), TOGETHER):
        part = now[first : first + TOGETHER]
        became = _entered(reversal, part, channel=channel, actor=actor, at=at)
        with begin(actor) as tx:
            batches.record(tx, id_, became)
    with begin(actor) as tx:
        return complete(tx, id_, whole=len(now) == len(left), at=at)


def _did(seen: Look, whose: str, *, since: datetime, until: datetime, at: datetime) -> list[Did]:
    if not since < until <= at + timedelta(microseconds=1):
        raise BadPeriod
    did = reversals.changes_of(seen, whose, since=since, until=until, limit=MOST + 1)
    if len(did) > MOST:
        raise ReversalTooLarge(most=MOST)
    return did


def _by_subject(did: Sequence[Did]) -> Iterable[list[Did]]:
    grouped: defaultdict[SubjectId, list[Did]] = defaultdict(list)
    for one in did:
        grouped[one.subject].append(one)
    return grouped.values()


def _nets(seen: Look, subject: Subject, undone: Collection[ChangeId], first: int, *, at: datetime) -> list[Net]:
    stream = past.changes_since(seen, subject, first - 1)
    current = {path: held.text for path, held in subject.state.items()}
    sound = [one for one in stream if one.change in undone and one.assertions is not None and one.kind in UNDOABLE]
    catalogue = configuration(seen.client).catalogue
    found = net({one.change for one in sound}, stream, current, micros(at))
    return [one for one in found if one.path in catalogue]


def _rows(seen: Look, did: Sequence[Did], *, at: datetime) -> list[Row]:
    """Return what is to be undone together: by subject and kind of change; the rest under no kind."""
    catalogue = configuration(seen.client).catalogue
    known = subjects.load(seen, {one.subject for one in did})
    rows: list[Row] = []
    for mine in _by_subject(did):
        subject, first = known[mine[0].subject], mine[0].version
        nets = _nets(seen, subject, {one.change for one in mine}, first, at=at)
        kinds: defaultdict[str, set[ChangeId]] = defaultdict(set)
        for item in nets:
            kinds[catalogue[item.path].kind] |= set(item.changes)
        left = {one.change for one in mine} - {change for changes in kinds.values() for change in changes}
        if left:
            kinds[""] = left
        for kind, changes in sorted(kinds.items()):
            ordered = tuple(one.change for one in reversed(mine) if one.change in changes)
            rows.append(Row(number=len(rows) + 1, subject=subject.id, kind=kind, first_version=first, changes=ordered))
    return rows


def _findings(seen: Look, mine: Sequence[Did], *, at: datetime) -> list[Found]:
    subject = subjects.load(seen, [mine[0].subject])[mine[0].subject]
    stream = {one.change: one for one in past.changes_since(seen, subject, mine[0].version - 1)}
    nets = _nets(seen, subject, {one.change for one in mine}, mine[0].version, at=at)
    found = []
    for one in mine:
        entry = stream[one.change]
        fields: tuple[FieldRevert, ...] = ()
        if entry.assertions is None:
            finding = "erased"
        elif entry.kind not in UNDOABLE:
            finding = "not_revertible"
        else:
            fields = tuple(shown(_of_change(entry, item)) for item in nets if item.path in _paths(entry))
            finding = _worst([item.finding for item in fields])
        found.append(
            Found(change=one.change, subject=one.subject, recorded_at=one.recorded_at, kind=one.kind,
                  finding=finding, fields=fields)
        )  # fmt: skip
    return found


def _paths(entry: past.Entry) -> set[str]:
    return {said.path for said in entry.assertions or ()}


def _of_change(entry: past.Entry, item: Net) -> FieldPlan:
    """Return a field as one change of several sees it: what was set since by others stands against the older ones."""
    if entry.change in item.changes:
        return item.plan
    said = next(one for one in entry.assertions or () if one.path == item.path)
    return FieldPlan(said, Finding.CONFLICT, item.plan.standing, (*item.plan.later, *item.before))


def _worst(findings: Sequence[Finding]) -> str:
    if Finding.CONFLICT in findings:
        return "conflict"
    if not findings:
        return "not_revertible"
    return "already" if set(findings) == {Finding.ALREADY} else "revertible"


def _entered(
    reversal: Reversal, rows: Sequence[Row], *, channel: Channel, actor: Actor, at: datetime
) -> list[batches.Row]:
    wishes: list[tuple[Row, Wish, list[str]]] = []
    became: dict[int, batches.Row] = {}
    with look(actor.client) as seen:
        known = subjects.load(seen, {row.subject for row in rows})
        catalogue = configuration(seen.client).catalogue
        for row in rows:
            nets = _nets(seen, known[row.subject], set(row.changes), row.first_version, at=at)
            if not row.kind:
                became[row.number] = _left(row, nets)
                continue
            plans = [item.plan for item in nets if catalogue[item.path].kind == row.kind]
            against = [one.assertion.path for one in plans if one.finding is Finding.CONFLICT]
            choices = dict.fromkeys(against, Choice.FORCE if reversal.force else Choice.KEEP)
            try:
                wishes.append((row, _wish(reversal, row, plans, choices, channel=channel, actor=actor), against))
            except NothingToRevert:
                refused = [(Conflicts.code, path) for path in against]
                became[row.number] = said(row, REFUSED if refused else UNCHANGED, refused)
    outcome = enter([wish for _, wish, _ in wishes], actor=actor, at=at)
    receipts = iter(outcome.done)
    for place, (row, _, against) in enumerate(wishes):
        left = [] if reversal.force else [(Conflicts.code, path) for path in against]
        refusal = outcome.refused.get(place)
        if refusal is None:
            became[row.number] = said(row, REQUESTED, left, receipt=next(receipts))
        else:
            became[row.number] = said(row, REFUSED, [*reasons(refusal), *left])
    return [became[row.number] for row in rows]


def _left(row: Row, nets: Sequence[Net]) -> batches.Row:
    """Return what is said of changes that nothing is asked for: set since by others, or of no kind."""
    over = [(Conflicts.code, item.path) for item in nets if item.plan.finding is Finding.CONFLICT]
    if nets and not over:
        return said(row, UNCHANGED, [])
    return said(row, REFUSED, over or [(NotRevertible.code, "")])


def _wish(
    reversal: Reversal,
    row: Row,
    plans: Sequence[FieldPlan],
    choices: Mapping[str, str],
    *,
    channel: Channel,
    actor: Actor,
) -> Wish:
    ours = "business" if "business" in find(row.kind).initiators else "customer"
    values = values_of(plans, choices)
    return Wish(
        subject=row.subject,
        kind=row.kind,
        values=values,
        reason=reversal.reason,
        channel=channel,
        initiated_by=ours,
        requested_by=actor.id,
        acknowledged=ALL_CONCERNS,
        reverts=row.changes[0],
        forced=forces(plans, choices),
        stood=stood_of(plans, values),
        once=Once(f"reversal/{reversal.id}/{row.number}", b""),
    )


def said(row: Row, outcome: str, reasons: Sequence[tuple[str, str]], *, receipt: Receipt | None = None) -> batches.Row:
    """Return what became of a row, to be recorded."""
    return batches.Row(
        number=row.number,
        part=0,
        outcome=outcome,
        request=None if receipt is None else receipt.request,
        digest=None if receipt is None else bytes.fromhex(receipt.digest),
        reasons=tuple(reasons),
        ref="" if receipt is None else receipt.ref,
        state="" if receipt is None else receipt.state,
    )
