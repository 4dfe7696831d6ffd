"""Changes from a log that another system kept: who asked, who applied, when it became true, field by field.

A record of the log is the customer itself, or an account that the customer holds: the map says which. The subject
comes into being with its number alone; every value it ever had, the first one too, is a recorded change with its
own time as valid time, with the texts as they stand in the file. So the file's own order and times can be replayed.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from pathlib import Path
from typing import Final

from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.channels.bulk.crew import HELD_BYTES_MOST, Alone, Crew, Waiting, hired
from changedesk.channels.bulk.customers import FieldNotInCatalogue, Progress
from changedesk.channels.bulk.groups import Group, Records, read_groups
from changedesk.channels.bulk.mapping import ChangeMap
from changedesk.channels.bulk.recording import Became, Recorder
from changedesk.channels.bulk.report import CHECKED, REFUSED, Report, Sheet, open_sheet
from changedesk.channels.bulk.rows import open_rows
from changedesk.channels.bulk.running import noted
from changedesk.rules import access
from changedesk.rules.fields import Catalogue

WORTH_PROCESSES: Final = 2_000
"""Changes from which on a file is worth the second that a process takes to start."""
_LOOK_EVERY: Final = 50
"""Changes that are read between two looks whether somebody waits for more."""


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
    jobs: int = 1,
) -> Report:
    """Record the changes of a file, those of each record in its order, and return the totals.

    The report's file speaks of each row. The old values of the file are checked against the record. A change that was
    taken in before changes nothing. ``jobs``: over how many processes a long file is spread; they go by the real clock.
    Records follow each other as they are taken in, each with all of its changes that are read by then; where the file
    names a merged customer and the survivor, each keeps its own order.
    Raises Forbidden, FieldNotInCatalogue; FileUnreadable and HeaderWrong before anything went in; ProcessEnded.
    """
    access.require(actor, access.Verb.IMPORT_RUN)
    unknown = [path for path in map.fields.values() if path not in catalogue]
    if unknown:
        raise FieldNotInCatalogue(paths=unknown)
    report = Report()
    # Where customers hold accounts, one account may be of two of them: what must keep its order has to be known first.
    ahead = map.subject == "account" or (jobs > 1 and map.customer != map.record)
    records = Records.of(file, map) if ahead and not dry_run else Records()
    with ExitStack() as stack:
        reader = stack.enter_context(open_rows(file, map.dialect))
        report.left_out = tuple(name for name in reader.columns if name not in map.reads() | map.ignore)
        sheet = stack.enter_context(open_sheet(report, file, report_to))
        run = noted(file, f"{map.source}-{map.log}", report, actor=actor, now=now, dry_run=dry_run)
        stack.enter_context(run)
        groups = read_groups(sheet.counting(reader), map, sheet, records)
        if dry_run:
            for group in groups:
                sheet.became(group.rows, CHECKED, "")
        else:

            def tell(told: Sequence[Became]) -> None:
                _say(sheet, told)
                if told and progress:
                    progress(report, reader.share * report.ended / report.rows)

            _record(groups, records, Alone(Recorder(map, actor, now)), lambda: hired(map, actor, jobs), jobs, tell)
    if progress:
        progress(report, 1.0)
    return report


def _record(
    groups: Iterable[Group],
    records: Records,
    alone: Crew,
    hire: Callable[[], AbstractContextManager[Crew]],
    jobs: int,
    tell: Callable[[Sequence[Became]], None],
) -> None:
    """Let changes be recorded while they are read: what is read by the time somebody is free goes together."""
    waiting, crew = Waiting(jobs), alone
    with ExitStack() as stack:
        for count, group in enumerate(groups, 1):
            waiting.add(records.family(group), group)
            full = waiting.held > HELD_BYTES_MOST
            if crew is alone and jobs > 1 and (full or count >= WORTH_PROCESSES):
                crew = stack.enter_context(hire())
            if full or count % _LOOK_EVERY == 0:
                tell(crew.turn(waiting, last=full))
        while waiting.held or crew.busy:
            tell(crew.turn(waiting, last=True))


def _say(sheet: Sheet, told: Iterable[Became]) -> None:
    for one in told:
        if one.outcome == REFUSED:
            sheet.refused_for(one.rows, one.reasons)
            continue
        sheet.became(one.rows, one.outcome, one.record)
        sheet.report.changes += one.changes
        if one.led:
            sheet.led(one.rows, one.record)
