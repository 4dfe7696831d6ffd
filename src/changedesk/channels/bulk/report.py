"""What an import says of each row: where it stands in the file, what became of it, and what to do. Never a value."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.rows import FileUnreadable, Reader, Row
from changedesk.channels.bulk.transforms import CellRefused
from changedesk.kinds import ManyBad
from changedesk.kinds.merge import MERGED_INTO, MERGED_INTO_TEXT
from changedesk.rules.values import BadValue

TAKEN: Final = "taken"
UNCHANGED: Final = "unchanged"
WARNING: Final = "warning"
REFUSED: Final = "refused"
CHECKED: Final = "checked"
"""What became of a row. ``warning``: it went in without the field named. ``checked``: a dry run would take it."""
_COLUMNS: Final = ("row", "outcome", "code", "field", "what_to_do", "record")


@dataclass(slots=True)
class Report:
    """The totals of one import. ``warned`` rows are among those taken or checked; ``fields`` counts by (code, path)."""

    rows: int = 0
    taken: int = 0
    unchanged: int = 0
    checked: int = 0
    warned: int = 0
    refused: int = 0
    changes: int = 0
    """Changed fields that went in, for an import of changes."""
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: tuple[str, ...] = ()
    """Columns of the file that the map neither uses nor names as left out on purpose."""
    path: Path | None = None
    stopped: str = ""
    """Why the file ended early, when it did."""

    def totals(self) -> dict[str, int]:
        """Return the counts by name, in the order of display."""
        names = ("rows", "taken", "unchanged", "checked", "warned", "refused", "changes")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the report's file says of one row, counted as a spreadsheet does. ``code`` and ``field`` say why."""

    row: int
    outcome: str
    code: str
    field: str
    what_to_do: str
    record: str


class Sheet:
    """The report's file, written line by line as the import goes on."""

    def __init__(self, report: Report, path: Path) -> None:
        self.report = report
        report.path = path
        self._sink = path.open("w", encoding="utf-8", newline="")
        self._lines = csv.writer(self._sink)
        self._lines.writerow(_COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close with the totals, also when the import ends badly: what went in until then stays in."""
        for name, count in self.report.totals().items():
            self._lines.writerow(("", "total", name, "", count, ""))
        for name in self.report.left_out:
            self._lines.writerow(("", "left_out", "column-not-in-map", name, _LEFT_OUT, ""))
        self._sink.close()

    def counting(self, reader: Reader) -> Iterator[Row]:
        """Yield the rows of a file, counted; one that cannot be read to its end ends here, and the report says why."""
        try:
            for row in reader:
                self.report.rows += 1
                yield row
        except FileUnreadable as refusal:
            self.report.stopped = f"{refusal.sentence} {refusal.hint}"
            self.refused([reader.number + 1], refusal)

    def became(self, rows: Sequence[int], outcome: str, record: object) -> None:
        """Note rows that went in, stay as they were, or would go in."""
        setattr(self.report, outcome, getattr(self.report, outcome) + len(rows))
        told = str(record)
        self._lines.writerows([(number, outcome, "", "", "", told) for number in rows])

    def led(self, rows: Sequence[int], record: object) -> None:
        """Note that rows name a customer who was merged, and went to the record that this one leads to now."""
        self.report.warned += len(rows)
        for number in rows:
            self.report.codes[MERGED_INTO, ""] += 1
            self._lines.writerow((number, WARNING, MERGED_INTO, "", MERGED_INTO_TEXT, record))

    def line(self, number: int, outcome: str, code: str, path: str, sentence: str, record: object) -> None:
        """Write one line as it is; whoever calls counts it."""
        self._lines.writerow((number or "", outcome, code, path, sentence, record))

    def refused(self, rows: Sequence[int], refusal: Refusal) -> None:
        """Note rows that did not go in, with every reason."""
        self.report.refused += len(rows)
        for number in rows:
            self._say(number, REFUSED, refusal)

    def warned(self, number: int, refusals: list[Refusal]) -> None:
        """Note what a row that goes in has to leave out."""
        self.report.warned += 1
        for refusal in refusals:
            self._say(number, WARNING, refusal)

    def _say(self, number: int, outcome: str, refusal: Refusal) -> None:
        for code, path, sentence in reasons(refusal):
            self.report.codes[code, path] += 1
            self._lines.writerow((number, outcome, code, path, sentence, ""))


_LEFT_OUT: Final = "Name it in the map, under fields to import it or under ignore to leave it out on purpose."


def reasons(refusal: Refusal) -> Iterator[tuple[str, str, str]]:
    """Yield (code, field path, what to do) for each thing that a refusal names."""
    if isinstance(refusal, ManyBad):
        for one in refusal.refusals.values():
            yield from reasons(one)
    elif isinstance(refusal, BadValue | CellRefused):
        reason = str(refusal.data["reason"])
        yield reason, str(refusal.data["path"]), BadValue.reasons[reason]
    else:
        yield refusal.code, _paths(refusal.data), f"{refusal.sentence} {refusal.hint}".strip()


def _paths(data: Any) -> str:
    found = data.get("path") or data.get("paths") or ""
    return " ".join(found) if isinstance(found, list | tuple) else str(found)


@contextmanager
def open_sheet(report: Report, file: Path, wanted: Path | None) -> Iterator[Sheet]:
    """Open the report's file: where wanted, else beside the imported file, else in the folder of work."""
    name = f"{file.name}.report.csv"
    for path in [wanted] if wanted else [file.parent / name, Path.cwd() / name]:
        try:
            sheet = Sheet(report, path)
            break
        except OSError:
            continue
    else:
        raise ReportUnwritable
    with sheet:
        yield sheet


class ReportUnwritable(Refusal):
    """The report cannot be written there, so nothing was imported."""

    code = "report-unwritable"
    hint = "Name a file in a folder that may be written to with --report."
