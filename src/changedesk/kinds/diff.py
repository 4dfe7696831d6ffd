"""What a request really changes: asked values read, compared with the state, and only the differences kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from changedesk.base.json import State, Value
from changedesk.base.refusal import Refusal
from changedesk.kinds.kind import Kind
from changedesk.rules.fields import Catalogue, Sensitivity
from changedesk.rules.values import BadValue, Concern, Strictness, concerns, normalise, same


class NoChange(Refusal):
    """This is already the current value."""

    code = "no-change"
    hint = "Nothing needs to be done. Check the field if you expected a difference."


class UnknownField(Refusal):
    """The kind of change has no such field."""

    code = "unknown-field"
    hint = "Use the field names that the kind of change lists."


class SecretField(Refusal):
    """Secrets such as passwords and answers are never set through a request."""

    code = "secret-field"
    hint = "Start a reset instead, so that the customer sets the secret."


class ManyBad(Refusal):
    """Some of the values cannot be taken as they stand.

    ``data["errors"]`` lists for each its ``pointer`` (JSON Pointer into ``values``), ``code``, ``reason``, ``detail``.
    """

    code = "bad-values"
    hint = "Correct the fields listed here and send them again."

    def __init__(self, refusals: Mapping[str, Refusal]) -> None:
        self.refusals = refusals
        super().__init__(errors=[_error(pointer, refusal) for pointer, refusal in refusals.items()])


def _error(pointer: str, refusal: Refusal) -> dict[str, str]:
    if isinstance(refusal, BadValue):
        reason, detail = refusal.reason, refusal.reason_in("en")
    else:
        reason, detail = refusal.code, refusal.sentence
    return {"pointer": pointer, "code": refusal.code, "reason": reason, "detail": detail}


@dataclass(frozen=True, slots=True)
class Diff:
    """``values``: new canonical values of the fields that really change, None for removal. ``unchanged``: the rest."""

    values: Mapping[str, Value]
    unchanged: tuple[str, ...] = ()
    concerns: tuple[Concern, ...] = ()


def changes(
    kind: Kind,
    catalogue: Catalogue,
    before: State,
    asked: Mapping[str, object],
    *,
    region: str,
    today: date,
    strictness: Strictness = Strictness.STRICT,
    subject_type: str | None = None,
    stood: State = MappingProxyType({}),
) -> Diff:
    """Return what ``asked`` changes in ``before``; ``subject_type`` leaves only the fields of such a subject.

    ``stood`` are values that the record held before: they come back as they stood, with a concern where they would not
    be taken today.
    Raise ``ManyBad`` with every field that cannot be taken, ``NoChange`` when nothing would differ.
    """
    read: dict[str, Value] = {}
    refused: dict[str, Refusal] = {}
    old: list[str] = []
    for path, raw in asked.items():
        refusal = _not_askable(kind, catalogue, path, subject_type)
        if refusal is None:
            try:
                read[path] = normalise(catalogue[path], raw, region=region, today=today, strictness=strictness)
            except BadValue as bad:
                refusal = bad
            if path in stood and (refusal is not None or read[path] != stood[path]):
                read[path], refusal = stood[path], None
                old.append(path)
        if refusal is not None:
            refused[_pointer(path, refusal)] = refusal
    if refused:
        raise ManyBad(refused)
    values = {path: value for path, value in read.items() if not same(catalogue[path], value, before.get(path))}
    if not values:
        raise NoChange(paths=list(asked))
    return Diff(
        values=values,
        unchanged=tuple(path for path in read if path not in values),
        concerns=(
            *(Concern(path, "stood_before") for path in old if path in values),
            *_concerns(catalogue, before, ((path, value) for path, value in values.items() if path not in old)),
        ),
    )


def _not_askable(kind: Kind, catalogue: Catalogue, path: str, subject_type: str | None) -> Refusal | None:
    if (unfit := not_held(catalogue, path)) is not None:
        return unfit
    field = catalogue[path]
    fits = field.kind == kind.name and (subject_type is None or field.is_of(subject_type))
    return None if fits else UnknownField(path=path)


def not_held(catalogue: Catalogue, path: str) -> Refusal | None:
    """Return what stands against any record holding a field; None where nothing does."""
    if path not in catalogue:
        return UnknownField(path=path)
    if catalogue[path].sensitivity is Sensitivity.SECRET:
        return SecretField(path=path)
    return None


def _pointer(path: str, refusal: Refusal) -> str:
    return refusal.pointer if isinstance(refusal, BadValue) else "/" + path.replace("~", "~0").replace("/", "~1")


def _concerns(catalogue: Catalogue, before: State, values: Iterable[tuple[str, Value]]) -> list[Concern]:
    return [concern for path, value in values for concern in concerns(catalogue[path], value, before=before.get(path))]
