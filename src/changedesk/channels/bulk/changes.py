"""Changes from a log that another system kept: who asked, who applied, when it became true, field by field.

A record of the log is the customer itself, or an account that the customer holds: the map says which. The subject
comes into being with its number alone; every value it ever had, the first one too, is a recorded change with its
own time as valid time, with the texts as they stand in the file. So the file's own order and times can be replayed.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.customers import BATCH, FieldNotInCatalogue, KeyEmpty, Progress
from changedesk.channels.bulk.mapping import ChangeMap
from changedesk.channels.bulk.report import CHECKED, TAKEN, UNCHANGED, Report, Sheet, open_sheet
from changedesk.channels.bulk.rows import FileUnreadable, HeaderWrong, Reader, Row, open_rows
from changedesk.channels.bulk.running import noted
from changedesk.rules import access
from changedesk.rules.fields import Catalogue
from changedesk.rules.status import STATE
from changedesk.rules.values.text import compact

GROUP_ROWS_MAX: Final = 500
_OPENING: Final = b"opened by a change log"


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


class AccountNotOpen(Refusal):
    """The customer was taken in before without this account, so its changes have nowhere to go."""

    code = "account-not-open"
    hint = "Open the account for the customer first, then import the same file again: the rest stays as it is."


@dataclass(slots=True)
class _Group:
    """The rows of one record and one change, as they follow each other."""

    customer: str
    record: str
    name: str
    valid_from: datetime
    evidence: Mapping[str, str]
    rows: list[int] = field(default_factory=list)
    changes: list[flow.FieldChange] = field(default_factory=list)
    body: list[tuple[str, str, str, str]] = field(default_factory=list)


def import_changes(
    file: Path,
    map: ChangeMap,  # noqa: A002 - the word that people use
    *,
    actor: Actor,
    catalogue: Catalogue,
    now: Callable[[], datetime] = clock.now,
    dry_run: bool = False,
    report_to: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Record the changes of a file in its order, and return the totals; the report's file speaks of each row.

    The old values of the file are checked against the record. A change that was taken in before changes nothing.
    Raises Forbidden, FieldNotInCatalogue; FileUnreadable and HeaderWrong before anything went in.
    """
    access.require(actor, access.Verb.IMPORT_RUN)
    unknown = [path for path in map.fields.values() if path not in catalogue]
    if unknown:
        raise FieldNotInCatalogue(paths=unknown)
    report = Report()
    with ExitStack() as stack:
        held = _held_records(file, map) if map.subject == "account" and not dry_run else {}
        reader = stack.enter_context(open_rows(file, map.dialect))
        used = map.reads() | map.ignore
        report.left_out = tuple(name for name in reader.columns if name not in used)
        sheet = stack.enter_context(open_sheet(report, file, report_to))
        name = f"{map.source}-{map.log}"
        stack.enter_context(noted(file, name, report, actor=actor, now=now, dry_run=dry_run))
        run = _Run(map, actor, now, sheet, held, dry_run=dry_run)
        groups = _groups(sheet.counting(reader), map, sheet)
        while batch := list(islice(groups, BATCH)):
            run.send(batch)
            if progress:
                progress(report, reader.share)
    if progress:
        progress(report, 1.0)
    return report


def _held_records(file: Path, map_: ChangeMap) -> dict[str, dict[str, str]]:
    """Return each customer's records with the number of each one's account: they come into being with the customer.

    Numbers are looked up by letters and digits alone. A record that differs from an earlier one in signs only gets
    a number of its own; a log that has grown since gives the same numbers again.
    """
    found: dict[str, dict[str, str]] = {}
    taken: dict[str, str] = {}
    with open_rows(file, map_.dialect) as reader:
        _require_columns(reader, map_)
        for row in _until_damaged(reader):
            customer = "" if row.problem else row.cells[map_.customer].strip()
            record = "" if row.problem else row.cells[map_.record].strip()
            if customer and record:
                plain = taken.setdefault(compact(record), record) == record
                mark = "" if plain else "-" + hashlib.sha256(record.encode()).hexdigest()[:8]
                found.setdefault(customer, {})[record] = record + mark
    return found


def _until_damaged(reader: Reader) -> Iterator[Row]:
    try:
        yield from reader
    except FileUnreadable:
        return  # told when the rows themselves are read


def _require_columns(reader: Reader, map_: ChangeMap) -> None:
    missing = sorted(map_.reads() - set(reader.columns))
    if missing:
        raise HeaderWrong(reason="missing", columns=missing)


def _groups(rows: Iterable[Row], map_: ChangeMap, sheet: Sheet) -> Iterator[_Group]:
    reader = _GroupReader(map_)
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
    def __init__(self, map_: ChangeMap) -> None:
        self.map = map_
        self.open: _Group | None = None
        self.seen: dict[tuple[str, str], int] = {}
        self.patterns = {name: re.compile(pattern) for name, pattern in map_.references.items()}
        self.times: dict[str, datetime] = {}

    def add(self, row: Row) -> _Group | None:
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
        told = flow.UNKNOWN if names.starts_midway else old or None
        group.changes.append(flow.FieldChange(path=path, new=new or None, old=told, valid_from=valid_from))
        if path == STATE and names.starts_midway:
            group.evidence = {**group.evidence, "from": old}
        group.body.append((path, old, new, cells[names.valid_from]))
        return complete

    def _starts_another(self, customer: str, record: str, change: str, valid_from: datetime, path: str) -> bool:
        group = self.open
        return (
            group is None
            or group.record != record
            or group.customer != customer
            or group.valid_from != valid_from
            or not group.name.startswith(f"{record}/{change}/")
            or any(done.path == path for done in group.changes)
        )

    def _start(self, customer: str, record: str, cells: Mapping[str, str], valid_from: datetime) -> _Group:
        change = cells[self.map.group]
        # The same change may come back to a record later in the file: that is another part of it, by its number.
        part = self.seen[record, change] = self.seen.get((record, change), 0) + 1
        evidence = {name: cells[column].strip() for name, column in self.map.evidence.items()}
        for name, pattern in self.patterns.items():
            if match := pattern.search(cells[self.map.note]):
                evidence[name] = match[1]
        told = {name: text for name, text in evidence.items() if text}
        return _Group(customer, record, f"{record}/{change}/{part}", valid_from, told)

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


class _Run:
    def __init__(
        self,
        map_: ChangeMap,
        actor: Actor,
        now: Callable[[], datetime],
        sheet: Sheet,
        held: Mapping[str, Mapping[str, str]],
        *,
        dry_run: bool,
    ) -> None:
        self.map, self.actor, self.now, self.sheet, self.held, self.dry_run = map_, actor, now, sheet, held, dry_run
        self.subjects: dict[str, SubjectId] = {}
        self.met: set[str] = set()
        self.led: set[str] = set()
        """Customers who were merged: their rows go to the survivor."""

    def send(self, groups: Sequence[_Group]) -> None:
        """Record a batch of changes, in their order, after their subjects have come into being."""
        if self.dry_run:
            for group in groups:
                self.sheet.became(group.rows, CHECKED, "")
            return
        stopped = self._open_subjects(groups)
        ready = [group for group in groups if group.record in self.subjects]
        for group in groups:
            if group.record not in self.subjects:
                self.sheet.refused(group.rows, stopped.get(group.customer, AccountNotOpen()))
        if not ready:
            return
        outcome = flow.record_changes([self._item(group) for group in ready], actor=self.actor, at=self.now())
        done = iter(outcome.done)
        for place, group in enumerate(ready):
            refusal = outcome.refused.get(place)
            if refusal is not None:
                self.sheet.refused(group.rows, refusal)
                continue
            result = next(done)
            self.sheet.became(group.rows, UNCHANGED if result.unchanged else TAKEN, result.subject)
            self.sheet.report.changes += 0 if result.unchanged else len(group.changes)
            if result.merged_from is not None or group.record in self.led:
                self.sheet.led(group.rows, result.subject)

    def _item(self, group: _Group) -> flow.RecordedChange:
        return flow.RecordedChange(
            subject=self.subjects[group.record],
            changes=group.changes,
            evidence=group.evidence,
            verbatim=True,
            source=flow.SourceRow(self.map.source, f"{self.map.log}:{group.name}", msgspec.json.encode(group.body)),
            channel=Channel.BATCH_IMPORT,
        )

    def _open_subjects(self, groups: Sequence[_Group]) -> dict[str, Refusal]:
        """Let customers that were not met yet come into being, with their accounts; return what stood against it."""
        fresh = {group.customer: group for group in groups if group.customer not in self.met}
        if not fresh:
            return {}
        self.met.update(fresh)
        outcome = flow.create_customers(
            [self._customer(group) for group in fresh.values()], actor=self.actor, at=self.now()
        )
        done = iter(outcome.done)
        stopped: dict[str, Refusal] = {}
        for place, customer in enumerate(fresh):
            refusal = outcome.refused.get(place)
            if refusal is not None:
                stopped[customer] = refusal
                continue
            created = next(done)
            if self.map.subject == "customer":
                self.subjects[customer] = created.subject
                self.led.update([customer] if created.merged_from is not None else [])
            else:
                self.subjects.update(zip(self.held.get(customer, {}), created.accounts, strict=False))
        return stopped

    def _customer(self, group: _Group) -> flow.NewCustomer:
        accounts = [flow.NewAccount(number, self.map.role) for number in self.held.get(group.customer, {}).values()]
        return flow.NewCustomer(
            values={"account.number": group.customer},
            accounts=accounts if self.map.subject == "account" else (),
            source=flow.SourceRow(self.map.source, f"customer:{group.customer}", _OPENING),
            channel=Channel.BATCH_IMPORT,
            valid_from=group.valid_from,
        )
