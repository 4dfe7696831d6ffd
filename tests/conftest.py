"""Fixtures that need a database or a web server. Tests run as the application's own role, not its owner's."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import django
import httpx
import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright
from pytest_django.plugin import DjangoDbBlocker
from tests.postgres import Database, Run

from changedesk.config.embedded import dying_with_me

RUN = Run()
RUN.set_environment()  # before Django reads its settings
django.setup()
# A test worker inherits our environment, and with this would read its settings before it has set its own database.
del os.environ["DJANGO_SETTINGS_MODULE"]
# What is right does not hang on how busy the machine is, nor on whether lines are counted.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def pytest_unconfigure() -> None:
    RUN.forget()


CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def server() -> str:
    """The administrator's connection string of the one PostgreSQL of this test run (18, or 15)."""
    return RUN.admin()


@pytest.fixture(scope="session")
def worker_database(server: str) -> Iterator[Database]:
    """This worker's own database, migrated."""
    database = Database(RUN)
    yield database
    database.close()


@pytest.fixture(scope="session")
def django_db_setup(worker_database: Database) -> None:
    """Django makes no database of its own: it uses the worker's, as the application's role."""


@pytest.fixture
def database(worker_database: Database, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """A clean database, open to Django and to the store. What a test commits is gone before the next one."""
    worker_database.clean()
    with django_db_blocker.unblock():
        yield worker_database


@dataclass(frozen=True)
class Web:
    """A running web server over the worker's database."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def serve(worker_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The real web server over this worker's database; ask for ``database`` too to start clean."""
    port = free_port()
    url = f"http://localhost:{port}"
    log = tmp_path_factory.mktemp("web") / "web.log"
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "granian",
                *options,
                "--blocking-threads",
                "16",
                "changedesk.config.wsgi:application",
            ],
            env={**os.environ, "CHANGEDESK_PUBLIC_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            preexec_fn=dying_with_me(signal.SIGTERM),  # noqa: PLW1509 - between tests, one thread
        )
    try:
        wait_until_ready(f"{url}/readyz", process, log)
        yield Web(url=url, process=process, log=log)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when ``url`` answers 200; fail with the server's log when that does not happen."""
    for _ in range(600):
        with suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    pytest.fail(f"The web server did not become ready:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all pages of this worker: Playwright allows a process no second one."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("There is no Chromium on this machine")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()
