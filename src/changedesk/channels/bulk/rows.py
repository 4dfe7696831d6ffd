"""Rows of a file, one at a time: CSV in any dialect, plain or gzip, and XLSX. A file is never held whole."""

import csv
import gzip
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Final, cast

import ftfy
import msgspec

from changedesk.base.refusal import Refusal

LINE_BYTES_MAX: Final = 1 << 20
CELL_SIGNS_MAX: Final = 32_768
COLUMNS_MAX: Final = 500
_DELIMITERS: Final = ",;\t|"
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8: Final = b"\xef\xbb\xbf"

_NOT_A_WORKBOOK: Final = (
    SyntaxError,  # of XML
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,  # of an encrypted archive
    OSError,
)
"""What openpyxl raises for a workbook that is none: it checks little by itself."""
UNREADABLE: Final = (EOFError, zlib.error, zipfile.BadZipFile, *_NOT_A_WORKBOOK)
"""What unpacking raises for a file that is damaged, or none of its kind."""

csv.field_size_limit(CELL_SIGNS_MAX)  # the module has one limit for the whole process; it is ours to tighten


class FileUnreadable(Refusal):
    """This file cannot be read.

    ``data``: reason (a slug), row (the last one read well, as a spreadsheet counts).
    """

    code = "file-unreadable"
    hint = "Save it again as CSV in UTF-8, or as XLSX, and import that. Rows before the place named are kept."


class HeaderWrong(Refusal):
    """The first row does not name the columns as it should.

    ``data``: reason, columns.
    """

    code = "header-wrong"
    hint = "Give every column one name of its own in the first row, and the names that the map uses."


class RowMisshapen(Refusal):
    """This row has another number of cells than the first row has names.

    ``data``: cells, columns.
    """

    code = "row-misshapen"
    hint = "Put quotes round cells that hold the delimiter, then import the file again."


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. An empty delimiter is found out; ``mend`` repairs text that was decoded wrongly.

    ``header``: the number of its first row, which is another than 1 for a part of a file.
    """

    delimiter: str = ""
    encoding: str = ""
    """utf-8 or cp1252 for the whole file; empty for UTF-8 with lines of cp1252 in between."""
    mend: bool = False
    sheet: str = ""
    header: int = 1


class Row(msgspec.Struct, frozen=True):
    """One row. ``number`` is what a spreadsheet shows beside it; the header is row 1."""

    number: int
    cells: Mapping[str, str]
    problem: Refusal | None = None
    """Set when the row cannot be read as a row; ``cells`` is then empty."""

    def __repr__(self) -> str:
        """Say which row, never what it holds: a representation ends in logs."""
        return f"Row({self.number})"


class Reader:
    """An open file. Iterate over it once; ``share`` tells how much of it has been read, from 0 to 1."""

    def __init__(self, raw: IO[bytes], size: int, dialect: Dialect) -> None:
        self._raw, self._size, self._dialect = raw, max(size, 1), dialect
        self.number = dialect.header
        start = raw.read(4)
        raw.seek(0)
        self._sheet = start == ZIP
        if self._sheet:
            # Loading what reads workbooks is a tenth of a start, and most processes never meet one.
            from changedesk.channels.bulk import workbook  # noqa: PLC0415

            self._lists = workbook.rows(raw, dialect.sheet)
        else:
            opened = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if start[:2] == GZIP else raw
            self._lists = _text_rows(opened, dialect)
        with self._typed():
            names = next(self._lists, [])
        self.columns = _header(names)

    @property
    def share(self) -> float:
        return min(1.0, self._raw.tell() / self._size)

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows below the header; blank ones are passed over. Raises FileUnreadable where it ends badly."""
        for cells in self.lists():
            if (cells and cells[0].strip()) or any(map(str.strip, cells)):
                yield self._row(cells)

    def lists(self) -> Iterator[list[str]]:
        """Yield the cells of each row below the header as they stand, blank rows too. Raises FileUnreadable."""
        # Only what reading raises gets here: what the taker of a row raises stays with the taker.
        with self._typed():
            for cells in self._lists:
                self.number += 1
                if self._sheet:  # a workbook leaves out the empty cells at the end of a row
                    cells.extend([""] * (len(self.columns) - len(cells)))
                yield cells

    def _row(self, cells: list[str]) -> Row:
        while len(cells) > len(self.columns) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(self.columns):
            return Row(self.number, {}, RowMisshapen(cells=len(cells), columns=len(self.columns)))
        if self._sheet and max(map(len, cells)) > CELL_SIGNS_MAX:  # of CSV the reader sees to that
            return Row(self.number, {}, RowMisshapen(reason="cell_too_long", columns=len(self.columns)))
        if self._dialect.mend:
            # Of ASCII there is nothing to mend, which takes longer to find out there than to ask.
            cells = [cell if cell.isascii() else ftfy.fix_encoding(cell) for cell in cells]
        return Row(self.number, dict(zip(self.columns, cells, strict=True)))

    @contextmanager
    def _typed(self) -> Iterator[None]:
        reason = ""
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile):
            reason = "damaged"
        except UnicodeError:
            reason = "encoding"
        except csv.Error as error:
            reason = "cell_too_long" if "limit" in str(error) else "not_csv"
        except _NOT_A_WORKBOOK:
            reason = "not_a_workbook"
        if reason:
            raise FileUnreadable(reason=reason, row=self.number)


@contextmanager
def open_rows(file: Path, dialect: Dialect) -> Iterator[Reader]:
    """Open a file for reading row by row. Raises FileUnreadable and HeaderWrong."""
    try:
        raw = file.open("rb")
    except OSError:
        raise FileUnreadable(reason="cannot_open", row=0) from None
    with raw:
        yield Reader(raw, file.stat().st_size, dialect)


def until_damaged(reader: Reader) -> Iterator[Row]:
    """Yield what can be read ahead of a file; that it ends badly is told when the rows themselves are read."""
    with suppress(FileUnreadable):
        yield from reader


def _header(names: list[str]) -> tuple[str, ...]:
    while names and not names[-1].strip():
        names.pop()
    columns = tuple(name.strip() for name in names)
    if not columns or len(columns) > COLUMNS_MAX:
        raise HeaderWrong(reason="empty" if not columns else "too_many", columns=len(columns))
    unclear = sorted({name for name in columns if not name or columns.count(name) > 1})
    if unclear:
        raise HeaderWrong(reason="not_unique", columns=unclear)
    return columns


def _text_rows(raw: IO[bytes], dialect: Dialect) -> Iterator[list[str]]:
    lines = _lines(raw, dialect.encoding)
    first = next(lines, "")
    delimiter = dialect.delimiter or max(_DELIMITERS, key=first.count)
    # "strict" would refuse a stray quote; people's files have them, and the count of cells shows real damage.
    yield from csv.reader(chain([first], lines), delimiter=delimiter)


def _lines(raw: IO[bytes], encoding: str) -> Iterator[str]:
    start = True
    while line := raw.readline(LINE_BYTES_MAX + 1):
        if len(line) > LINE_BYTES_MAX:
            raise csv.Error("line beyond the limit")
        if b"\0" in line and not line.startswith(_UTF16):
            raise csv.Error("not text")
        if start and line.startswith(_UTF16):
            raise UnicodeError("UTF-16")
        yield _decoded(line.removeprefix(_UTF8) if start else line, encoding)
        start = False


def _decoded(line: bytes, encoding: str) -> str:
    if encoding:
        return line.decode(encoding)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        # One export made of several sources: the lines that are not UTF-8 are what Windows wrote in the West.
        return line.decode("cp1252")
