import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pytest_django import Settings
from tests.cast import desk
from tests.channels.console.room import Room
from tests.channels.live.listening import PUBLIC, Live
from tests.conftest import free_port, wait_until_ready
from tests.postgres import ROOT, Database

from changedesk.base import clock
from changedesk.channels.terminal import people
from changedesk.config.embedded import dying_with_me
from changedesk.store import settings_read


@pytest.fixture(scope="session")
def live_url(worker_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The live process, as an ASGI server runs it, over this worker's database."""
    port, log = free_port(), tmp_path_factory.mktemp("live") / "live.log"
    options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--workers-kill-timeout", "2s"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "--workers", "1", "tests.channels.live.quick:application"],
            env={
                **os.environ,
                "CHANGEDESK_PUBLIC_URL": PUBLIC,
                "DJANGO_SETTINGS_MODULE": "changedesk.config.settings",
                "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            },
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            preexec_fn=dying_with_me(signal.SIGTERM),  # noqa: PLW1509 - between tests, one thread
        )
    try:
        wait_until_ready(f"http://localhost:{port}/healthz", process, log)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(15)


@pytest.fixture
def live(database: Database, live_url: str, settings: Settings, tmp_path: Path) -> Live:
    """Two clients, the real pages to sign in at, and the live process, which remembers nothing."""
    settings_read.forget()
    ours, theirs = desk(), desk("harbour")
    signs = people.plant([ours.client], state_dir=tmp_path, at=clock.now())
    httpx.get(f"{live_url}/forget", timeout=30)
    return Live(live_url, Room(ours, theirs, {sign.name: sign for sign in signs}))
