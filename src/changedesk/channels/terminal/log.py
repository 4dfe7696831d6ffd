"""The published log at the terminal: publishing it now, reading it, believing a receipt without asking anybody."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from changedesk.base import clock
from changedesk.base.ids import ChangeId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.terminal import auditing, installed, show
from changedesk.channels.terminal.looking import log_app
from changedesk.channels.terminal.options import AsJson, Client
from changedesk.ledger import note, receipt
from changedesk.ledger.checkpoint import open_checkpoint
from changedesk.ledger.cosignature import AnyVerifier, read_vkey
from changedesk.ledger.note import NoteRefused
from changedesk.ledger.receipt import ReceiptRefused
from changedesk.outbound import publish
from changedesk.outbound.publish import anchors
from changedesk.reading import audit, published

app = log_app
Anchor = Annotated[bool, typer.Option("--anchor", help="In the installation's own log.")]
PostQuantum = Annotated[bool, typer.Option("--post-quantum", help="Sign with ML-DSA-44 too from now on.")]
Keys = Annotated[list[str], typer.Option("--key", help="The log's verifier key, as 'changedesk log keys' prints it.")]
Witnesses = Annotated[list[str], typer.Option("--witness", help="A witness's verifier key: it must have cosigned.")]


class ProvesNothing(Refusal):
    """This proves nothing.

    ``data``: why.
    """

    code = "proves-nothing"
    hint = "Check that it is the whole file, and that the key is the log's own, got from somebody you trust."


@app.command("publish")
def log_publish(client: Client, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Publish now what the worker would: tiles, entries and a signed checkpoint."""
    with show.refusals(json_wanted=as_json):
        here = installed.client(client)
        gained = publish.publish(here.actor.client, at=clock.now(), paced=False)
        anchors.anchor(here.actor.client, at=clock.now(), paced=False)
    if as_json:
        show.as_json({"published": gained})
    else:
        show.facts({"entries newly published": gained})


@app.command("checkpoint")
def log_checkpoint(
    client: Client,
    anchor: Anchor = False,  # noqa: FBT002 - Typer's way to declare a flag
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Print the newest signed checkpoint."""
    with show.refusals(json_wanted=as_json):
        actor = installed.client(client).actor
        found = published.anchor_checkpoint(actor=actor) if anchor else published.checkpoint(actor=actor)
    if as_json:
        show.as_json({"checkpoint": found.decode()})
    else:
        typer.echo(found, nl=False)


@app.command("keys")
def log_keys(
    client: Client,
    anchor: Anchor = False,  # noqa: FBT002 - Typer's way to declare a flag
    post_quantum: PostQuantum = False,  # noqa: FBT002 - Typer's way to declare a flag
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Print the verifier keys of the log, for whoever is to believe it without believing us."""
    with show.refusals(json_wanted=as_json):
        actor = installed.client(client).actor
        if post_quantum:
            publish.add_post_quantum_key(actor.client)
        found = published.anchor_keys(actor=actor) if anchor else published.keys(actor=actor)
    if as_json:
        show.as_json(found)
    else:
        typer.echo("\n".join(found.keys))


@app.command("receipt")
def log_receipt(
    client: Client,
    change: Annotated[str, typer.Argument(metavar="CHANGE", help="The id of a change.")] = "",
    anchor: Anchor = False,  # noqa: FBT002 - Typer's way to declare a flag
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Print the receipt of an entry: keep it in a file that ends in .tlog-proof."""
    with show.refusals(json_wanted=as_json):
        actor = installed.client(client).actor
        found = published.anchor_receipt(actor=actor) if anchor else published.receipt(_change(change), actor=actor)
    if as_json:
        show.as_json({"receipt": found.decode()})
    else:
        typer.echo(found, nl=False)


def _change(text: str) -> ChangeId:
    try:
        return ChangeId(UUID(text))
    except ValueError:
        raise NotFound from None


@app.command("verify")
def log_verify(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="A receipt, or a checkpoint.")
    ] = None,
    keys: Keys = [],  # noqa: B006 - Typer copies it
    witnesses: Witnesses = [],  # noqa: B006 - as above
    change: Annotated[str, typer.Option(metavar="CHANGE", help="Or, of a client: the entry of a change.")] = "",
    client: Annotated[str, typer.Option(help="The client's short name.", envvar="CHANGEDESK_CLIENT")] = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Check a receipt or a checkpoint offline, with nothing but the keys: exit code 0 when it holds, else 1.

    With --client and --change: check one entry, and the record that it is about, in the database and the files.
    """
    with show.refusals(json_wanted=as_json):
        if file is None:
            place = audit.place_of(_change(change), actor=installed.client(client).actor)
            verdict = auditing.audited(client, place, place + 1, hidden=True)
        else:
            found = _believed(file, keys, witnesses)
    if file is None:
        auditing.tell(verdict, as_json=as_json)
    elif as_json:
        show.as_json(found)
    else:
        show.facts(found)


def _believed(file: Path, keys: list[str], witnesses: list[str]) -> dict[str, object]:
    if not keys:
        raise ProvesNothing(why="no key was given to believe")
    try:
        return _verified(file.read_bytes(), [read_vkey(key) for key in keys], [read_vkey(key) for key in witnesses])
    except (NoteRefused, ReceiptRefused) as refused:
        raise ProvesNothing(why=str(refused)) from None


def _verified(data: bytes, keys: list[AnyVerifier], witnesses: list[AnyVerifier]) -> dict[str, object]:
    """Return what is proved. Every key that is given must have signed. Raises NoteRefused, ReceiptRefused."""
    log, origin = keys[0], keys[0].name
    proved: dict[str, object] = {}
    signed = data
    if data.startswith(receipt.HEADER.encode()):
        read = receipt.parse(data)
        signed = read.checkpoint
        entry = anchors.digest(read.extra) if _is_checkpoint(read.extra) else read.extra
        receipt.check(read, entry, log, origin)
        proved = {"entry": read.index, "document": read.extra.decode("utf-8", "replace")}
    checkpoint = open_checkpoint(signed, log, origin)
    for one in (*keys, *witnesses):
        note.open_note(signed, [one])
    return {"log": origin, "size": checkpoint.size, "root": checkpoint.root.hex(), **proved}


def _is_checkpoint(data: bytes) -> bool:
    try:
        note.parse(data)
    except NoteRefused:
        return False
    return True


@app.command("rebuild")
def log_rebuild(
    client: Client,
    to: Annotated[Path, typer.Option("--to", file_okay=False, help="An empty folder, or one that is made.")],
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Write the published log anew from the database alone: the same files, byte for byte."""
    with show.refusals(json_wanted=as_json):
        size = publish.rebuild(installed.client(client).actor.client, to)
        if not size:
            raise published.NotPublished
    if as_json:
        show.as_json({"size": size})
    else:
        show.facts({"entries": size})
