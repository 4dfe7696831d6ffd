"""Customers from a file: batches through the same verb that every channel uses, restartable row by row."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor, Channel
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.mapping import CustomerMap, Join
from changedesk.channels.bulk.report import CHECKED, TAKEN, UNCHANGED, Report, Sheet, open_sheet
from changedesk.channels.bulk.rows import HeaderWrong, Row, open_rows
from changedesk.channels.bulk.running import noted
from changedesk.channels.bulk.transforms import CellRefused, Source, value
from changedesk.kinds import ManyBad
from changedesk.rules import access
from changedesk.rules.fields import Catalogue
from changedesk.rules.status import today_in
from changedesk.rules.values import BadValue, Strictness, normalise
from changedesk.rules.values.address import countries

BATCH: Final = 500
JOINED_ROWS_MAX: Final = 5_000_000
Progress = Callable[[Report, float], None]
"""Told after each batch: the totals so far, and how much of the file has been read, from 0 to 1."""


class KeyEmpty(Refusal):
    """This row has no value in the column that tells rows apart.

    ``data``: path (the column).
    """

    code = "key-empty"
    hint = "Fill in the column named here, so that a second import knows the row again."


class FieldEmpty(Refusal):
    """This row says nothing of a field that the map does not take rows without.

    ``data``: path.
    """

    code = "field-empty"
    hint = "Fill in the columns of the field named here, or say in the map that it is not required."


class FieldNotInCatalogue(Refusal):
    """The map fills a field that this client does not have.

    ``data``: paths.
    """

    code = "field-not-in-catalogue"
    hint = "Enable the pack that brings the fields named here for this client, or take them out of the map."


class JoinTooLarge(Refusal):
    """A file that the map joins has more rows than can be held beside the import."""

    code = "join-too-large"
    hint = "Split the imported file and the joined one in the same way, and import the parts."


@dataclass(frozen=True, slots=True)
class _Ready:
    """One row made ready for the verb, and what had to be left out on the way."""

    number: int
    item: flow.NewCustomer
    warnings: tuple[Refusal, ...] = ()


def import_customers(
    file: Path,
    map: CustomerMap,  # noqa: A002 - the word that people use
    *,
    actor: Actor,
    catalogue: Catalogue,
    region: str,
    zone: str,
    now: Callable[[], datetime] = clock.now,
    dry_run: bool = False,
    report_to: Path | None = None,
    progress: Progress | None = None,
    part_of: UUID | None = None,
) -> Report:
    """Take the customers of a file in, and return the totals; the report's file says what became of each row.

    ``catalogue``, ``region`` and ``zone`` are those of the actor's client. A row that was taken in before changes
    nothing. ``part_of``: a run that was noted already, of whose file this is a part.
    A field that cannot be taken is left out with a warning, unless the map says that the row needs it. Raises
    Forbidden; FileUnreadable and HeaderWrong before anything went in: later, ``stopped`` tells.
    """
    access.require(actor, access.Verb.IMPORT_RUN)
    _require_known(map, catalogue)
    report = Report()
    with ExitStack() as stack:
        reader = stack.enter_context(open_rows(file, map.dialect))
        joins = [(join, _index(file.parent / join.file, join)) for join in map.joins]
        names = set(reader.columns) | {f"{join.name}.{column}" for join, (columns, _) in joins for column in columns}
        _require_columns(map.reads(), names)
        used = map.reads() | map.ignore
        report.left_out = tuple(name for name in reader.columns if name not in used)
        sheet = stack.enter_context(open_sheet(report, file, report_to))
        stack.enter_context(noted(file, map.source, report, actor=actor, now=now, dry_run=dry_run, part_of=part_of))
        run = _Run(map, actor, catalogue, region, zone, now, sheet, dry_run=dry_run)
        for row in sheet.counting(reader):
            run.add(_joined(row, joins))
            if len(run.waiting) >= BATCH:
                run.flush()
                if progress:
                    progress(report, reader.share)
        run.flush()
    if progress:
        progress(report, 1.0)
    return report


class _Run:
    def __init__(
        self,
        map_: CustomerMap,
        actor: Actor,
        catalogue: Catalogue,
        region: str,
        zone: str,
        now: Callable[[], datetime],
        sheet: Sheet,
        *,
        dry_run: bool,
    ) -> None:
        self.map, self.actor, self.catalogue, self.now = map_, actor, catalogue, now
        self.region, self.zone, self.sheet, self.dry_run = region, zone, sheet, dry_run
        self.waiting: dict[str, _Ready] = {}

    def add(self, row: Row) -> None:
        """Make a row ready; it goes with the next batch."""
        key = "" if row.problem else row.cells[self.map.key].strip()
        if row.problem or not key:
            self.sheet.refused([row.number], row.problem or KeyEmpty(path=self.map.key))
            return
        if key in self.waiting:  # the same row twice: the second must meet the first one's trace
            self.flush()
        try:
            self.waiting[key] = self._ready(row, key)
        except Refusal as refusal:
            self.sheet.refused([row.number], refusal)

    def _ready(self, row: Row, key: str) -> _Ready:
        values, warnings = _values(self.map.fields, row.cells)
        accounts: list[flow.NewAccount] = []
        part = self.map.account
        if part is not None and (number := row.cells[part.number].strip()):
            theirs, more = _values(part.fields, row.cells)
            told = row.cells[part.role].strip() if part.role else ""
            accounts.append(flow.NewAccount(number, part.roles.get(told, told.lower() or part.always), theirs))
            warnings += more
        body = json.dumps(list(row.cells.values()), ensure_ascii=False).encode()
        item = flow.NewCustomer(
            values=values,
            accounts=accounts,
            region=self._region(row.cells),
            lenient=True,
            source=flow.SourceRow(self.map.source, key, body),
            channel=Channel.BATCH_IMPORT,
        )
        return _Ready(row.number, item, tuple(warnings))

    def _region(self, cells: Mapping[str, str]) -> str | None:
        named = cells[self.map.region_column].strip() if self.map.region_column else ""
        return countries().get(named.casefold()) or self.map.region or None

    def flush(self) -> None:
        """Send what waits; rows whose fields were refused go once more without those fields."""
        batch, self.waiting = list(self.waiting.values()), {}
        again = self._send(batch)
        if again:
            self._send(again)

    def _send(self, batch: Sequence[_Ready]) -> list[_Ready]:
        if not batch:
            return []
        again: list[_Ready] = []
        results = self._check(batch) if self.dry_run else self._create(batch)
        for ready, result in zip(batch, results, strict=True):
            rows = [ready.number]
            if isinstance(result, flow.Created):
                # A row known already is as it was: what it left out was told the first time.
                self.sheet.became(rows, UNCHANGED if result.unchanged else TAKEN, result.subject)
                if result.merged_from is not None:
                    self.sheet.led(rows, result.subject)
                if ready.warnings and not result.unchanged:
                    self.sheet.warned(ready.number, list(ready.warnings))
            elif result is None:
                self.sheet.became(rows, CHECKED, "")
                if ready.warnings:
                    self.sheet.warned(ready.number, list(ready.warnings))
            elif (less := self._without(ready, result)) is not None:
                again.append(less)
            else:
                self.sheet.refused(rows, result)
        return again

    def _create(self, batch: Sequence[_Ready]) -> list[flow.Created | Refusal]:
        outcome = flow.create_customers([ready.item for ready in batch], actor=self.actor, at=self.now())
        done = iter(outcome.done)
        return [outcome.refused.get(place) or next(done) for place in range(len(batch))]

    def _check(self, batch: Sequence[_Ready]) -> list[Refusal | None]:
        return [self._judge(ready.item) for ready in batch]

    def _judge(self, item: flow.NewCustomer) -> Refusal | None:
        bad: dict[str, Refusal] = {}
        for path, raw in [*item.values.items(), *(pair for one in item.accounts for pair in one.values.items())]:
            try:
                normalise(
                    self.catalogue[path],
                    raw,
                    region=item.region or self.region,
                    today=today_in(self.now(), self.zone),
                    strictness=Strictness.LENIENT,
                )
            except BadValue as refusal:
                bad[refusal.pointer] = refusal
        return ManyBad(bad) if bad else None

    def _without(self, ready: _Ready, refusal: Refusal) -> _Ready | None:
        """Return the row without the fields that were refused, or None when it cannot do without them."""
        if not isinstance(refusal, ManyBad):
            return None
        paths = {str(one.data.get("path", "")) for one in refusal.refusals.values()}
        fields = ready.item.values
        if not paths <= fields.keys() or any(self.map.fields[path].required for path in paths):
            return None
        values = {path: raw for path, raw in fields.items() if path not in paths}
        return replace(ready, item=replace(ready.item, values=values), warnings=(*ready.warnings, refusal))


def _values(sources: Mapping[str, Source], cells: Mapping[str, str]) -> tuple[dict[str, Any], list[Refusal]]:
    values: dict[str, Any] = {}
    warnings: list[Refusal] = []
    for path, source in sources.items():
        try:
            found = value(path, source, cells)
        except CellRefused as refusal:
            if source.required:
                raise
            warnings.append(refusal)
            continue
        if found is None and source.required:
            raise FieldEmpty(path=path)
        if found is not None:
            values[path] = found
    return values, warnings


def _require_known(map_: CustomerMap, catalogue: Catalogue) -> None:
    paths = [*map_.fields, *(map_.account.fields if map_.account else ())]
    unknown = [path for path in paths if path not in catalogue]
    if unknown:
        raise FieldNotInCatalogue(paths=unknown)


def _require_columns(wanted: set[str], there: set[str]) -> None:
    missing = sorted(wanted - there)
    if missing:
        raise HeaderWrong(reason="missing", columns=missing)


def _index(file: Path, join: Join) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Hold a joined file by its key: it is the small one of the two."""
    with open_rows(file, join.dialect) as reader:
        if join.key not in reader.columns:
            raise HeaderWrong(reason="missing", columns=[f"{join.name}.{join.key}"])
        found: dict[str, tuple[str, ...]] = {}
        for row in reader:
            if row.problem is None:
                found.setdefault(row.cells[join.key].strip(), tuple(row.cells.values()))
            if len(found) > JOINED_ROWS_MAX:
                raise JoinTooLarge
        return reader.columns, found


def _joined(row: Row, joins: Sequence[tuple[Join, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]]]) -> Row:
    if row.problem or not joins:
        return row
    cells = dict(row.cells)
    for join, (columns, rows) in joins:
        found = rows.get(cells[join.on].strip(), ("",) * len(columns))
        cells |= {f"{join.name}.{column}": cell for column, cell in zip(columns, found, strict=True)}
    return Row(row.number, cells)
