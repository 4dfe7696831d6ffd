import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.conftest import free_port as any_port

from changedesk.config.embedded import Server
from changedesk.config.supervisor import free_port

COMMAND = [sys.executable, "-m", "changedesk.config.command"]
READY = "Changedesk is ready"

pytestmark = pytest.mark.fault


class Installation:
    """One installation of its own, run the way people run it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.process: subprocess.Popen[str] | None = None
        cleared = {k: v for k, v in os.environ.items() if not k.startswith("CHANGEDESK_")}
        self.environment = {**cleared, "CHANGEDESK_STATE_DIR": str(state), "CHANGEDESK_WEB_WORKERS": "1"}

    def up(self, port: int) -> str:
        """Start it; what it says until it is ready."""
        self.process = subprocess.Popen(
            [*COMMAND, "up", "--port", str(port)],
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        assert self.process.stdout
        for line in self.process.stdout:
            said.append(line)
            if READY in line:
                return "".join(said)
        pytest.fail("".join(said))

    def status(self) -> dict[str, object]:
        return dict(json.loads(self.run("status", "--json").stdout))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *words], env=self.environment, capture_output=True, text=True, check=False)

    def processes(self) -> list[int]:
        """Every process that belongs to this installation, found by the state folder in its environment or words."""
        marks = (os.fsencode(self.state), os.fsencode(Server(state_dir=self.state).data))
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                if any(mark in text for mark in marks):
                    found.append(int(folder.name))
        return found

    def wait_for(self, pids: list[int], seconds: float = 40) -> None:
        """Return when all of these processes have ended."""
        for pid in pids:
            with suppress(ProcessLookupError):
                life = os.pidfd_open(pid)
                gone = select.select([life], [], [], seconds)[0]
                os.close(life)
                assert gone, f"process {pid} still lives: {Path(f'/proc/{pid}/cmdline').read_bytes()!r}"


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    # Not below pytest's folder: its name would be in the environment of the test run's own processes.
    state = Path(tempfile.mkdtemp(prefix="changedesk-up-"))
    made = Installation(state)
    yield made
    if made.process and made.process.poll() is None:
        made.process.terminate()
        made.process.wait(90)
    made.run("reset", "--yes")
    shutil.rmtree(state)


def test_up_serves_survives_falls_and_leaves_nothing_behind(installation: Installation) -> None:
    said = installation.up(any_port())
    status = installation.status()
    assert status["ready"]
    assert str(status["url"]) in said
    assert httpx.get(f"{status['url']}/healthz").text == "ok\n"
    assert "All is well" in installation.run("doctor").stdout

    # A killed web process and a killed database come back by themselves.
    programs = status["programs"]
    assert isinstance(programs, dict)
    os.kill(int(programs["web"]), signal.SIGKILL)
    installation.wait_for([int(programs["web"])])
    answers(str(status["url"]))
    lock = Server(state_dir=installation.state).data / "postmaster.pid"
    os.kill(int(lock.read_text().split("\n", 1)[0]), signal.SIGKILL)
    answers(str(status["url"]))

    # A killed supervisor takes everything with it.
    family = [pid for pid in installation.processes() if pid != os.getpid()]
    assert len(family) >= 4
    assert installation.process
    installation.process.kill()
    installation.process.wait()
    installation.wait_for(family)
    assert installation.processes() == []

    # And the next start finds what was there.
    installation.up(any_port())
    assert installation.status()["ready"]
    assert "already runs" in installation.run("up").stderr
    assert "Stopped" in installation.run("stop").stdout
    installation.process.wait(10)
    assert installation.processes() == []
    assert installation.status() == {"running": False, "ready": False}


def answers(url: str) -> None:
    """Return when the installation is ready again."""
    for _ in range(300):
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        select.select([], [], [], 0.1)
    pytest.fail("it did not come back")


def test_a_taken_port_gives_the_next_free_one() -> None:
    first = any_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert free_port("127.0.0.1", first) > first
