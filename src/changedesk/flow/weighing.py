"""What an erasure takes of one record and what stays, weighed field by field against the rules that keep."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from changedesk.base.actor import ActorType, Channel
from changedesk.base.refusal import Refusal
from changedesk.kinds.erasure import EVERYTHING
from changedesk.rules import forgetting
from changedesk.rules.fields import FieldType
from changedesk.rules.forgetting import Decision, Keeping, Verdict
from changedesk.rules.rule import Ask
from changedesk.rules.status import STATE, Status
from changedesk.store import links, past, status, subjects
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look

_TEXTS: Final = frozenset({FieldType.TEXT, FieldType.REFERENCE})


class ErasureRetained(Refusal):
    """The law obliges the client to keep all of this for now.

    ``data``: until (None: the time has not begun to run), rules.
    """

    code = "erasure-retained"
    hint = "Tell the person what is kept and by which rule; ask again from the day named here, or restrict the use."
    status = "conflict"


class NothingToErase(Refusal):
    """This record holds nothing of what is to be erased."""

    code = "nothing-to-erase"
    hint = "Look at the record; choose other classes, or tell the person that there is nothing."


@dataclass(frozen=True, slots=True)
class Said:
    """What the history says of one field: its versions, oldest first, each with when it was recorded.

    ``replaced``: the newest of them names a value that it took the place of.
    """

    versions: tuple[tuple[int, datetime], ...]
    replaced: bool = False

    @property
    def last(self) -> datetime:
        return self.versions[-1][1]


def decide(
    look: Look, config: Configuration, subject: Subject, classes: Sequence[str], *, at: datetime
) -> list[Decision]:
    """Return, by field, whether an erasure that the person asks for takes it. Codes of status go with the key only."""
    zone, told, closed = config.settings.time_zone, history_of(look, subject), closed_at(look, subject)
    found: list[Decision] = []
    for path, said in sorted(told.items()):
        category = category_of(config, path)
        if not is_personal(config, path) or not _asked(category, classes):
            continue
        kept = keepings(config, subject, category, said.last, closed, law_only=True, at=at)
        stays = forgetting.standing(kept, now=at, zone=zone)
        if stays is None:
            found.append(Decision(path, Verdict.ERASE))
        else:
            found.append(Decision(path, Verdict.KEEP, stays.rule, stays.retention, stays.until))
    return found


def require(decisions: Sequence[Decision]) -> None:
    """Return if an erasure would take anything. Raises NothingToErase, and ErasureRetained with the day from which."""
    if not decisions:
        raise NothingToErase
    if all(one.verdict is Verdict.KEEP for one in decisions):
        day = forgetting.possible_from(decisions)
        raise ErasureRetained(
            until=None if day is None else day.isoformat(), rules=sorted({one.rule for one in decisions})
        )


def is_whole(decisions: Sequence[Decision], classes: Sequence[str]) -> bool:
    """Say whether nothing at all is left: everything was asked for, and no law keeps any of it."""
    return EVERYTHING in classes and all(one.verdict is Verdict.ERASE for one in decisions)


def keepings(
    config: Configuration,
    subject: Subject,
    category: str,
    last: datetime,
    closed: datetime | None,
    *,
    law_only: bool,
    at: datetime,
) -> list[Keeping]:
    """Return the rules that keep fields of a category, with their days."""
    ask = Ask(
        kind="erasure",
        categories=frozenset({category}),
        operation="update",
        channel=Channel.SYSTEM,
        actor=ActorType.AUTOMATION,
        at=at,
        industry=frozenset(config.settings.industries),
        jurisdictions=frozenset(config.settings.jurisdictions),
        attributes={"subject_type": subject.type, "status": subject.status},
    )
    starts = {"event": last, "request": last, "closure": closed}
    zone = config.settings.time_zone
    return forgetting.keepings(config.rules, ask, config.pack.retention, starts, zone=zone, law_only=law_only)


def history_of(look: Look, subject: Subject) -> dict[str, Said]:
    """Return what the history says of each field that it still knows."""
    said: defaultdict[str, list[tuple[int, datetime]]] = defaultdict(list)
    replaced: dict[str, bool] = {}
    for entry in reversed(past.changes_since(look, subject, 0)):
        for one in entry.assertions or ():
            said[one.path].append((entry.version, entry.recorded_at))
            replaced[one.path] = one.old is not None
    return {path: Said(tuple(versions), replaced[path]) for path, versions in said.items()}


def closed_at(look: Look, subject: Subject) -> datetime | None:
    """Return since when a record has ended, None while it has not: what was opened again has not.

    A merged record ends with the one that it was merged into.
    """
    if subject.status == Status.MERGED.value:
        into = links.survivor_of(look, subject.id)
        subject = subjects.load(look, [into])[into]
    if subject.status != Status.CLOSED.value:
        return None
    moves = [one for one in status.of_subject(look, subject.id) if one.path == STATE and one.became == Status.CLOSED]
    return moves[0].effective_at if moves else None


def category_of(config: Configuration, path: str) -> str:
    """Return a field's word of the taxonomy; of one that the catalogue has lost, its path."""
    return config.catalogue[path].category if path in config.catalogue else path


def is_personal(config: Configuration, path: str) -> bool:
    """Say whether a field tells something of the person: the codes of how a record stands do not, texts of why do."""
    if category_of(config, path).split(".", 1)[0] not in ("status", "privacy"):
        return True
    return path in config.catalogue and config.catalogue[path].type in _TEXTS


def _asked(category: str, classes: Sequence[str]) -> bool:
    return EVERYTHING in classes or category.split(".", 1)[0] in classes
