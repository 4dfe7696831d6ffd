"""Files: customers, and changes that another system recorded."""

import gc
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from changedesk.channels import bulk
from changedesk.channels.bulk.mapping import MapWrong
from changedesk.channels.bulk.report import Report
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.reading.imports import runs as read_runs

app = typer.Typer(no_args_is_help=True, help="Take in files, row by row, with a report of every row.")
AGAIN: Final = "A second run of the same file changes nothing; a run that was ended can be run again."
ENDED_EARLY: Final = 3
"""Exit code of an import whose file ended badly; what stands before that place went in."""

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (plain or gzip) or XLSX.")]
Map = Annotated[str, typer.Option("--map", help="The name of a shipped map, or the path of one that ends in .toml.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check, take nothing in.")]
ReportTo = Annotated[Path | None, typer.Option("--report", help="Where the report goes; beside the file if not told.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Over how many processes a long file is spread; one for each core if not told."),
]


@app.command("customers", help=f"Take customers in. {AGAIN}")
def customers(
    file: File,
    map_name: Map,
    client: Client,
    dry_run: DryRun = False,  # noqa: FBT002 - Typer's way to declare a flag
    report: ReportTo = None,
    jobs: Jobs = None,
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Take a file of customers in by a map."""
    _take_in(file, map_name, client, bulk.CustomerMap, dry_run=dry_run, report_to=report, as_json=as_json, jobs=jobs)


@app.command("changes", help=f"Record changes with their own times and evidence, each record's in its order. {AGAIN}")
def changes(
    file: File,
    map_name: Map,
    client: Client,
    dry_run: DryRun = False,  # noqa: FBT002 - Typer's way to declare a flag
    report: ReportTo = None,
    jobs: Jobs = None,
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Take a file of changes in by a map."""
    _take_in(file, map_name, client, bulk.ChangeMap, dry_run=dry_run, report_to=report, as_json=as_json, jobs=jobs)


def _take_in(
    file: Path,
    map_name: str,
    client: str,
    wanted: type[bulk.CustomerMap | bulk.ChangeMap],
    *,
    dry_run: bool,
    report_to: Path | None,
    as_json: bool,
    jobs: int | None,
) -> None:
    with show.refusals(json_wanted=as_json):
        chosen, here = bulk.read_map(map_name), installed.client(client)
        if not isinstance(chosen, wanted):
            rows = "customers" if isinstance(chosen, bulk.CustomerMap) else "changes"
            raise MapWrong(problem=f"{map_name}: is a map of {rows}; use 'import {rows}'")
        # What is loaded by now stays to the end: it need not be looked through again and again as rows come and go.
        gc.freeze()
        with show.progress(file.name, hidden=as_json) as tell:
            done = bulk.import_file(
                file,
                chosen,
                actor=here.actor,
                catalogue=here.catalogue,
                region=here.region,
                zone=here.time_zone,
                dry_run=dry_run,
                report_to=report_to,
                progress=lambda totals, share: tell(share, f"{totals.ended} rows"),
                jobs=jobs or os.cpu_count() or 1,
            )
    _tell(done, as_json=as_json)


@app.command("runs")
def runs(
    client: Client,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """List what was imported, newest first. An unfinished run goes on still or was ended: run it again."""
    with show.refusals(json_wanted=as_json):
        found = read_runs(actor=installed.client(client).actor, limit=limit).items
    if as_json:
        show.as_json(found)
        return
    lines = [
        (
            item.started_at,
            item.map,
            item.file[:8],
            item.started_by.name,
            item.finished_at or "unfinished",
            ", ".join(f"{name} {count}" for name, count in item.counts.items() if count),
        )
        for item in found
    ]
    show.table(("started", "map", "file", "by", "finished", "rows"), lines)


@app.command("maps")
def maps(as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """List the maps that come with the program."""
    found = [{"map": name, "about": bulk.read_map(name).about} for name in bulk.shipped()]
    if as_json:
        show.as_json(found)
    else:
        show.table(("map", "about"), [tuple(item.values()) for item in found])


def _tell(done: Report, *, as_json: bool) -> None:
    reasons = [{"code": code, "field": path, "count": count} for (code, path), count in done.codes.most_common()]
    if as_json:
        answer: dict[str, Any] = {"totals": done.totals(), "reasons": reasons, "report": done.path}
        show.as_json({**answer, "left_out": done.left_out, "stopped": done.stopped})
    else:
        show.facts({name: count for name, count in done.totals().items() if count or name in ("rows", "refused")})
        if reasons:
            show.table(("reason", "field", "rows"), [tuple(item.values()) for item in reasons])
        if done.left_out:
            show.out.print(f"Columns that the map does not name: {', '.join(done.left_out)}", markup=False)
        if done.stopped:
            show.err.print(f"The file ended early. {done.stopped}", markup=False)
        show.out.print(f"Report: {done.path}", markup=False)
    if done.stopped:
        raise typer.Exit(ENDED_EARLY)
