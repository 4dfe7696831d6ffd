"""How readers looked in a time, added up: for those who review access. Nothing of what was shown is opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from changedesk.base.ids import SubjectId
from changedesk.ledger import seal
from changedesk.rules.lifecycle import ENDINGS
from changedesk.rules.readers import HABIT
from changedesk.rules.values.search import NAME
from changedesk.store import keys
from changedesk.store.seen import Seen, opened
from changedesk.store.tx import Look

_ENDED: Final = sorted(ENDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How one reader looked, as ``rules.readers.Reading`` says it; ``looks``: views and reveals."""

    actor: str
    days: int
    looks: int
    customers: int
    found: int
    reveals: int
    unasked: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name to look for among those at whom a reader looked: their own (``own``), or a colleague's, word by word."""

    reader: str
    own: bool
    person: str
    words: tuple[str, ...]


def looked(look: Look, *, own: SubjectId, since: datetime, until: datetime, zone: str) -> list[Looked]:
    """Return who looked at records in a time, but for the desk's ``own``; days are those of a time zone."""
    rows = look.rows("readers.looked", own=own, since=since, until=until, zone=zone, ended=_ENDED)
    return [Looked(**row._asdict()) for row in rows]


def hours(
    look: Look, *, since: datetime, until: datetime, zone: str
) -> dict[str, tuple[Mapping[int, int], Mapping[int, int]]]:
    """Return looks by local hour of the day, by reader: in a time, and in the sixty days before it."""
    found: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
    for row in look.rows("readers.hours", habit=since - HABIT, since=since, until=until, zone=zone):
        now, before = found.setdefault(row.actor, ({}, {}))
        now[row.hour], before[row.hour] = row.looks, row.before
    return dict(found)


def namesakes(look: Look, names: Sequence[Name], *, since: datetime, until: datetime) -> dict[tuple[str, bool], int]:
    """Return how many of those looked at bear every word of a name, by reader and whether the name is their own."""
    client = keys.of_client(look)
    asked = [
        (one, word, epoch, seal.blind_tag(key, NAME, word))
        for one in names
        for word in one.words
        for epoch, key in client.blinds.items()
    ]
    rows = look.rows(
        "readers.namesakes",
        readers=sorted({one.reader for one in names}),
        field=NAME,
        actor=[row[0].reader for row in asked],
        own=[row[0].own for row in asked],
        person=[row[0].person for row in asked],
        word=[row[1] for row in asked],
        words=[len(row[0].words) for row in asked],
        epoch=[row[2] for row in asked],
        tag=[row[3] for row in asked],
        since=since,
        until=until,
    )
    return {(row.actor, row.own): row.customers for row in rows}


def certified(look: Look, *, own: SubjectId, limit: int) -> list[Seen]:
    """Return what was certified of readers, newest first."""
    return [opened(look, row) for row in look.rows("readers.certified", own=own, limit=limit)]
