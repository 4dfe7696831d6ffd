"""Hooks at the terminal: where a client's own systems are told of events, and what became of each."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import typer

from changedesk.base import clock
from changedesk.base.refusal import NotFound
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.flow import hooks as flow
from changedesk.reading import hooks as reading

app = typer.Typer(no_args_is_help=True, help="Hooks: events for a client's own systems.")
Which = Annotated[str, typer.Argument(metavar="HOOK", help="The hook's id.")]


@app.command("create")
def hook_create(
    url: Annotated[str, typer.Argument(help="Where events are sent; it starts with https://.")],
    client: Client,
    event: Annotated[list[str] | None, typer.Option(help="Of these events alone; may be given several times.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Of requests of these kinds alone.")] = None,
    values: Annotated[bool, typer.Option("--values", help="Send values in clear.")] = False,  # noqa: FBT002 - Typer's way to declare a flag
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Add a hook. Its secret is printed once and cannot be read again."""
    new = flow.NewHook(url=url, events=event or (), kinds=kind or (), full_values=values)
    with show.refusals(json_wanted=as_json):
        made = flow.register_hook(new, actor=installed.client(client).actor, at=clock.now())
    _told({"hook": made.id, "secret": made.secret}, as_json=as_json)


@app.command("list")
def hook_list(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Show the client's hooks and how they fare."""
    with show.refusals(json_wanted=as_json):
        found = reading.hooks(actor=installed.client(client).actor, at=clock.now())
    if as_json:
        show.as_json(found)
        return
    show.table(
        ("hook", "host", "state", "why", "waiting", "given up", "added"),
        [(one.id, one.place, one.state, one.why, one.waiting, one.given_up, one.created_at) for one in found],
    )


@app.command("rotate")
def hook_rotate(hook: Which, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Give a hook a new secret, printed once. The one before it signs too, for 24 hours."""
    with show.refusals(json_wanted=as_json):
        made = flow.rotate_hook(_id(hook), actor=installed.client(client).actor, at=clock.now())
    _told({"hook": made.id, "secret": made.secret}, as_json=as_json)


@app.command("pause")
def hook_pause(hook: Which, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Send a hook nothing until it is resumed."""
    _set(flow.pause_hook, hook, client, as_json=as_json)


@app.command("resume")
def hook_resume(hook: Which, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Send a paused or disabled hook what waits, and go on."""
    _set(flow.resume_hook, hook, client, as_json=as_json)


@app.command("remove")
def hook_remove(hook: Which, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """End a hook for good and forget its address and secrets."""
    _set(flow.remove_hook, hook, client, as_json=as_json)


@app.command("test")
def hook_test(hook: Which, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Send a hook an event that tells nothing. 'hook deliveries' says what came of it."""
    with show.refusals(json_wanted=as_json):
        made = flow.try_hook(_id(hook), actor=installed.client(client).actor, at=clock.now())
    _told({"delivery": made}, as_json=as_json)


@app.command("deliveries")
def hook_deliveries(hook: Which, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Show what became of a hook's newest events."""
    with show.refusals(json_wanted=as_json):
        found = reading.deliveries(_id(hook), actor=installed.client(client).actor).items
    if as_json:
        show.as_json(found)
        return
    show.table(
        ("delivery", "event", "index", "state", "tries", "answer", "what", "next try"),
        [(one.id, one.type, one.index, one.state, one.tries, one.code, one.error, one.next_at) for one in found],
    )


@app.command("resend")
def hook_resend(
    hook: Which,
    delivery: Annotated[str, typer.Argument(help="The delivery's id.")],
    client: Client,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Send an event to a hook once more, under the same id."""
    with show.refusals(json_wanted=as_json):
        flow.resend(_id(hook), _id(delivery), actor=installed.client(client).actor, at=clock.now())
    _told({"delivery": delivery}, as_json=as_json)


def _set(verb: Callable[..., object], hook: str, client: str, *, as_json: bool) -> None:
    with show.refusals(json_wanted=as_json):
        verb(_id(hook), actor=installed.client(client).actor, at=clock.now())
    _told({"hook": hook}, as_json=as_json)


def _told(answer: dict[str, object], *, as_json: bool) -> None:
    show.as_json(answer) if as_json else show.facts(answer)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
