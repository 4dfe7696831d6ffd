"""What an import says of each row: where it stands in the file, what became of it, and what to do. Never a value."""

import csv
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import msgspec

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
_LAST: Final = 1 << 62
"""The number of lines that are of no row: totals, and what is told of a whole file."""


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

    @property
    def ended(self) -> int:
        """How many rows it is known of what became of them."""
        return self.taken + self.unchanged + self.checked + self.refused

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


Reason: TypeAlias = tuple[str, str, str]
"""A code, the path of a field, and what to do."""


class Became(msgspec.Struct, array_like=True, frozen=True):
    """What became of rows. ``led``: they name a merged customer, and went to the survivor.

    ``reasons``: why rows did not go in, or what those that went in had to leave out. ``changes``: fields that changed.
    """

    rows: list[int]
    outcome: str
    record: str = ""
    changes: int = 0
    led: bool = False
    reasons: list[Reason] = []


class _Sink:
    """The report's file, as what was told of rows comes in; in the end it stands in the order of the rows."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("wb")
        self._rows, self._places, self._end = array("Q"), array("Q"), 0
        self.number = 0
        """The row that the next lines are of."""

    def write(self, text: str) -> None:
        self._rows.append(self.number)
        self._places.append(self._end)
        self._end += self._file.write(text.encode())

    def close(self) -> None:
        self._file.close()
        order = sorted(range(len(self._rows)), key=self._rows.__getitem__)
        if any(before > after for before, after in pairwise(order)):
            self._put(order)

    def _put(self, order: Sequence[int]) -> None:
        places = array("Q", [*self._places, self._end])
        ordered = self._path.with_name(f"{self._path.name}.part")
        with (
            self._path.open("rb") as file,
            mmap(file.fileno(), 0, access=ACCESS_READ) as told,
            ordered.open("wb") as out,
        ):
            out.writelines(told[places[one] : places[one + 1]] for one in order)
        ordered.replace(self._path)


class Sheet:
    """The report's file. What is told of a row may come before what is told of an earlier one."""

    def __init__(self, report: Report, path: Path) -> None:
        self.report = report
        report.path = path
        self._sink = _Sink(path)
        self._lines = csv.writer(self._sink)
        self._lines.writerow(_COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close with the totals, also when the import ends badly: what went in until then stays in."""
        self._sink.number = _LAST
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

    def tell(self, told: Iterable[Became]) -> None:
        """Note what became of rows, in whichever order they come."""
        for one in told:
            if one.outcome == REFUSED:
                self.refused_for(one.rows, one.reasons)
                continue
            self.became(one.rows, one.outcome, one.record)
            self.report.changes += one.changes
            if one.led:
                self.led(one.rows, one.record)
            if one.reasons:
                self.report.warned += len(one.rows)
                for number in one.rows:
                    self._because(number, WARNING, one.reasons)

    def became(self, rows: Sequence[int], outcome: str, record: object) -> None:
        """Note rows that went in, stay as they were, or would go in."""
        setattr(self.report, outcome, getattr(self.report, outcome) + len(rows))
        told = f",{outcome},,,,{record}\r\n"  # nothing in it that would want quotes
        for number in rows:
            self._sink.number = number
            self._sink.write(f"{number}{told}")

    def led(self, rows: Sequence[int], record: object) -> None:
        """Note that rows name a customer who was merged, and went to the record that this one leads to now."""
        self.report.warned += len(rows)
        for number in rows:
            self.report.codes[MERGED_INTO, ""] += 1
            self._say(number, WARNING, MERGED_INTO, "", MERGED_INTO_TEXT, record)

    def line(self, number: int, outcome: str, code: str, path: str, sentence: str, record: object) -> None:
        """Write one line as it is; whoever calls counts it."""
        self._say(number or _LAST, outcome, code, path, sentence, record)

    def refused(self, rows: Sequence[int], refusal: Refusal) -> None:
        """Note rows that did not go in, with every reason."""
        self.refused_for(rows, list(reasons(refusal)))

    def refused_for(self, rows: Sequence[int], told: Sequence[Reason]) -> None:
        """Note rows that did not go in, with every reason as ``reasons`` gives it."""
        self.report.refused += len(rows)
        for number in rows:
            self._because(number, REFUSED, told)

    def _because(self, number: int, outcome: str, told: Sequence[Reason]) -> None:
        for code, path, sentence in told:
            self.report.codes[code, path] += 1
            self._say(number, outcome, code, path, sentence, "")

    def _say(self, number: int, outcome: str, code: str, path: str, sentence: str, record: object) -> None:
        self._sink.number = number
        self._lines.writerow(("" if number == _LAST else number, outcome, code, path, sentence, record))


_LEFT_OUT: Final = "Name it in the map, under fields to import it or under ignore to leave it out on purpose."


def reasons(refusal: Refusal) -> Iterator[Reason]:
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
