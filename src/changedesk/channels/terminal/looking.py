"""Looking things up. Values that the terminal may not see are masked by the reading itself."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from changedesk.base import clock
from changedesk.base.refusal import Refusal
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson, Client, SubjectArg, subject
from changedesk.reading.asof import as_of as read_as_of
from changedesk.reading.customer import customer as read_customer
from changedesk.reading.log import state as read_log
from changedesk.reading.notices import outbox as read_outbox
from changedesk.reading.request import request as read_request
from changedesk.reading.search import search as read_search
from changedesk.reading.timeline import timeline as read_timeline

customer_app = typer.Typer(no_args_is_help=True, help="Customers: how they stand, how they stood, what happened.")
request_app = typer.Typer(no_args_is_help=True, help="Change requests.")
log_app = typer.Typer(no_args_is_help=True, help="The client's log.")

Limit = Annotated[int, typer.Option(min=1, max=100, help="How many to show.")]
Before = Annotated[str | None, typer.Option(help="Go on from here: the 'next' of the page before.")]


class MomentUnclear(Refusal):
    """This is no instant.

    ``data``: option.
    """

    code = "moment-unclear"
    hint = "Write it as in 2026-03-02T09:00:00Z; without an offset it is read as UTC."


@customer_app.command("show")
def customer_show(
    id_: SubjectArg,
    client: Client,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show a customer as it stands, masked."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        panel = read_customer(subject(id_), actor=here.actor, at=clock.now(), language=here.language)
    if as_json:
        show.as_json(panel)
        return
    show.facts({"customer": panel.title, "status": panel.status, "version": panel.version, "since": panel.created_at})
    rows = [(item.label, item.text, item.since) for group in panel.groups for item in group.fields if not item.empty]
    show.table(("field", "value", "since"), rows)
    if panel.accounts:
        show.table(("account", "role", "status", "id"), [(a.number, a.role, a.status, a.id) for a in panel.accounts])


@customer_app.command("as-of")
def customer_as_of(
    id_: SubjectArg,
    client: Client,
    known_at: Annotated[str, typer.Option("--known-at", help="What was known then; now if not told.")] = "",
    valid_at: Annotated[str, typer.Option("--valid-at", help="What was true then; now if not told.")] = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show what was known at one instant of what was true at another."""
    with show.refusals(json_wanted=as_json):
        here, at = installed.client(client), clock.now()
        answer = read_as_of(
            subject(id_),
            known_at=moment(known_at, at, "--known-at"),
            valid_at=moment(valid_at, at, "--valid-at"),
            actor=here.actor,
            at=at,
            language=here.language,
        )
    if as_json:
        show.as_json(answer)
        return
    show.facts({"version": answer.version, "known at": answer.known_at, "valid at": answer.valid_at})
    show.table(("field", "value"), [(item.label, item.text) for item in answer.values.values()])


@customer_app.command("timeline")
def customer_timeline(
    id_: SubjectArg,
    client: Client,
    limit: Limit = 20,
    before: Before = None,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show what happened to a customer or an account, newest first."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        page = read_timeline(
            subject(id_), actor=here.actor, at=clock.now(), language=here.language, before=before, limit=limit
        )
    if as_json:
        show.as_json(page)
        return
    rows = [
        (item.recorded_at, item.version or "", item.title, item.actor.name or item.actor.id, item.channel)
        for item in page.items
    ]
    show.table(("recorded", "version", "what", "by", "channel"), rows)
    if page.next:
        show.out.print(f"More: --before {page.next}", markup=False)


@customer_app.command("search")
def customer_search(
    client: Client,
    term_file: Annotated[Path | None, typer.Option("--term-file", exists=True, dir_okay=False)] = None,
    limit: Limit = 20,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Find customers by name, e-mail, phone, account number or reference.

    What to look for is typed at the prompt, piped in, or stands in a file: never on the command line, which other
    people of this machine can read.
    """
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        term = _term(term_file)
        hits = read_search(term, actor=here.actor, at=clock.now(), language=here.language, limit=limit)
    if as_json:
        show.as_json(hits)
    else:
        show.table(
            ("found by", "customer", "contact", "status", "id"),
            [(item.matched, item.title, item.contact, item.status, item.ref or item.id) for item in hits],
        )


def _term(file: Path | None) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    if sys.stdin.isatty():
        return str(typer.prompt("Look for", hide_input=True, prompt_suffix=": "))
    return sys.stdin.readline().strip()


@request_app.command("show")
def request_show(
    ref: Annotated[str, typer.Argument(help="The request's reference.")],
    client: Client,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show a request: where it stands, what it would change, masked."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        panel = read_request(ref, actor=here.actor, at=clock.now(), language=here.language)
    if as_json:
        show.as_json(panel)
        return
    show.facts({"request": panel.ref, "state": panel.state, "customer": panel.subject})
    show.table(("field", "before", "after"), [(item.label, item.before, item.after) for item in panel.diff])


@log_app.command("size")
def log_size(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Show how many entries the client's log has, and who has not read all of them."""
    with show.refusals(json_wanted=as_json):
        panel = read_log(actor=installed.client(client).actor)
    if as_json:
        show.as_json(panel)
    else:
        show.facts({"entries": panel.size} | {f"behind: {name}": count for name, count in panel.behind.items()})


def outbox(
    client: Client,
    limit: Limit = 20,
    before: Before = None,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Show the messages to customers, newest first; codes and links in them are masked."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        page = read_outbox(actor=here.actor, at=clock.now(), before=before, limit=limit)
    if as_json:
        show.as_json(page)
        return
    rows = [(item.created_at, item.event, item.channel, item.recipient, item.state) for item in page.items]
    show.table(("made", "event", "by", "to", "state"), rows)
    if page.next:
        show.out.print(f"More: --before {page.next}", markup=False)


def moment(text: str, now: datetime, option: str) -> datetime:
    if not text:
        return now
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MomentUnclear(option=option) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
