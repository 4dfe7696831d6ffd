"""The worker runs the duties that nobody waits for. Several may run; each duty is claimed while it runs."""

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

import psycopg
import structlog

from changedesk import outbound
from changedesk.channels import clock
from changedesk.store.settings_read import all_clients
from changedesk.store.wake import CHANNEL, CRIER

EVERYBODY_SECONDS = 1.0
"""Each client has its turn this often, whoever said something or nobody."""
STOP_SECONDS = 0.25
"""Whether to stop is asked at least this often."""
AGAIN_SECONDS = 0.25
GATHER_SECONDS = 0.25
"""What makes history findable and countable takes up together what was written in this time."""
log = structlog.get_logger("changedesk.worker")


class Duty(Protocol):
    """Something to be done again and again, for each client on its own."""

    @property
    def name(self) -> str:
        """A stable name: workers claim by it."""

    def run(self, client_id: int) -> int:
        """Do a bounded piece of work for this client; how much was done, 0 when there was nothing."""


Clients = Callable[[], Sequence[int]]


def clients() -> Sequence[int]:
    """Every client that has work done for it."""
    return [int(client.id) for client in all_clients() if client.active]


def claim_key(duty: str, client_id: int) -> int:
    """The advisory lock of one duty for one client: 64 bits of SHA-256, as PostgreSQL's signed bigint."""
    return int.from_bytes(hashlib.sha256(f"{duty}\0{client_id}".encode()).digest()[:8], signed=True)


class Loop:
    """Runs duties until asked to stop. ``url`` is the application's; one connection claims and listens.

    Each client has its turn when something was written at it, and every EVERYBODY_SECONDS. A loop that does not listen
    (``woken`` False) has the latter alone; its duties may take long, so each is claimed by itself. A turn begins
    ``pause`` seconds after the one before it, or later.
    """

    def __init__(
        self, url: str, duties: Sequence[Duty], clients: Clients, *, woken: bool = True, pause: float = 0.0
    ) -> None:
        self.url = url
        self.duties = duties
        self.clients = clients
        self.woken = woken
        self.pause = pause
        self.stopping = False

    def stop(self) -> None:
        """Finish the piece of work at hand, then return from ``run``."""
        self.stopping = True

    def run(self) -> None:
        """Work until ``stop``; comes back by itself when the database was away."""
        while not self.stopping:
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    if self.woken:
                        connection.execute(f"LISTEN {CHANNEL}")
                    self._work(connection)
            except psycopg.OperationalError as error:
                # Django's error for the same is not caught: its connections of this process stay broken, so the
                # process ends and is started anew.
                log.warning("database_away", exc_info=error)
                threading.Event().wait(AGAIN_SECONDS)

    def _work(self, connection: psycopg.Connection) -> None:
        everybody, everybody_at, busy = set[int](), 0.0, set[int]()
        while not self.stopping:
            left = 0.0 if busy else max(0.0, min(everybody_at - time.monotonic(), STOP_SECONDS))
            who = busy | {int(note.payload) for note in connection.notifies(timeout=left, stop_after=1)}
            began = time.monotonic()
            if began >= everybody_at:
                who = everybody = set(self.clients())
                everybody_at = began + EVERYBODY_SECONDS
            busy = self.round(connection, sorted(who & everybody))
            if who and self.pause:
                time.sleep(max(0.0, began + self.pause - time.monotonic()))

    def round(self, connection: psycopg.Connection, clients: Sequence[int]) -> set[int]:
        """Give every duty its turn for these clients; return those for whom there was something to do."""
        together = [self.duties] if self.woken else [[duty] for duty in self.duties]
        return {
            client_id
            for client_id in clients
            for duties in together
            if not self.stopping and self._turn(connection, duties, client_id)
        }

    def _turn(self, connection: psycopg.Connection, duties: Sequence[Duty], client_id: int) -> int:
        with self._claimed(connection, duties, client_id) as mine:
            return sum(self._done(duty, client_id) for duty in mine)

    @contextmanager
    def _claimed(
        self, connection: psycopg.Connection, duties: Sequence[Duty], client_id: int
    ) -> Iterator[Sequence[Duty]]:
        keys = {claim_key(duty.name, client_id): duty for duty in duties}
        ask = "SELECT key FROM unnest(%s::bigint[]) key WHERE pg_try_advisory_lock(key)"
        claimed = [key for (key,) in connection.execute(ask, [list(keys)])]
        try:
            yield [keys[key] for key in claimed]
        finally:
            with suppress(psycopg.OperationalError):
                connection.execute("SELECT pg_advisory_unlock(key) FROM unnest(%s::bigint[]) key", [claimed])

    def _done(self, duty: Duty, client_id: int) -> int:
        if self.stopping:
            return 0
        try:
            return duty.run(client_id)
        except Exception:
            # One failing duty of one client must not stop the others; it is tried again after the pause.
            log.exception("duty_failed", duty=duty.name, client_id=client_id)
            return 0


def loops(url: str) -> list[Loop]:
    """Return the worker's loops, side by side: what follows the log, what is sent, and all that time asks for.

    A mail server or a hook that hangs keeps nobody from hearing what happened, and neither does an audit of a long log.
    """
    every: list[Duty] = [*outbound.duties(), *clock.duties()]
    apart = ("log.sequence", "notices.decide", "hooks.tell"), ("notices.send",), ("log.find", "log.count")
    telling, sending, noting = ([duty for name in names for duty in every if duty.name == name] for names in apart)
    rest = [duty for duty in every if duty not in [*telling, *sending, *noting]]
    return [
        Loop(url, telling, clients),
        Loop(url, sending, clients),
        Loop(url, noting, clients, pause=GATHER_SECONDS),
        Loop(url, rest, clients, woken=False),
    ]


def main(url: str) -> None:
    """Run the worker in this process until SIGTERM or SIGINT. Needs Django set up."""
    CRIER.open()
    side_by_side = loops(url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(side_by_side))
    log.info("worker_started", duties=[duty.name for loop in side_by_side for duty in loop.duties])
    together(side_by_side)
    clock.hooks.stop()
    CRIER.close()
    log.info("worker_stopped")


def _stop(side_by_side: Sequence[Loop]) -> None:
    for loop in side_by_side:
        loop.stop()


def together(side_by_side: Sequence[Loop]) -> None:
    """Run loops until they are stopped, each in a thread; what ends one of them ends all, and is raised."""
    failed: list[BaseException] = []

    def run(loop: Loop) -> None:
        try:
            loop.run()
        except BaseException as failure:  # noqa: BLE001 - raised below
            failed.append(failure)
        finally:
            _stop(side_by_side)

    threads = [threading.Thread(target=run, args=(loop,)) for loop in side_by_side]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
