"""Who looked at whom: what a page showed, reveals, and broken glass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.store import past
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call

Place = tuple[datetime, int]
"""When an entry was recorded, and its id: pages go on from before it."""
NEWEST: Final[Place] = (datetime(2999, 1, 1, tzinfo=UTC), 2**63 - 1)
"""The place from which the newest page goes on."""


@dataclass(slots=True)
class Sighting:
    """What one actor is being shown of one record. ``fields``: paths in clear, but for what anybody may see."""

    subject: Subject
    actor: Actor
    opened: bool = False
    """The record itself was opened; on a list it counts only when a value stands in clear."""
    fields: set[str] = field(default_factory=set)
    level: int = 0
    glass: "Glass | None" = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search that found people, and what it shows of each."""

    actor: Actor
    found: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glass:
    """Broken glass: somebody's wider sight of all customers of a client, for a while, and what was said of it later."""

    id: UUID
    actor: str
    level: int
    reason: str
    reference: str
    started_at: datetime
    until: datetime
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """What a caller proved to the viewer."""

    subject_id: SubjectId
    purpose: str
    method: str
    contact_path: str | None
    contact_version: int | None
    digest: bytes | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry of looking. ``facts`` as ``flow.seeing`` wrote them."""

    id: int
    change: ChangeId
    subject: SubjectId
    at: datetime
    kind: EntryKind
    actor: str
    channel: str
    facts: Mapping[str, Json]


_GLASS: Final = tuple(Glass.__dataclass_fields__)


def standing_asks(people: Sequence[SubjectId], *, actor: str, since: datetime, at: datetime) -> Call:
    """Return what ``standing`` asks: to be read ahead."""
    return "seen.standing", {"people": list(people), "actor": actor, "since": since, "at": at}


def standing(
    look: Look, people: Sequence[SubjectId], *, actor: str, since: datetime, at: datetime
) -> tuple[list[Proved], Glass | None]:
    """Return what callers proved to a viewer since an instant, and the glass that the viewer has broken."""
    rows = look.together(standing_asks(people, actor=actor, since=since, at=at))[0]
    proved = [
        Proved(
            row.subject_id, row.purpose, row.method, row.contact_path, row.contact_version,
            None if row.digest is None else bytes(row.digest), row.decided_at,
        )
        for row in rows
        if row.subject_id is not None
    ]  # fmt: skip
    return proved, None if rows[0].id is None else _glass(rows[0])


def of_subject(
    look: Look,
    subject: SubjectId,
    *,
    since: datetime,
    until: datetime,
    before: Place = NEWEST,
    limit: int,
    actor: str | None = None,
) -> list[Seen]:
    """Return who looked at a record from ``since`` until before ``until``, newest first, from a place on."""
    rows = look.rows(
        "seen.of_subject",
        subject=subject, actor=actor, since=since, until=until, at=before[0], id=before[1], limit=limit,
    )  # fmt: skip
    return [opened(look, row) for row in rows]


def by_actor(
    look: Look, actor: str, *, since: datetime, until: datetime, before: Place = NEWEST, limit: int
) -> list[Seen]:
    """Return at whom an actor looked, as ``of_subject``."""
    rows = look.rows("seen.by_actor", actor=actor, since=since, until=until, at=before[0], id=before[1], limit=limit)
    return [opened(look, row) for row in rows]


def newest(look: Look, *, since: datetime, until: datetime, before: Place = NEWEST, limit: int) -> list[Seen]:
    """Return who looked at anybody, as ``of_subject``."""
    rows = look.rows("seen.newest", since=since, until=until, at=before[0], id=before[1], limit=limit)
    return [opened(look, row) for row in rows]


def revealed_since(tx: Tx, actor: str, since: datetime) -> list[datetime]:
    """Return when an actor revealed values since an instant. Until the transaction ends, it reveals no other."""
    tx.row("seen.lock_reveals", actor=actor)
    return [row.recorded_at for row in tx.rows("seen.revealed_since", actor=actor, since=since)]


def keep_note(tx: Tx, change: ChangeId, note: bytes) -> None:
    """Keep what was noted about a reveal, sealed under the customer's key."""
    tx.run("seen.keep_note", change=change, note=note)


def notes_of(look: Look, changes: Sequence[ChangeId]) -> dict[ChangeId, bytes]:
    """Return the sealed notes of some reveals."""
    rows = look.rows("seen.notes_of", changes=list(changes)) if changes else []
    return {row.change_id: bytes(row.note_ct) for row in rows}


@dataclass(frozen=True, slots=True)
class Viewer:
    """One of those who looked at a record in a time, and how often."""

    actor: str
    first: datetime
    last: datetime
    views: int
    reveals: int


def viewers(look: Look, subject: SubjectId, *, since: datetime) -> list[Viewer]:
    """Return everybody who looked at a record since an instant, whoever looked last first."""
    rows = look.rows("seen.viewers", subject=subject, since=since)
    return [Viewer(row.actor, row.first, row.last, row.views, row.reveals) for row in rows]


def break_glass(tx: Tx, glass: Glass) -> None:
    tx.run(
        "seen.break_glass", id=glass.id, actor=glass.actor, level=glass.level, reason=glass.reason,
        reference=glass.reference, started_at=glass.started_at, until=glass.until,
    )  # fmt: skip


def hold_glass(tx: Tx, id_: UUID) -> Glass | None:
    """Return one, locked until the transaction ends."""
    row = tx.row("seen.hold_glass", id=id_)
    return None if row is None else _glass(row)


def review(tx: Tx, id_: UUID, *, by: str, verdict: str, at: datetime) -> None:
    tx.run("seen.review", id=id_, by=by, verdict=verdict, at=at)


def unreviewed(look: Look, *, limit: int) -> list[Glass]:
    """Return broken glass that nobody has reviewed, oldest first."""
    return [_glass(row) for row in look.rows("seen.unreviewed", limit=limit)]


def glass(look: Look, *, before: datetime, limit: int) -> list[Glass]:
    """Return broken glass, newest first, from before an instant on."""
    return [_glass(row) for row in look.rows("seen.glass", before=before, limit=limit)]


def _glass(row: Any) -> Glass:
    return Glass(**{name: getattr(row, name) for name in _GLASS})


def opened(look: Look, row: Any) -> Seen:
    facts = past.meta_of(look, row.subject_id, row).facts()
    kind = EntryKind(row.kind)
    return Seen(row.id, row.change_id, row.subject_id, row.recorded_at, kind, row.actor, row.channel, facts)
