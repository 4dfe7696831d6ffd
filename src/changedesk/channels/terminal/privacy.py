"""Data-subject requests at the terminal: what waits, and the figures of a year. Nobody decides on them from here."""

from datetime import timedelta
from typing import Annotated

import typer

from changedesk.base import clock
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.reading import subject_requests

app = typer.Typer(no_args_is_help=True, help="What people asked about their own data.")


@app.command("list")
def privacy_list(
    client: Client,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too, the newest first.")] = False,  # noqa: FBT002 - Typer's way to declare a flag
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """List what waits, the most urgent first."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        read = subject_requests.newest if everything else subject_requests.waiting
        found = read(actor=here.actor, at=clock.now(), language=here.language, limit=limit).items
    if as_json:
        show.as_json(found)
        return
    rows = [
        (one.ref, one.right, one.state, one.days_left if one.closed_at is None else "", one.due_at, one.due_rule,
         one.identified)
        for one in found
    ]  # fmt: skip
    show.table(("reference", "right", "state", "days left", "due", "rule", "person known"), rows)


@app.command("figures")
def privacy_figures(
    client: Client,
    days: Annotated[int, typer.Option(min=1, max=3_660, help="Of so many days up to now.")] = 365,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Count what was received, done and refused, and in how many days (11 CCR 7102)."""
    with show.refusals(json_wanted=as_json):
        here, at = installed.client(client), clock.now()
        found = subject_requests.figures(actor=here.actor, since=at - timedelta(days=days), until=at)
    if as_json:
        show.as_json(found)
        return
    rows = [
        (one.right, one.received, one.whole, one.part, one.denied, one.open, one.median_days, one.mean_days)
        for one in found
    ]
    show.table(("right", "received", "done", "in part", "refused", "open", "median days", "mean days"), rows)
