"""Files of requests. Entering and approving are deeds of a person, so these commands work with that person's key."""

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from changedesk import flow
from changedesk.base import clock
from changedesk.base.refusal import NotFound
from changedesk.channels import bulk
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.looking import request_app
from changedesk.channels.terminal.options import AsJson, Client, KeyFile, Secret
from changedesk.reading import batches as reading

app = typer.Typer(no_args_is_help=True, help="Batches: the requests of one file, decided on as one.")
ENDED_EARLY: Final = 3
"""Exit code for a file that ended badly; the batch goes on with the mended file's run."""

Batch = Annotated[str, typer.Argument(metavar="ID", help="The batch's id.")]


@request_app.command("batch")
def enter(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (plain or gzip) or XLSX.")],
    map_name: Annotated[str, typer.Option("--map", help="The name of a shipped map, or the path of one in .toml.")],
    client: Client,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do; enter nothing.")] = False,  # noqa: FBT002 - Typer's way to declare a flag
    report: Annotated[Path | None, typer.Option("--report", help="Where the report goes; beside the file.")] = None,
    key_file: KeyFile = None,
    secret: Secret = "",
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Enter a file of requests as one batch. The same file again goes on where it was ended, and changes nothing."""
    with show.refusals(json_wanted=as_json):
        here, actor = installed.client(client), installed.person(client, key_file, secret)
        chosen = bulk.read_request_map(map_name)
        with show.progress(file.name, hidden=as_json) as tell:
            done = bulk.request_batch(
                file,
                chosen,
                Path(map_name).stem,
                actor=actor,
                catalogue=here.catalogue,
                dry_run=dry_run,
                report_to=report,
                progress=lambda totals, share: tell(share, f"{totals.rows} rows"),
            )
    _tell(done, as_json=as_json)
    if done.stopped:
        raise typer.Exit(ENDED_EARLY)


@app.command("list")
def listed(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - as above
    """List batches, newest first."""
    with show.refusals(json_wanted=as_json):
        found = reading.batches(actor=installed.client(client).actor).items
    if as_json:
        show.as_json(found)
    else:
        show.table(
            ("entered", "map", "by", "rows", "id"),
            [(item.started_at, item.map, item.entered_by.name, item.rows, item.id) for item in found],
        )


@app.command("show")
def shown(id_: Batch, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - as above
    """Show what became of a batch: its requests by state, why lines were refused, its digest."""
    with show.refusals(json_wanted=as_json):
        panel = reading.batch(_id(id_), actor=installed.client(client).actor, at=clock.now())
    if as_json:
        show.as_json(panel)
        return
    show.facts({"batch": panel.id, "map": panel.map, "digest": panel.digest or "not at its end yet", **panel.counts})
    if panel.reasons:
        show.table(("reason", "field", "rows"), [(item.code, item.field, item.count) for item in panel.reasons])


@app.command("approve")
def approve(
    id_: Batch,
    client: Client,
    digest: Annotated[str, typer.Option("--digest", help="Of the batch that you saw: 'batch show' prints it.")],
    note: Annotated[str, typer.Option("--note", help="Why; it is kept with every decision.")] = "",
    report: Annotated[Path | None, typer.Option("--report", help="Where to write what was left behind.")] = None,
    key_file: KeyFile = None,
    secret: Secret = "",
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Let the whole batch go ahead, as a second person, exactly as it was seen. Can be given again after a break."""
    with show.refusals(json_wanted=as_json):
        actor = installed.person(client, key_file, secret)
        done = flow.approve_batch(_id(id_), digest=digest, note=note, actor=actor, at=clock.now())
        if report is not None:
            bulk.approval_report(done, report)
    refused = {ref: refusal.code for ref, refusal in done.refused.items()}
    if as_json:
        show.as_json({"states": done.states, "edited": done.edited, "refused": refused})
        return
    show.facts(dict(done.states))
    rows = [(ref, "different-content") for ref in done.edited] + sorted(refused.items())
    if rows:
        show.table(("request", "left behind because"), rows)


@app.command("maps")
def maps(as_json: AsJson = False) -> None:  # noqa: FBT002 - as above
    """List the maps of files of requests that come with the program."""
    found = [{"map": name, "about": bulk.read_request_map(name).about} for name in bulk.shipped_request_maps()]
    if as_json:
        show.as_json(found)
    else:
        show.table(("map", "about"), [tuple(item.values()) for item in found])


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _tell(done: bulk.RequestReport, *, as_json: bool) -> None:
    reasons = [{"code": code, "field": path, "count": count} for (code, path), count in done.codes.most_common()]
    routes = [
        {"level": level, "consent": consent, "approvals": approvals, "count": count}
        for (level, consent, approvals), count in done.routes.most_common()
    ]
    if as_json:
        answer: dict[str, Any] = {"batch": done.batch, "digest": done.digest, "totals": done.totals()}
        show.as_json({**answer, "reasons": reasons, "routes": routes, "report": done.path, "stopped": done.stopped})
        return
    show.facts(done.totals())
    for columns, found in ((("reason", "field", "rows"), reasons), (("proof", "consent", "approvals", "rows"), routes)):
        if found:
            show.table(columns, [tuple(item.values()) for item in found])
    if done.left_out:
        show.out.print(f"Columns that the map does not name: {', '.join(done.left_out)}", markup=False)
    if done.stopped:
        show.err.print(f"The file ended early. {done.stopped}", markup=False)
    if done.batch is not None:
        show.facts({"Batch": done.batch, "Digest": done.digest})
    show.out.print(f"Report: {done.path}", markup=False)
