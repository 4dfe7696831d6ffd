"""The records that were merged into one tell of one person: they are forgotten together, whichever of them is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from changedesk.flow import weighing
from changedesk.kinds.erasure import CLASSES
from changedesk.rules import holds, status
from changedesk.rules.forgetting import Decision
from changedesk.store import evidence, links, subjects
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look


class MergedHeld(status.StatusForbids):
    """A record that was merged into this one is under a hold that forbids its erasure.

    ``data``: record, and what StatusForbids says of it.
    """

    code = "merged-held"
    hint = "Undo the merge of the record named here, lift its hold, and merge it again; or wait until that is possible."


@dataclass(frozen=True, slots=True)
class Weighed:
    """One record of a family, and what an erasure takes of it and what stays."""

    subject: Subject
    decisions: tuple[Decision, ...]


def merged_into(look: Look, subject: Subject) -> list[Subject]:
    """Return the records that were merged into one, also through others, and still hold anything; nearest first."""
    ids = links.family(look, subject.id)
    found = subjects.load(look, ids)
    return [found[id_] for id_ in ids if found[id_].key is not None]


def weigh(
    look: Look, config: Configuration, subject: Subject, classes: Sequence[str], *, at: datetime
) -> list[Weighed]:
    """Return, of a record and of each that was merged into it, what an erasure takes; the record itself first.

    A merged record that holds nothing of what is asked for is left out.
    """
    found = [
        Weighed(one, tuple(weighing.decide(look, config, one, classes, at=at)))
        for one in (subject, *merged_into(look, subject))
    ]
    return [one for one in found if one.decisions or one.subject.id == subject.id]


def require(look: Look, config: Configuration, subject: Subject, classes: Sequence[str], *, at: datetime) -> None:
    """Return if an erasure of the family would take anything. Raises NothingToErase, ErasureRetained, MergedHeld."""
    weighed = weigh(look, config, subject, classes, at=at)
    weighing.require([decision for one in weighed for decision in one.decisions])
    stopped = held(look, config, [one.subject for one in weighed[1:]], at=at)
    if stopped is not None:
        raise stopped


def held(look: Look, config: Configuration, family: Sequence[Subject], *, at: datetime) -> MergedHeld | None:
    """Return the refusal of an erasure that the way one of these records stands, or a hold on it, forbids; or None."""
    for one in family:
        found = status.against(one.values(), {config.catalogue[CLASSES].category}, "erase")
        if found is not None:
            return MergedHeld(record=str(one.id), **found.data)
    for hold in evidence.active_holds(look, [one.id for one in family], now=at) if family else ():
        if not {holds.ERASE, holds.EVERYTHING}.isdisjoint(hold.blocks):
            return MergedHeld(
                record=str(hold.subject_id), blocked_by="hold", blocks=sorted(hold.blocks), lifted_by=hold.release,
                ends=hold.ends_at,
            )  # fmt: skip
    return None
