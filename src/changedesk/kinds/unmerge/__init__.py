"""Two records that were one are two again: the merged one stands as its own history says."""

from collections.abc import Sequence

from changedesk.base.refusal import Refusal
from changedesk.kinds.effects import Announce, Effect, Unmerge
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.merge import INTO, STATE, SURVIVORSHIP, survivorship

CHANGE = "unmerge.change"


class NotMerged(Refusal):
    """This record is not merged into another, or no longer by this merge."""

    code = "not-merged"
    hint = "Open the record again: its history says which merges there were, and which were undone."
    status = "conflict"


def check(proposal: Proposal) -> Checked:
    """Bring the record's own status back with it."""
    if proposal.before.get(INTO) is None or not proposal.sets(CHANGE):
        return Checked((NotMerged(),))
    return Checked(follows={INTO: None, SURVIVORSHIP: None, STATE: survivorship(proposal.before).was})


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Part the two records, and tell other systems that they are two."""
    return [
        Announce("record.unmerged", {"from": str(proposal.before.get(INTO)).lower(), "type": proposal.subject_type}),
        Unmerge(),
    ]


KIND = Kind(
    name="unmerge",
    label={"en": "Undo of a merge", "de": "Aufhebung einer Zusammenführung", "ar": "إلغاء الدمج"},
    icon="split",
    notice_subject={
        "en": "the separation of two records that were merged",
        "de": "die Trennung zweier zusammengeführter Datensätze",
        "ar": "فصل سجلين سبق دمجهما",
    },
    notice_words={},
    form_order=(CHANGE,),
    check=check,
    subjects=frozenset({"customer", "account"}),
    initiators=frozenset({"customer", "business"}),
    operations={"unmerge": {"en": "Undo the merge", "de": "Zusammenführung aufheben", "ar": "إلغاء الدمج"}},
    operation_of=lambda _proposal: "unmerge",
    effects=effects,
    entry="merge.undone",
)
