"""Waking the worker, once what it follows has been committed.

A transaction that writes notifies nobody: PostgreSQL lets those that do commit one after the other, each with its own
flush of the log (commands/async.c: PreCommit_Notify holds one lock until the commit is through). So a process that
serves says it afterwards, once for all that was written in the meantime. What is not said, because the process fell or
is one that does not serve, is found by the worker's own rounds.
"""

import threading
import time
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolClosed, PoolTimeout

from changedesk.base.ids import ClientId
from changedesk.store import wire
from changedesk.store.pool import pool

CHANNEL: Final = "changedesk_work"
"""LISTEN here to hear at which client something was written; the payload is the client's id."""
PAUSE_SECONDS: Final = 0.025
"""Saying it takes as much of the processor as a third of a change does."""
log = structlog.get_logger("changedesk.wake")


class Crier:
    """Says at which clients something was written, from a thread of its own, while it is open."""

    def __init__(self) -> None:
        self._open = False
        self._clients: set[int] = set()
        self._some = threading.Condition()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Say from now on what is told; a process that serves does so."""
        self._open = True

    def close(self) -> None:
        """Say what was told, and nothing from then on."""
        with self._some:
            self._open = False
            self._some.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def tell(self, client: ClientId) -> None:
        """Note that something was committed at a client. Costs whoever wrote nothing to speak of."""
        if not self._open:
            return
        with self._some:
            self._clients.add(int(client))
            self._some.notify()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="crier", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._some:
                while self._open and not self._clients:
                    self._some.wait()
                clients, self._clients = sorted(self._clients), set()
            if not clients:
                return
            try:
                with pool().connection() as connection:
                    wire.of(connection).exchange(
                        connection.pgconn, [("wake.tell", {"channel": CHANNEL, "clients": clients})]
                    )
            except (psycopg.Error, PoolTimeout, PoolClosed) as error:
                log.warning("not_told", kind=type(error).__name__)
            time.sleep(PAUSE_SECONDS)


CRIER: Final = Crier()
