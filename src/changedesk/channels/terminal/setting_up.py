"""Clients, people and API keys."""

from datetime import timedelta
from typing import Annotated

import typer

from changedesk.base import clock
from changedesk.base.actor import Channel, Role
from changedesk.base.ids import ClientId
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.flow import admit, configure
from changedesk.rules import access

client_app = typer.Typer(no_args_is_help=True, help="Clients of this installation.")
person_app = typer.Typer(no_args_is_help=True, help="People who work for a client.")
key_app = typer.Typer(no_args_is_help=True, help="API keys of a client.")


@client_app.command("create")
def client_create(
    slug: Annotated[str, typer.Argument(help="Short name in addresses, such as aurora-mobile.")],
    name: Annotated[str, typer.Option(help="The name that people read.")],
    origin: Annotated[str, typer.Option(help="First line of its log's checkpoints, such as desk.example/aurora.")],
    pack: Annotated[list[str] | None, typer.Option(help="A pack to enable; may be given several times.")] = None,
    industry: Annotated[list[str] | None, typer.Option(help="An industry whose rules apply.")] = None,
    jurisdiction: Annotated[list[str] | None, typer.Option(help="A jurisdiction, such as US or US-CA.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="A language; the first is the default.")] = None,
    region: Annotated[str, typer.Option(help="Country of bare phone numbers.")] = "US",
    time_zone: Annotated[str, typer.Option(help="Such as Europe/Berlin.")] = "UTC",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Open a client."""
    with show.refusals(json_wanted=as_json):
        new = configure.NewClient(
            slug=slug,
            name=name,
            origin=origin,
            packs=tuple(pack or ()),
            jurisdictions=tuple(jurisdiction or ()),
            industries=tuple(industry or ()),
            languages=tuple(language or ("en",)),
            time_zone=time_zone,
            region=region,
        )
        made = configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    answer = {"client": made, "slug": slug}
    show.as_json(answer) if as_json else show.facts(answer)


@person_app.command("create")
def person_create(
    email: Annotated[str, typer.Argument(help="The sign-in address.")],
    client: Client,
    name: Annotated[str, typer.Option(help="The name that colleagues read.")],
    role: Annotated[list[Role], typer.Option(help="A role at the client; may be given several times.")],
    team: Annotated[str, typer.Option(help="The team; approvals are kept apart by it.")] = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Make somebody a member of a client. They choose a password by the link that an administrator sends."""
    with show.refusals(json_wanted=as_json):
        actor = installed.client(client).actor
        person = configure.invite(email, name, role, team=team, actor=actor, at=clock.now())
    answer = {"person": person, "client": client, "roles": " ".join(role)}
    show.as_json(answer) if as_json else show.facts(answer)


@key_app.command("create")
def key_create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    client: Client,
    scope: Annotated[list[str], typer.Option(help="A scope; may be given several times.")],
    days: Annotated[int, typer.Option(min=1, max=731, help="How many days it lives.")] = 365,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Make an API key. The secret is printed once and kept nowhere."""
    with show.refusals(json_wanted=as_json):
        at = clock.now()
        made = configure.create_key(
            name,
            scope,
            entry_point=f"key {name}"[:60],
            expires_at=at + timedelta(days=days),
            actor=installed.client(client).actor,
            at=at,
        )
    answer = {"key": made.secret, "prefix": made.prefix, "expires_at": made.expires_at}
    show.as_json(answer) if as_json else show.facts(answer)


@key_app.command("person")
def key_person(
    email: Annotated[str, typer.Argument(help="Who the key is for: a person who works for the client.")],
    client: Client,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Make a key by which a person calls the API with their own roles, for as long as a session lives."""
    with show.refusals(json_wanted=as_json):
        who = admit.member(email, client, channel=Channel.API, entry_point="terminal")
        terminal = installed.client(client).actor
        made = admit.staff_key(int(who.id.removeprefix("s")), actor=terminal, at=clock.now())
    answer = {"key": made.secret, "prefix": made.prefix, "expires_at": made.expires_at}
    show.as_json(answer) if as_json else show.facts(answer)
