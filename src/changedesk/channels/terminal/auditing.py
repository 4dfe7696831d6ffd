"""Audits of the log at the terminal. Exit code 0: nothing is wrong; 1: not audited; 2: something is wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from django.conf import settings

from changedesk.base import clock
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.looking import log_app
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.ledger.audit import Finding
from changedesk.ledger.cosignature import read_vkey
from changedesk.reading import audit
from changedesk.reading.audit import Verdict

WRONG = 2
"""The exit code of an audit that found something."""
Since = Annotated[int, typer.Option(min=0, metavar="INDEX", help="Only from this entry on.")]
Until = Annotated[int | None, typer.Option(min=1, metavar="INDEX", help="Only to before this entry.")]
Kept = Annotated[
    list[Path],
    typer.Option("--checkpoint", exists=True, dir_okay=False, help="A checkpoint of this log that was kept elsewhere."),
]


@log_app.command("audit")
def log_audit(
    client: Client,
    since: Since = 0,
    until: Until = None,
    kept: Kept = [],  # noqa: B006 - Typer copies it
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Check the whole log: entries, tree, files, signatures, records, look-ups. Exit code 2 names what is wrong."""
    with show.refusals(json_wanted=as_json):
        verdict = audited(client, since, until, [path.read_bytes() for path in kept], hidden=as_json)
    tell(verdict, as_json=as_json)


@log_app.command("audits")
def log_audits(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Show the last audits that the worker made. Exit code 2 when the newest finished one found something."""
    with show.refusals(json_wanted=as_json):
        found = audit.runs(actor=installed.client(client).actor)
    shown = [{name: getattr(one, name) for name in _SHOWN} for one in found]
    if as_json:
        show.as_json(shown)
    else:
        show.table(_SHOWN, [tuple(one.values()) for one in shown])
    if any(one.findings for one in [one for one in found if one.finished_at is not None][:1]):
        raise typer.Exit(WRONG)


_SHOWN = ("started_at", "finished_at", "whole", "start", "size", "findings", "fault", "idx", "change_id")


def audited(client: str, since: int, until: int | None, kept: Sequence[bytes] = (), *, hidden: bool) -> Verdict:
    """Run an audit with its progress shown."""
    actor = installed.client(client).actor
    witnesses = [read_vkey(given.split()[1]) for given in settings.CHANGEDESK_WITNESSES]
    with show.progress("Auditing", hidden=hidden) as told:
        return audit.audit(
            actor=actor, at=clock.now(), since=since, until=until, kept=kept, witnesses=witnesses, tell=told
        )


def tell(verdict: Verdict, *, as_json: bool) -> None:
    """Print what an audit came to, and end with code 2 where something is wrong."""
    if as_json:
        show.as_json(
            {
                "sound": verdict.sound,
                "start": verdict.start,
                "size": verdict.size,
                "root": verdict.root,
                "published": verdict.published,
                "records": verdict.records,
                "count": verdict.count,
                "findings": [_finding(one) for one in verdict.findings],
            }
        )
    else:
        _say(verdict)
    if not verdict.sound:
        raise typer.Exit(WRONG)


def _say(verdict: Verdict) -> None:
    show.facts(
        {
            "entries": f"{verdict.start} to {verdict.size}" if verdict.start else verdict.size,
            "of them published": min(verdict.published, verdict.size),
            "records": verdict.records,
            "root": verdict.root,
        }
    )
    first = verdict.first
    if first is None:
        show.out.print("Nothing is wrong.")
        return
    show.out.print(f"First bad entry: {_where(first)}. {first.fault.sentence}", markup=False)
    rows = [(_where(one), one.fault.sentence, one.about) for one in verdict.findings]
    show.table(("entry", "what is wrong", "where"), rows)
    if verdict.count > len(rows):
        show.out.print(f"And {verdict.count - len(rows)} more.", markup=False)
    show.out.print("Stop writing to this log, keep database and files as they are, and compare with a backup.")


def _where(one: Finding) -> str:
    if one.index is None:
        return "not in the log" if one.change is None else f"not in the log, {one.change}"
    place = str(one.index) if one.until is None else f"{one.index} to {one.until - 1}"
    return place if one.change is None else f"{place}, {one.change}"


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "code": one.fault.value,
        "title": one.fault.sentence,
        "index": one.index,
        "until": one.until,
        "change": one.change,
        "about": one.about,
    }
