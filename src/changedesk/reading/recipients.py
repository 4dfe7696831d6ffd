"""Who was given what of a person's data, when: derived from the history, and from who may follow the feed.

A right of its own in three laws: GDPR 15(1)(c) and 19, 45 CFR 164.528, 34 CFR 99.32. Nothing is kept for it beside what
the history says anyway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.reading import sight
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import past, subjects
from changedesk.store.past import NEWEST, Entry
from changedesk.store.settings_read import configuration, credentials
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
    by their role), evidence (a bundle), copy and notice (to the person). ``recipient``: a name of ours, never a
    person's. ``fields``: paths; empty says that it was the record. ``certain``: False where it was offered and nobody
    can say that it was taken.
    """

    at: datetime
    sort: str
    recipient: str
    purpose: str
    fields: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reference: str = ""
    certain: bool = True
    until: datetime | None = None


def register(subject: SubjectId, *, actor: Actor, at: datetime, language: str) -> tuple[Disclosure, ...]:
    """Return who was given what of a customer or an account, newest first. Raises Forbidden, NotFound."""
    access.require(actor, Verb.PRIVACY_READ)
    with look(actor.client) as seen:
        found, _ = sight.find(seen, sight.survivor(seen, subject, actor=actor), actor=actor)
        return of(seen, found, at=at, language=language)


def of(seen: Look, subject: Subject, *, at: datetime, language: str) -> tuple[Disclosure, ...]:
    """Return the register of a subject. Whoever calls has made sure that it may be seen."""
    entries = _history(seen, subject)
    catalogue = configuration(seen.client).catalogue

    def labels(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(catalogue[path].label_in(language) if path in catalogue else path for path in paths)

    raw = [*_of_entries(entries), *_of_feed(credentials(seen.client), entries, at=at)]
    found = [replace(one, labels=labels(one.fields)) for one in raw]
    return tuple(sorted(found, key=lambda one: (one.at, one.sort, one.recipient), reverse=True))


def of_person(seen: Look, subject: Subject, *, at: datetime, language: str) -> tuple[Disclosure, ...]:
    """Return the register of a customer and of the accounts that they hold now."""
    held = [item.account for item in subjects.accounts_of(seen, subject.id) if item.until is None]
    known = [subject, *subjects.load(seen, held).values()]
    return tuple(one for item in known for one in of(seen, item, at=at, language=language))


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
            )
        elif entry.kind is EntryKind.PRIVACY_DISCLOSED:
            who = "person" if entry.actor == "c" else "privacy_officer"
            asked = _text(facts, "subject_request")
            yield Disclosure(at=moment, sort="copy", recipient=who, purpose=_text(facts, "right"), reference=asked)
        elif entry.kind is EntryKind.NOTICE_SENT:
            event, ref = _text(facts, "event"), _text(facts, "ref")
            yield Disclosure(at=moment, sort="notice", recipient="person", purpose=event, reference=ref)
        yield from _announced(entry)


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
