"""Servers over the worker's database: started as ``changedesk up`` starts them, ended, and heard when a test fails."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.postgres import ROOT

from changedesk.config.embedded import dying_with_me


@dataclass
class Log:
    """What a server says. ``since``: where the present test began, in bytes."""

    path: Path
    since: int = 0
    ended: bool = False

    def mark(self) -> None:
        self.since = self.path.stat().st_size

    def said(self) -> str:
        """What was said since the present test began."""
        with self.path.open("rb") as log:
            log.seek(self.since)
            return log.read().decode(errors="replace")


LOGS: list[Log] = []
"""Of every server that runs or ran in the present test."""


@dataclass(frozen=True)
class Web:
    """A running web server over the worker's database."""

    url: str
    log: Log

    def fresh(self) -> str:
        """Let it forget the clients of the last test; its address."""
        httpx.get(f"{self.url}/forget", timeout=30, trust_env=False).raise_for_status()
        return self.url


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_url() -> str:
    return f"http://localhost:{free_port()}"


@contextmanager
def running(
    application: str, url: str, folder: Path, *, interface: str = "wsgi", ready: str = "/readyz", **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run an application at this address until the block ends."""
    log = Log(folder / f"{interface}.log")
    LOGS.append(log)
    options = ["--interface", interface, "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"]
    if interface == "wsgi":
        options += ["--blocking-threads", "16"]
    with log.path.open("ab") as sink:
        log.mark()
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "--workers-kill-timeout", "2s", application],
            env={
                **os.environ,
                "CHANGEDESK_PUBLIC_URL": url,
                "DJANGO_SETTINGS_MODULE": "changedesk.config.settings",
                "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
                **settings,
            },
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            preexec_fn=dying_with_me(signal.SIGTERM),  # noqa: PLW1509 - between tests, one thread
        )
    try:
        _wait_until_ready(url + ready, process)
        yield process
    finally:
        log.ended = True
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when ``url`` answers 200; fail when that does not happen."""
    with httpx.Client(timeout=5, trust_env=False) as http:
        for _ in range(600):
            with suppress(httpx.TransportError):
                if http.get(url).status_code == httpx.codes.OK:
                    return
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                break
    pytest.fail(f"The server at {url} did not become ready")


def begin() -> None:
    """A test begins: what servers said until now is not its doing."""
    LOGS[:] = [log for log in LOGS if not log.ended]
    for log in LOGS:
        log.mark()


def tell(report: pytest.TestReport) -> None:
    """Add to the report of a test that failed what its servers said meanwhile."""
    for log in LOGS:
        report.sections.append((f"server log {log.path.parent.name}/{log.path.name}", log.said()[-8000:]))
