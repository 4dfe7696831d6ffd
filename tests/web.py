"""A web server for one test, over the worker's database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import free_port, wait_until_ready

from changedesk.config.embedded import dying_with_me

SIGTERM = 15


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """A server of its own: a shared one would remember settings and keys of clients that are gone."""
    port = free_port()
    url, log = f"http://localhost:{port}", folder / "web.log"
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "8"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "--workers", "1", "changedesk.config.wsgi:application"],
            env={**os.environ, "CHANGEDESK_PUBLIC_URL": url, "DJANGO_SETTINGS_MODULE": "changedesk.config.settings"},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            preexec_fn=dying_with_me(SIGTERM),  # noqa: PLW1509 - between tests, one thread
        )
    try:
        wait_until_ready(f"{url}/readyz", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(15)
