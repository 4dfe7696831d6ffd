"""Files of requests: what a file asks for is entered, previewed and approved as one, by the verbs that one request has.

A line becomes a request for each kind of change that it asks for. Who approves is shown the whole and its digest: a
hash over the digests of all its requests, in order. Whatever is edited after that, or whose record moves, is no longer
what was approved; those lines stay where they are and are told, the others go ahead.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId, uuid7
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking
from changedesk.flow.asking import NeedsAcknowledgement
from changedesk.flow.decide import approve
from changedesk.flow.named import done_before
from changedesk.flow.parties import UNMERGE, survivors
from changedesk.flow.submit import submit
from changedesk.flow.wish import Wish
from changedesk.kinds import ManyBad, NoChange
from changedesk.kinds.merge import MERGED_INTO
from changedesk.ledger.value import Json, encode_json
from changedesk.rules import access
from changedesk.rules.approval import SameHand
from changedesk.rules.conflict import FieldTaken
from changedesk.rules.lifecycle import RequestState
from changedesk.rules.values import BadValue, Concern
from changedesk.store import batches, evidence, imported, subjects
from changedesk.store.batches import Batch, Row
from changedesk.store.begin import begin
from changedesk.store.once import Once
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look, Tx, look

TOGETHER: Final = 200
"""Requests of one transaction. A batch that is ended from outside is whole up to the last one that committed."""
REQUESTED, UNCHANGED, REFUSED = "requested", "unchanged", "refused"
_WAITS: Final = RequestState.AWAITING_APPROVAL.value


class BatchOpen(Refusal):
    """This batch has not come to its end, so there is no whole to decide on."""

    code = "batch-open"
    hint = "Enter the same file again: it goes on where it was ended. Then approve the batch."
    status = "conflict"


class BatchDiffers(Refusal):
    """This batch does not hold the content that you saw."""

    code = "batch-differs"
    hint = "Open the batch again, look at what it would change, and approve that."
    status = "stale"


class CustomerUnknown(Refusal):
    """There is no customer by this name in the source that the map speaks of."""

    code = "customer-unknown"
    hint = "Import the customer from that source first, or correct the name in the file."
    status = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one line asks of one kind. ``values`` may hold edits; ``problem`` is why the line asks for nothing."""

    number: int
    part: int = 0
    subject: SubjectId | None = None
    kind: str = ""
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    reference: str = ""
    problem: Refusal | None = None
    merged_from: SubjectId | None = None
    """The record that the line named, where it is asked of the survivor: set when it is entered or previewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all lines of a file have in common."""

    reason: str
    initiated_by: str = "customer"
    channel: Channel = Channel.BATCH_IMPORT
    acknowledged: Sequence[str] = ()
    """Words of the concerns that were looked into for the whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What became of one line's part. ``refusal`` is None for rows that a run before has recorded."""

    row: Row
    refusal: Refusal | None = None
    route: tuple[int, str | None, int] | None = None
    """In a preview: the level, the consent and the approvals that policy asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What came of approving a batch: requests by where they stand now, and why others were left."""

    states: Mapping[str, int]
    edited: tuple[str, ...]
    """References of requests whose content is no longer what the batch brought in."""
    refused: Mapping[str, Refusal]
    """By reference."""


def find_customers(source: str, names: Sequence[str], *, actor: Actor) -> dict[str, SubjectId]:
    """Return the customers that an import of this source made, by their names there. Raises Forbidden."""
    access.require(actor, access.Verb.REQUEST_SUBMIT)
    asked = sorted(set(names))
    with look(actor.client) as seen:
        known = imported.known(seen, imported.marks(seen, [imported.SourceRow(source, name, b"") for name in asked]))
    return {name: item.subject for name, item in zip(asked, known, strict=True) if item is not None}


def start_batch(map_name: str, content: bytes, *, actor: Actor, at: datetime, key: Once | None = None) -> Batch:
    """Return the batch of a file: the one that there is, finished or not, or a new one. ``content``: its SHA-256.

    ``key`` refuses another content under the same key. Raises Forbidden, OtherBody, InFlight.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT)
    with begin(actor) as tx:
        # What the first call did is found by the batch itself, so a repeat goes on where it was.
        done_before(tx, key, actor, at=at)
        return batches.start(tx, uuid7(), map_name=map_name, content=content, by=actor.id, at=at)


def enter_rows(batch: UUID, rows: Sequence[Asked], terms: Terms, *, actor: Actor, at: datetime) -> list[Became]:
    """Enter requests of a batch that has not come to its end; return what became of each, in order.

    Rows that a run before has recorded stay as they are. A request that it entered and could not record is found
    again by its key. Raises Forbidden, NotFound.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT)
    with look(actor.client) as seen:
        if batches.load(seen, batch) is None:
            raise NotFound
        first = min((row.number for row in rows), default=0)
        limit = (max((row.number for row in rows), default=0) - first + 1) * len(rows)
        known = {(row.number, row.part): row for row in batches.rows(seen, batch, first=first, limit=limit)}
        fresh = _led(seen, [row for row in rows if (row.number, row.part) not in known])
    became = {(one.row.number, one.row.part): one for one in _entered(batch, fresh, terms, actor=actor, at=at)}
    with begin(actor) as tx:
        batches.record(tx, batch, [one.row for one in became.values()])
    return [became.get(key) or Became(row=known[key]) for key in ((row.number, row.part) for row in rows)]


def _led(seen: Look, rows: Sequence[Asked]) -> list[Asked]:
    """Return rows with what names a merged record asked of its survivor; an undoing of the merge stays where it is."""
    met = subjects.load(seen, {row.subject for row in rows if row.subject is not None and row.kind != UNMERGE})
    into = survivors(seen, met.values())
    return [
        replace(row, subject=into[row.subject], merged_from=row.subject)
        if row.subject in into and row.kind != UNMERGE
        else row
        for row in rows
    ]


def _told(row: Asked, concerns: Iterable[Concern]) -> tuple[tuple[str, str], ...]:
    """Return what the report says of a row that goes in, as (code, field path)."""
    led = () if row.merged_from is None else ((MERGED_INTO, ""),)
    return (*led, *((one.code, one.path) for one in concerns))


def _entered(batch: UUID, rows: Sequence[Asked], terms: Terms, *, actor: Actor, at: datetime) -> list[Became]:
    ready = [row for row in rows if row.problem is None and row.subject is not None]
    concerns = _concerns(ready, terms, actor=actor, at=at)
    wishes = [_wish(row, terms, Once(f"batch/{batch}/{row.number}/{row.part}", _body(row))) for row in ready]
    outcome = submit(wishes, actor=actor, at=at)
    done = iter(outcome.done)
    found: dict[tuple[int, int], Became] = {}
    for place, row in enumerate(ready):
        refusal = outcome.refused.get(place)
        if refusal is not None:
            found[row.number, row.part] = _against(row, refusal)
            continue
        receipt = next(done)
        kept = Row(
            number=row.number,
            part=row.part,
            outcome=REQUESTED,
            request=receipt.request,
            digest=bytes.fromhex(receipt.digest),
            reasons=concerns[place],
            ref=receipt.ref,
            state=receipt.state,
        )
        found[row.number, row.part] = Became(row=kept)
    return [found.get((row.number, row.part)) or _against(row, row.problem or CustomerUnknown()) for row in rows]


def _concerns(rows: Sequence[Asked], terms: Terms, *, actor: Actor, at: datetime) -> list[tuple[tuple[str, str], ...]]:
    """Return what each row's values would have to be acknowledged for: the file did so for all of it."""
    found: list[tuple[tuple[str, str], ...]] = []
    with look(actor.client) as seen:
        known = subjects.load(seen, {row.subject for row in rows if row.subject is not None})
        for row in rows:
            wish = _wish(row, terms, None)
            try:
                plan = asking.plan(seen, wish, known.get(wish.subject), actor=actor, at=at)
            except Refusal:
                found.append(())
            else:
                found.append(_told(row, plan.concerns))
    return found


def _wish(row: Asked, terms: Terms, key: Once | None) -> Wish:
    assert row.subject is not None  # noqa: S101 - rows without one were put aside
    return Wish(
        subject=row.subject,
        kind=row.kind,
        values=row.values,
        reason=terms.reason,
        channel=terms.channel,
        initiated_by=terms.initiated_by,
        acknowledged=terms.acknowledged,
        interaction=row.reference or None,
        once=key,
    )


def _body(row: Asked) -> bytes:
    values: Json = {path: _spelt(raw) if isinstance(raw, tuple) else [repr(raw)] for path, raw in row.values.items()}
    return encode_json({"subject": str(row.merged_from or row.subject), "kind": row.kind, "values": values})


def _spelt(edits: Iterable[object]) -> list[Json]:
    return [part for one in edits for part in (getattr(one, "operation", ""), *getattr(one, "values", ()))]


def _against(row: Asked, refusal: Refusal) -> Became:
    same = isinstance(refusal, NoChange)
    outcome = UNCHANGED if same else REFUSED
    kept = Row(number=row.number, part=row.part, outcome=outcome, reasons=() if same else reasons(refusal))
    return Became(row=kept, refusal=None if same else refusal)


def reasons(refusal: Refusal) -> tuple[tuple[str, str], ...]:
    """Return (code, field path) for each thing that a refusal names."""
    if isinstance(refusal, ManyBad):
        return tuple(found for one in refusal.refusals.values() for found in reasons(one))
    if isinstance(refusal, BadValue):
        return ((refusal.reason, refusal.path),)
    if isinstance(refusal, NeedsAcknowledgement):
        named: list[dict[str, str]] = list(refusal.data["concerns"])  # type: ignore[call-overload]  # as asking makes it
        return tuple((one["code"], one["path"]) for one in named)
    paths = refusal.data.get("paths") or refusal.data.get("path") or ""
    return ((refusal.code, " ".join(paths) if isinstance(paths, list | tuple) else str(paths)),)


def finish_batch(batch: UUID, *, actor: Actor, at: datetime) -> Batch:
    """Say that all lines are in; the batch has its digest from then on. Raises Forbidden, NotFound."""
    access.require(actor, access.Verb.REQUEST_SUBMIT)
    with begin(actor) as tx:
        return complete(tx, batch, at=at)


def complete(tx: Tx, batch: UUID, *, whole: bool = True, at: datetime) -> Batch:
    """Give a batch its digest once the whole of it is in, unless it has one; return it. Raises NotFound."""
    found = batches.hold(tx, batch)
    if found is None:
        raise NotFound
    if whole and found.digest is None:
        batches.finish(tx, batch, digest=digest_of(batch, batches.rows(tx, batch)), at=at)
    return batches.load(tx, batch) or found


def digest_of(batch: UUID, rows: Iterable[Row]) -> bytes:
    """Return what an approval of the whole is bound to: the digests of all its requests, in the order of lines."""
    whole = hashlib.sha256(b"changedesk/v1/batch\x00" + batch.bytes)
    for row in rows:
        if row.digest is not None:
            whole.update(row.number.to_bytes(4) + row.part.to_bytes(2) + row.digest)
    return whole.digest()


def approve_batch(
    batch: UUID, *, digest: str, note: str = "", actor: Actor, at: datetime, key: Once | None = None
) -> Approved:
    """Let all requests of a batch go ahead that still hold what it brought in, and wait for an approval.

    ``digest`` (hex) is of the whole that was seen. Nobody approves a batch that they entered. One that was ended
    from outside can be approved again: what was decided then is not decided twice.
    Raises Forbidden, NotFound, SameHand, BatchOpen, BatchDiffers, OtherBody.
    """
    access.require(actor, access.Verb.REQUEST_APPROVE)
    with begin(actor) as tx:
        found = batches.hold(tx, batch)
        if found is None:
            raise NotFound
        if found.digest is None:
            raise BatchOpen
        if found.entered_by == actor.id:
            raise SameHand
        rows = batches.rows(tx, batch)
        if digest != found.digest.hex() or digest_of(batch, rows) != found.digest:
            raise BatchDiffers
        done_before(tx, key, actor, at=at)
        batches.approve(tx, batch, by=actor.id, digest=found.digest, at=at)
    waiting = [row for row in rows if row.state == _WAITS]
    refused: dict[str, Refusal] = {}
    sound = iter([row for row in waiting if not row.edited])
    while part := list(islice(sound, TOGETHER)):
        seen = {row.ref: row.digest.hex() for row in part if row.digest is not None}
        refused |= approve(seen, note=note, actor=actor, at=at).refused
    with look(actor.client) as after:
        now = batches.rows(after, batch)
    return Approved(
        states=Counter(row.state for row in now if row.outcome == REQUESTED),
        edited=tuple(row.ref for row in now if row.outcome == REQUESTED and row.edited),
        refused=refused,
    )


def preview_rows(
    rows: Sequence[Asked],
    terms: Terms,
    *,
    taken: dict[tuple[SubjectId, str], int] | None = None,
    actor: Actor,
    at: datetime,
) -> list[Became]:
    """Return what entering rows would do. Writes nothing.

    ``taken`` remembers, over the parts of one file, which row would set which field: a second one is a conflict.
    """
    access.require(actor, access.Verb.REQUEST_PREVIEW)
    with look(actor.client) as seen:
        rows = _led(seen, rows)
        known = subjects.load(seen, {row.subject for row in rows if row.subject is not None})
        holds = evidence.active_holds(seen, known.keys(), now=at)
        mine: dict[tuple[SubjectId, str], int] = {} if taken is None else taken
        return [_previewed(seen, row, terms, known, holds, mine, actor=actor, at=at) for row in rows]


def _previewed(
    seen: Look,
    row: Asked,
    terms: Terms,
    known: Mapping[SubjectId, subjects.Subject],
    holds: Sequence[evidence.Hold],
    taken: dict[tuple[SubjectId, str], int],
    *,
    actor: Actor,
    at: datetime,
) -> Became:
    if row.problem is not None or row.subject is None:
        return _against(row, row.problem or CustomerUnknown())
    try:
        plan = asking.plan(seen, _wish(row, terms, None), known.get(row.subject), actor=actor, at=at)
        mine = [hold for hold in holds if hold.subject_id in (plan.subject.id, plan.person.id)]
        stopped = asking.hold_against(mine, configuration(seen.client), plan.after, at=at)
        if stopped is not None:
            raise stopped
        if plan.conflicts:
            raise FieldTaken(reference=min(plan.conflicts.values()), paths=sorted(plan.conflicts))
        twice = sorted(path for path in plan.after if (row.subject, path) in taken)
        if twice:
            raise FieldTaken(reference="", paths=twice)
        if {one.code for one in plan.concerns} - set(terms.acknowledged):
            raise NeedsAcknowledgement(concerns=[one.told() for one in plan.concerns])
    except Refusal as refusal:
        return _against(row, refusal)
    taken.update({(row.subject, path): row.number for path in plan.after})
    kept = Row(number=row.number, part=row.part, outcome=REQUESTED, reasons=_told(row, plan.concerns))
    return Became(row=kept, route=(plan.route.level, plan.route.consent, plan.route.approvals))
