"""The erasure journal: one line of JSON for each erasure, in a file outside the database and its backups.

A backup that is restored knows people whom the database had forgotten since. The journal knows that they are to be
forgotten, and no more of them than their opaque ids: {"v", "client", "id", "subject", "whole", "decisions",
"recipients", "at"}. It is only ever added to. docs/runbooks/restore.md says how it is used.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from changedesk.base.ids import ClientId, SubjectId

_FORM: Final = 1


class JournalDamaged(ValueError):  # noqa: N818 - says what is so
    """A line of the journal is not one of ours. Carries its number."""


@dataclass(frozen=True, slots=True)
class Record:
    """One erasure. ``decisions`` as the job has them: fields, verdicts and rules, never a value."""

    client: ClientId
    id: UUID
    subject: SubjectId
    whole: bool
    decisions: Sequence[Mapping[str, Any]]
    recipients: Sequence[str]
    at: datetime


def path() -> Path:
    """Return where the journal stands."""
    return Path(settings.CHANGEDESK_ERASURE_JOURNAL)


def add(record: Record) -> None:
    """Write an erasure down; it stands on disk when this returns. One that is there already is not written again."""
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not place.exists()
    line = json.dumps(
        {
            "v": _FORM,
            "client": int(record.client),
            "id": str(record.id),
            "subject": str(record.subject),
            "whole": record.whole,
            "decisions": list(record.decisions),
            "recipients": list(record.recipients),
            "at": record.at.isoformat(),
        },
        sort_keys=True,
    )
    with open(place, "a+", encoding="utf-8", opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = file.read()
        if f'"id": "{record.id}"' in before:
            return
        # What a power cut left of a line stands by itself, and is passed over.
        file.write(("" if not before or before.endswith("\n") else "\n") + line + "\n")
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def records() -> list[Record]:
    """Return every erasure in the journal, oldest first. Raises JournalDamaged for a line that is none of ours."""
    if not path().exists():
        return []
    lines = path().read_text("utf-8").splitlines()
    found: list[Record] = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_record(json.loads(line)))
        except (ValueError, KeyError, TypeError) as wrong:
            if line.startswith("{") and (number == len(lines) or not line.endswith("}")):
                continue  # cut off while it was written: its erasure had not begun to wipe, and was written again
            raise JournalDamaged(f"line {number}") from wrong
    return found


def _record(told: Mapping[str, Any]) -> Record:
    if told["v"] != _FORM:
        raise ValueError("another form")
    return Record(
        client=ClientId(int(told["client"])),
        id=UUID(told["id"]),
        subject=SubjectId(UUID(told["subject"])),
        whole=bool(told["whole"]),
        decisions=[dict(one) for one in told["decisions"]],
        recipients=[str(one) for one in told["recipients"]],
        at=datetime.fromisoformat(told["at"]),
    )


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
