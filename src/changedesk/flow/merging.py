"""Merging two records that are one, undoing that, and what an undoing leaves to a person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.flow import asking, named, whose
from changedesk.flow.asking import Plan, Receipt
from changedesk.flow.carrying import Pending, as_merged, foreseen
from changedesk.flow.linking import Parting, parting
from changedesk.flow.parties import MERGE, UNMERGE
from changedesk.flow.submit import enter, revise
from changedesk.flow.wish import How, Wish
from changedesk.kinds.merge import INTO, LEFT_OUT, SURVIVORSHIP, NotMergeable, Survivorship
from changedesk.kinds.merge import survivorship as survivorship_of
from changedesk.kinds.unmerge import CHANGE, NotMerged
from changedesk.rules import access, survivorship
from changedesk.rules.fields import Sensitivity
from changedesk.rules.survivorship import Choice, Held, Side
from changedesk.store import evidence, links, once, past, subjects
from changedesk.store.begin import begin
from changedesk.store.history import moment
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class MergeErased(Refusal):
    """What these two records held was erased, so nothing is left that could be parted."""

    code = "merge-erased"
    hint = "Open the certificate of the erasure. Take the person in anew if they are a customer again."
    status = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """What a merge would do: field by field where the two differ, what the survivor keeps, whose it is, and why."""

    merged: SubjectId
    survivor: SubjectId
    choices: tuple[Choice, ...] = field(repr=False)
    plan: Plan = field(repr=False)
    """The request that would be made of it: its route, concerns and conflicts."""
    pending: tuple[Pending, ...] = ()
    """What waits for the merged record, and what would become of it."""


def preview_merge(
    merged: SubjectId,
    into: SubjectId,
    how: How,
    *,
    choices: Mapping[str, str] | None = None,
    close: Collection[str] = (),
    actor: Actor,
    at: datetime,
) -> MergePlan:
    """Return what merging one record into another would do. Writes nothing.

    ``choices`` override the rules by path: survivor or merged. ``close`` names waiting requests that are to end with
    the merge; the others are asked anew of the survivor where nothing stands against it. Raises NotMergeable,
    NotADifference, and whatever a request like this may meet.
    """
    access.require(actor, access.Verb.REQUEST_PREVIEW, subject=actor.subject)
    _not_themselves(actor, access.Verb.REQUEST_PREVIEW)
    with look(actor.client) as seen:
        chosen, ver = _choices(seen, merged, into, choices)
        asked = Wish.of(how, merged, MERGE, _values(into, chosen, ver, close), actor=actor)
        found = subjects.load(seen, [merged, into])
        plan = asking.plan(seen, asked, found[merged], actor=actor, at=at)
        after = as_merged(found[into], found[merged], {item.path for item in chosen if item.moves})
        pending = foreseen(seen, found[merged], after, close, at=at)
    return MergePlan(merged=merged, survivor=into, choices=tuple(chosen), plan=plan, pending=pending)


def _not_themselves(actor: Actor, verb: access.Verb) -> None:
    # The comparison shows another record: whoever sees both is not their customer.
    if actor.type in whose.THEMSELVES:
        raise Forbidden(verb=str(verb))


def _choices(
    seen: Look, merged: SubjectId, into: SubjectId, overrides: Mapping[str, str] | None
) -> tuple[list[Choice], int]:
    """Return the choices, and the version of the survivor that they were read at."""
    if merged == into:
        raise NotMergeable(why="itself")
    found = subjects.load(seen, [merged, into])
    if merged not in found:
        raise NotFound(subject=str(merged))
    if into not in found:
        raise NotMergeable(why="unknown")
    if found[merged].status == "merged":
        raise NotMergeable(why="merged")
    mine, theirs = _held(seen, found[into]), _held(seen, found[merged])
    wanted = [
        item
        for item in configuration(seen.client).catalogue
        if item.kind not in LEFT_OUT
        and item.sensitivity is not Sensitivity.SECRET
        and (item.path in mine or item.path in theirs)
    ]
    sides = {path: Side(side) for path, side in (overrides or {}).items()}
    return survivorship.decide(wanted, mine, theirs, overrides=sides), found[into].ver


def _held(seen: Look, subject: Subject) -> dict[str, Held]:
    """Return the values of one side, with what the rules weigh: since when, and whether somebody answered there."""
    entries = past.provenance(seen, subject)
    answered = {
        (item.contact_path, item.contact_version)
        for item in evidence.challenges_of(seen, subject.id, since=_EVER)
        if item.state == "confirmed"
    }
    return {
        path: Held(
            held.value,
            held.ver,
            entries[held.ver].recorded_at if held.ver in entries else None,
            verified=(path, held.ver) in answered,
        )
        for path, held in subject.state.items()
    }


def _values(into: SubjectId, chosen: list[Choice], ver: int, close: Collection[str]) -> dict[str, Value]:
    text = Survivorship(
        base=ver,
        take={item.path: item.rule.value for item in chosen if item.moves},
        keep={item.path: item.rule.value for item in chosen if not item.moves},
        close=tuple(sorted(close)),
    ).text()
    return {INTO: str(into), SURVIVORSHIP: text}


def merge(
    merged: SubjectId,
    into: SubjectId,
    how: How,
    *,
    choices: Mapping[str, str] | None = None,
    close: Collection[str] = (),
    actor: Actor,
    at: datetime,
) -> Receipt:
    """Ask for one record to be merged into another, as the preview shows it with these choices.

    The request is the merged record's: its customer is verified, and both sides are told. Once approved it is applied
    only if neither record moved meanwhile; else it goes stale, and ``refresh_merge`` reads both again.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT, subject=actor.subject)
    _not_themselves(actor, access.Verb.REQUEST_SUBMIT)
    with look(actor.client) as seen:
        chosen, ver = _choices(seen, merged, into, choices)
    return _enter(how, merged, MERGE, _values(into, chosen, ver, close), actor=actor, at=at)


def _enter(
    how: How, subject: SubjectId, kind: str, values: Mapping[str, object], *, actor: Actor, at: datetime
) -> Receipt:
    # The values stand in one of the records: whoever put them there has looked at them.
    asked = replace(Wish.of(how, subject, kind, values, actor=actor), acknowledged=asking.ALL_CONCERNS)
    return enter([asked], actor=actor, at=at).one()


def refresh_merge(
    ref: str, *, choices: Mapping[str, str] | None = None, seen_version: int | None, actor: Actor, at: datetime
) -> Receipt:
    """Read both records of a waiting or stale merge again; what was bound to the old reading is void from then on."""
    _not_themselves(actor, access.Verb.REQUEST_REVISE)
    with look(actor.client) as seen:
        request = named.find(seen, ref, actor=actor, verb=access.Verb.REQUEST_REVISE)
        if request.kind != MERGE or request.proposal is None:
            raise NotMerged
        into = SubjectId(UUID(str(request.proposal.values[INTO])))
        chosen, ver = _choices(seen, request.subject_id, into, choices)
        close = survivorship_of(request.proposal.values).close
    values: Mapping[str, object] = _values(into, chosen, ver, close)
    return revise(ref, values, seen_version=seen_version, acknowledged=asking.ALL_CONCERNS, actor=actor, at=at)


def foresee_merge(ref: str, *, actor: Actor, at: datetime) -> tuple[Pending, ...]:
    """Return what a merge that was asked for would do with each request beside it, for whoever decides on it.

    Writes nothing. Raises NotMerged where the reference is not that of a merge, or nobody can read it any more.
    """
    _not_themselves(actor, access.Verb.REQUEST_READ)
    with look(actor.client) as seen:
        request = named.find(seen, ref, actor=actor, verb=access.Verb.REQUEST_READ)
        if request.kind != MERGE or request.proposal is None:
            raise NotMerged
        chosen = survivorship_of(request.proposal.values)
        into = SubjectId(UUID(str(request.proposal.values[INTO])))
        found = subjects.load(seen, [request.subject_id, into])
        merged = found[request.subject_id]
        return foreseen(seen, merged, as_merged(found[into], merged, chosen.take), chosen.close, at=at)


def plan_unmerge(change: ChangeId, *, actor: Actor, at: datetime) -> Parting:
    """Return what undoing a merge would give back, and what it would leave to a person. Writes nothing.

    Raises NotFound, NotMerged, MergeErased.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        return parting(seen, _link(seen, change), at=moment(micros(at)))


def _link(seen: Look, change: ChangeId) -> links.Link:
    found = links.by_id(seen, change)
    if found is None:
        raise NotFound
    if found.until is not None:
        raise NotMerged
    if any(one.key is None for one in subjects.load(seen, [found.merged_id, found.survivor_id]).values()):
        raise MergeErased
    return found


def unmerge(
    change: ChangeId,
    how: How,
    *,
    actor: Actor,
    at: datetime,
) -> Receipt:
    """Ask for a merge to be undone, by a request of the merged record: its own verification and approvals.

    ``change`` is the merged record's entry of the merge. Raises NotFound, NotMerged, MergeErased.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        link = _link(seen, change)
    return _enter(how, link.merged_id, UNMERGE, {CHANGE: str(change)}, actor=actor, at=at)


def settle_work(link: ChangeId, what: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> None:
    """Strike one thing off the list of what undone merges left to a person. Raises NotFound."""
    access.require(actor, access.Verb.CHANGE_REVERT)
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return
        if not links.settle(tx, link, what, by=actor.id, at=at):
            raise NotFound
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, {"settled": what})], at=at)
