"""Restriction of processing (GDPR 18): while it stands the data is kept, hardly used, and shown masked.

Requests other than those that a right or the law demands are stopped by ``rules.status``. Before it is lifted the
person is told (GDPR 18(3)): a lifting waits a day after it was asked for, and the notice goes out at the asking.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from changedesk.base.json import State
from changedesk.base.refusal import Refusal
from changedesk.kinds.effects import Announce, Effect
from changedesk.kinds.kind import Checked, Kind, Proposal

_ACTIVE, _GROUND = "restriction.active", "restriction.ground"
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "restrict": {"en": "Restrict the use of the data", "de": "Verarbeitung einschränken", "ar": "تقييد المعالجة"},
    "lift": {"en": "Lift the restriction", "de": "Einschränkung aufheben", "ar": "رفع التقييد"},
}


class GroundMissing(Refusal):
    """A restriction stands on one of the grounds that the law names (GDPR 18(1))."""

    code = "ground-missing"
    hint = "Choose the ground that the person gave."


def asked(operation: str, typed: Mapping[str, object], _before: State) -> Mapping[str, object]:
    """Turn an operation, and the ground that was given, into values."""
    return {**typed, _ACTIVE: True} if operation == "restrict" else {_ACTIVE: None, _GROUND: None}


def operation_of(proposal: Proposal) -> str:
    """Name what the values do: restrict, lift, or correct the ground."""
    stands = proposal.value(_ACTIVE) is True
    if stands == (proposal.before.get(_ACTIVE) is True):
        return "correct"
    return "restrict" if stands else "lift"


def check(proposal: Proposal) -> Checked:
    """Refuse a restriction without its ground; a lifting takes the ground with it."""
    if proposal.value(_ACTIVE) is True:
        return Checked((GroundMissing(path=_GROUND),)) if proposal.value(_GROUND) is None else Checked()
    return Checked(follows={_GROUND: None})


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Tell whoever holds the data that it is not to be used, or may be used again (GDPR 19)."""
    does = operation_of(proposal)
    if does == "correct":
        return ()
    if does == "restrict":
        return (Announce("privacy.restricted", {"ground": str(proposal.value(_GROUND)), "marketing": "stop"}),)
    return (Announce("privacy.unrestricted", {}),)


KIND = Kind(
    name="restriction",
    label={"en": "Restriction of processing", "de": "Einschränkung der Verarbeitung", "ar": "تقييد المعالجة"},
    icon="hand",
    notice_subject={
        "en": "the restriction of the use of your data",
        "de": "die Einschränkung der Verarbeitung Ihrer Daten",
        "ar": "تقييد استخدام بياناتك",
    },
    notice_words={},
    form_order=(_ACTIVE, _GROUND),
    check=check,
    initiators=frozenset({"customer", "business"}),
    operations=LABELS,
    asked=asked,
    operation_of=operation_of,
    effects=effects,
)
