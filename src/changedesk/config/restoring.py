"""After a restore, before anybody is served: the erasures of the journal are carried out again.

docs/runbooks/restore.md is the way that an operator goes; these are its steps.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import typer

from changedesk.config import checks, supervisor
from changedesk.config.embedded import Server
from changedesk.config.environment import Environment

UNFIT = 2
"""Exit code of a check that found something."""


def commands(
    environment: Callable[[], Environment],
    set_up: Callable[[], None],
    plain_failures: Callable[[], AbstractContextManager[None]],
) -> typer.Typer:
    """Return the commands of a restore; they are given how a command of this program starts."""
    app = typer.Typer(no_args_is_help=True, help="After a restore: forget again who had been forgotten.")

    @app.command("check")
    def check() -> None:
        """Say whether everybody whom the erasure journal names is forgotten here. Exit code 0 when all are, else 2."""
        env = environment()
        set_up()
        with plain_failures(), database(env):
            found = checks.erasures()
        for finding in found:
            sys.stderr.write(f"{finding.sentence}\n")
        if not found:
            sys.stdout.write("Everybody whom the journal names is forgotten here.\n")
        raise typer.Exit(UNFIT if found else 0)

    @app.command("replay")
    def again() -> None:
        """Carry out what the erasure journal knows and this database does not. Harmless when run again."""
        env = environment()
        set_up()
        with plain_failures(), database(env):
            done = replay()
        sys.stdout.write(f"Forgotten again: {done}.\n")

    return app


@contextmanager
def database(env: Environment) -> Iterator[None]:
    """Have a database to talk to: the embedded one is started for as long as the block runs, if it is not running."""
    if not env.embedded or supervisor.running(env.state_dir):
        yield
        return
    with supervisor.Lock(env.state_dir):
        server = Server(state_dir=env.state_dir)
        try:
            server.start()
            yield
        finally:
            _let_go()
            server.stop()


def replay() -> int:
    """Carry out every erasure that the database has not heard of; return how many. Needs Django set up."""
    from changedesk import flow  # noqa: PLC0415 - after set-up
    from changedesk.base.clock import now  # noqa: PLC0415 - as above
    from changedesk.store import forget  # noqa: PLC0415 - as above

    waiting = forget.unheard()
    for record in waiting:
        flow.replay_erasure(record, at=now())
    return len(waiting)


def _let_go() -> None:
    from changedesk.store import pool  # noqa: PLC0415 - after set-up

    pool.close()
