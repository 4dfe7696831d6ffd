"""Who looked at whom, for whoever runs the installation."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from changedesk.base import clock
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.looking import Before, Limit, moment
from changedesk.channels.terminal.options import AsJson, Client, subject
from changedesk.reading import readers, seen
from changedesk.reading.roles import roles_of

_EVER = datetime.min.replace(tzinfo=UTC)

app = typer.Typer(no_args_is_help=True, help="Who looked at whom, and who broke the glass.")


@app.command("looks")
def looks(
    client: Client,
    subject_: Annotated[str, typer.Option("--subject", help="A customer's or an account's id.")] = "",
    actor: Annotated[str, typer.Option(help="As the history names them: s12, k3.")] = "",
    since: Annotated[str, typer.Option(help="From this instant on.")] = "",
    until: Annotated[str, typer.Option(help="Before this instant.")] = "",
    limit: Limit = 20,
    before: Before = None,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show views, searches, reveals and broken glass, newest first, never a value."""
    with show.refusals(json_wanted=as_json):
        here, at = installed.client(client), clock.now()
        page = seen.who_looked(
            actor=here.actor,
            language=here.language,
            subject=subject(subject_) if subject_ else None,
            who=actor or None,
            since=moment(since, at, "--since") if since else None,
            until=moment(until, at, "--until") if until else None,
            before=before,
            limit=limit,
        )
    if as_json:
        show.as_json(page)
        return
    rows = [
        (one.at, one.by.name or one.by.id, one.kind, one.subject, one.purpose, ", ".join(one.fields))
        for one in page.items
    ]
    show.table(("when", "who", "what", "of whom", "why", "in clear"), rows)
    if page.next:
        show.out.print(f"More: --before {page.next}", markup=False)


@app.command("viewers")
def viewers(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The customer's or the account's id.")],
    client: Client,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show everybody who looked at a customer in the last sixty days."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        found = seen.viewers(subject(id_), actor=here.actor, at=clock.now(), language=here.language)
    if as_json:
        show.as_json(found)
        return
    rows = [(one.by.name or one.by.id, one.views, one.reveals, one.first, one.last) for one in found]
    show.table(("who", "looks", "of them reveals", "first", "last"), rows)


@app.command("readers")
def readers_(
    client: Client,
    since: Annotated[str, typer.Option(help="From this instant on.")],
    until: Annotated[str, typer.Option(help="Before this instant.")],
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show who looked in a time, and why some of them stand out among their peers."""
    with show.refusals(json_wanted=as_json):
        here, at = installed.client(client), clock.now()
        found = readers.readers_of(
            since=moment(since, at, "--since"),
            until=moment(until, at, "--until"),
            actor=here.actor,
            at=at,
            language=here.language,
        )
    if as_json:
        show.as_json(found)
        return
    rows = [
        (one.by.name or one.by.id, one.looks, one.customers, one.found, one.reveals, one.unasked, one.outside,
         ", ".join(f"{why.measure} {why.value}" for why in one.reasons))
        for one in found.items
    ]  # fmt: skip
    show.table(("who", "looks", "customers", "by searches", "reveals", "nothing at hand", "unusual hours", "why"), rows)


@app.command("roles")
def roles(
    client: Client,
    since: Annotated[str, typer.Option(help="From this instant on; of all times if left out.")] = "",
    until: Annotated[str, typer.Option(help="Before this instant; until now if left out.")] = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show who had which role when, who gave it, and who ended it."""
    with show.refusals(json_wanted=as_json):
        here, at = installed.client(client), clock.now()
        found = roles_of(
            since=moment(since, at, "--since") if since else _EVER,
            until=moment(until, at, "--until") if until else at,
            actor=here.actor,
            language=here.language,
        )
    if as_json:
        show.as_json(found)
        return
    rows = [
        (one.person.name or one.person.id, one.role, one.since, one.by.name or one.by.id, one.until or "stands",
         "" if one.ended_by is None else one.ended_by.name or one.ended_by.id)
        for one in found
    ]  # fmt: skip
    show.table(("who", "role", "from", "given by", "until", "ended by"), rows)


@app.command("glass")
def glass(
    client: Client,
    waiting: Annotated[bool, typer.Option(help="Only what nobody has reviewed.")] = False,  # noqa: FBT002 - a flag
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show who broke the glass, why, until when, and what was said of it."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        found = seen.broken_glass(actor=here.actor, at=clock.now(), language=here.language, waiting=waiting)
    if as_json:
        show.as_json(found)
        return
    rows = [
        (one.started_at, one.by.name or one.by.id, one.reason, one.reference, one.until,
         one.verdict or ("overdue" if one.overdue else "waits"))
        for one in found
    ]  # fmt: skip
    show.table(("when", "who", "why", "reference", "until", "review"), rows)
