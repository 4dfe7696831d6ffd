"""Found entries as tables: CSV (RFC 4180, UTF-8) and XLSX. No cell of either is ever a formula."""

import csv as csv_
from collections.abc import Iterator
from datetime import UTC
from io import TextIOWrapper
from typing import BinaryIO, Final

import xlsxwriter

from changedesk.reading.audit_search import Line

COLUMNS: Final = (
    "index", "recorded_at", "entry", "what", "record_type", "record", "record_name", "by", "by_id", "on_behalf_of",
    "channel", "verification", "consent", "reason", "approved_by", "request", "rules", "fields", "before", "after",
    "change", "leaf",
)  # fmt: skip
_BEGINS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula (OWASP, CSV Injection), in full width too."""
_CELL_MOST: Final = 32_767


def row(line: Line) -> list[str | int]:
    """Return an entry as its cells, in the order of COLUMNS; times in UTC."""
    view = line.view
    return [
        line.place,
        view.recorded_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        view.kind,
        view.title,
        line.type,
        str(view.subject),
        line.whose,
        view.actor.name,
        view.actor.id,
        view.on_behalf_of,
        view.channel,
        view.verification,
        view.consent,
        view.reason,
        "; ".join(one.name for one in view.approvals),
        view.ref or "",
        "; ".join(view.rules),
        "; ".join(one.path for one in view.fields),
        "; ".join(one.before for one in view.fields),
        "; ".join(one.after for one in view.fields),
        str(view.change),
        view.leaf,
    ]


def safe(cell: str | int) -> str | int:
    """Return a cell that no spreadsheet computes: an apostrophe stands before what would begin a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_BEGINS_FORMULA) else cell


def csv(lines: Iterator[Line], out: BinaryIO) -> None:
    """Write entries as CSV with a line of names, in UTF-8 behind a byte order mark, which spreadsheets ask for."""
    text = TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv_.writer(text)
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([safe(cell) for cell in row(line)])
    text.detach()


def xlsx(lines: Iterator[Line], out: BinaryIO) -> None:
    """Write entries as a workbook whose cells are texts and whole numbers; one row at a time stays in memory."""
    plain = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    made = xlsxwriter.Workbook(out, {"constant_memory": True, **plain})
    sheet = made.add_worksheet("History")
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(COLUMNS):
        sheet.write_string(0, column, title)
    for number, line in enumerate(lines, start=1):
        for column, cell in enumerate(row(line)):
            if isinstance(cell, int):
                sheet.write_number(number, column, cell)
            else:
                sheet.write_string(number, column, cell[:_CELL_MOST])
    made.close()
