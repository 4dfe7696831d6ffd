"""Customers from a file: batches through the same verb that every channel uses, restartable row by row."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.crew import TOGETHER, Families, spread
from changedesk.channels.bulk.entering import Begun, Entering
from changedesk.channels.bulk.mapping import CustomerMap, Join
from changedesk.channels.bulk.report import Report, Sheet, open_sheet
from changedesk.channels.bulk.rows import HeaderWrong, Row, open_rows, until_damaged
from changedesk.channels.bulk.running import Progress, noted, telling
from changedesk.kinds import ManyBad
from changedesk.rules import access
from changedesk.rules.fields import Catalogue
from changedesk.rules.status import today_in
from changedesk.rules.values import BadValue, Strictness, normalise, search_terms

JOINED_ROWS_MAX: Final = 5_000_000
_Joins: TypeAlias = Sequence[tuple[Join, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]]]


class KeyEmpty(Refusal):
    """This row has no value in the column that tells rows apart.

    ``data``: path (the column).
    """

    code = "key-empty"
    hint = "Fill in the column named here, so that a second import knows the row again."


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
    jobs: int = 1,
    part: UUID | None = None,
) -> Report:
    """Take the customers of a file in, and return the totals; the report's file says what became of each row.

    ``catalogue``, ``region`` and ``zone`` are those of the actor's client. A row that was taken in before changes
    nothing. ``jobs``: over how many processes a long file is spread; they go by the real clock. Rows that share a key
    or an account go in in their order. ``part``: what this part of a file is called, whose run was noted already.
    A field that cannot be taken is left out with a warning, unless the map says that the row needs it. Raises
    Forbidden; FileUnreadable and HeaderWrong before anything went in: later, ``stopped`` tells; ProcessEnded.
    """
    access.require(actor, access.Verb.IMPORT_RUN)
    _require_known(map, catalogue)
    report, today = Report(), today_in(now(), zone)
    with ExitStack() as stack:
        reader = stack.enter_context(open_rows(file, map.dialect))
        joins = [(join, _index(file.parent / join.file, join)) for join in map.joins]
        columns = _columns(map, reader.columns, joins)
        report.left_out = tuple(name for name in reader.columns if name not in map.reads() | map.ignore)
        families = Families() if dry_run else _families(file, map, joins, catalogue, region, today)
        sheet = stack.enter_context(open_sheet(report, file, report_to))
        stack.enter_context(
            noted(file, map.source, report, actor=actor, now=now, dry_run=dry_run, noted_before=part is not None)
        )
        rows = _keyed(sheet.counting(reader), map, joins, sheet)
        judge = partial(_judge, catalogue, region, today)
        begun = Begun(part, judge) if part is not None else None
        start, tell = partial(Entering, map, columns, actor, begun), telling(sheet, reader, progress)
        if dry_run:
            while some := [row for _, row in islice(rows, TOGETHER)]:
                tell(start(now).enter(some, lambda items: [judge(item) for item in items]))
        else:
            asked = ((families.of(key), (row.number, list(row.cells.values()))) for key, row in rows)
            spread(asked, start, tell, jobs=jobs, now=now)
    if progress:
        progress(report, 1.0)
    return report


def _judge(catalogue: Catalogue, region: str, today: date, item: flow.NewCustomer) -> Refusal | None:
    """Return what the verb would refuse values for, without asking it."""
    bad: dict[str, Refusal] = {}
    for path, raw in [*item.values.items(), *(pair for one in item.accounts for pair in one.values.items())]:
        try:
            normalise(
                catalogue[path], raw, region=item.region or region, today=today, strictness=Strictness.LENIENT
            )  # fmt: skip
        except BadValue as refusal:
            bad[refusal.pointer] = refusal
    return ManyBad(bad) if bad else None


def _families(file: Path, map_: CustomerMap, joins: _Joins, catalogue: Catalogue, region: str, today: date) -> Families:
    """Read ahead which rows name one account, as it is looked up: the first of them opens it."""
    families = Families()
    if map_.account is None:
        return families
    field = catalogue["account.number"]
    with open_rows(file, map_.dialect) as reader:
        for row in until_damaged(reader):
            cells = {} if row.problem else _joined(row, joins).cells
            key, number = (cells.get(name, "").strip() for name in (map_.key, map_.account.number))
            if key and number:
                with suppress(BadValue):  # told when the row itself is taken in
                    canonical = normalise(field, number, region=region, today=today)
                    for terms in search_terms(field, canonical):
                        families.join(key, "\n".join(terms))
    return families


def _require_known(map_: CustomerMap, catalogue: Catalogue) -> None:
    paths = [*map_.fields, *(map_.account.fields if map_.account else ())]
    unknown = [path for path in paths if path not in catalogue]
    if unknown:
        raise FieldNotInCatalogue(paths=unknown)


def _columns(map_: CustomerMap, own: Sequence[str], joins: _Joins) -> tuple[str, ...]:
    """Return the names of all cells of a row, those of joined files after its own. Raises HeaderWrong."""
    columns = (*own, *(f"{join.name}.{name}" for join, (names, _) in joins for name in names))
    if missing := sorted(map_.reads() - set(columns)):
        raise HeaderWrong(reason="missing", columns=missing)
    return columns


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


def _keyed(rows: Iterable[Row], map_: CustomerMap, joins: _Joins, sheet: Sheet) -> Iterator[tuple[str, Row]]:
    """Yield rows with the key that tells them apart; what has none is told in the report."""
    for row in rows:
        key = "" if row.problem else row.cells[map_.key].strip()
        if key:
            yield key, _joined(row, joins)
        else:
            sheet.refused([row.number], row.problem or KeyEmpty(path=map_.key))


def _joined(row: Row, joins: _Joins) -> Row:
    if not joins:
        return row
    cells = dict(row.cells)
    for join, (columns, rows) in joins:
        found = rows.get(cells[join.on].strip(), ("",) * len(columns))
        cells |= {f"{join.name}.{column}": cell for column, cell in zip(columns, found, strict=True)}
    return Row(row.number, cells)
