"""A record back to how it was at one of its versions: by ordinary requests, one for each kind of change."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from changedesk import kinds
from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow.asking import Receipt
from changedesk.flow.revert import (
    Conflicts,
    FieldRevert,
    NothingToRevert,
    NotRevertible,
    forces,
    known,
    shown,
    stood_of,
    values_of,
)
from changedesk.flow.submit import enter
from changedesk.flow.undoing import UNDOABLE, Net, net
from changedesk.flow.wish import How, Wish
from changedesk.ledger.revert import Finding
from changedesk.rules import access
from changedesk.store import once, past, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look, look

Choices = Mapping[str, str | tuple[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """What bringing a subject back to a version would meet, by kind of change."""

    subject: SubjectId
    version: int
    kinds: Mapping[str, tuple[FieldRevert, ...]]


def plan_restore(subject: SubjectId, version: int, *, actor: Actor, at: datetime) -> RestorePlan:
    """Return what bringing a subject back to a version would meet. Writes nothing.

    A later change is no conflict, since all of them go; one that speaks of a time to come is. Raises Forbidden,
    NotFound, NotRevertible where the version is not an earlier one, or a change since cannot be undone by a request.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        found = _since(seen, subject, version, at=at)
    fields = {kind: tuple(shown(one.plan) for one in nets) for kind, nets in sorted(found.items())}
    return RestorePlan(subject=subject, version=version, kinds=fields)


def restore(
    subject: SubjectId,
    version: int,
    how: How,
    *,
    choices: Choices,
    actor: Actor,
    at: datetime,
) -> Outcome[Receipt]:
    """Ask for a subject to be as it was at a version: one request for each kind of change that this takes.

    Refused ones come back by place, in the order of the kinds' names. A retry gets the first call's answers. Raises
    Forbidden, NotFound, NotRevertible, Conflicts where a field needs a choice, NothingToRevert.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    first = _first_answers(how.once, actor=actor)
    if first:
        return Outcome(first, {})
    with look(actor.client) as seen:
        found = _since(seen, subject, version, at=at)
    open_paths = [
        one.path
        for nets in found.values()
        for one in nets
        if one.plan.finding is Finding.CONFLICT and one.path not in choices
    ]
    if open_paths:
        raise Conflicts(paths=sorted(open_paths))
    common = Wish.of(how, subject, "", {}, actor=actor)
    wishes = [made for kind, nets in sorted(found.items()) for made in _of_kind(common, kind, nets, choices)]
    if not wishes:
        raise NothingToRevert
    return enter(wishes, actor=actor, at=at)


def _of_kind(common: Wish, kind: str, nets: Sequence[Net], choices: Choices) -> list[Wish]:
    """Return the wish for one kind of change; none where all of it stands already, or is to be kept."""
    plans = [one.plan for one in nets]
    try:
        values = values_of(plans, choices)
    except NothingToRevert:
        return []
    stood = stood_of(plans, values)
    made = replace(
        common,
        kind=kind,
        values=values,
        acknowledged=known(common, values, choices, stood),
        reverts=_newest(nets),
        forced=forces(plans, choices),
        stood=stood,
        once=None if common.once is None else _once(common.once, kind),
    )
    return [made]


def _newest(nets: Sequence[Net]) -> ChangeId:
    return max(one.changes[0] for one in nets)  # ids of changes grow with time


def _once(key: once.Once, kind: str) -> once.Once:
    return once.Once(f"{key.key}/{kind}", key.body)


def _first_answers(key: once.Once | None, *, actor: Actor) -> list[Receipt]:
    """Return what the first call with this key was answered; nothing where this is the first.

    Asked before anything is planned: by now the record may be as it was asked to be.
    """
    if key is None:
        return []
    with begin(actor) as tx:
        claims = once.claim(tx, actor.id, [_once(key, kind.name) for kind in kinds.all()])
    answers = []
    for claim in claims:
        if isinstance(claim, Refusal):
            raise claim
        if claim.reply is not None:
            answers.append(Receipt.replay(claim.reply))
    return answers


def _since(seen: Look, subject_id: SubjectId, version: int, *, at: datetime) -> dict[str, list[Net]]:
    """Return what was done to a subject since a version, by kind of change."""
    subject = subjects.load(seen, [subject_id]).get(subject_id)
    if subject is None:
        raise NotFound
    if not 1 <= version < subject.ver:
        raise NotRevertible(why="no_such_version")
    stream = past.changes_since(seen, subject, version)
    if any(entry.assertions is None for entry in stream):
        raise NotRevertible(why="erased")
    if any(entry.kind not in UNDOABLE for entry in stream):
        raise NotRevertible(why="not_by_request")
    catalogue = configuration(seen.client).catalogue
    current = {path: held.text for path, held in subject.state.items()}
    found: defaultdict[str, list[Net]] = defaultdict(list)
    for one in net({entry.change for entry in stream}, stream, current, micros(at)):
        if one.path in catalogue:
            found[catalogue[one.path].kind].append(one)
    return found
