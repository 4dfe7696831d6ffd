"""Evidence at the terminal: made here, checked anywhere, also where there is no database."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from changedesk.base import clock
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound
from changedesk.channels import evidence
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.looking import moment
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.ledger import verifier
from changedesk.reading.evidence import Wanted
from changedesk.reading.evidence.scope import PURPOSES

app = typer.Typer(no_args_is_help=True, help="Evidence for somebody who does not trust us.")


@app.command("build")
def evidence_build(
    client: Client,
    purpose: Annotated[str, typer.Option(help=f"One of: {', '.join(PURPOSES)}.")],
    to: Annotated[Path, typer.Option("--to", file_okay=False, help="The folder to put the file into.")] = Path(),
    reference: Annotated[str, typer.Option(help="Your file reference; kept on record, so nothing personal.")] = "",
    change: Annotated[str, typer.Option(help="Of one change: its id.")] = "",
    request: Annotated[str, typer.Option(help="Of one request: its reference.")] = "",
    record: Annotated[str, typer.Option(help="Of one customer or account: its id.")] = "",
    actor: Annotated[str, typer.Option(help="Of what one actor did in a period: s1, k2, ...")] = "",
    since: Annotated[str, typer.Option(help="Of a period: from when.")] = "",
    until: Annotated[str, typer.Option(help="Of a period: until before when.")] = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Make an evidence bundle, masked, and put on record that it was made."""
    with show.refusals(json_wanted=as_json):
        here, at = installed.client(client), clock.now()
        wanted = Wanted(
            purpose=purpose,
            reference=reference,
            change=ChangeId(_id(change)) if change else None,
            request=request or None,
            record=SubjectId(_id(record)) if record else None,
            actor=actor or None,
            since=moment(since, at, "--since") if since else None,
            until=moment(until, at, "--until") if until else None,
        )
        made = evidence.build(wanted, actor=here.actor, at=at, language=here.language)
    to.mkdir(parents=True, exist_ok=True)
    place = to / made.name
    place.write_bytes(made.data)
    told = {"file": str(place), "entries": made.entries}
    show.as_json(told) if as_json else show.facts(told)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


@app.command("verify")
def evidence_verify(
    bundle: Annotated[Path, typer.Argument(exists=True, help="The ZIP file, or the folder it was unpacked into.")],
    keys: Annotated[list[str], typer.Option("--key", help="The log's key, from somebody you trust.")] = [],  # noqa: B006 - Typer copies it
    shown: Annotated[bool, typer.Option("--show", help="Print what is proved, entry by entry.")] = False,  # noqa: FBT002 - Typer's way
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Check a bundle offline, with no database. Exit code 0 when all of it holds, else 1."""
    verdict = verifier.verify_file(bundle, keys)
    if as_json:
        show.as_json(verifier.as_json(verdict))
    else:
        typer.echo(verifier.report(verdict, show=shown))
    raise typer.Exit(1 if verdict.problems else 0)
