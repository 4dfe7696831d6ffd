"""What is asked and what changes, day by day, by channel and by kind: read from what the worker counted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from changedesk.base.actor import Actor
from changedesk.kinds import KINDS
from changedesk.ledger.entry import EntryKind
from changedesk.reading import words
from changedesk.reading.status import MonthCount, moves_of
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import trends as kept
from changedesk.store.trends import Counted
from changedesk.store.tx import look

_K = EntryKind
MEASURES: Final[Mapping[str, tuple[EntryKind, ...]]] = {
    "asked": (_K.REQUEST_SUBMITTED,),
    # What takes effect later is counted when it was decided, and once.
    "changed": (
        *(_K.CHANGE_APPLIED, _K.CHANGE_RECORDED, _K.CHANGE_REVERTED, _K.CHANGE_BACKDATED, _K.STATUS_CHANGED),
        *(_K.PLAN_CHANGED, _K.MERGE_APPLIED, _K.MERGE_UNDONE, _K.OWNERSHIP_TRANSFERRED),
    ),
    "ended": (_K.REQUEST_REJECTED, _K.REQUEST_WITHDRAWN, _K.REQUEST_CANCELLED, _K.REQUEST_EXPIRED),
    "disputed": (_K.REQUEST_DISPUTED,),
}
"""Which entries count as what: requests, changes, requests that came to nothing, changes that were disputed."""
_MEASURE: Final = {action.value: name for name, actions in MEASURES.items() for action in actions}


@dataclass(frozen=True, slots=True)
class Line:
    """How much there was of one thing. ``key``: a day (ISO 8601), a channel, or a kind; empty: no request, so no kind.

    ``label`` is the kind's name in the reader's language; a channel and a day have their words where they are shown.
    """

    key: str
    label: str
    asked: int = 0
    changed: int = 0
    ended: int = 0
    disputed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """What was counted from ``since`` on, ``until`` left out, days of the client's own time zone.

    ``days`` oldest first, without those on which nothing happened; ``channels`` and ``kinds`` by changes, the most
    first; ``statuses`` by month; ``behind``: entries that are not counted yet.
    """

    since: date
    until: date
    days: tuple[Line, ...]
    channels: tuple[Line, ...]
    kinds: tuple[Line, ...]
    statuses: tuple[MonthCount, ...]
    behind: int


def trends(*, since: date, until: date, actor: Actor, language: str) -> Trends:
    """Return what was asked and what changed in some days. Raises Forbidden."""
    access.require(actor, Verb.QUEUE_READ)
    with look(actor.client) as seen:
        found = kept.counted(seen, _MEASURE, since=since, until=until)
        moved = kept.moved(seen, since=since.replace(day=1), until=until)
        behind = kept.behind(seen)
    return Trends(
        since=since,
        until=until,
        days=tuple(
            sorted(
                _lines(found, lambda one: None if one.day is None else one.day.isoformat()), key=lambda line: line.key
            )
        ),
        channels=_most_first(_lines(found, lambda one: one.channel)),
        kinds=_most_first(_lines(found, lambda one: one.kind, language)),
        statuses=tuple(moves_of(moved)),
        behind=behind,
    )


def _lines(found: Iterable[Counted], by: Callable[[Counted], str | None], language: str = "en") -> list[Line]:
    numbers: dict[str, dict[str, int]] = {}
    for one in found:
        key = by(one)
        if key is not None:
            mine = numbers.setdefault(key, {})
            mine[_MEASURE[one.action]] = mine.get(_MEASURE[one.action], 0) + one.times
    return [Line(key, _label(key, language), **counts) for key, counts in numbers.items()]


def _label(key: str, language: str) -> str:
    return words.in_language(KINDS[key].label, language) if key in KINDS else ""


def _most_first(lines: list[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (-line.changed, -line.asked, line.key)))
