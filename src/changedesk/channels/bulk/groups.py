"""The rows of a change log, put together: what one record went through at once, in the order of the file."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from changedesk.base.refusal import Refusal
from changedesk.channels.bulk import patterns
from changedesk.channels.bulk.crew import Families
from changedesk.channels.bulk.customers import KeyEmpty
from changedesk.channels.bulk.mapping import ChangeMap
from changedesk.channels.bulk.report import Sheet
from changedesk.channels.bulk.rows import HeaderWrong, Reader, Row, open_rows, until_damaged
from changedesk.rules.status import STATE
from changedesk.rules.values.text import compact

GROUP_ROWS_MAX: Final = 500
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#/+-]{0,119}")
"""What is kept of who asked, and where that stands: it outlives the values, so no blank fits, and no @."""


class FieldNotInMap(Refusal):
    """The map does not say which field of the catalogue this row speaks of.

    ``data``: path (the column that names it).
    """

    code = "field-not-in-map"
    hint = "Add the file's word for the field to the map, under fields."


class TimeUnclear(Refusal):
    """This row's time cannot be read, or does not say its offset from UTC.

    ``data``: path (the column).
    """

    code = "time-unclear"
    hint = "Write it as in 2023-11-29T14:16:02-05:00 (RFC 3339)."


class GroupTooLarge(Refusal):
    """One change of one record has more rows than a change can have fields."""

    code = "group-too-large"
    hint = "Check the column that the map names as the group: its rows should be one change each."


class EvidenceUnfit(Refusal):
    """What this column says of who asked, or where that stands, is no code: it could name a person.

    ``data``: path (the column).
    """

    code = "evidence-unfit"
    hint = "Give codes without blanks there, at most 120 signs, or move the column from the map's evidence to ignore."


class Group(msgspec.Struct, array_like=True):
    """The rows of one record and one change, as they follow each other.

    ``fields``: path, old text, new text, and the time as it stands in the file. ``accounts``: with the first group that
    names a customer, the customer's records and the number of each one's account.
    """

    customer: str
    record: str
    name: str
    valid_from: datetime
    evidence: dict[str, str]
    accounts: dict[str, str]
    rows: list[int] = []
    fields: list[tuple[str, str, str, str]] = []

    def __repr__(self) -> str:
        """Say which rows, never what they hold: a representation ends in logs."""
        return f"Group({self.rows})"


class Records:
    """Which records a file speaks of: each customer's, and which of them must be recorded one after the other."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, str]] = {}
        self._families = Families()

    @classmethod
    def of(cls, file: Path, map_: ChangeMap) -> "Records":
        """Read them from the file.

        Numbers of accounts are looked up by letters and digits alone. A record that differs from an earlier one in
        signs only gets a number of its own; a log that has grown since gives the same numbers again.
        """
        made = cls()
        taken: dict[str, str] = {}
        with open_rows(file, map_.dialect) as reader:
            _require_columns(reader, map_)
            for row in until_damaged(reader):
                customer = "" if row.problem else row.cells[map_.customer].strip()
                record = "" if row.problem else row.cells[map_.record].strip()
                if customer and record:
                    made._families.join(customer, record)
                    if map_.subject == "account":
                        plain = taken.setdefault(compact(record), record) == record
                        mark = "" if plain else "-" + hashlib.sha256(record.encode()).hexdigest()[:8]
                        made._held.setdefault(customer, {})[record] = record + mark
        return made

    def accounts(self, customer: str) -> dict[str, str]:
        """Return a customer's records, each with the number of its account."""
        return self._held.get(customer, {})

    def family(self, group: Group) -> str:
        """Return a name that all records have in common which share a holder, over however many of them."""
        return self._families.of(group.record)


def _require_columns(reader: Reader, map_: ChangeMap) -> None:
    missing = sorted(map_.reads() - set(reader.columns))
    if missing:
        raise HeaderWrong(reason="missing", columns=missing)


def _code(text: str, column: str) -> str:
    if _CODE.fullmatch(text) is None:
        raise EvidenceUnfit(path=column)
    return text


def read_groups(rows: Iterable[Row], map_: ChangeMap, sheet: Sheet, records: Records) -> Iterator[Group]:
    """Yield the changes that rows make; what cannot be read as part of one is told in the report."""
    reader = _GroupReader(map_, records)
    for row in rows:
        try:
            complete = reader.add(row)
        except Refusal as refusal:
            sheet.refused([row.number], refusal)
            continue
        if complete:
            yield complete
    if reader.open:
        yield reader.open


class _GroupReader:
    def __init__(self, map_: ChangeMap, records: Records) -> None:
        self.map, self.records = map_, records
        self.open: Group | None = None
        self.change = ""
        """The file's own name of the change that the open group is of."""
        self.seen: dict[tuple[str, str], int] = {}
        self.met: set[str] = set()
        self.patterns = {name: patterns.compiled(pattern) for name, pattern in map_.references.items()}
        self.times: dict[str, datetime] = {}

    def add(self, row: Row) -> Group | None:
        """Put a row into its group; return the one before when this row starts another. Raises why it cannot."""
        if row.problem:
            raise row.problem
        cells, names = row.cells, self.map
        customer, record = cells[names.customer].strip(), cells[names.record].strip()
        if not customer or not record:
            raise KeyEmpty(path=names.record if customer else names.customer)
        word = cells[names.field].strip()
        path = names.fields.get(word)
        if path is None:
            raise FieldNotInMap(path=names.field)
        valid_from = self._time(cells[names.valid_from].strip())
        complete = None
        if self._starts_another(customer, record, cells[names.group], valid_from, path):
            complete = self.open
            self.open = self._start(customer, record, cells, valid_from)
        group = self.open
        assert group is not None  # noqa: S101 - what is not another group is the open one
        if len(group.rows) >= GROUP_ROWS_MAX:
            raise GroupTooLarge
        codes, old, new = names.codes.get(word, {}), cells[names.old], cells[names.new]
        old, new = codes.get(old, old), codes.get(new, new)
        group.rows.append(row.number)
        if path == STATE and names.starts_midway:  # from nothing, too: whoever was not there before did not come back
            group.evidence = {**group.evidence, "from": old and _code(old, names.old)}
        group.fields.append((path, old, new, cells[names.valid_from]))
        return complete

    def _starts_another(self, customer: str, record: str, change: str, valid_from: datetime, path: str) -> bool:
        group = self.open
        return (
            group is None
            or group.record != record
            or group.customer != customer
            or group.valid_from != valid_from
            or self.change != change
            or any(told[0] == path for told in group.fields)
        )

    def _start(self, customer: str, record: str, cells: Mapping[str, str], valid_from: datetime) -> Group:
        evidence = self._evidence(cells)
        self.change = change = cells[self.map.group]
        # The same change may come back to a record later in the file: that is another part of it, by its number.
        part = self.seen[record, change] = self.seen.get((record, change), 0) + 1
        accounts = {} if customer in self.met else self.records.accounts(customer)
        self.met.add(customer)
        return Group(customer, record, f"{record}/{change}/{part}", valid_from, evidence, accounts)

    def _evidence(self, cells: Mapping[str, str]) -> dict[str, str]:
        """Return what a change says of who asked and where that stands. Raises EvidenceUnfit."""
        told = {name: (cells[column].strip(), column) for name, column in self.map.evidence.items()}
        for name, pattern in self.patterns.items():
            told[name] = (patterns.within(pattern, cells[self.map.note]), self.map.note)
        return {name: _code(text, column) for name, (text, column) in told.items() if text}

    def _time(self, text: str) -> datetime:
        if text not in self.times:
            try:
                found = datetime.fromisoformat(text)
            except ValueError:
                found = None
            if found is None or found.tzinfo is None:
                raise TimeUnclear(path=self.map.valid_from)
            self.times = {text: found}  # rows of one time follow each other
        return self.times[text]
