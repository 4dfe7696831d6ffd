"""An import is noted as a run before its first row goes in, and once more when its last one did."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from changedesk import flow
from changedesk.base.actor import Actor
from changedesk.channels.bulk.report import Report
from changedesk.reading.imports import REASON


@contextmanager
def noted(
    file: Path,
    map_name: str,
    report: Report,
    *,
    actor: Actor,
    now: Callable[[], datetime],
    dry_run: bool,
    begun: Callable[[UUID], None] | None = None,
) -> Iterator[None]:
    """Note the run of this block; one that does not come to its end stays unfinished. A dry run is none.

    ``begun`` is told the run once it is noted.
    """
    if dry_run:
        yield
        return
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
    run = flow.note_import(map_name, digest, actor=actor, at=now())
    if begun:
        begun(run)
    yield
    counts = report.totals() | ({"ended_early": 1} if report.stopped else {})
    # Codes and field names of ours: why rows stayed out, without a word of what they held.
    counts |= {f"{REASON}{code} {path}".strip(): count for (code, path), count in report.codes.items()}
    flow.finish_import(run, counts, actor=actor, at=now())
