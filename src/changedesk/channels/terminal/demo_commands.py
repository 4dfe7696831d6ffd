"""Commands for the demonstration."""

from pathlib import Path
from typing import Annotated

import typer
from django.conf import settings

from changedesk.base import clock
from changedesk.channels.terminal import demo, demo_industries, show
from changedesk.channels.terminal.options import AsJson

app = typer.Typer(no_args_is_help=True, help="The demonstration's customers and people.")


@app.command("totp")
def totp(
    who: Annotated[str, typer.Argument(help="Somebody's first name, such as dana or ben; an e-mail address; an id.")],
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Print the code that somebody's authenticator shows now. It is good for half a minute."""
    with show.refusals(json_wanted=as_json):
        code = demo.code_of(who, Path(settings.CHANGEDESK_STATE_DIR))
    show.as_json({"code": code}) if as_json else show.out.print(code)


@app.command("messages")
def messages(
    who: Annotated[str, typer.Argument(help="A customer of the demonstration, such as dana.")],
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show what was sent to a customer of the demonstration, newest first, codes and links included."""
    with show.refusals(json_wanted=as_json):
        found = demo.messages_to(who, Path(settings.CHANGEDESK_STATE_DIR), at=clock.now())
    rows = [
        {"event": item.event, "to": item.recipient, "subject": item.subject_line, "body": item.body} for item in found
    ]
    if as_json:
        show.as_json(rows)
        return
    for row in rows:
        show.facts({name: row[name] for name in ("event", "to", "subject")})
        show.out.print(f"\n{row['body']}\n", markup=False)


@app.command("customers")
def customers(as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """List the customers who have an authenticator."""
    found = demo.authenticators(Path(settings.CHANGEDESK_STATE_DIR))
    rows = [{"client": item.client, "name": item.name, "customer": item.subject} for item in found]
    if as_json:
        show.as_json(rows)
    else:
        show.table(("client", "name", "customer"), [tuple(row.values()) for row in rows])


@app.command("client")
def client(
    industry: Annotated[
        demo_industries.Name,
        typer.Argument(help="Which industry; telecommunications and banking are there from the start."),
    ],
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Make the demonstration client of a further industry. The same people sign in, and choose it at the top."""
    with show.refusals(json_wanted=as_json):
        made = demo.add(industry, Path(settings.CHANGEDESK_STATE_DIR), at=clock.now()).client
    told = {
        "client": made.slug,
        "name": made.name,
        "packs": ", ".join(made.packs),
        "customers": demo_industries.PER_CLIENT,
    }
    show.as_json(told) if as_json else show.facts(told)
