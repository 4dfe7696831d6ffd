"""Who was given what of a person's data, when: from the history, the files made of it, hooks, and the feed's readers.

A right of its own in three laws: GDPR 15(1)(c) and 19, 45 CFR 164.528, 34 CFR 99.32. Nothing is kept for it beside what
the history says anyway, whose entries a file of a search holds, and what hooks sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.reading import sight
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import audit_search, forget, hooks, links, past, subjects
from changedesk.store.past import NEWEST, Entry
from changedesk.store.settings_read import configuration, credentials, names
from changedesk.store.settings_records import KeyRecord
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

_AT_ONCE: Final = 500
PERSON: Final = frozenset({"copy", "notice"})
"""Sorts of disclosure that went to the person: an accounting leaves them out (45 CFR 164.528(a)(1)(ii))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """Something that was handed on.

    ``sort``: feed (a connected system could read it until ``until``), system (it was announced to holders of the data
    by their role), hook (the client's own system at a host was sent it, from ``at`` until ``until``, taken ``times``
    times), evidence (a bundle), export (a file of what a search of the history found), copy and notice (to the person).
    ``recipient``: a name of ours or a host, never a person's name. ``by``: the name of the member of staff or system
    that took it out of the house (``by_id``: s..., k...). ``fields``: paths; empty says that it was the record.
    ``certain``: False where it was offered or sent and nobody can say that it was taken. ``masked``: it says which
    fields changed, and not to what.
    """

    at: datetime
    sort: str
    recipient: str
    purpose: str
    fields: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reference: str = ""
    certain: bool = True
    masked: bool = False
    times: int | None = None
    until: datetime | None = None
    by: str = ""
    by_id: str = ""


def register(subject: SubjectId, *, actor: Actor, at: datetime, language: str) -> tuple[Disclosure, ...]:
    """Return who was given what of a customer or an account, newest first. Raises Forbidden, NotFound.

    What was merged into it tells of the same person.
    """
    access.require(actor, Verb.PRIVACY_READ)
    with look(actor.client) as seen:
        found, _ = sight.find(seen, sight.survivor(seen, subject, actor=actor), actor=actor)
        return _of_all(seen, _family(seen, found), at=at, language=language)


def to_be_told(erasure: UUID, *, actor: Actor, at: datetime, language: str) -> tuple[Disclosure, ...]:
    """Return who was given what of somebody before an erasure began, newest first: they are told of it (GDPR 19).

    What went to the person is left out. Raises Forbidden, NotFound.
    """
    access.require(actor, Verb.PRIVACY_READ)
    with look(actor.client) as seen:
        job = forget.one(seen, erasure)
        if job is None:
            raise NotFound
        subject = subjects.load(seen, [job.subject_id])[job.subject_id]
        found = _of_all(seen, _family(seen, subject), at=at, language=language)
    return tuple(one for one in found if one.sort not in PERSON and one.at <= job.requested_at)


def _family(seen: Look, subject: Subject) -> list[Subject]:
    return [subject, *subjects.load(seen, links.family(seen, subject.id)).values()]


def _of_all(seen: Look, known: Iterable[Subject], *, at: datetime, language: str) -> tuple[Disclosure, ...]:
    found = [one for item in known for one in of(seen, item, at=at, language=language)]
    return tuple(sorted(found, key=_order, reverse=True))


def _order(one: Disclosure) -> tuple[datetime, str, str]:
    return one.at, one.sort, one.recipient


def of(seen: Look, subject: Subject, *, at: datetime, language: str) -> tuple[Disclosure, ...]:
    """Return the register of a subject. Whoever calls has made sure that it may be seen."""
    entries = _history(seen, subject)
    catalogue = configuration(seen.client).catalogue

    def labels(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(catalogue[path].label_in(language) if path in catalogue else path for path in paths)

    raw = [
        *_of_entries(entries),
        *_of_exports(seen, subject.id),
        *_of_hooks(seen, subject.id),
        *_of_feed(credentials(seen.client), entries, at=at),
    ]
    people = names({one.by_id for one in raw if one.by_id})
    found = [replace(one, labels=labels(one.fields), by=people.get(one.by_id, "")) for one in raw]
    return tuple(sorted(found, key=_order, reverse=True))


def of_person(seen: Look, subject: Subject, *, at: datetime, language: str) -> tuple[Disclosure, ...]:
    """Return the register of a customer, of what was merged into them, and of the accounts that they hold now."""
    held = [item.account for item in subjects.accounts_of(seen, subject.id) if item.until is None]
    known = [*_family(seen, subject), *subjects.load(seen, held).values()]
    return _of_all(seen, known, at=at, language=language)


def _history(seen: Look, subject: Subject) -> list[Entry]:
    found: list[Entry] = []
    before = NEWEST
    while chunk := past.timeline(seen, subject, before=before, limit=_AT_ONCE):
        found += chunk
        before = chunk[-1].id
    return found


def _of_entries(entries: list[Entry]) -> Iterator[Disclosure]:
    for entry in entries:
        facts, moment = entry.facts, entry.recorded_at
        if entry.kind is EntryKind.EVIDENCE_EXPORTED:
            yield Disclosure(
                at=moment,
                sort="evidence",
                recipient=_text(facts, "reference") or "bundle",
                purpose=_text(facts, "purpose"),
                fields=_paths(facts.get("shown")),
                reference=_text(facts, "bundle"),
                by_id=entry.actor,
            )
        elif entry.kind is EntryKind.PRIVACY_DISCLOSED:
            who = "person" if entry.actor == "c" else "privacy_officer"
            asked = _text(facts, "subject_request")
            by = "" if entry.actor == "c" else entry.actor
            purpose = _text(facts, "right")
            yield Disclosure(at=moment, sort="copy", recipient=who, purpose=purpose, reference=asked, by_id=by)
        elif entry.kind is EntryKind.NOTICE_SENT:
            event, ref = _text(facts, "event"), _text(facts, "ref")
            yield Disclosure(at=moment, sort="notice", recipient="person", purpose=event, reference=ref)
        yield from _announced(entry)


def _of_exports(seen: Look, subject: SubjectId) -> Iterator[Disclosure]:
    """Yield the files of the history that were handed over with entries of a record in them. They hold no values."""
    for row in audit_search.exports_about(seen, subject):
        yield Disclosure(
            at=row.taken_at,
            sort="export",
            recipient="export",
            purpose="audit",
            reference=str(row.id),
            by_id=row.actor,
        )


def _of_hooks(seen: Look, subject: SubjectId) -> Iterator[Disclosure]:
    """Yield the hosts that hooks sent events of a record to: one line each, and one more for values in clear."""
    for row in hooks.told_of(seen, subject):
        yield Disclosure(
            at=row.first_at,
            until=row.last_at,
            sort="hook",
            recipient=row.place,
            purpose="hook",
            fields=tuple(sorted(row.fields)),
            reference=str(row.hook_id),
            certain=row.times > 0,
            masked=not row.clear,
            times=row.times,
        )


def _announced(entry: Entry) -> Iterator[Disclosure]:
    told = entry.facts.get("announces")
    for one in told if isinstance(told, list) else ():
        if not isinstance(one, dict):
            continue
        for recipient in _paths(one.get("recipients")):
            yield Disclosure(
                at=entry.recorded_at,
                sort="system",
                recipient=recipient,
                purpose=_text(one, "event"),
                fields=_paths(one.get("fields")) or tuple(path for path in entry.fields if path),
                reference=_text(entry.facts, "subject_request") or _text(entry.facts, "ref"),
            )


def _of_feed(keys: tuple[KeyRecord, ...], entries: list[Entry], *, at: datetime) -> Iterator[Disclosure]:
    """Yield the systems that may follow the log: which changes they could read while their key stood and was used."""
    for key in keys:
        if "feed:read" not in key.scopes or key.last_used_at is None:
            continue
        end = min(moment for moment in (key.revoked_at, key.expires_at, at) if moment is not None)
        read = [entry for entry in entries if entry.kind.bumps and entry.recorded_at <= end]
        paths = tuple(sorted({path for entry in read for path in entry.fields if path}))
        if paths:
            yield Disclosure(
                at=key.created_at,
                until=end if end < at else None,
                sort="feed",
                recipient=key.name,
                purpose="feed",
                fields=paths,
                certain=False,
            )


def _text(facts: Mapping[str, Json], name: str) -> str:
    told = facts.get(name)
    return told if isinstance(told, str) else ""


def _paths(told: object) -> tuple[str, ...]:
    return tuple(one for one in told if isinstance(one, str)) if isinstance(told, list) else ()
