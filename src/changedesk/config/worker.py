"""The worker runs the duties that nobody waits for. Several may run; each duty is claimed while it runs."""

import hashlib
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import psycopg
import structlog

from changedesk import outbound
from changedesk.channels import clock
from changedesk.store.settings_read import all_clients

CHANNEL = "changedesk_work"
"""NOTIFY on this channel wakes the worker; the payload, if any, holds ids only."""
FALLBACK_SECONDS = 0.25
log = structlog.get_logger("changedesk.worker")


class Duty(Protocol):
    """Something to be done again and again, for each client on its own."""

    @property
    def name(self) -> str:
        """A stable name: workers claim by it."""

    def run(self, client_id: int) -> int:
        """Do a bounded piece of work for this client; how much was done, 0 when there was nothing."""


Clients = Callable[[], Sequence[int]]


def duties() -> Sequence[Duty]:
    """Every duty of this installation, in the order in which it should run."""
    return [*clock.duties(), *outbound.duties()]


def clients() -> Sequence[int]:
    """Every client that has work done for it."""
    return [int(client.id) for client in all_clients() if client.active]


def claim_key(duty: str, client_id: int) -> int:
    """The advisory lock of one duty for one client: 64 bits of SHA-256, as PostgreSQL's signed bigint."""
    return int.from_bytes(hashlib.sha256(f"{duty}\0{client_id}".encode()).digest()[:8], signed=True)


class Loop:
    """Runs duties until asked to stop. ``url`` is the application's; one connection claims and listens."""

    def __init__(self, url: str, duties: Sequence[Duty], clients: Clients) -> None:
        self.url = url
        self.duties = duties
        self.clients = clients
        self.stopping = False

    def stop(self) -> None:
        """Finish the piece of work at hand, then return from ``run``."""
        self.stopping = True

    def run(self) -> None:
        """Work until ``stop``; comes back by itself when the database was away."""
        while not self.stopping:
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self.stopping:
                        if not self.round(connection):
                            self._wait(connection)
            except psycopg.OperationalError as error:
                # Django's error for the same is not caught: its connections of this process stay broken, so the
                # process ends and is started anew.
                log.warning("database_away", exc_info=error)
                threading.Event().wait(FALLBACK_SECONDS)

    def round(self, connection: psycopg.Connection) -> int:
        """Give every duty its turn for every client; how much was done."""
        done = 0
        for client_id in self.clients():
            for duty in self.duties:
                if self.stopping:
                    return done
                done += self._turn(connection, duty, client_id)
        return done

    def _turn(self, connection: psycopg.Connection, duty: Duty, client_id: int) -> int:
        key = claim_key(duty.name, client_id)
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        if not row or not row[0]:
            return 0
        try:
            return duty.run(client_id)
        except Exception:
            # One failing duty of one client must not stop the others; it is tried again after the pause.
            log.exception("duty_failed", duty=duty.name, client_id=client_id)
            return 0
        finally:
            with suppress(psycopg.OperationalError):
                connection.execute("SELECT pg_advisory_unlock(%s)", [key])

    @staticmethod
    def _wait(connection: psycopg.Connection) -> None:
        for _ in connection.notifies(timeout=FALLBACK_SECONDS, stop_after=1):
            pass


def main(url: str) -> None:
    """Run the worker in this process until SIGTERM or SIGINT. Needs Django set up."""
    loop = Loop(url, duties(), clients)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    log.info("worker_started", duties=[duty.name for duty in loop.duties])
    loop.run()
    log.info("worker_stopped")
