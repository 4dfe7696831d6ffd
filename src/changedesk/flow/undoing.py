"""What is left of several changes together, and what stands against undoing them: field by field, writes nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from changedesk.base.ids import ChangeId
from changedesk.ledger.commitment import Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.revert import FieldPlan, Finding, Later, plan_revert
from changedesk.store.past import Entry

UNDOABLE: Final = frozenset(
    {
        EntryKind.CHANGE_APPLIED,
        EntryKind.CHANGE_REVERTED,
        EntryKind.CHANGE_RECORDED,
        EntryKind.CHANGE_EFFECTIVE,
        EntryKind.CHANGE_BACKDATED,
        EntryKind.STATUS_CHANGED,
        EntryKind.PLAN_CHANGED,
    }
)
"""Entries whose values can be put back by a request. Merges and transfers have verbs of their own."""


@dataclass(frozen=True, slots=True)
class Net:
    """One field: what the newest unbroken run of the undone changes did to it, and which changes those are."""

    plan: FieldPlan
    changes: tuple[ChangeId, ...]
    before: tuple[ChangeId, ...] = ()
    """Changes of others, older than those, over which an even older undone one cannot come back."""

    @property
    def path(self) -> str:
        return self.plan.assertion.path


def net(
    undone: Collection[UUID], stream: Sequence[Entry], current: Mapping[str, bytes | None], now_us: int
) -> list[Net]:
    """Return for each field that the undone changes set what undoing them would meet.

    ``stream`` are a subject's changes from the oldest undone one on, newest first. Where somebody else set a field in
    between, only what came after that is put back: their value is not ours to overrule. What was set before it, and
    not again, is a conflict with those who set it since.
    """
    paths = {said.path for entry in stream if entry.change in undone for said in entry.assertions or ()}
    return [found for path in sorted(paths) for found in _net(path, undone, stream, current, now_us)]


def _net(
    path: str, undone: Collection[UUID], stream: Sequence[Entry], current: Mapping[str, bytes | None], now_us: int
) -> Iterable[Net]:
    said = [
        (entry.change, from_now(one, now_us))
        for entry in stream
        for one in entry.assertions or ()
        if one.path == path
    ]  # fmt: skip
    # What is said of another time than the present one is nobody's to put back unseen.
    present = [(place, one) for place, one in enumerate(said) if one[1].valid_from_us <= now_us < one[1].valid_to_us]
    run: list[tuple[int, tuple[ChangeId, Assertion]]] = []
    for place, entry in present:
        if entry[0] in undone:
            run.append((place, entry))
        elif run:
            break
    if not run:
        newest = next(place for place, (change, _) in enumerate(said) if change in undone)
        change, one = said[newest]
        since = tuple(found for found, _ in said[:newest])
        yield Net(FieldPlan(one, Finding.CONFLICT, current.get(path), since), (change,))
        return
    first, (_, newest_said) = run[0]
    _, (_, oldest_said) = run[-1]
    whole = Assertion(path, oldest_said.old, newest_said.new, newest_said.valid_from_us, newest_said.valid_to_us)
    later = [Later(change, [one]) for change, one in said[:first]]
    (plan,) = plan_revert([whole], current, later, now_us)
    last = run[-1][0]
    others = tuple(change for change, _ in said[last + 1 :] if change not in undone)
    yield Net(plan, tuple(change for _, (change, _) in run), others)


def from_now(said: Assertion, now_us: int) -> Assertion:
    """Return the part of an assertion that an undoing reaches: what a field holds from now on, not what it held."""
    if not said.valid_from_us < now_us < said.valid_to_us:
        return said
    return Assertion(said.path, said.old, said.new, now_us, said.valid_to_us)
