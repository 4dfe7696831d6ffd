"""An import is noted as a run before its first row goes in, and once more when its last one did."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from changedesk import flow
from changedesk.base.actor import Actor
from changedesk.channels.bulk.report import Became, Report, Sheet
from changedesk.channels.bulk.rows import Reader
from changedesk.reading.imports import ENDED_EARLY, REASON

Progress = Callable[[Report, float], None]
"""Told after each batch: the totals so far, and how much of the file has been taken in, from 0 to 1."""


@contextmanager
def noted(
    file: Path,
    map_name: str,
    report: Report,
    *,
    actor: Actor,
    now: Callable[[], datetime],
    dry_run: bool,
    noted_before: bool = False,
) -> Iterator[None]:
    """Note the run of this block; one that does not come to its end stays unfinished. A dry run is none.

    ``noted_before``: whoever noted it counts.
    """
    if dry_run or noted_before:
        yield
        return
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
    run = flow.note_import(map_name, digest, actor=actor, at=now())
    yield
    flow.finish_import(run, counts_of(report), actor=actor, at=now())


def telling(sheet: Sheet, reader: Reader, progress: Progress | None) -> Callable[[Sequence[Became]], None]:
    """Return who notes what became of rows, and says how far it has come."""

    def tell(told: Sequence[Became]) -> None:
        sheet.tell(told)
        if told and progress:
            progress(sheet.report, reader.share * sheet.report.ended / sheet.report.rows)

    return tell


def counts_of(report: Report) -> dict[str, int]:
    """Return what a run keeps of a report: codes and field names of ours, without a word of what rows held."""
    counts = report.totals() | ({ENDED_EARLY: 1} if report.stopped else {})
    return counts | {f"{REASON}{code} {path}".strip(): count for (code, path), count in report.codes.items()}
