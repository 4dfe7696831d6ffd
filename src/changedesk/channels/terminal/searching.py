"""Searching the history at the terminal, and taking what was found out as a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from changedesk.base import clock
from changedesk.channels import exports
from changedesk.channels.audit_search import searched
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.flow import audit_trail

app = typer.Typer(no_args_is_help=True, help="Search everything that was recorded.")
Query = Annotated[
    str,
    typer.Argument(
        help="Such as 'actor:maria action:apply -channel:phone created:2026-01..2026-03'; - reads it from standard "
        "input, which is where a customer's own value belongs."
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=200, help="How many to show.")]
Place = Annotated[int | None, typer.Option(help="Go on from here: what the page before says.")]
As = Annotated[str, typer.Option("--format", help=f"Write a file instead: {', '.join(exports.FORMATS)}.")]
To = Annotated[Path, typer.Option("--to", file_okay=False, help="The folder to put the file into.")]


@app.command("search")
def search(
    query: Query,
    client: Client,
    limit: Limit = 20,
    before: Place = None,
    format_: As = "",
    to: To = Path(),
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Search a client's history, newest first, masked. Every search, and every file, is put on record."""
    text = sys.stdin.readline().strip() if query == "-" else query
    with show.refusals(json_wanted=as_json):
        here, at = installed.client(client), clock.now()
        if format_:
            made = exports.make(text, format_, actor=here.actor, at=at, language=here.language)
            told = {"file": str(_fetched(made, to, here)), "entries": made.entries, "sha256": made.sha256}
            show.as_json(told) if as_json else show.facts(told)
            return
        found = searched(text, actor=here.actor, at=at, language=here.language, before=before, limit=limit)
    if as_json:
        show.as_json(found)
        return
    show.table(
        ("index", "recorded", "what", "by", "channel", "record"),
        [(one.place, one.view.recorded_at, one.view.title, one.view.actor.name, one.view.channel, one.whose)
         for one in found.items],
    )  # fmt: skip
    if found.count is not None:
        show.out.print(f"Found: {found.count}{'' if found.exact else '+'}", markup=False)
    if found.behind:
        show.out.print(f"Not searchable yet: {found.behind}", markup=False)
    if found.older is not None:
        show.out.print(f"More: --before {found.older}", markup=False)


def _fetched(made: exports.Made, to: Path, here: installed.Installed) -> Path:
    format_, data = exports.take(made.id, actor=here.actor, at=clock.now())
    to.mkdir(parents=True, exist_ok=True)
    place = to / exports.name(made.id, format_)
    with place.open("wb") as out:
        out.writelines(data)
    return place


@app.command("reindex")
def reindex(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Drop what makes the history searchable: the worker makes it anew from the log. Nothing else is touched."""
    with show.refusals(json_wanted=as_json):
        audit_trail.find_anew(actor=installed.client(client).actor)
