"""Undoing a change without undoing what came after it: a three-way check per field (ledger design, section
7).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from changedesk.ledger.commitment import Assertion
from changedesk.ledger.fold import visible


class Finding(StrEnum):
    """What reverting one field would meet."""

    RESTORE = "restore"
    """The change still stands: its old value can be put back."""
    ALREADY = "already"
    """The old value holds already: nothing to do, and it is said."""
    CONFLICT = "conflict"
    """Something else was said since: a person chooses."""


class Later(msgspec.Struct, frozen=True):
    """A change recorded after the one to revert."""

    change_id: UUID
    assertions: Sequence[Assertion]


class FieldPlan(msgspec.Struct, frozen=True):
    """One field of the change: what was found, what stands now, and the later changes that touched its
    range.
    """

    assertion: Assertion
    finding: Finding
    standing: bytes | None
    later: tuple[UUID, ...]


class Choice(StrEnum):
    """How a person settles a conflict."""

    KEEP = "keep"
    FORCE = "force"
    CUSTOM = "custom"


class Resolution(msgspec.Struct, frozen=True):
    """The choice for one field; ``value`` (a canonical text, None for nothing) counts for CUSTOM only."""

    choice: Choice
    value: bytes | None = None


class Unresolved(ValueError):  # noqa: N818 - a refusal, as elsewhere
    """Conflicts that nobody has settled. ``paths`` names the fields."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Name the fields in conflict; field names are not personal data."""
        self.paths = tuple(paths)
        super().__init__(f"conflicts without a choice: {', '.join(self.paths)}")


class Reversal(msgspec.Struct, frozen=True):
    """What to ask for: the assertions of a new change, and whether it overrides later ones (second
    approval).
    """

    assertions: tuple[Assertion, ...]
    forced: bool


def plan_revert(
    change: Sequence[Assertion], current: Mapping[str, bytes | None], later: Sequence[Later], now_us: int
) -> list[FieldPlan]:
    """Say per field of the change whether its old value can come back.

    ``current`` is what holds at ``now_us`` by path (absent or None: nothing); ``later`` are all later changes
    of the subject on these paths, newest first. Over the field's own range: only the change's value (or that
    and the old one) stands → restore; only the old one → already; any other, now or in time to come →
    conflict, with the later changes that touched the range. A current value that no later change explains is
    a conflict too.
    """
    return [_plan(assertion, current, later, now_us) for assertion in change]


def _plan(assertion: Assertion, current: Mapping[str, bytes | None], later: Sequence[Later], now_us: int) -> FieldPlan:
    start, end = assertion.valid_from_us, assertion.valid_to_us
    since = [
        (newer.change_id, said)
        for newer in later
        for said in newer.assertions
        if said.path == assertion.path and said.valid_from_us < end and start < said.valid_to_us
    ]
    pieces = [
        (max(low, start), min(high, end), said.new)
        for low, high, said in visible([*(said for _, said in since), assertion])
        if low < end and start < high
    ]
    values = {value for low, high, value in pieces if not low <= now_us < high}
    standing = assertion.new
    if start <= now_us < end:
        # The state is what people see; where it speaks of this moment it outranks what was derived.
        standing = current.get(assertion.path)
        values.add(standing)
    else:
        standing = pieces[0][2]
    touched = tuple(dict.fromkeys(change_id for change_id, _ in since))
    return FieldPlan(assertion, _finding(values, assertion), standing, touched)


def _finding(values: set[bytes | None], assertion: Assertion) -> Finding:
    if not values <= {assertion.old, assertion.new}:
        return Finding.CONFLICT
    return Finding.ALREADY if values <= {assertion.old} else Finding.RESTORE


def resolve(plans: Sequence[FieldPlan], resolutions: Mapping[str, Resolution]) -> Reversal:
    """Return the reversal that these choices (by path) make of a plan; Unresolved while a conflict has none.

    Keep leaves the field as it stands; force puts the old value back over what came later; custom sets its
    own. A choice for a field that is not in conflict counts for nothing.
    """
    open_paths = [
        plan.assertion.path
        for plan in plans
        if plan.finding is Finding.CONFLICT and plan.assertion.path not in resolutions
    ]
    if open_paths:
        raise Unresolved(open_paths)
    assertions: list[Assertion] = []
    forced = False
    for plan in plans:
        if plan.finding is Finding.RESTORE:
            assertions.append(_back(plan, plan.assertion.old))
        elif plan.finding is Finding.CONFLICT:
            chosen = resolutions[plan.assertion.path]
            if chosen.choice is Choice.FORCE:
                forced = True
                assertions.append(_back(plan, plan.assertion.old))
            elif chosen.choice is Choice.CUSTOM:
                assertions.append(_back(plan, chosen.value))
    return Reversal(tuple(assertions), forced)


def _back(plan: FieldPlan, value: bytes | None) -> Assertion:
    was = plan.assertion
    return Assertion(was.path, plan.standing, value, was.valid_from_us, was.valid_to_us)
