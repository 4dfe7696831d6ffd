"""Reversals of what one actor did, and policies. They are deeds of a person, so they work with that person's key."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from changedesk import flow
from changedesk.base import clock
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client, KeyFile, Secret
from changedesk.flow import policies
from changedesk.flow.reversal import BadPeriod
from changedesk.reading import policies as reading
from changedesk.reading import reversals
from changedesk.rules.limits import BOUNDS, LimitUnfit

reversal_app = typer.Typer(no_args_is_help=True, help="Undo everything that one actor did in a time.")
policy_app = typer.Typer(no_args_is_help=True, help="Write a policy, look at it, publish what another wrote.")
Whose = Annotated[str, typer.Argument(metavar="ACTOR", help="As the history names it: s12, k3.")]
Since = Annotated[str, typer.Option("--since", help="From when: RFC 3339, with its offset.")]
Until = Annotated[str, typer.Option("--until", help="Until when; this moment itself is not in it.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The policy's number.")]


@reversal_app.command("plan")
def plan(
    whose: Whose,
    client: Client,
    since: Since,
    until: Until,
    key_file: KeyFile = None,
    secret: Secret = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Say what it would meet, change by change. Asks for nothing."""
    with show.refusals(json_wanted=as_json):
        actor = installed.person(client, key_file, secret)
        found = flow.plan_reversal(whose, since=_time(since), until=_time(until), actor=actor, at=clock.now())
    rows = [
        {"change": one.change, "subject": one.subject, "recorded_at": one.recorded_at, "finding": one.finding,
         "fields": [field.path for field in one.fields]}
        for one in found.changes
    ]  # fmt: skip
    if as_json:
        show.as_json({"changes": rows, "requests": found.rows})
        return
    show.table(
        ("recorded", "subject", "fields", "finding"),
        [
            (one.recorded_at, one.subject, " ".join(field.path for field in one.fields), one.finding)
            for one in found.changes
        ],
    )
    show.facts({"requests": found.rows})


@reversal_app.command("start")
def start(
    whose: Whose,
    client: Client,
    since: Since,
    until: Until,
    reason: Annotated[str, typer.Option("--reason", help="A reason code of the client.")] = "reversal",
    force: Annotated[bool, typer.Option("--force", help="Also over later changes of others.")] = False,  # noqa: FBT002 - as above
    key_file: KeyFile = None,
    secret: Secret = "",
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Ask for it. The same command again goes on where it was ended; 'batch approve' lets it go ahead."""
    with show.refusals(json_wanted=as_json):
        actor = installed.person(client, key_file, secret)
        once = hashlib.sha256(f"{whose}|{since}|{until}|{reason}|{force}".encode()).hexdigest()
        made = flow.start_reversal(
            whose,
            since=_time(since),
            until=_time(until),
            reason=reason,
            force=force,
            actor=actor,
            at=clock.now(),
            key=flow.Once(f"terminal/{once}", b""),
        )
        flow.run_reversal(made.id, actor=actor, at=clock.now())
        panel = reversals.reversal(made.id, actor=actor)
    if as_json:
        show.as_json(panel)
    else:
        show.facts({"batch": made.id, "digest": panel.digest, **panel.counts})


@policy_app.command("list")
def listed(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - as above
    """List policies, newest first."""
    with show.refusals(json_wanted=as_json):
        found = reading.policies(actor=installed.client(client).actor)
    if as_json:
        show.as_json(found)
    else:
        show.table(
            ("number", "state", "written by", "written", "packs"),
            [(one.number, one.state, one.author.name, one.written_at, ", ".join(one.packs)) for one in found],
        )


@policy_app.command("write")
def write(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The client's own rules in TOML.")],
    client: Client,
    packs: Annotated[list[str] | None, typer.Option("--pack", help="A pack that counts; as now if not told.")] = None,
    jurisdictions: Annotated[list[str] | None, typer.Option("--jurisdiction", help="Where; as now.")] = None,
    industries: Annotated[list[str] | None, typer.Option("--industry", help="For what; as now.")] = None,
    limits: Annotated[
        list[str] | None, typer.Option("--limit", help="As in reveals_an_hour=20; others as now.")
    ] = None,
    key_file: KeyFile = None,
    secret: Secret = "",
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Keep a draft on top of the policy in force, and show how it differs."""
    with show.refusals(json_wanted=as_json):
        actor = installed.person(client, key_file, secret)
        _, *now, _ = reading.in_force(actor=actor)
        told = [given or kept for given, kept in zip((packs, jurisdictions, industries), now, strict=True)]
        new = policies.NewPolicy(
            source=file.read_text("utf-8"),
            packs=told[0],
            jurisdictions=told[1],
            industries=told[2],
            limits=dict(_limit(one) for one in limits or ()),
        )
        number = policies.write_policy(new, actor=actor, at=clock.now())
        panel = reading.policy_panel(number, actor=actor)
    _tell(panel, as_json=as_json)


@policy_app.command("show")
def shown(number: Number, client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - as above
    """Show how a policy differs from what is in force."""
    with show.refusals(json_wanted=as_json):
        panel = reading.policy_panel(number, actor=installed.client(client).actor)
    _tell(panel, as_json=as_json)


@policy_app.command("simulate")
def simulate(
    number: Number,
    client: Client,
    last: Annotated[int, typer.Option(min=1, max=reading.LAST_MOST, help="How many of the newest requests.")] = 500,
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Decide past requests again by a policy. Writes nothing."""
    with show.refusals(json_wanted=as_json):
        found = reading.simulate(number, last=last, actor=installed.client(client).actor)
    if as_json:
        show.as_json(found)
        return
    show.facts({"looked at": found.looked_at, **found.counts})
    if found.samples:
        rows = [(one.ref, one.kind, ", ".join(one.more), ", ".join(one.less)) for one in found.samples]
        show.table(("request", "kind", "more", "less"), rows)


@policy_app.command("publish")
def publish(
    number: Number,
    client: Client,
    key_file: KeyFile = None,
    secret: Secret = "",
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Put a policy in force that somebody else wrote."""
    with show.refusals(json_wanted=as_json):
        version = policies.publish_policy(number, actor=installed.person(client, key_file, secret), at=clock.now())
    if as_json:
        show.as_json({"policy_version": version})
    else:
        show.facts({"policy version": version})


def _tell(panel: reading.PolicyPanel, *, as_json: bool) -> None:
    if as_json:
        show.as_json(panel)
        return
    show.facts({"policy": panel.policy.number, "state": panel.policy.state, "written by": panel.policy.author.name})
    for name, (was, now) in panel.settings.items():
        show.facts({name: f"{', '.join(was)} -> {', '.join(now)}"})
    for name, (most, less) in panel.limits.items():
        show.facts({name: f"{most} -> {less}"})
    show.table(("rule", "pack", "change"), [(one.rule, one.pack, one.change) for one in panel.rules])


def _limit(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not (value.isascii() and value.isdecimal()):
        raise LimitUnfit(limit=name, known=list(BOUNDS))
    return name, int(value)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadPeriod from None
    if found.tzinfo is None:
        raise BadPeriod
    return found
