"""Evidence for somebody who does not trust us: entries with their openings and receipts, the checkpoint and the keys.

What is disclosed opens its commitment; what is kept back stays a commitment, and the whole still verifies
(``ledger.verifier``). Building nothing here: ``channels.evidence`` makes the files, ``flow.seal_evidence`` records and
signs them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.ledger import note as notes
from changedesk.ledger.checkpoint import Checkpoint, parse
from changedesk.ledger.disclosure import opened_meta, slots
from changedesk.ledger.receipt import Receipt
from changedesk.ledger.tiles import hash_reader
from changedesk.ledger.tree import inclusion_proof
from changedesk.ledger.value import Json
from changedesk.reading import sight
from changedesk.reading.evidence.asked import asked
from changedesk.reading.evidence.beside import attachment, statements
from changedesk.reading.evidence.scope import (
    BundleTooLarge,
    FieldsUnclear,
    Found,
    Level,
    PurposeUnknown,
    ReferenceUnfit,
    ScopeUnclear,
    Wanted,
    find,
    require,
    require_level,
)
from changedesk.reading.panels import Diff, EntryView
from changedesk.reading.people import People
from changedesk.reading.published import NotPublished
from changedesk.reading.sight import Eyes, Sight
from changedesk.reading.timeline import entry_views
from changedesk.rules.fields import Catalogue
from changedesk.store import bundles, log_keys, past, published, subjects, tile_files
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tile_files import Missing
from changedesk.store.tx import Look, look

__all__ = [
    "BundleTooLarge",
    "Collected",
    "FieldsUnclear",
    "Level",
    "Piece",
    "PurposeUnknown",
    "ReferenceUnfit",
    "ScopeUnclear",
    "Wanted",
    "collect",
    "require_level",
    "size",
]


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry of a bundle: what stands in its file, and its receipt."""

    index: int
    body: Mapping[str, Json]
    receipt: bytes


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything that a bundle is made of, before it is a file. ``about`` is what evidence.json says."""

    about: Mapping[str, Json]
    pieces: tuple[Piece, ...]
    checkpoint: bytes
    keys: tuple[str, ...]
    attachments: Mapping[str, bytes]
    under: tuple[tuple[SubjectId, UUID | None], ...]
    """The records that it is about, each with the key that it was read under: None where it was erased."""


@dataclass(frozen=True, slots=True)
class _Log:
    signed: bytes
    read: Checkpoint
    keys: tuple[str, ...]


def size(wanted: Wanted, *, actor: Actor) -> int:
    """Return of how many entries a bundle would be, published or not. Raises as ``collect`` does, but NotPublished."""
    require(wanted, configuration(actor.client).catalogue, actor=actor)
    with look(actor.client) as seen:
        return len(find(seen, wanted, actor=actor).entries)


def collect(wanted: Wanted, *, actor: Actor, at: datetime, language: str) -> Collected:
    """Return the evidence that is asked for, as far as it is published.

    Raises Forbidden, ScopeUnclear, PurposeUnknown, ReferenceUnfit, FieldsUnclear, NotFound, BundleTooLarge,
    NotPublished.
    """
    catalogue = configuration(actor.client).catalogue
    require(wanted, catalogue, actor=actor)
    with look(actor.client) as seen:
        found = find(seen, wanted, actor=actor)
        log = _log(seen, actor)
        rows = bundles.entries(seen, found.entries, size=log.read.size)
        if not rows:
            raise NotPublished
        about = subjects.load(seen, {row.subject_id for row in rows})
        pieces = _pieces(seen, rows, about, log, wanted, actor=actor, language=language)
        stated = statements(seen, about.values(), shown=wanted.level is not Level.MASKED)
    # Whoever is shown single fields is shown nothing else: not who at the desk did it, nor why.
    page = None if wanted.level is Level.FIELDS else found.request
    request, wordings = asked(page, actor=actor, at=at, language=language)
    eyes = Eyes(_sight(wanted), catalogue, language)
    return Collected(
        about={
            **_told(wanted, found, rows, log, at=at),
            "asked_by": People({actor.id}, viewer=actor, language=language).show(actor.id).name,
            "asked_by_id": actor.id,
            "request": request,
            "records": [_record(one, eyes) for one in about.values()],
            "statements": list(stated.told),
        },
        pieces=pieces,
        checkpoint=log.signed,
        keys=log.keys,
        attachments={**{attachment(one): one for one in wordings}, **stated.files},
        under=tuple((one.id, one.key.id if one.key else None) for one in about.values()),
    )


def _log(seen: Look, actor: Actor) -> _Log:
    try:
        signed = tile_files.of_client(actor.client).checkpoint()
    except Missing:
        raise NotPublished from None
    read = parse(notes.parse(signed).text)
    return _Log(signed, read, tuple(one.vkey for one in log_keys.verifiers(seen, read.origin)))


def _told(wanted: Wanted, found: Found, rows: Sequence[Any], log: _Log, *, at: datetime) -> dict[str, Json]:
    return {
        "made_at": at.isoformat(),
        "purpose": wanted.purpose,
        "reference": wanted.reference,
        "scope": wanted.told(),
        "level": wanted.level.value,
        "shown_fields": sorted(wanted.fields),
        "entries": [row.idx for row in rows],
        "not_yet_published": len(found.entries) - len(rows),
        "whole": [one.hex for one in found.whole],
        "log": {"origin": log.read.origin, "size": log.read.size, "root": log.read.root.hex()},
    }


def _sight(wanted: Wanted) -> Sight:
    return Sight(everything=wanted.level is Level.FULL, paths=frozenset(wanted.fields))


def _record(subject: Subject, eyes: Eyes) -> dict[str, Json]:
    blind = Eyes(Sight(everything=False), eyes.catalogue, eyes.language)
    named = eyes if eyes.sight.everything else blind
    return {
        "id": str(subject.id),
        "type": subject.type,
        "name": sight.title(named, subject).text,
        "version": subject.ver,
        "erased": subject.key is None,
    }


def _pieces(
    seen: Look,
    rows: Sequence[Any],
    about: Mapping[SubjectId, Subject],
    log: _Log,
    wanted: Wanted,
    *,
    actor: Actor,
    language: str,
) -> tuple[Piece, ...]:
    catalogue = configuration(actor.client).catalogue
    entries = [past.opened(seen, row, about[row.subject_id]) for row in rows]
    sights = dict.fromkeys(about, _sight(wanted))
    views = entry_views(entries, sights, catalogue, actor=actor, language=language)
    read = hash_reader(log.read.size, tile_files.of_client(actor.client).read)
    made: list[Piece] = []
    for row, view in zip(rows, views, strict=True):
        document = published.document(row)
        if document is None:
            raise published.LogDamaged(f"entry {row.idx} of the log is not what was logged")
        try:
            proof = tuple(inclusion_proof(row.idx, log.read.size, read))
        except Missing:
            raise NotPublished from None
        body = _body(seen, row, about[row.subject_id], view, wanted, catalogue)
        body["leaf"] = document.decode()
        made.append(Piece(row.idx, body, Receipt(row.idx, proof, log.signed, document).render()))
    return tuple(made)


def _body(
    seen: Look, row: Any, subject: Subject, view: EntryView, wanted: Wanted, catalogue: Catalogue
) -> dict[str, Json]:
    sees = _sight(wanted)
    payload = past.payload_of(seen, subject.id, row, subject.key)

    def opens(path: str) -> bool:
        named = wanted.level is not Level.FIELDS or path in wanted.fields
        return named and path in catalogue and sees.opens(catalogue[path])

    lines = [one for one in view.fields if wanted.level is not Level.FIELDS or one.path in wanted.fields]
    meta = None if wanted.level is Level.FIELDS else opened_meta(past.meta_of(seen, subject.id, row))
    return {
        "index": row.idx,
        "fields": None if payload is None else slots(payload, lambda one: opens(one.path)),
        "meta": meta,
        "erased": payload is None,
        "shown": {
            "title": view.title if wanted.level is not Level.FIELDS else view.kind,
            "recorded_at": view.recorded_at.isoformat(),
            "lines": [_line(one) for one in lines],
            **(_who(view) if wanted.level is not Level.FIELDS else {}),
        },
    }


def _who(view: EntryView) -> dict[str, Json]:
    return {
        "by": view.actor.name,
        "by_id": view.actor.id,
        "channel": view.channel,
        "verification": view.verification,
        "consent": view.consent,
        "reason": view.reason,
        "approved_by": [one.name for one in view.approvals],
        "request": view.ref or "",
        "rules": list(view.rules),
    }


def _line(one: Diff) -> dict[str, Json]:
    return {
        "path": one.path,
        "label": one.label,
        "before": one.before,
        "after": one.after,
        "masked": one.masked,
        "from": "" if one.valid_from is None else one.valid_from.isoformat(),
        "to": "" if one.valid_to is None else one.valid_to.isoformat(),
    }
