"""The command ``changedesk``: running it is here, working with it comes from the terminal channel."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Annotated, Any

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console

from changedesk.base.refusal import Refusal
from changedesk.config import bootstrap, checks, gate, restoring, supervisor
from changedesk.config.checks import Finding, findings, migrations
from changedesk.config.embedded import CannotStartError, Server, dying_with_me
from changedesk.config.environment import Environment

UNFIT = 2
"""Exit code of a start that the checks refuse."""
STOP_SECONDS = 90
ME = (sys.executable, "-m", "changedesk.config.command")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The account-change desk.",
)
database_app = typer.Typer(no_args_is_help=True, help="Make a PostgreSQL database ready.")
app.add_typer(database_app, name="database")
out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@contextmanager
def plain_failures() -> Iterator[None]:
    """Say what went wrong in a sentence, without the program's inside."""
    try:
        yield
    except Refusal as refusal:
        err.print(f"{refusal.sentence} {refusal.hint}".strip(), markup=False)
        raise typer.Exit(1) from refusal
    except (CannotStartError, supervisor.Fallen) as error:
        err.print(str(error), markup=False)
        raise typer.Exit(1) from error
    except psycopg.Error as error:
        err.print(f"The database refused ({type(error).__name__}). Check the address and its rights.", markup=False)
        raise typer.Exit(1) from error


def environment() -> Environment:
    """The settings, or exit code 2 with the names of those that are wrong."""
    try:
        return Environment()
    except (ValidationError, OSError) as error:
        problems = error.errors(include_input=False, include_url=False) if isinstance(error, ValidationError) else []
        for problem in problems:
            err.print(f"CHANGEDESK_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}", markup=False)
        if not problems:
            err.print(f"A file that the settings name cannot be read: {error}", markup=False)
        raise typer.Exit(UNFIT) from error


def set_up() -> None:
    """Make Django ready in this process, as the application."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
    import django  # noqa: PLC0415 - only the commands that need it pay for it

    django.setup()


def unfit(env: Environment) -> list[Finding]:
    """Why this installation must not serve, if anything."""
    missing = []
    if env.secret_key is None and not (env.secrets_dir / "secret_key").exists():
        missing.append(
            Finding("no-secret-key", "No secret key. Set CHANGEDESK_SECRET_KEY_FILE, or use 'changedesk up'.")
        )
    if env.kms is None and not env.master_key_path.exists():
        missing.append(
            Finding("no-master-key", "No master key. Set CHANGEDESK_MASTER_KEY_FILE, or use 'changedesk up'.")
        )
    else:
        missing += checks.master()
    return missing + findings(bootstrap.urls(env).app)


def refuse_when_unfit(env: Environment) -> None:
    """Leave with exit code 2 and every reason, unless all is well."""
    found = unfit(env)
    for finding in found:
        err.print(f"Not started: {finding.sentence}", markup=False)
    if found:
        raise typer.Exit(UNFIT)


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="Where the web pages are; the next free one if taken.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say how long each step took.")] = False,  # noqa: FBT002 - Typer
) -> None:
    """Start everything here: database, web and worker; print where to sign in. Ctrl-C stops it all."""
    env = environment()
    with plain_failures(), supervisor.Lock(env.state_dir) as lock:
        server = Server(state_dir=env.state_dir) if env.embedded else None
        if server:
            server.require(*bootstrap.own_keys(env))
        bootstrap.make_keys(env)
        boss = supervisor.Supervisor(server)
        try:
            _start_all(env, boss, lock, port or env.web_port, verbose=verbose)
            boss.watch(lambda: lock.tell({"programs": boss.programs()}))
            out.print("Stopping ...")
        finally:
            boss.stop()


@contextmanager
def _step(name: str, *, verbose: bool) -> Iterator[None]:
    out.print(f"{name} ...")
    started = time.monotonic()
    yield
    if verbose:
        out.print(f"  {time.monotonic() - started:.1f} s")


def _start_all(
    env: Environment, boss: supervisor.Supervisor, lock: supervisor.Lock, wanted: int, *, verbose: bool
) -> None:
    state = {"CHANGEDESK_STATE_DIR": str(env.state_dir)}
    if boss.server:
        with _step("Database", verbose=verbose):
            boss.server.start()
            bootstrap.prepare(boss.server.conninfo(), env.secrets_dir)
    port = supervisor.free_port(env.web_host, wanted)
    if port != wanted:
        out.print(f"Port {wanted} is taken; using {port}.")
    state["CHANGEDESK_PUBLIC_URL"] = url = _public_url(env, port)
    live_port = supervisor.free_port(env.web_host, port + 1) if supervisor.live_exists() else None
    if live_port and env.live_url is None:
        state["CHANGEDESK_LIVE_URL"] = _public_url(env, live_port)
    logs = env.state_dir / "log"
    logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    web = supervisor.web_command(host=env.web_host, port=port, workers=env.web_workers, threads=env.web_threads)
    gated = {**state, gate.VARIABLE: str(env.state_dir / "gate")}
    with (
        _step("Schema, checks, demo clients and customers", verbose=verbose),
        gate.closed(env.state_dir / "gate"),
    ):
        # It loads meanwhile, and serves nobody before all is checked.
        boss.add(supervisor.Child(name="web", command=web, environment=gated, log_file=logs / "web.log"))
        sign_ins = json.loads(boss.run_once([*ME, "ready"], state) or "[]")
    with _step("Web", verbose=verbose):
        if not boss.wait_ready(env.web_host, port):
            return
    # Nobody waits for these two: beside the web process they would only keep its first page back.
    if live_port:
        live = supervisor.live_command(host=env.web_host, port=live_port)
        boss.add(supervisor.Child(name="live", command=live, environment=state, log_file=logs / "live.log"))
    boss.add(supervisor.Child(name="worker", command=[*ME, "worker"], environment=state, log_file=logs / "worker.log"))
    lock.tell({"url": url, "port": port, "programs": boss.programs()})
    _welcome(url, sign_ins)


def _public_url(env: Environment, port: int) -> str:
    """What people open: as set, or for a trial on this machine its own address with the port really used."""
    return env.public_url if "public_url" in env.model_fields_set else f"http://localhost:{port}"


def _welcome(url: str, sign_ins: list[dict[str, str]]) -> None:
    out.print(f"\nChangedesk is ready:  [bold]{url}[/bold]\n")
    for sign_in in sign_ins:
        out.print("  " + "   ".join(str(value) for value in sign_in.values() if value), markup=False)
    out.print("\nCtrl-C stops it; nothing is lost.")


@app.command()
def stop() -> None:
    """Stop what 'changedesk up' started here."""
    facts = supervisor.running(environment().state_dir)
    if not facts or "pid" not in facts:
        out.print("Nothing runs here.")
        return
    with suppress(ProcessLookupError):
        life = os.pidfd_open(facts["pid"])
        os.kill(facts["pid"], signal.SIGTERM)
        with plain_failures():
            if not supervisor.ended(life, STOP_SECONDS):
                raise supervisor.Fallen(f"Process {facts['pid']} did not stop within {STOP_SECONDS} seconds.")
    out.print("Stopped.")


@app.command()
def status(as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Show what runs here. Exit code 0 when it is ready, else 1."""
    env = environment()
    facts = supervisor.running(env.state_dir)
    answer = {"running": facts is not None, "ready": False, **(facts or {})}
    if facts and "port" in facts:
        health = supervisor.health(env.web_host, facts["port"])
        answer |= {"ready": health is not None, "log": (health or {}).get("log", "unknown")}
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    elif facts is None:
        out.print("Nothing runs here. Start it with 'changedesk up'.")
    else:
        out.print(f"{'Ready' if answer['ready'] else 'Starting'}: {facts.get('url', '...')}", markup=False)
        if answer.get("log") == "damaged":
            out.print("The log of a client is damaged. 'changedesk log audits --client NAME' says where.")
    raise typer.Exit(0 if answer["ready"] else 1)


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:  # noqa: FBT002 - Typer
    """Delete the embedded database and all keys of this folder, for good."""
    env = environment()
    if not yes:
        typer.confirm(f"Delete all data and keys in {env.state_dir}? Nothing can bring them back", abort=True)
    with plain_failures(), supervisor.Lock(env.state_dir):
        Server(state_dir=env.state_dir).erase()
        for name in ("secrets", "log", "tlog"):
            shutil.rmtree(env.state_dir / name, ignore_errors=True)
        # Sign-ins and authenticators of a demonstration open nothing any more, and would be taken for the next one's.
        for left in env.state_dir.glob("demo-*"):
            left.unlink()
    out.print("Deleted.")


@app.command()
def migrate(quiet: Annotated[bool, typer.Option("--quiet")] = False) -> None:  # noqa: FBT002 - Typer flag
    """Bring the database schema up to date, as the role that owns it."""
    owner = bootstrap.urls(environment()).owner
    if not owner:
        err.print("Set CHANGEDESK_MIGRATION_URL: the role that owns the schema.")
        raise typer.Exit(UNFIT)
    with plain_failures():
        bootstrap.migrate(owner, verbosity=0 if quiet else 1)


@app.command()
def serve() -> None:
    """Run the web process alone, in the foreground."""
    env = environment()
    set_up()
    refuse_when_unfit(env)
    command = supervisor.web_command(
        host=env.web_host, port=env.web_port, workers=env.web_workers, threads=env.web_threads
    )
    os.execv(command[0], command)  # noqa: S606 - no shell wanted; signals reach the server itself


@app.command()
def worker() -> None:
    """Run the worker alone, in the foreground."""
    env = environment()
    set_up()
    refuse_when_unfit(env)
    from changedesk.config import worker as loop  # noqa: PLC0415 - duties import models

    loop.main(bootstrap.urls(env).app)


@app.command()
def doctor(
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
    quiet: Annotated[bool, typer.Option("--quiet", help="Say only what is wrong.")] = False,  # noqa: FBT002 - Typer
) -> None:
    """Check everything that start-up checks. Exit code 0 when all is well, else 2."""
    env = environment()
    set_up()
    found = unfit(env)
    if as_json:
        sys.stdout.write(json.dumps({"ok": not found, "findings": [vars(one) for one in found]}) + "\n")
    else:
        for finding in found:
            err.print(f"{finding.code}: {finding.sentence}", markup=False)
        if not found and not quiet:
            out.print("All is well.")
    raise typer.Exit(UNFIT if found else 0)


@app.command(hidden=True)
def ready() -> None:
    """Bring schema and rights up to date, check, make the demonstration; print how to sign in, as JSON.

    One process for all that has to be done before serving: each further one would load the framework anew.
    """
    env = environment()
    set_up()
    with plain_failures():
        _bring_up_to_date(env)
    refuse_when_unfit(env)
    _plant()


def _bring_up_to_date(env: Environment) -> None:
    owner = bootstrap.urls(env).owner
    if not owner:
        return
    if not migrations():
        # A table that is named there and missing is what an interrupted first start left.
        with suppress(psycopg.errors.UndefinedTable), psycopg.connect(owner) as connection:
            bootstrap.grant(connection)
            return
    # Migrating needs a process that is the owner's from its start.
    done = subprocess.run(  # noqa: S603 - our own command
        [*ME, "migrate", "--quiet"],
        check=False,
        stdout=sys.stderr,
        preexec_fn=dying_with_me(signal.SIGTERM),
    )
    if done.returncode:
        raise typer.Exit(done.returncode)


@app.command(hidden=True)
def seed() -> None:
    """Make the demo clients, people and customers; print how to sign in, as JSON."""
    set_up()
    _plant()


def _plant() -> None:
    plant = terminal_part("demo", "seed")
    sys.stdout.write(json.dumps(list(plant() or []) if plant else []) + "\n")


@database_app.command("prepare")
def database_prepare(
    admin_url: Annotated[str, typer.Option(help="A role that may create roles and databases.")],
    name: Annotated[str, typer.Option(help="The database to make.")] = bootstrap.DATABASE,
) -> None:
    """Create the two roles and the database; print the settings that connect to it."""
    env = environment()
    with plain_failures():
        made = bootstrap.prepare(admin_url, env.secrets_dir, database=name)
    sys.stdout.write(f"CHANGEDESK_DATABASE_URL='{made.app}'\nCHANGEDESK_MIGRATION_URL='{made.owner}'\n")


app.add_typer(restoring.commands(environment, set_up, plain_failures), name="restore")


def terminal_part(module: str, name: str) -> Callable[[], Any] | None:
    """Something of the terminal channel, or None when this build has none."""
    whole = f"changedesk.channels.terminal{'.' if module else ''}{module}"
    try:
        part: Callable[[], Any] | None = getattr(import_module(whole), name, None)
    except ModuleNotFoundError as error:
        if error.name and whole.startswith(error.name):
            return None
        raise
    return part


def main() -> None:
    """The program's entry: its own commands and those of the terminal channel, which need Django first."""
    own = {
        command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands
    }
    if not (len(sys.argv) > 1 and sys.argv[1] in own | {"database", "restore"}):
        set_up()
        work = terminal_part("", "app")
        if isinstance(work, typer.Typer):
            app.registered_commands += work.registered_commands
            app.registered_groups += work.registered_groups
    with plain_failures_at_exit():
        app()


@contextmanager
def plain_failures_at_exit() -> Iterator[None]:
    """As ``plain_failures``, for commands of the terminal channel."""
    from django.db.utils import Error as DatabaseError  # noqa: PLC0415 - most commands here pay for Django anyway

    try:
        with plain_failures():
            try:
                yield
            except DatabaseError as error:
                # Django wraps the driver's own; what it wraps is what people are told of.
                raise (error.__cause__ if isinstance(error.__cause__, psycopg.Error) else psycopg.Error()) from error
    except typer.Exit as leaving:
        sys.exit(leaving.exit_code)


if __name__ == "__main__":
    main()
