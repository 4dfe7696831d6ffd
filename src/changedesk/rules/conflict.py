"""Two wishes for one field: open requests side by side, and records that moved since they were read."""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol

from changedesk.base.json import State, Value
from changedesk.base.refusal import Refusal


class OpenRequest(Protocol):
    """What conflict looks at in a request that has not ended. ``reference`` is its public one."""

    @property
    def id(self) -> Hashable: ...
    @property
    def reference(self) -> str: ...
    @property
    def paths(self) -> Collection[str]: ...


class FieldTaken(Refusal):
    """Another open request for this customer would change the same field.

    ``data``: reference (of that request), paths.
    """

    code = "field-taken"
    hint = "Finish or withdraw the request named here first, or add your change to it."
    status = "conflict"


class Stale(Refusal):
    """The record changed after this request was made, in a field that the request would set.

    ``data``: paths.
    """

    code = "stale"
    hint = "Read the fields named here as they are now, and ask again if the change is still wanted."
    status = "stale"


class NoChange(Refusal):
    """The record holds these values already, so there is nothing to change."""

    code = "no-change"
    hint = "Check with the customer what they want to be different."


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """Paths by what became of them since ``base``: free to set, set already to the wanted value, or changed
    by others.
    """

    free: tuple[str, ...]
    already: tuple[str, ...]
    conflicting: tuple[str, ...]


def require_free(paths: Collection[str], open_requests: Iterable[OpenRequest]) -> None:
    """Return if no open request would set one of these fields of the subject. Raises FieldTaken with the
    first.
    """
    for request in open_requests:
        common = sorted(set(paths).intersection(request.paths))
        if common:
            raise FieldTaken(reference=request.reference, paths=common)


def differing(current: State, wanted: State) -> dict[str, Value]:
    """Return what of ``wanted`` differs from the record; None removes a value. Raises NoChange when nothing
    does.
    """
    found = {path: value for path, value in wanted.items() if current.get(path) != value}
    if not found:
        raise NoChange
    return found


def moved(base: State, current: State, paths: Iterable[str]) -> list[str]:
    """Return which of these fields hold another value now than when the request was made, sorted."""
    return sorted(path for path in paths if base.get(path) != current.get(path))


def require_unmoved(base: State, current: State, paths: Iterable[str]) -> None:
    """Return if the fields of a request are as it found them; other fields may have moved. Raises Stale."""
    if found := moved(base, current, paths):
        raise Stale(paths=found)


def three_way(base: State, current: State, wanted: State) -> ThreeWay:
    """Compare what was, what is and what is wanted, per field of ``wanted``.

    A reversal passes the values that the change set as ``base`` and those before it as ``wanted``.
    """
    free, already, conflicting = [], [], []
    for path, value in sorted(wanted.items()):
        if current.get(path) == value:
            already.append(path)
        elif current.get(path) == base.get(path):
            free.append(path)
        else:
            conflicting.append(path)
    return ThreeWay(tuple(free), tuple(already), tuple(conflicting))
