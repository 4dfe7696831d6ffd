"""Edits: what is to be added to a field, taken out of it, or put in its place, read against what it holds.

A field of several values is a choice of several, or a text tagged ``list``: one value a line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from changedesk.base.json import State, Value
from changedesk.base.refusal import Refusal
from changedesk.kinds.diff import ManyBad
from changedesk.rules.fields import Catalogue, Field, FieldType

ADD, DELETE, REPLACE = "add", "delete", "replace"
OPERATIONS: Final = (ADD, DELETE, REPLACE)
LIST: Final = "list"
"""Tag of texts that hold one value a line."""


class NotHeld(Refusal):
    """The field does not hold the value that is to be taken out of it.

    ``data``: path.
    """

    code = "not-held"
    hint = "Look at what the field holds now, and name the value as it stands there."


class HoldsAnother(Refusal):
    """The field holds another value, and takes only one.

    ``data``: path.
    """

    code = "holds-another"
    hint = "Use replace instead of add, if the new value is to stand in place of the old one."


class OneValueOnly(Refusal):
    """The field takes only one value.

    ``data``: path.
    """

    code = "one-value-only"
    hint = "Name one value."


@dataclass(frozen=True, slots=True)
class Edit:
    """One operation on one field. ``delete`` without values empties it."""

    operation: str
    values: tuple[str, ...] = field(default=(), repr=False)


def holds_many(item: Field) -> bool:
    """Tell whether a field holds several values."""
    return item.type is FieldType.MULTI_ENUM or LIST in item.tags


def edited(asked: Mapping[str, object], catalogue: Catalogue, before: State) -> Mapping[str, object]:
    """Return what is asked for with every sequence of edits turned into the value that it leads to.

    Other values, and those of fields that nobody knows, stay as they are. Raises ManyBad.
    """
    found: dict[str, object] = {}
    refused: dict[str, Refusal] = {}
    for path, raw in asked.items():
        try:
            edits = isinstance(raw, tuple) and bool(raw) and all(isinstance(one, Edit) for one in raw)
            found[path] = _after(catalogue[path], raw, before.get(path)) if edits and path in catalogue else raw  # type: ignore[arg-type]  # all are edits
        except Refusal as refusal:
            refused["/" + path] = refusal
    if refused:
        raise ManyBad(refused)
    return found


def _after(item: Field, edits: Sequence[Edit], before: Value) -> object:
    if not holds_many(item):
        return _one(item, edits, before)
    held = list(before) if isinstance(before, list) else str(before or "").splitlines()
    # What is taken out stood there before: the order in which a file names operations does not matter.
    for edit in sorted(edits, key=lambda one: (REPLACE, DELETE, ADD).index(one.operation)):
        held = _many(item, edit, held)
    return (held if item.type is FieldType.MULTI_ENUM else "\n".join(held)) or None


def _many(item: Field, edit: Edit, held: list[str]) -> list[str]:
    # The codes of options are small letters, and people type them as they like.
    key = str.casefold if item.type is FieldType.MULTI_ENUM else str
    named = {key(_plain(value)) for value in edit.values}
    if edit.operation == DELETE:
        if named - {key(value) for value in held}:
            raise NotHeld(path=item.path)
        return [value for value in held if named and key(value) not in named]
    kept = {} if edit.operation == REPLACE else {key(value): value for value in held}
    for value in map(_plain, edit.values):
        kept.setdefault(key(value), value)
    return list(kept.values())


def _one(item: Field, edits: Sequence[Edit], before: Value) -> object:
    new: object = before
    for edit in sorted(edits, key=lambda one: (DELETE, ADD, REPLACE).index(one.operation)):
        if len(edit.values) > 1 or (not edit.values and edit.operation != DELETE):
            raise OneValueOnly(path=item.path)
        value = edit.values[0] if edit.values else None
        same = value is not None and new is not None and _plain(value) == _plain(str(new))
        if edit.operation == DELETE:
            if value is not None and not same:
                raise NotHeld(path=item.path)
            new = None
        elif edit.operation == ADD and new is not None and not same:
            raise HoldsAnother(path=item.path)
        elif not same:
            new = value
    return new


def _plain(value: str) -> str:
    return " ".join(value.split())
