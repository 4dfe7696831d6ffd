"""Keys at the terminal: how they stand, renewing them, and the master file in two sealed halves."""

import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.terminal import installed, show
from changedesk.channels.terminal.options import AsJson
from changedesk.flow import rotating
from changedesk.reading.keys import keys
from changedesk.rules.access import terminal

app = typer.Typer(no_args_is_help=True, help="Keys: how they stand, renewing them, escrow of the master.")
_PAUSE_SECONDS: Final = 1.0


class What(StrEnum):
    """What can be renewed."""

    MASTER = "master"
    KEK = "kek"
    BLIND = "blind"
    META = "meta"
    LOG = "log"


class FileStands(Refusal):
    """There is a file of this name already, and it is not written over.

    ``data``: path.
    """

    code = "file-stands"
    hint = "Give another name, or put that file away first."
    status = "conflict"


OfClient = Annotated[str, typer.Option("--client", help="The client's short name.", envvar="CHANGEDESK_CLIENT")]
Finish = Annotated[bool, typer.Option("--finish", help="Of log: the older key signs no more.")]
Prepare = Annotated[bool, typer.Option("--prepare", help="Of master: make the version only, to be copied first.")]
Wait = Annotated[bool, typer.Option("--wait", help="Do here what the worker would, and return when it is done.")]
Half = Annotated[Path, typer.Argument(dir_okay=False, help="A half's file.")]


@app.command("status")
def keys_status(client: OfClient = "", as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Show the master's versions, and a client's keys with how far a renewal is."""
    with show.refusals(json_wanted=as_json):
        master = rotating.master_state(actor=_installer())
        found = keys(actor=installed.client(client).actor) if client else None
    told = {"master": master.version, "wrapped": master.wrapped, "under_older_versions": master.old}
    if as_json:
        more = {} if found is None else {"old": found.old, "keys": found.epochs, "renewals": found.renewals}
        show.as_json({**told, **more})
        return
    show.facts({"master": master.version, "keys under older versions": master.old})
    show.table(("version", "keys"), sorted(master.wrapped.items()))
    if found is None:
        return
    show.table(
        ("key", "epoch", "wrapped by", "phase", "made"),
        [(one.purpose, one.epoch, one.master, one.phase, one.created_at) for one in found.epochs],
    )
    show.table(
        ("renewal of", "to epoch", "step", "done", "of", "old left", "begun", "finished"),
        [
            (one.purpose, one.epoch, one.step, one.done, one.todo, one.old, one.started_at, one.finished_at)
            for one in found.renewals
        ],
    )


@app.command("rotate")
def keys_rotate(
    what: What,
    client: OfClient = "",
    finish: Finish = False,  # noqa: FBT002 - Typer's way to declare a flag
    prepare: Prepare = False,  # noqa: FBT002 - as above
    wait: Wait = False,  # noqa: FBT002 - as above
    as_json: AsJson = False,  # noqa: FBT002 - as above
) -> None:
    """Renew the master for everybody, or a client's kek, blind, meta or log key, while the desk works."""
    with show.refusals(json_wanted=as_json):
        if what is What.MASTER:
            if not prepare:
                _rotate_master(as_json=as_json)
                return
            rotating.prepare_master(actor=_installer())
            keys_status("", as_json)
            return
        if not client:
            raise NotFound
        actor = installed.client(client).actor
        if what is What.LOG and finish:
            rotating.leave_log_key(actor=actor)
        else:
            rotating.renew_keys([what.value], actor=actor, at=clock.now())
        if wait:
            _go_on(actor, what, hidden=as_json)
    keys_status(client, as_json)


def _rotate_master(*, as_json: bool) -> None:
    with show.progress("Wrapping keys", hidden=as_json) as told:
        state = rotating.renew_master(actor=_installer(), tell=told)
    if as_json:
        show.as_json({"master": state.version, "wrapped": state.wrapped, "under_older_versions": state.old})
        return
    show.facts({"master": state.version, "keys under older versions": state.old})
    for version in state.unneeded:
        number = version.partition(":")[2]
        show.out.print(f"Nothing needs {version} any more: 'changedesk keys drop-master {number}' removes it.")


def _go_on(actor: Actor, what: What, *, hidden: bool) -> None:
    with show.progress(f"Renewing {what.value}", hidden=hidden) as told:
        while (now := keys(actor=actor).running(what.value)) is not None:
            told(now.done / now.todo if now.todo else 0.0, f"{now.step}, {now.old} left")
            if not rotating.renew_on(actor.client, at=clock.now()):
                threading.Event().wait(_PAUSE_SECONDS)


@app.command("drop-master")
def keys_drop_master(
    version: Annotated[int, typer.Argument(min=1, help="The version's number in the master file.")],
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Remove an old version from the master file, for good. Refused while anything needs it."""
    with show.refusals(json_wanted=as_json):
        rotating.drop_master(version, actor=_installer())
    if as_json:
        show.as_json({"removed": version})
        return
    show.out.print("Removed. Backups that are older than the renewal open no more, nor do their escrows.")


@app.command("export-escrow")
def keys_export_escrow(first: Half, second: Half, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way
    """Write the master file in two halves, each sealed under a passphrase that its keeper types here."""
    with show.refusals(json_wanted=as_json):
        for path in (first, second):
            if path.exists():
                raise FileStands(path=str(path))
        words = (_word("the first keeper", twice=True), _word("the second keeper", twice=True))
        for path, text in zip((first, second), rotating.export_escrow(words, actor=_installer()), strict=True):
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(text, encoding="ascii")
    if as_json:
        show.as_json({"written": [first, second]})
        return
    show.out.print("Written. Keep them apart, and try both with 'changedesk keys import-escrow' on another machine.")


@app.command("import-escrow")
def keys_import_escrow(first: Half, second: Half, as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way
    """Write the master file anew from its two halves, where none stands."""
    with show.refusals(json_wanted=as_json):
        halves = [_read(path) for path in (first, second)]
        words = [_word(f"{path.name}'s keeper") for path in (first, second)]
        versions = rotating.import_escrow(halves, words, actor=_installer())
    if as_json:
        show.as_json({"versions": versions})
        return
    show.facts({"versions": ", ".join(map(str, versions))})


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise NotFound(path=str(path)) from None


def _word(whose: str, *, twice: bool = False) -> str:
    return str(typer.prompt(f"Passphrase of {whose}", hide_input=True, confirmation_prompt=twice, err=True))


def _installer() -> Actor:
    return terminal(ClientId(0))
