"""A file that somebody sent: in a folder of its own while it is read, looked at first, and taken in behind the page."""

import csv
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final
from uuid import UUID

from django.db import connections

from changedesk.channels.bulk.report import Line

log = logging.getLogger(__name__)
BYTES_MOST: Final = 4 * 1024 * 1024
"""What one call or one form may send, its file and all."""
BEHIND: Final = "file"
"""What threads are called in which files are taken in."""
Begun = Callable[[UUID], None]


@contextmanager
def received(parts: Iterable[bytes]) -> Iterator[tuple[Path, Path]]:
    """Keep a file for the block, in a folder that nothing else lies in; give its path, and one for its report."""
    with TemporaryDirectory(prefix="changedesk-file-") as folder:
        path = Path(folder) / "asked"
        with path.open("wb") as kept:
            for part in parts:
                kept.write(part)
        yield path, Path(folder) / "report.csv"


def lines(report: Path) -> Iterator[Line]:
    """Yield what a report's file says of each row, without its totals."""
    with report.open(encoding="utf-8", newline="") as told:
        for line in csv.DictReader(told):
            if line["row"]:
                yield Line(
                    row=int(line["row"]),
                    outcome=line["outcome"],
                    code=line["code"],
                    field=line["field"],
                    what_to_do=line["what_to_do"],
                    record=line["record"],
                )


def behind(task: Callable[[Begun], object]) -> UUID:
    """Start to take a file in, and return the run or batch as soon as there is one; the rest goes on behind the page.

    What ends it later, the end of the process too, leaves a run that can be given again. Raises what ``task`` raises
    before it began.
    """
    begun: Future[UUID] = Future()
    Thread(target=_to_its_end, args=(task, begun), name=BEHIND, daemon=True).start()
    return begun.result()


def _to_its_end(task: Callable[[Begun], object], begun: Future[UUID]) -> None:
    try:
        task(begun.set_result)
    except Exception as error:  # noqa: BLE001 - it goes to whoever waits, or to the log
        if begun.done():
            # Its text may quote a row; the kind of error does not.
            log.error("a file was not taken in to its end: %s", type(error).__name__)  # noqa: TRY400
        else:
            begun.set_exception(error)
    finally:
        connections.close_all()
