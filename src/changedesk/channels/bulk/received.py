"""A file that somebody sent: in a folder of its own while it is read."""

import csv
import gzip
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.report import Line
from changedesk.channels.bulk.rows import GZIP, UNREADABLE, ZIP

BYTES_MOST: Final = 4 * 1024 * 1024
"""What one call or one form may send, its file and all."""
UNPACKED_MOST: Final = 64 * 1024 * 1024
"""What that may unpack to: whoever sends it waits for it to be read, and so does everybody else."""
TIMES_MOST: Final = 100
"""So many times its own size: tables pack to a tenth or a twentieth, what packs to a thousandth was made for that."""
UNPACKED_ANYWAY: Final = 1024 * 1024
"""So much is read of any file: a few lines that are all alike pack well."""
_AT_ONCE: Final = 1024 * 1024


class UnpacksTooFar(Refusal):
    """This file unpacks to far more than it is, more than can be sent here.

    ``data``: megabytes (the most that this file may unpack to).
    """

    code = "unpacks-too-far"
    hint = "Send it in smaller parts, or have it imported at the command line, which takes files of any size."


@contextmanager
def received(parts: Iterable[bytes]) -> Iterator[tuple[Path, Path]]:
    """Keep a file for the block, in a folder that nothing else lies in; give its path, and one for its report.

    Raises UnpacksTooFar.
    """
    with TemporaryDirectory(prefix="changedesk-file-") as folder:
        path = Path(folder) / "asked"
        with path.open("wb") as kept:
            for part in parts:
                kept.write(part)
        _require_bounded(path)
        yield path, Path(folder) / "report.csv"


def _require_bounded(path: Path) -> None:
    """Return if a file unpacks to no more than may be sent. What is damaged is told of when its rows are read."""
    size = path.stat().st_size
    most = min(UNPACKED_MOST, max(UNPACKED_ANYWAY, TIMES_MOST * size))
    with path.open("rb") as raw, suppress(*UNREADABLE):
        start = raw.read(4)
        raw.seek(0)
        if start[:2] == GZIP:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                left = most
                while left >= 0 and (part := unpacked.read(_AT_ONCE)):
                    left -= len(part)
        elif start == ZIP:
            # Its parts are read as far as its list says they go, and no further.
            with zipfile.ZipFile(raw) as archive:
                left = most - sum(one.file_size for one in archive.infolist())
        else:
            return
        if left < 0:
            raise UnpacksTooFar(megabytes=max(1, most // (1024 * 1024)))


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
