"""Rows of customers are made ready and go in; what a field cannot hold is left out where the row can do without it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from changedesk import flow
from changedesk.base.actor import Actor, Channel
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.mapping import CustomerMap
from changedesk.channels.bulk.report import CHECKED, REFUSED, TAKEN, UNCHANGED, Became, reasons
from changedesk.channels.bulk.rows import Row
from changedesk.channels.bulk.transforms import CellRefused, Source, value
from changedesk.kinds import ManyBad
from changedesk.rules.values.address import countries

_rows: Final = msgspec.msgpack.Decoder(list[tuple[int, list[str]]])
Send = Callable[[Sequence[flow.NewCustomer]], Sequence[flow.Created | Refusal | None]]
"""Takes customers in, or only looks at them (None: it would take this one); says of each in turn."""


class FieldEmpty(Refusal):
    """This row says nothing of a field that the map does not take rows without.

    ``data``: path.
    """

    code = "field-empty"
    hint = "Fill in the columns of the field named here, or say in the map that it is not required."


@dataclass(frozen=True, slots=True)
class _Ready:
    """One row made ready for the verb, and what had to be left out on the way."""

    number: int
    item: flow.NewCustomer
    warnings: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A part of a file whose worker may have been ended while it was taken in, and which is then begun again.

    ``judge`` says what is to be left out of a customer: of whoever was taken in before that, nobody knows it any more.
    """

    part: UUID
    judge: Callable[[flow.NewCustomer], Refusal | None]


class Entering:
    """Takes rows in, each with a key, batch by batch. ``columns`` are the file's and those of the files it joins."""

    def __init__(
        self, map_: CustomerMap, columns: Sequence[str], actor: Actor, begun: Begun | None, now: Callable[[], datetime]
    ) -> None:
        self.map, self.columns, self.actor, self.begun, self.now = map_, columns, actor, begun, now
        self._met: set[str] = set()

    def record(self, packed: bytes) -> list[Became]:
        """Take a batch of rows in, in their order: number and cells of each."""
        rows = (Row(number, dict(zip(self.columns, cells, strict=True))) for number, cells in _rows.decode(packed))
        return self.enter(rows, self._create)

    def enter(self, rows: Iterable[Row], send: Send) -> list[Became]:
        """Return what became of each row; the same row a second time meets the trace of the first."""
        told: list[Became] = []
        while rows:
            batch: dict[str, _Ready] = {}
            later: list[Row] = []
            for row in rows:
                key = row.cells[self.map.key].strip()
                if key in batch:
                    later.append(row)
                    continue
                try:
                    batch[key] = self._ready(row, key)
                except Refusal as refusal:
                    told.append(_refused(row.number, refusal))
            again = self._send(list(batch.values()), send, told)
            self._send(again, send, told)
            rows = later
        return told

    def _ready(self, row: Row, key: str) -> _Ready:
        values, warnings = _values(self.map.fields, row.cells)
        accounts: list[flow.NewAccount] = []
        part = self.map.account
        if part is not None and (number := row.cells[part.number].strip()):
            theirs, more = _values(part.fields, row.cells)
            said = row.cells[part.role].strip() if part.role else ""
            accounts.append(flow.NewAccount(number, part.roles.get(said, said.lower() or part.always), theirs))
            warnings += more
        body = json.dumps(list(row.cells.values()), ensure_ascii=False).encode()
        # A row that comes a second time is known by the first, and not by an earlier attempt.
        begun = self.begun.part if self.begun and key not in self._met else None
        self._met.update([key] if self.begun else [])
        item = flow.NewCustomer(
            values=values,
            accounts=accounts,
            region=self._region(row.cells),
            lenient=True,
            source=flow.SourceRow(self.map.source, key, body, begun),
            channel=Channel.BATCH_IMPORT,
        )
        return _Ready(row.number, item, tuple(warnings))

    def _region(self, cells: Mapping[str, str]) -> str | None:
        named = cells[self.map.region_column].strip() if self.map.region_column else ""
        return (countries().get(named.casefold()) if named else None) or self.map.region or None

    def _send(self, batch: Sequence[_Ready], send: Send, told: list[Became]) -> list[_Ready]:
        """Send what is ready; return rows whose fields were refused, to go once more without those fields."""
        again: list[_Ready] = []
        results = send([ready.item for ready in batch]) if batch else ()
        for ready, result in zip(batch, results, strict=True):
            if not isinstance(result, Refusal):
                told.append(self._went(ready, result))
            elif (less := self._without(ready, result)) is not None:
                again.append(less)
            else:
                told.append(_refused(ready.number, result))
        return again

    def _went(self, ready: _Ready, result: flow.Created | None) -> Became:
        warnings = list(ready.warnings)
        if self.begun and result and result.change is None and (more := self.begun.judge(ready.item)):
            warnings.append(more)
        left_out = [reason for warning in warnings for reason in reasons(warning)]
        if result is None:
            return Became([ready.number], CHECKED, reasons=left_out)
        led, record = result.merged_from is not None, str(result.subject)
        if result.unchanged:  # a row known already is as it was: what it left out was told the first time
            return Became([ready.number], UNCHANGED, record, led=led)
        return Became([ready.number], TAKEN, record, led=led, reasons=left_out)

    def _create(self, items: Sequence[flow.NewCustomer]) -> list[flow.Created | Refusal]:
        outcome = flow.create_customers(items, actor=self.actor, at=self.now())
        done = iter(outcome.done)
        return [outcome.refused.get(place) or next(done) for place in range(len(items))]

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


def _refused(number: int, refusal: Refusal) -> Became:
    return Became([number], REFUSED, reasons=list(reasons(refusal)))


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
