"""What a person gets when they ask for their data: all that stands and happened, as they may read it, nothing internal.

Read through the eyes of the customer: no name of staff, no rule, no note of the desk. A copy for access also says who
was given the data, when and for what it was looked at (CJEU C-579/21), and the statements that stand beside the record.
Data to take elsewhere is what the person provided, and nothing that was made of it (GDPR 20(1)).
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import NotFound
from changedesk.ledger.value import Json
from changedesk.reading import customer, recipients, seen
from changedesk.reading.panels import CustomerPanel, EntryView
from changedesk.reading.recipients import Disclosure
from changedesk.reading.timeline import timeline
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue, Sensitivity
from changedesk.rules.rights import Right
from changedesk.store import evidence, past, requests, subject_requests, subjects
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

FORMAT: Final = "changedesk-subject-copy/1"
ACCOUNTED: Final = timedelta(days=6 * 366)
"""How far back an accounting of disclosures goes (45 CFR 164.528(a)(1))."""
_AT_ONCE: Final = 200
_ALL: Final = 10_000
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_NOT_PROVIDED: Final = frozenset({"status", "privacy", "auth", "directory"})
"""First words of categories that the client, not the person, says."""
_BY_OTHERS: Final = frozenset({"business", "system"})


@dataclass(frozen=True, slots=True)
class Package:
    """What a copy is made of. ``body`` is plain data; ``table`` the provided data as rows, of a portability only."""

    ref: str
    right: Right
    body: Mapping[str, Json]
    table: str = ""

    def __repr__(self) -> str:
        return f"Package({self.ref})"


def collect(ref: str, *, actor: Actor, at: datetime, language: str) -> Package:
    """Return what answers a request: access, portability, or an accounting of disclosures.

    Raises Forbidden, NotFound.
    """
    access.require(actor, Verb.PRIVACY_HANDLE)
    with look(actor.client) as tx:
        found = subject_requests.by_ref(tx, ref)
        if found is None:
            raise NotFound
        subject = subjects.load(tx, [found.subject_id])[found.subject_id]
        shared = recipients.of_person(tx, subject, at=at, language=language)
        parts: dict[str, Json] = {}
        table = ""
        if found.right is Right.ACCOUNTING:
            parts["disclosures"] = [_disclosure(one) for one in _accounted(shared, at=at)]
        elif found.right is Right.PORTABILITY:
            provided = [_provided(tx, one) for one in [subject, *_accounts(tx, subject)]]
            parts["provided"] = provided
            table = _rows(provided)
        else:
            parts["views"] = _views(tx, subject.id)
            parts["recipients"] = [_disclosure(one) for one in shared]
            parts["consents"] = _consents(tx, subject.id)
        parts["statements"] = [
            {"at": one.written_at.isoformat(), "request": one.ref, "text": one.text}
            for one in subject_requests.statements(tx, subject)
        ]
    if found.right is Right.ACCESS:
        parts |= _record(subject.id, actor.client, at=at, language=language)
    head: dict[str, Json] = {
        "format": FORMAT,
        "made_at": at.isoformat(),
        "by": configuration(actor.client).settings.name,
        "request": found.ref,
        "right": found.right.value,
        "received_at": found.received_at.isoformat(),
        "customer": str(subject.id),
    }
    return Package(found.ref, found.right, {**head, **parts}, table)


def _themselves(client: ClientId, subject: SubjectId) -> Actor:
    return Actor(client, ActorType.CUSTOMER, "c", Channel.SYSTEM, "copy", subject=subject)


def _record(subject: SubjectId, client: ClientId, *, at: datetime, language: str) -> dict[str, Json]:
    """Return every field and every change that the customer may see, of theirs and of the accounts they hold."""
    self = _themselves(client, subject)
    panel = customer.customer(subject, actor=self, at=at, language=language)
    held = [customer.account(one.id, actor=self, at=at, language=language) for one in panel.accounts if not one.until]
    return {
        "records": [_panel(one) for one in (panel, *held)],
        "history": [
            _entry(one, record)
            for record in (panel.id, *(one.id for one in held))
            for one in _history(record, self, at=at, language=language)
        ],
        "requests": [
            {
                "reference": one.ref,
                "what": one.kind_label,
                "state": one.word,
                "received_at": one.received_at.isoformat(),
            }
            for one in panel.requests
        ],
    }


def _panel(panel: CustomerPanel) -> dict[str, Json]:
    return {
        "id": str(panel.id),
        "type": panel.type,
        "status": panel.status,
        "since": panel.created_at.isoformat(),
        "fields": [
            {
                "path": one.path,
                "label": one.label,
                "value": one.text,
                "since": None if one.since is None else one.since.isoformat(),
                "source": "" if one.by is None else one.by.name,
                "channel": one.channel,
            }
            for group in panel.groups
            for one in group.fields
            if not one.empty
        ],
    }


def _history(record: SubjectId, self: Actor, *, at: datetime, language: str) -> Iterator[EntryView]:
    before: str | None = None
    while True:
        page = timeline(record, actor=self, at=at, language=language, before=before, limit=_AT_ONCE)
        yield from page.items
        before = page.next
        if before is None:
            return


def _entry(one: EntryView, record: SubjectId) -> dict[str, Json]:
    return {
        "at": one.recorded_at.isoformat(),
        "record": str(record),
        "what": one.title,
        "by": one.actor.name,
        "channel": one.channel,
        "request": one.ref or "",
        "verified": one.verification,
        "reason": one.reason,
        "fields": [{"label": row.label, "before": row.before, "after": row.after} for row in one.fields],
    }


def _consents(tx: Look, subject: SubjectId) -> list[Json]:
    asked = {one.id: one for one in requests.of_subject(tx, subject, limit=_ALL)}
    return [
        {
            "at": one.given_at.isoformat(),
            "request": asked[one.request_id].ref,
            "statement": one.statement,
            "version": one.version,
            "language": one.language,
            "way": one.way,
        }
        for one in evidence.consents_of(tx, asked)
    ]


def _views(tx: Look, subject: SubjectId) -> list[Json]:
    """Return when and for what the record was looked at, without who of the staff it was."""
    return [
        {
            "at": one.at.isoformat(),
            "purpose": one.purpose,
            "channel": one.channel,
            "fields": list(one.fields),
            "what": "revealed" if one.revealed else "found by a search" if one.searched else "opened",
        }
        for one in seen.views_for_subject(tx, subject, since=_EARLIEST)
    ]


def _disclosure(one: Disclosure) -> dict[str, Json]:
    """Return a disclosure as the person reads it: a system by its name, staff without who of them it was.

    Whoever acts for the business is no recipient of its data (CJEU C-579/21).
    """
    return {
        "at": one.at.isoformat(),
        "until": None if one.until is None else one.until.isoformat(),
        "to": one.recipient,
        "sort": one.sort,
        "purpose": one.purpose,
        "fields": list(one.labels),
        "certain": one.certain,
        "masked": one.masked,
        "times": one.times,
        "by": one.by if one.by_id[:1] == "k" else "staff" if one.by_id else "",
    }


def _accounted(shared: Sequence[Disclosure], *, at: datetime) -> list[Disclosure]:
    """Return what an accounting lists: not what went to the person, not what is older than six years."""
    return [one for one in shared if one.sort not in recipients.PERSON and (one.until or at) >= at - ACCOUNTED]


def _accounts(tx: Look, subject: Subject) -> list[Subject]:
    held = [item.account for item in subjects.accounts_of(tx, subject.id) if item.until is None]
    return list(subjects.load(tx, held).values())


def _provided(tx: Look, subject: Subject) -> dict[str, Json]:
    """Return what the person gave of a record: not codes of ours, not what the business or a duty set by itself."""
    catalogue = configuration(tx.client).catalogue
    by_version = past.provenance(tx, subject)
    values: dict[str, Any] = {}
    for path, held in sorted(subject.state.items()):
        entry = by_version.get(held.ver)
        if entry is not None and entry.facts.get("initiated_by") in _BY_OTHERS:
            continue
        if _given(catalogue, path):
            values[path] = held.value
    return {"id": str(subject.id), "type": subject.type, "values": values}


def _given(catalogue: Catalogue, path: str) -> bool:
    if path not in catalogue or catalogue[path].sensitivity is Sensitivity.SECRET:
        return False
    return catalogue[path].category.split(".", 1)[0] not in _NOT_PROVIDED


def _rows(provided: Sequence[Any]) -> str:
    """Return provided data as CSV (RFC 4180): record, type, field, value; parts of a value as further fields."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["record", "type", "field", "value"])
    for record in provided:
        for path, value in record["values"].items():
            for name, part in _flat(path, value):
                writer.writerow([record["id"], record["type"], name, _safe(part)])
    return out.getvalue()


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield f"{path}.{name}", str(part)
    elif isinstance(value, list | tuple):
        yield path, " ".join(str(part) for part in value)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    else:
        yield path, str(value)


def _safe(text: str) -> str:
    # A spreadsheet takes what begins so for a formula.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
