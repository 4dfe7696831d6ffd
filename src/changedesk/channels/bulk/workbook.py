"""Rows of an XLSX workbook, one at a time, and how much of one is read at most."""

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import IO, Any, Final

import openpyxl
from openpyxl.packaging.manifest import Manifest
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.xml.constants import ARC_CONTENT_TYPES, WORKSHEET_TYPE
from openpyxl.xml.functions import fromstring

SHEET_BYTES_MAX: Final = 1 << 31
"""What an XLSX may unpack to, all parts together; all but its sheets is held in memory, so that may be less."""
TEXTS_BYTES_MAX: Final = 1 << 28
TYPES_BYTES_MAX: Final = 1 << 20
SHEET_ROWS_MAX: Final = 1 << 20
"""As many as a spreadsheet has (ECMA-376, 18.3.1.73). A row may name any number, and all before it would be made up."""
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml")


def rows(raw: IO[bytes], sheet: str) -> Iterator[list[str]]:
    """Yield the cells of each row of a sheet, the first one where none is named.

    Raises what unpacking and reading raise (``rows.UNREADABLE``), and csv.Error for what is beyond a limit.
    """
    with zipfile.ZipFile(raw) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
        fits = sum(sizes.values()) <= SHEET_BYTES_MAX and sizes.get(ARC_CONTENT_TYPES, 0) <= TYPES_BYTES_MAX
        if not fits or sum(sizes[name] for name in _held(archive, sizes)) > TEXTS_BYTES_MAX:
            raise csv.Error("a workbook beyond the limit")
    raw.seek(0)
    try:
        book = openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False)
    except InvalidFileException:
        raise ValueError from None
    try:
        page: Any = book[sheet] if sheet else book.worksheets[0]
        page.reset_dimensions()  # what the file says of its size may be wrong; the cells are not
        for number, cells in enumerate(page.iter_rows(values_only=True)):
            if number == SHEET_ROWS_MAX:
                raise csv.Error("a sheet beyond the limit")
            yield [_cell(cell) for cell in cells]
    finally:
        book.close()


def _held(archive: zipfile.ZipFile, names: Iterable[str]) -> set[str]:
    """Return the parts of a workbook that are read whole: what it calls a sheet and uses as nothing else is not."""
    told: Any = fromstring(archive.read(ARC_CONTENT_TYPES))
    types: Any = Manifest.from_tree(told)
    others = {one.PartName[1:] for one in types.Override if one.ContentType != WORKSHEET_TYPE}
    return {name for name in names if name in others or _SHEET.fullmatch(name) is None}


def _cell(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
        case date():
            return cell.isoformat()
        case _:
            return str(cell)
