"""Forgetting at the terminal: certificates, the steps of what was decided, and what time takes.

An erasure is asked for like any change, by a person and with its approvals: nobody erases from here.
"""

from typing import Annotated
from uuid import UUID

import typer

from changedesk import flow
from changedesk.base import clock
from changedesk.base.refusal import NotFound
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.reading import erasures

erase_app = typer.Typer(no_args_is_help=True, help="Erasures: certificates, and going on with them.")
retention_app = typer.Typer(no_args_is_help=True, help="What no rule keeps any more.")
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list what is due.")]


@erase_app.command("list")
def erase_list(
    client: Client,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """List erasures, the newest first."""
    with show.refusals(json_wanted=as_json):
        found = erasures.certificates(actor=installed.client(client).actor, limit=limit).items
    if as_json:
        show.as_json(found)
        return
    lines = [
        (one.id, one.requested_at, one.cause, one.state, one.whole, len(one.erased), len(one.kept)) for one in found
    ]
    show.table(("id", "begun", "cause", "state", "whole", "fields gone", "kept"), lines)


@erase_app.command("certificate")
def erase_certificate(
    client: Client,
    erasure: Annotated[str, typer.Argument(metavar="ID", help="The erasure's id.")],
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Print what went, and what stays by which rule until when."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        found = erasures.certificate(_id(erasure), actor=here.actor, language=here.language)
    if as_json:
        show.as_json(found)
        return
    show.facts(
        {
            "subject": found.subject,
            "request": found.ref or found.cause,
            "came along with": found.along or "",
            "state": found.state,
            "begun": found.requested_at,
            "confirmed": found.confirmed_at,
            "entry": found.change,
            "place in the log": found.index,
        }
    )
    show.table(("gone", "up to version"), [(one.path, one.upto) for one in found.erased])
    if found.merged:
        lines = [(one.subject, one.id, one.state, one.whole) for one in found.merged]
        show.table(("merged record", "its certificate", "state", "whole"), lines)
    if found.accounts:
        held = [(one.account, one.becomes, one.rule, one.until or "") for one in found.accounts]
        show.table(("account", "what became of it", "by rule", "until"), held)
    show.table(
        ("kept", "by rule", "until"), [(one.path, one.rule, one.until or "its account is closed") for one in found.kept]
    )


@erase_app.command("go-on")
def erase_go_on(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Do now what the worker would: take every erasure under way as far as it goes."""
    with show.refusals(json_wanted=as_json):
        done = flow.forget_on(installed.client(client).actor.client, at=clock.now())
    show.as_json({"finished": done}) if as_json else show.facts({"erasures finished": done})


@retention_app.command("run")
def retention_run(
    client: Client,
    dry_run: DryRun = False,  # noqa: FBT002 - Typer's way to declare a flag
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Take what is due today, once a day; with --dry-run list it and take nothing."""
    with show.refusals(json_wanted=as_json):
        id_, at = installed.client(client).actor.client, clock.now()
        if dry_run:
            _list(list(flow.plan_retirement(id_, at=at)), as_json=as_json)
            return
        looked_at = 0
        while (step := flow.retire_due(id_, at=at)) > 0:
            looked_at += step
        done = flow.forget_on(id_, at=at)
    answer = {"looked_at": looked_at, "finished": done}
    show.as_json(answer) if as_json else show.facts(answer)


def _list(due: list[flow.Due], *, as_json: bool) -> None:
    lines = [
        (one.subject, "everything" if one.whole else item.path, item.upto, item.rule, item.retention)
        for one in due
        for item in (one.decisions[:1] if one.whole else one.decisions)
    ]
    if as_json:
        show.as_json([dict(zip(("subject", "what", "upto", "rule", "retention"), line, strict=True)) for line in lines])
    else:
        show.table(("record", "what", "up to version", "by rule", "class"), lines)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
