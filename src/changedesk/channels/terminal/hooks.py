"""Hooks at the terminal: where a client's own systems are told of events, and what became of each."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import typer

from changedesk.base import clock
from changedesk.base.refusal import NotFound
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.looking import moment
from changedesk.channels.terminal.options import AsJson, Client, KeyFile, Secret
from changedesk.flow import hooks as flow
from changedesk.flow import resending
from changedesk.reading import hooks as reading
from changedesk.rules.hooks import KEPT_FOR

app = typer.Typer(no_args_is_help=True, help="Hooks: events for a client's own systems.")
Which = Annotated[str, typer.Argument(metavar="HOOK", help="The hook's id.")]
WhichDraft = Annotated[str, typer.Argument(metavar="DRAFT", help="The id of what waits, as 'hook list' shows it.")]


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
    waits = {} if made.draft is None else {"waits": made.draft}
    _told({"hook": made.id, "secret": made.secret, **waits}, as_json=as_json)


@app.command("change")
def hook_change(
    hook: Which,
    client: Client,
    url: Annotated[str | None, typer.Option(help="Where events are sent from now on.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Of these events alone; may be given several times.")] = None,
    all_events: Annotated[bool, typer.Option("--all-events", help="Of all events.")] = False,  # noqa: FBT002 - as above
    kind: Annotated[list[str] | None, typer.Option(help="Of requests of these kinds alone.")] = None,
    all_kinds: Annotated[bool, typer.Option("--all-kinds", help="Of requests of all kinds.")] = False,  # noqa: FBT002 - as above
    values: Annotated[bool | None, typer.Option("--values/--masked", help="Send values in clear, or masked.")] = None,
    paused: Annotated[bool | None, typer.Option("--paused/--resumed", help="Send nothing, or go on.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Set where a hook leads and what it is told. What is not given stays as it is.

    What lets values leave in clear waits until a second person approves it.
    """
    wanted = flow.HookChange(
        url=url, events=[] if all_events else event or None, kinds=[] if all_kinds else kind or None, full_values=values
    )
    with show.refusals(json_wanted=as_json):
        actor, at, key = installed.client(client).actor, clock.now(), _id(hook)
        if paused:
            flow.pause_hook(key, actor=actor, at=at)
        flow.change_hook(key, wanted, actor=actor, at=at)
        if paused is False:
            flow.resume_hook(key, actor=actor, at=at)
        found = reading.hook(key, actor=actor, at=at)
    waits = {} if found.draft is None else {"waits": found.draft.id}
    _told({"hook": hook, "state": found.state, **waits}, as_json=as_json)


@app.command("approve")
def hook_approve(
    hook: Which,
    draft: WhichDraft,
    client: Client,
    key_file: KeyFile = None,
    secret: Secret = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Put in force what somebody else wrote, as the person whose key is given."""
    with show.refusals(json_wanted=as_json):
        flow.approve_hook(_id(hook), _id(draft), actor=installed.person(client, key_file, secret), at=clock.now())
    _told({"hook": hook}, as_json=as_json)


@app.command("drop")
def hook_drop(hook: Which, draft: WhichDraft, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - as above
    """Let a hook stay as it is, instead of what waits. One that is new is removed."""
    with show.refusals(json_wanted=as_json):
        flow.drop_draft(_id(hook), _id(draft), actor=installed.client(client).actor, at=clock.now())
    _told({"hook": hook}, as_json=as_json)


@app.command("list")
def hook_list(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Show the client's hooks and how they fare."""
    with show.refusals(json_wanted=as_json):
        found = reading.hooks(actor=installed.client(client).actor, at=clock.now())
    if as_json:
        show.as_json(found)
        return
    show.table(
        ("hook", "host", "state", "why", "values", "draft", "waiting", "given up", "added"),
        [
            (
                one.id,
                one.place,
                one.state,
                one.why,
                "full" if one.full_values else "masked",
                one.draft.id if one.draft else "",
                one.waiting,
                one.given_up,
                one.created_at,
            )
            for one in found
        ],
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
        made = resending.try_hook(_id(hook), actor=installed.client(client).actor, at=clock.now())
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
    client: Client,
    delivery: Annotated[str, typer.Argument(help="One delivery's id; without it, those of a time.")] = "",
    since: Annotated[str, typer.Option(help="From this instant on; as far as events stand if left out.")] = "",
    until: Annotated[str, typer.Option(help="Before this instant; until now if left out.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also what was taken, not only what failed.")] = False,  # noqa: FBT002 - as above
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Send an event to a hook once more, under the same id, or those queued from --since until before --until."""
    if bool(delivery) == bool(since or until):
        raise typer.BadParameter("name one delivery, or a time by --since, --until or both")
    actor, at = installed.client(client).actor, clock.now()
    with show.refusals(json_wanted=as_json):
        if delivery:
            resending.resend(_id(hook), _id(delivery), actor=actor, at=at)
            _told({"delivery": delivery}, as_json=as_json)
            return
        start, end = moment(since, at - KEPT_FOR, "--since"), moment(until, at, "--until")
        done, events = None, 0
        while done is None or done.next is not None:
            done = resending.resend_range(
                _id(hook), since=start, until=end, failed=not everything, after=done.next if done else None,
                actor=actor, at=at,
            )  # fmt: skip
            events += done.events
    _told({"events": events}, as_json=as_json)


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
