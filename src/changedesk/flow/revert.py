"""Undoing an applied change by an ordinary request: its own verification, approval and notices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking
from changedesk.flow.asking import Receipt
from changedesk.flow.submit import enter
from changedesk.flow.undoing import from_now
from changedesk.flow.wish import How, Wish
from changedesk.ledger.revert import Choice, FieldPlan, Finding, Later
from changedesk.ledger.revert import plan_revert as three_way
from changedesk.ledger.value import decode_value
from changedesk.rules import access
from changedesk.store import past, subjects
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look


class NotRevertible(Refusal):
    """This entry is not a change of values that can be undone.

    ``data``: why (no_change, erased, several_kinds, no_such_version, not_by_request).
    """

    code = "not-revertible"
    hint = "Choose a change of the customer's values from the history."


class Conflicts(Refusal):
    """The record was changed since, in fields that this would put back.

    ``data``: paths.
    """

    code = "revert-conflicts"
    hint = "Choose for each field named here: keep what stands, put the old value back, or give another one."
    status = "conflict"


class NothingToRevert(Refusal):
    """The old values stand already, so there is nothing to undo."""

    code = "nothing-to-revert"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRevert:
    """One field: what undoing would meet. ``before`` is what would come back, ``standing`` what holds now."""

    path: str
    finding: Finding
    before: Value = field(repr=False)
    after: Value = field(repr=False)
    standing: Value = field(repr=False)
    later: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertPlan:
    change: ChangeId
    subject: SubjectId
    kind: str
    fields: tuple[FieldRevert, ...]


def plan_revert(change: ChangeId, *, actor: Actor, at: datetime) -> RevertPlan:
    """Return what undoing a change would meet, field by field. Writes nothing."""
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        subject, plans, kind = _plan(seen, change, at=at)
    return RevertPlan(
        change=change,
        subject=subject.id,
        kind=kind,
        fields=tuple(shown(item) for item in plans),
    )


def shown(item: FieldPlan) -> FieldRevert:
    """Return one field of a plan in plain values."""
    return FieldRevert(
        path=item.assertion.path,
        finding=item.finding,
        before=value_of(item.assertion.old),
        after=value_of(item.assertion.new),
        standing=value_of(item.standing),
        later=item.later,
    )


def _plan(seen: Look, change: ChangeId, *, at: datetime) -> tuple[Subject, list[FieldPlan], str]:
    row = past.by_change(seen, change)
    if row is None:
        raise NotFound
    subject = subjects.load(seen, [row.subject_id])[row.subject_id]
    entry = past.opened(seen, row, subject)
    if entry.assertions is None:
        raise NotRevertible(why="erased")
    if not entry.version or not entry.assertions or entry.kind.value.endswith(".created"):
        raise NotRevertible(why="no_change")
    catalogue = configuration(seen.client).catalogue
    kinds = {catalogue[item.path].kind for item in entry.assertions if item.path in catalogue}
    if len(kinds) != 1:
        raise NotRevertible(why="several_kinds")
    later = [
        Later(found.change, found.assertions)
        for found in past.changes_since(seen, subject, entry.version)
        if found.assertions
    ]
    current = {path: held.text for path, held in subject.state.items()}
    now_us = micros(at)
    said = [from_now(item, now_us) for item in entry.assertions]
    return subject, three_way(said, current, later, now_us), kinds.pop()


def value_of(text: bytes | None) -> Value:
    """Return the value of a canonical text."""
    return None if text is None else decode_value(text)


def revert(
    change: ChangeId,
    how: How,
    *,
    choices: Mapping[str, str | tuple[str, object]],
    actor: Actor,
    at: datetime,
) -> Receipt:
    """Ask for a change to be undone. Fields in conflict need a choice each: keep, force, or ("custom", value).

    Force puts the old value over what was said later, and takes one more approval. What stood before comes back as it
    stood, with a concern on the request where it would not be taken today.

    The concerns of another value are acknowledged in ``how``, each by name, as those of any value that is typed.

    Raises Conflicts, NothingToRevert, NotRevertible, and whatever a request like this one may meet.
    """
    access.require(actor, access.Verb.CHANGE_REVERT)
    with look(actor.client) as seen:
        subject, plans, kind = _plan(seen, change, at=at)
    values = values_of(plans, choices)
    stood = stood_of(plans, values)
    asked = replace(
        Wish.of(how, subject.id, kind, values, actor=actor),
        acknowledged=known(how, values, choices, stood),
        reverts=change,
        forced=forces(plans, choices),
        stood=stood,
    )
    return enter([asked], actor=actor, at=at).one()


def forces(plans: Sequence[FieldPlan], choices: Mapping[str, str | tuple[str, object]]) -> bool:
    """Tell whether an old value is put over one that was said later."""
    return any(item.finding is Finding.CONFLICT and choices.get(item.assertion.path) == Choice.FORCE for item in plans)


def known(
    how: How, values: Mapping[str, object], choices: Mapping[str, str | tuple[str, object]], stood: Mapping[str, Value]
) -> Sequence[str]:
    """Return the concerns that count as acknowledged: all where nothing comes in but what stood there before."""
    typed = any(isinstance(choices.get(path), tuple) and path not in stood for path in values)
    return how.acknowledged if typed else asking.ALL_CONCERNS


def stood_of(plans: Sequence[FieldPlan], asked: Mapping[str, object]) -> dict[str, Value]:
    """Return by path which of the values asked for the record held before."""
    old = {item.assertion.path: value_of(item.assertion.old) for item in plans}
    return {path: old[path] for path, value in asked.items() if value is not None and value == old[path]}


def values_of(plans: Sequence[FieldPlan], choices: Mapping[str, str | tuple[str, object]]) -> dict[str, object]:
    """Return what to ask for. Raises Conflicts where a field has no choice, NothingToRevert."""
    values: dict[str, object] = {}
    unsettled: list[str] = []
    for item in plans:
        path, choice = item.assertion.path, choices.get(item.assertion.path)
        if item.finding is Finding.RESTORE and choice is None:
            values[path] = value_of(item.assertion.old)
        elif item.finding is Finding.CONFLICT and choice is None:
            unsettled.append(path)
        elif isinstance(choice, tuple):
            values[path] = choice[1]
        elif choice == Choice.FORCE and item.finding is not Finding.ALREADY:
            values[path] = value_of(item.assertion.old)
    if unsettled:
        raise Conflicts(paths=unsettled)
    if not values:
        raise NothingToRevert
    return values
