"""What a search of the history found, as a file: written a few entries at a time, recorded, handed over once.

A file holds what the page shows to somebody for whom nothing is opened, whoever asks: it leaves the house.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID, uuid4

from django.conf import settings

from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.exports import events, tables
from changedesk.flow import audit_trail
from changedesk.reading import audit_search
from changedesk.reading.audit_search import Line
from changedesk.reading.client import limits
from changedesk.rules import access
from changedesk.rules.access import Verb

_CHUNK: Final = 1 << 16


class ExportTooLarge(Refusal):
    """This finds more entries than one file may hold.

    ``data``: wanted, the most that the client's policy allows in one.
    """

    code = "export-too-large"
    hint = "Narrow the search, by created: for instance, and make several files."


class FormatUnknown(Refusal):
    """There is no such format.

    ``data``: known.
    """

    code = "export-format-unknown"
    hint = "Take one of those named here as known."


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a file: its ending, its media type, who writes it."""

    ending: str
    media: str
    write: Callable[[Iterator[Line], BinaryIO], None]


FORMATS: Final = {
    "csv": Format("csv", "text/csv; charset=utf-8", tables.csv),
    "xlsx": Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", tables.xlsx),
    "json": Format("jsonl", "application/jsonl", events.json_lines),
    "ocsf": Format("ocsf.jsonl", "application/jsonl", events.ocsf),
    "xes": Format("xes", "application/xml", events.xes),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file that waits to be handed over. ``sha256`` is of its bytes, in hexadecimal digits."""

    id: UUID
    format: str
    entries: int
    sha256: str
    expires_at: datetime


def make(text: str, format_: str, *, actor: Actor, at: datetime, language: str) -> Made:
    """Write a file of what a search finds, and put on record who made it of what.

    Raises Forbidden, FormatUnknown, ExportTooLarge, and what ``reading.audit_search.search`` raises.
    """
    access.require(actor, Verb.AUDIT_EXPORT)
    if format_ not in FORMATS:
        raise FormatUnknown(known=list(FORMATS))
    most = limits(actor.client).export_entries
    found = audit_search.matches(text, actor=actor, at=at, language=language, limit=most + 1)
    if len(found.places) > most:
        raise ExportTooLarge(wanted=most)
    export = uuid4()
    place = _place(actor.client, export)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        digest = _write(place, format_, found.places, actor=actor, language=language)
        until = audit_trail.note_export(
            format_, digest, asked=found.asked, places=found.places, actor=actor, at=at, export=export
        )
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    return Made(id=export, format=format_, entries=len(found.places), sha256=digest.hex(), expires_at=until)


def _write(place: Path, format_: str, places: Sequence[int], *, actor: Actor, language: str) -> bytes:
    ordered = places
    if format_ == "xes":
        # A process is told case by case, each in the order in which it happened.
        told = audit_search.streamed(places, actor=actor, language=language)
        ordered = [line for _, line in sorted((events.case(line), line.place) for line in told)]
    with os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out:
        FORMATS[format_].write(audit_search.streamed(ordered, actor=actor, language=language), out)
        out.flush()
        out.seek(0)
        return hashlib.file_digest(out, "sha256").digest()


def take(export: UUID, *, actor: Actor, at: datetime) -> tuple[str, Iterator[bytes]]:
    """Hand a file over to whoever made it: once, and within the hour. Returns its format and its bytes.

    Raises Forbidden, NotFound.
    """
    format_ = audit_trail.take_export(export, actor=actor, at=at)
    place = _place(actor.client, export)
    try:
        held = place.open("rb")
    except FileNotFoundError:
        raise NotFound from None
    place.unlink()
    return format_, _chunks(held)


def _chunks(held: BinaryIO) -> Iterator[bytes]:
    with held:
        while chunk := held.read(_CHUNK):
            yield chunk


def name(export: UUID, format_: str) -> str:
    """Return what a file is called."""
    return f"history-{export}.{FORMATS[format_].ending}"


def _place(client: ClientId, export: UUID) -> Path:
    return _folder(client) / str(export)


def _folder(client: ClientId) -> Path:
    return Path(settings.CHANGEDESK_STATE_DIR) / "exports" / str(int(client))


def sweep(client: ClientId) -> int:
    """Remove the files that nobody fetched in time; return how many those were. A duty of the clock."""
    oldest = time.time() - audit_trail.SHORT.total_seconds()
    gone = 0
    for file in _folder(client).glob("*"):
        # Another worker, or whoever fetches it at the last moment, may be faster.
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < oldest:
                file.unlink()
                gone += 1
    return gone
