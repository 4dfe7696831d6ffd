"""A file that somebody sent: in a folder of its own while it is read."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from changedesk.channels.bulk.report import Line

BYTES_MOST: Final = 4 * 1024 * 1024
"""What one call or one form may send, its file and all."""


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
