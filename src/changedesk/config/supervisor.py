"""Runs the programs of one installation: starts them in order, restarts what falls, stops in reverse."""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from changedesk.config.embedded import CannotStartError, Server, dying_with_me

LIVE_APPLICATION = "changedesk.channels.live.app"
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
FALLS_MAX = 20
"""So many falls of one program within ``FALL_WINDOW_SECONDS`` mean that restarting does not help."""
FALL_WINDOW_SECONDS = 60.0
PORTS_TRIED = 50


class Fallen(Exception):  # noqa: N818 - a state that people are told, not a fault of this code
    """A program could not be kept running; the text names it and its log."""


def free_port(host: str, wanted: int) -> int:
    """``wanted``, or the next port above it that nobody uses."""
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port
    raise Fallen(f"No free port from {wanted} to {wanted + PORTS_TRIED - 1}. Set CHANGEDESK_WEB_PORT.")


def web_command(*, host: str, port: int, workers: int, threads: int, log_level: str = "warning") -> list[str]:
    """The web process: granian over WSGI."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", str(threads)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "10s", "--log-level", log_level),
        "changedesk.config.wsgi:application",
    ]


def live_command(*, host: str, port: int) -> list[str]:
    """The process of server-sent events: granian over ASGI."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--host", host, "--port", str(port)),
        *(
            "--workers",
            "1",
            "--log-level",
            "warning",
            "--workers-kill-timeout",
            "2s",
            f"{LIVE_APPLICATION}:application",
        ),
    ]


def live_exists() -> bool:
    """Whether this build has a live process."""
    with suppress(ModuleNotFoundError):
        return find_spec(LIVE_APPLICATION) is not None
    return False


@dataclass(kw_only=True)
class Child:
    """One program in a process group of its own, so that nothing of it outlives it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    process: subprocess.Popen[bytes] | None = None
    falls: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it; it gets SIGTERM when this process dies."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_me(signal.SIGTERM),  # noqa: PLW1509 - this process has one thread
            )

    def stop(self) -> None:
        """Ask it to stop, then end what is left of its group."""
        if self.process is None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.sweep()

    def sweep(self) -> None:
        """End whatever is left of its process group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Lock:
    """One running installation for each state folder. The lock's file tells others about the run."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "run" / "up.json"
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.stream = self.path.open("a+", encoding="utf-8")
        self.facts: dict[str, object] = {}

    def __enter__(self) -> Self:
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fallen(
                "Changedesk already runs here. 'changedesk status' shows it, 'changedesk stop' ends it."
            ) from None
        self.tell({})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.truncate(0)
        self.stream.close()

    def tell(self, facts: Mapping[str, object]) -> None:
        """Write what ``status`` shows: these facts, and the ones told before that they do not replace."""
        self.facts |= facts
        self.stream.seek(0)
        self.stream.truncate(0)
        json.dump({"pid": os.getpid(), **self.facts}, self.stream)
        self.stream.flush()


def running(state_dir: Path) -> dict[str, Any] | None:
    """What the running installation of this folder told, or None when none runs."""
    path = state_dir / "run" / "up.json"
    with suppress(OSError), path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            with suppress(ValueError):
                return dict(json.load(stream))
            return {}
    return None


class Supervisor:
    """Keeps the database and the programs running until somebody asks to stop."""

    def __init__(self, server: Server | None) -> None:
        self.server = server
        self.children: list[Child] = []
        self.stop_asked, self._stop_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        with suppress(BlockingIOError):
            os.write(self._stop_write, b".")

    @property
    def asked_to_stop(self) -> bool:
        """Whether a signal came."""
        return bool(select.select([self.stop_asked], [], [], 0)[0])

    def add(self, child: Child) -> None:
        """Start a program and look after it from now on."""
        child.start()
        self.children.append(child)

    def wait_ready(self, host: str, port: int) -> bool:
        """Wait until the web process is ready; False when we are asked to stop before that."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.asked_to_stop:
            if ready(host, port):
                return True
            if time.monotonic() > deadline:
                raise Fallen(f"The web process does not answer. Read {self.children[0].log_file}.")
            self._wait_for_fall(0.1)
        return False

    def programs(self) -> dict[str, int]:
        """The process number of each program, by its name."""
        return {child.name: child.process.pid for child in self.children if child.process}

    def watch(self, restarted: Callable[[], None]) -> None:
        """Restart what falls, and say so, until asked to stop."""
        while not self.asked_to_stop:
            self._wait_for_fall(None)
            restarted()

    def stop(self) -> None:
        """Stop the programs, last started first, then the database."""
        for child in reversed(self.children):
            child.stop()
        if self.server:
            self.server.stop()

    def run_once(self, command: Sequence[str], environment: Mapping[str, str]) -> str:
        """Run a program to its end and return what it printed. Raises Fallen with what it said went wrong."""
        done = subprocess.run(  # noqa: S603 - our own commands
            command,
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
            text=True,
            preexec_fn=dying_with_me(signal.SIGTERM),
        )
        if done.returncode:
            raise Fallen(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}".strip())
        return done.stdout

    def _wait_for_fall(self, seconds: float | None) -> None:
        """Block until a program ends, a signal comes or the time is over; restart what ended."""
        watched: dict[int, Callable[[], None]] = {}
        for child in self.children:
            if child.process:
                watched[os.pidfd_open(child.process.pid)] = partial(self._restart, child)
        if self.server and self.server.process:
            watched[os.pidfd_open(self.server.process.pid)] = self._restart_database
        try:
            ready, _, _ = select.select([self.stop_asked, *watched], [], [], seconds)
        finally:
            for fd in watched:
                os.close(fd)
        if self.stop_asked in ready:
            return
        for fd in ready:
            watched[fd]()

    def _restart(self, child: Child) -> None:
        child.sweep()
        now = time.monotonic()
        child.falls = [at for at in child.falls if now - at < FALL_WINDOW_SECONDS] + [now]
        if len(child.falls) > FALLS_MAX:
            raise Fallen(f"The program '{child.name}' ends again and again. Read {child.log_file}.")
        child.start()

    def _restart_database(self) -> None:
        if self.server and self.server.process:
            self.server.process.wait()
            try:
                self.server.start()
            except CannotStartError as error:
                raise Fallen(str(error)) from error


def ready(host: str, port: int) -> bool:
    """Whether /readyz answers 200."""
    return health(host, port) is not None


def health(host: str, port: int) -> dict[str, str] | None:
    """What /readyz says; None while it does not answer 200."""
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        told = json.loads(answer.read()) if answer.status == HTTPStatus.OK else None
        return told if isinstance(told, dict) else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()


def ended(pidfd: int, seconds: float) -> bool:
    """Wait for a process to end; whether it did in time. Closes ``pidfd``."""
    try:
        return bool(select.select([pidfd], [], [], seconds)[0])
    finally:
        os.close(pidfd)
