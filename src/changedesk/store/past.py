"""Reading the history: timelines, states as of an instant on either time axis, provenance, the feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec

from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, RequestId, SubjectId
from changedesk.ledger import seal
from changedesk.ledger.commitment import Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.fold import Stored, fold
from changedesk.ledger.payload import Meta, Payload, decode_assertions, decode_facts, decode_meta, decode_payload
from changedesk.ledger.value import Json
from changedesk.store import keys
from changedesk.store.history import SNAPSHOT_EVERY
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look
from changedesk.store.wire import Call

NEWEST: Final = 2**63 - 1
"""A page that starts here starts with the newest entry."""
_HIGHEST: Final = 2**31 - 1
"""Above every version."""


class Entry(msgspec.Struct, frozen=True):
    """One entry of the history, opened. ``assertions`` is None when the values are erased."""

    id: int
    change: ChangeId
    subject: SubjectId
    version: int
    recorded_at: datetime
    request: RequestId | None
    kind: EntryKind
    actor: str
    channel: str
    fields: tuple[str, ...]
    leaf: bytes
    assertions: Sequence[Assertion] | None
    facts: Mapping[str, Json]
    index: int | None = None
    """Its place in the client's log; None until the sequencer has given it one."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a timeline is narrowed to. An absent condition is None."""

    kinds: Sequence[str] | None = None
    fields: Sequence[str] | None = None
    """Only entries that touch at least one of these paths."""
    channel: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def timeline_asks(subject: SubjectId, *, before: int, limit: int, only: Filter) -> Call:
    """Return what ``timeline`` asks first: to be read ahead. The newest page is all it asks."""
    return _page(subject, _HIGHEST, before, limit, only) if before == NEWEST else _place(subject, before)


def _place(subject: SubjectId, before: int) -> Call:
    return "history.version_before", {"subject": subject, "before": before}


def _page(subject: SubjectId, newest: int, before: int, limit: int, only: Filter) -> Call:
    return "history.timeline", {
        "subject": subject,
        "before": before,
        "newest": newest,
        "limit": limit,
        "kinds": None if only.kinds is None else list(only.kinds),
        "fields": None if only.fields is None else list(only.fields),
        "channel": only.channel,
        "actor": only.actor,
        "since": only.since,
        "until": only.until,
    }


def timeline(
    look: Look, subject: Subject, *, before: int = NEWEST, limit: int = 50, only: Filter | None = None
) -> list[Entry]:
    """Return a subject's entries, newest first, from before an entry id on."""
    rows = timeline_rows(look, subject, before=before, limit=limit, only=only or Filter())
    return open_all(look, subject, rows)


def timeline_rows(look: Look, subject: Subject, *, before: int, limit: int, only: Filter) -> list[Any]:
    """Return the raw rows of what ``timeline`` returns. ``open_all`` makes entries of those that are shown."""
    newest = _HIGHEST if before == NEWEST else look.together(_place(subject.id, before))[0][0].ver or 0
    return look.together(_page(subject.id, newest, before, limit, only))[0]


def of_request(look: Look, request: RequestId, about: Sequence[Subject]) -> list[Entry]:
    """Return everything recorded about a request, oldest first, in the streams of these subjects."""
    rows = look.together(of_request_asks(request))[0]
    found = [
        entry
        for subject in {one.id: one for one in about}.values()
        for entry in open_all(look, subject, [row for row in rows if row.subject_id == subject.id])
    ]
    return sorted(found, key=_ID)


def of_request_asks(request: RequestId) -> Call:
    """Return what ``of_request`` asks: to be read ahead."""
    return "history.of_request", {"request": request}


def by_change(look: Look, change: ChangeId) -> Any | None:
    """Return the raw row of one entry, or None. ``opened`` makes an Entry of it once the subject is loaded."""
    return look.row("history.by_change", change=change)


def opened(look: Look, row: Any, subject: Subject) -> Entry:
    return open_all(look, subject, [row])[0]


def provenance_asks(subject: Subject) -> Call:
    """Return what ``provenance`` asks: to be read ahead."""
    return "history.provenance", {
        "subject": subject.id,
        "versions": sorted({one.ver for one in subject.state.values()}),
    }


def provenance(look: Look, subject: Subject) -> dict[int, Entry]:
    """Return, by version, the entries that set the values that stand now."""
    found: dict[int, Entry] = {}
    for row in look.together(provenance_asks(subject))[0]:
        facts = meta_of(look, subject.id, row).facts()
        found[row.ver] = Entry(
            0, row.change_id, subject.id, row.ver, row.recorded_at, row.request_id, EntryKind(row.kind), row.actor,
            row.channel, (), b"", None, facts,
        )  # fmt: skip
    return found


def as_of_asks(subject: SubjectId, *, known_at: datetime, valid_at: datetime) -> Call:
    """Return what ``as_of`` asks of nearly every subject: the row of the record, once for each version that tells."""
    # Where all was true from when it was recorded on, what was true at V is what was known at V.
    return "history.as_of", {
        "subject": subject, "known_at": min(known_at, valid_at), "every": SNAPSHOT_EVERY,
    }  # fmt: skip


def as_of(
    look: Look, subject: Subject, *, known_at: datetime, valid_at: datetime, rows: Sequence[Any] | None = None
) -> tuple[int, dict[str, bytes]]:
    """Return what was known at ``known_at`` about what was true at ``valid_at``: the version, and texts by path.

    ``rows`` are what ``as_of_asks`` found, where they are at hand. Version 0 and nothing for an instant before the
    subject was known.
    """
    if subject.dated:
        told = look.rows("history.recorded_by", subject=subject.id, known_at=known_at)
    else:
        asked = as_of_asks(subject.id, known_at=known_at, valid_at=valid_at)
        told = _telling(look.together(asked)[0] if rows is None else rows)
    if not told:
        return 0, {}
    stored, snapshot = _foldable(look, subject, told)
    return told[0].told, fold(stored, micros(known_at), micros(valid_at), snapshot)


def _telling(rows: Sequence[Any]) -> list[Any]:
    """Return the rows that speak of a field that no newer one speaks of, and that of the snapshot, newest first."""
    found: list[Any] = []
    spoken: set[str] = set()
    # A record that was not known yet is a row without a version.
    for row in sorted((row for row in rows if row.told is not None), key=_TOLD, reverse=True):
        said = (row.fields or "").split(" ")
        if row.told % SNAPSHOT_EVERY == 0 or not spoken.issuperset(said):
            found.append(row)
            spoken.update(said)
    return found


_TOLD: Final = attrgetter("told")


def versions(look: Look, subject: Subject, *, newest: int) -> tuple[list[Stored], Sequence[Assertion]]:
    """Return the versions that fold to the state at ``newest``, newest first, and the snapshot below them."""
    oldest = 0 if subject.dated else max(newest // SNAPSHOT_EVERY * SNAPSHOT_EVERY - 1, 0)
    return _foldable(look, subject, look.rows("history.versions", subject=subject.id, newest=newest, oldest=oldest))


def _foldable(look: Look, subject: Subject, rows: Sequence[Any]) -> tuple[list[Stored], Sequence[Assertion]]:
    key, stored = subject.key, list[Stored]()
    for row in rows:
        if key is None or row.ct is None:
            raise keys.Erased("this subject's key was destroyed")
        place = seal.payload_aad(look.client, subject.id, row.change_id, row.told)
        payload = decode_payload(seal.unseal_bare(key.cipher, row.ct, place))
        if payload.snapshot is not None and not subject.dated:
            return stored, payload.snapshot
        stored.append(Stored(row.told, micros(row.recorded_at), payload.assertions))
    return stored, ()


def changes_since(look: Look, subject: Subject, version: int) -> list[Entry]:
    """Return a subject's changes after a version, newest first."""
    rows = look.rows("history.changes_since", subject=subject.id, version=version)
    return open_all(look, subject, rows)


def feed(look: Look, *, start: int, limit: int) -> list[Any]:
    """Return raw rows of the log from an index on, in order; ``opened`` makes entries of them."""
    return look.rows("history.feed", start=start, limit=limit)


def open_all(look: Look, subject: Subject, rows: Sequence[Any]) -> list[Entry]:
    """Return the entries of a subject's raw rows: each step is taken for all of them, before the next one."""
    key, place_of = subject.key, seal.entry_aads(look.client, subject.id)
    places = [place_of(row.change_id, row.ver or 0) for row in rows]
    metas = {epoch: keys.meta_of_epoch(look, epoch) for epoch in {row.meta_epoch for row in rows}}
    told = seal.unseal_each(
        [(metas[row.meta_epoch], row.meta_ct, place) for row, (_, place) in zip(rows, places, strict=True)],
        block=seal.IMPERSONAL,
    )
    held = []
    if key is not None:
        held = [(key.cipher, row.ct, place) for row, (place, _) in zip(rows, places, strict=True) if row.ct is not None]
    values = iter(decode_assertions(seal.unseal_each(held)))
    paths = {text: tuple(text.split(" ")) for text in {row.fields for row in rows} if text is not None}
    return [
        Entry(
            row.id,
            row.change_id,
            subject.id,
            row.ver or 0,
            row.recorded_at,
            row.request_id,
            _KINDS[row.kind],
            row.actor,
            row.channel,
            paths.get(row.fields, ()),
            row.leaf_hash,
            next(values) if held and row.ct is not None else None,
            facts,
            getattr(row, "idx", None),
        )
        for row, facts in zip(rows, decode_facts(told), strict=True)
    ]


_ID: Final = attrgetter("id")
_KINDS: Final = {kind.value: kind for kind in EntryKind}
"""By the word that stands in a row."""


def payload_of(look: Look, subject: UUID, row: Any, key: keys.SubjectKey | None) -> Payload | None:
    """Return the values of an entry's row (change_id, ver, ct); None when they are erased."""
    if row.ct is None or key is None:
        return None
    aad = seal.payload_aad(look.client, subject, row.change_id, row.ver or 0)
    return decode_payload(seal.unseal_bare(key.cipher, row.ct, aad))


def meta_of(look: Look, subject: UUID, row: Any) -> Meta:
    """Return who, how and why of an entry's row (change_id, ver, meta_epoch, meta_ct). Raises UnknownKey."""
    cipher = keys.meta_of_epoch(look, row.meta_epoch)
    aad = seal.meta_aad(look.client, subject, row.change_id, row.ver or 0)
    return decode_meta(seal.unseal_bare(cipher, row.meta_ct, aad, block=seal.IMPERSONAL))
