"""Changes from a log that another system kept: who asked, who applied, when it became true, field by field.

A record of the log is the customer itself, or an account that the customer holds: the map says which. The subject
comes into being with its number alone; every value it ever had, the first one too, is a recorded change with its
own time as valid time, with the texts as they stand in the file. So the file's own order and times can be replayed.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.channels.bulk.crew import spread
from changedesk.channels.bulk.customers import FieldNotInCatalogue
from changedesk.channels.bulk.groups import Records, read_groups
from changedesk.channels.bulk.mapping import ChangeMap
from changedesk.channels.bulk.recording import Recorder
from changedesk.channels.bulk.report import CHECKED, Report, open_sheet
from changedesk.channels.bulk.rows import open_rows
from changedesk.channels.bulk.running import Progress, noted, telling
from changedesk.rules import access
from changedesk.rules.fields import Catalogue


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
            asked = ((records.family(group), group) for group in groups)
            spread(asked, partial(Recorder, map, actor), telling(sheet, reader, progress), jobs=jobs, now=now)
    if progress:
        progress(report, 1.0)
    return report
