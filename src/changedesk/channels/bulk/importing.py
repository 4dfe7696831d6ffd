"""A file is taken in by its map, whichever its rows are: customers, or changes that another system recorded."""

from pathlib import Path
from typing import Any

from changedesk.base.actor import Actor
from changedesk.channels.bulk.changes import import_changes
from changedesk.channels.bulk.customers import import_customers
from changedesk.channels.bulk.mapping import ChangeMap, CustomerMap
from changedesk.channels.bulk.report import Report
from changedesk.channels.bulk.running import Progress
from changedesk.rules.fields import Catalogue


def import_file(
    file: Path,
    map: CustomerMap | ChangeMap,  # noqa: A002 - as in import_changes
    *,
    actor: Actor,
    catalogue: Catalogue,
    region: str,
    zone: str,
    dry_run: bool = False,
    report_to: Path | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
) -> Report:
    """Take a file in as its map says; see ``import_customers`` and ``import_changes``."""
    given: dict[str, Any] = {
        "actor": actor,
        "catalogue": catalogue,
        "dry_run": dry_run,
        "report_to": report_to,
        "progress": progress,
        "jobs": jobs,
    }
    if isinstance(map, CustomerMap):
        return import_customers(file, map, region=region, zone=zone, **given)
    return import_changes(file, map, **given)
