"""Two records that are one: this one leads to the survivor from then on, which takes the values chosen of it.

``merge.into`` is the survivor's id; ``merge.survivorship`` the choices as one canonical text (``Survivorship``).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from changedesk.base.json import Value
from changedesk.base.refusal import Refusal
from changedesk.kinds.effects import Announce, Effect, Merge
from changedesk.kinds.kind import Checked, Kind, Proposal

INTO, SURVIVORSHIP, STATE = "merge.into", "merge.survivorship", "status.state"
LEFT_OUT: Final = frozenset({"merge", "unmerge", "ownership_transfer", "account_status", "inactivation", "restriction"})
"""The kinds whose fields say how a record stands: they never go over to another."""

MERGED_INTO: Final = "merged-into"
"""What a file's report says of a row that names a merged record: it went to the survivor."""
MERGED_INTO_TEXT: Final = "This record was merged into another one, which has the row now. Name that one from now on."


class NotMergeable(Refusal):
    """These two records cannot be merged.

    ``data``: why (itself, merged, unknown, other_type, other_holders, erased).
    """

    code = "not-mergeable"
    hint = "Choose two records of the same sort, neither of them merged or erased; accounts need the same holders."


class SurvivorshipUnreadable(Refusal):
    """The choices of values are not in the form that the preview gives.

    ``data``: paths that do not belong there.
    """

    code = "survivorship-unreadable"
    hint = "Open the preview of the merge again, and send the choices as it gives them."


class Survivorship(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which values of the merged record the survivor takes (``take``) and which of its own stay against it (``keep``),
    each by the rule that chose it; ``base`` the survivor's version that this was read at; ``was`` the merged record's
    status before; ``close`` the references of waiting requests that end with the merge instead of going over.
    """

    base: int
    take: dict[str, str] = {}
    keep: dict[str, str] = {}
    was: str | None = None
    close: tuple[str, ...] = ()

    def text(self) -> str:
        return _encoder.encode(self).decode()


_encoder: Final = msgspec.json.Encoder(order="deterministic")
_decoder: Final = msgspec.json.Decoder(Survivorship)


def survivorship(values: Mapping[str, Value]) -> Survivorship:
    """Return the choices that some values carry. Raises SurvivorshipUnreadable."""
    try:
        return _decoder.decode(str(values.get(SURVIVORSHIP)))
    except msgspec.DecodeError:
        raise SurvivorshipUnreadable(paths=[]) from None


def check(proposal: Proposal) -> Checked:
    """Let a record be merged once, and only give what can go over at all."""
    if proposal.status == "merged" or not proposal.sets(INTO):
        return Checked((NotMergeable(why="merged" if proposal.status == "merged" else "unknown"),))
    try:
        chosen = survivorship({SURVIVORSHIP: proposal.value(SURVIVORSHIP)})
    except SurvivorshipUnreadable as refusal:
        return Checked((refusal,))
    unfit = sorted(path for path in chosen.take if not mergeable(proposal, path))
    if unfit:
        return Checked((SurvivorshipUnreadable(paths=unfit),))
    held = proposal.before.get(STATE)
    text = msgspec.structs.replace(chosen, was=None if held is None else str(held)).text()
    return Checked(follows={STATE: "merged", SURVIVORSHIP: text})


def mergeable(proposal: Proposal, path: str) -> bool:
    """Tell whether a field can go over to another record at all."""
    return path in proposal.catalogue and proposal.catalogue[path].kind not in LEFT_OUT


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Join the two records, and tell other systems that the one is now the other."""
    into, chosen = str(proposal.value(INTO)), survivorship({SURVIVORSHIP: proposal.value(SURVIVORSHIP)})
    return [
        Announce("record.merged", {"into": into.lower(), "type": proposal.subject_type}),
        Merge(into, chosen.base, chosen.take, chosen.keep, chosen.close),
    ]


KIND = Kind(
    name="merge",
    label={"en": "Merge", "de": "Zusammenführung", "ar": "دمج"},
    icon="merge",
    notice_subject={
        "en": "the merging of two records that you have with us",
        "de": "die Zusammenführung zweier Datensätze, die Sie bei uns haben",
        "ar": "دمج سجلين لك لدينا",
    },
    notice_words={},
    form_order=(INTO, SURVIVORSHIP),
    check=check,
    subjects=frozenset({"customer", "account"}),
    initiators=frozenset({"customer", "business"}),
    operations={"merge": {"en": "Merge", "de": "Zusammenführen", "ar": "دمج"}},
    operation_of=lambda _proposal: "merge",
    effects=effects,
    entry="merge.applied",
)
