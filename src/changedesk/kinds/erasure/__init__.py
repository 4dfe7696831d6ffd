"""Erasure: the data of a customer or an account goes, or some classes of it; what the law keeps is restricted instead.

What goes and what stays is decided by field (``flow.weighing``) when it is asked for, and again when it is carried out.
Nobody can undo it: the key that sealed the values is destroyed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from changedesk.base.json import State
from changedesk.kinds.effects import Effect, Erase
from changedesk.kinds.kind import Kind, Proposal

CLASSES: Final = "erasure.classes"
EVERYTHING: Final = "everything"


def asked(_operation: str, typed: Mapping[str, object], _before: State) -> Mapping[str, object]:
    """Take everything where no class was named."""
    return typed if typed.get(CLASSES) else {**typed, CLASSES: [EVERYTHING]}


def operation_of(_proposal: Proposal) -> str:
    """An erasure is always that, whoever asks for it."""
    return "erase"


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Begin to forget with the transaction that applies the request."""
    return (Erase(classes_of(proposal.value(CLASSES))),)


def classes_of(value: object) -> tuple[str, ...]:
    """Return the classes that a value names."""
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


KIND = Kind(
    name="erasure",
    label={"en": "Erasure", "de": "Löschung", "ar": "محو البيانات"},
    icon="circle-minus",
    notice_subject={
        "en": "the erasure of your data",
        "de": "die Löschung Ihrer Daten",
        "ar": "محو بياناتك",
    },
    notice_words={},
    form_order=(CLASSES,),
    subjects=frozenset({"customer", "account"}),
    initiators=frozenset({"customer", "business"}),
    operations={
        "erase": {"en": "Erase personal data", "de": "Personenbezogene Daten löschen", "ar": "محو البيانات الشخصية"}
    },
    asked=asked,
    operation_of=operation_of,
    effects=effects,
    entry="erasure.requested",
)
