"""One installation of its own, run the way people run it: by ``changedesk up``, in its own folder, on its own port."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg.conninfo import make_conninfo

from changedesk.config.bootstrap import DATABASE
from changedesk.config.embedded import Server

COMMAND = [sys.executable, "-m", "changedesk.config.command"]
READY = "Changedesk is ready"
ROOT = Path(__file__).parent.parent.parent
PATHS = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
STOP_SECONDS = 90


def any_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pause(seconds: float) -> None:
    """Give the others a turn between two looks at something that tells nobody when it is done."""
    select.select([], [], [], seconds)


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it. Its number alone may be somebody else's later; with its start it is not."""

    pid: int
    parent: int
    started: int
    words: str

    @property
    def alive(self) -> bool:
        found = process(self.pid)
        return found is not None and found.started == self.started


def process(pid: int) -> Process | None:
    """The process of this number, or None when it is gone or waits to be buried."""
    with suppress(OSError, IndexError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        if fields[0] != "Z":
            return Process(pid, int(fields[1]), int(fields[19]), words)
    return None


def children(pid: int) -> list[Process]:
    """The direct children of a process."""
    found = [process(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")]
    return [one for one in found if one is not None and one.parent == pid]


class Installation:
    """Start it, look at it, end it; nothing of it outlives ``end``."""

    def __init__(self, state: Path, **settings: str) -> None:
        self.state = state
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        self.seen: set[Process] = set()
        cleared = {k: v for k, v in os.environ.items() if not k.startswith(("CHANGEDESK_", "DJANGO_"))}
        self.environment = {
            **cleared,
            "CHANGEDESK_STATE_DIR": str(state),
            "CHANGEDESK_WEB_WORKERS": "1",
            **{f"CHANGEDESK_{name.upper()}": value for name, value in settings.items()},
        }

    @classmethod
    def fresh(cls, **settings: str) -> Self:
        """One in a new folder; not below pytest's, whose name is in the environment of the run's own processes."""
        return cls(Path(tempfile.mkdtemp(prefix="changedesk-up-")), **settings)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def up(self, port: int = 0) -> str:
        """Start it; what it says until it is ready."""
        self.port = port or any_port()
        self.process = subprocess.Popen(
            [*COMMAND, "up", "--port", str(self.port)],
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        said = []
        assert self.process.stdout
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                return "".join(said)
        raise AssertionError("".join(said))

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to stop, as Ctrl-C does; its exit code."""
        assert self.process
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def end(self) -> None:
        """Leave nothing of it, whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.stop()
        self.run("reset", "--yes")
        shutil.rmtree(self.state, ignore_errors=True)

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.run("status", "--json").stdout))

    def run(self, *words: str, told: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the program's commands in this installation."""
        return subprocess.run(
            [*COMMAND, *words], env=self.environment, capture_output=True, text=True, check=False, input=told, cwd=ROOT
        )

    def python(self, module: str, *words: str) -> Any:
        """Run a module of ours as this installation's application; the JSON that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "changedesk.config.settings", "PYTHONPATH": PATHS},
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout)

    def administrator(self) -> str:
        """How to connect past every right."""
        return make_conninfo(Server(state_dir=self.state).conninfo(), dbname=DATABASE)

    def admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.administrator(), autocommit=True, connect_timeout=5)

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

    def family(self) -> Mapping[str, list[Process]]:
        """The programs by what they do, as they run now; all that was ever seen of them is remembered."""
        assert self.process
        direct = children(self.process.pid)
        found: dict[str, list[Process]] = {
            "postmaster": [one for one in direct if "/bin/postgres -D" in one.words],
            "web": [one for one in direct if "granian " in one.words],
            "worker": [one for one in direct if one.words.endswith(" worker")],
        }
        found["web worker"] = [
            one for web in found["web"] for one in children(web.pid) if "resource_tracker" not in one.words
        ]
        found["server"] = [one for main in found["postmaster"] for one in children(main.pid)]
        found["backend"] = [one for one in found["server"] if one.words.startswith("postgres: changedesk_app")]
        self.seen.update(direct, *found.values())
        return found

    def left(self) -> list[Process]:
        """What still runs of all that was ever seen."""
        return [one for one in self.seen if one.alive]

    def wait_for(self, pids: list[int], seconds: float = 40) -> None:
        """Return when all of these processes have ended."""
        for pid in pids:
            with suppress(ProcessLookupError):
                life = os.pidfd_open(pid)
                gone = select.select([life], [], [], seconds)[0]
                os.close(life)
                assert gone, f"process {pid} still lives: {Path(f'/proc/{pid}/cmdline').read_bytes()!r}"

    def refuses_connections(self) -> bool:
        """Whether its port is free and its database's socket leads nowhere."""
        with socket.socket() as probe:
            probe.settimeout(5)
            taken = probe.connect_ex(("127.0.0.1", self.port)) == 0
        with suppress(psycopg.OperationalError), self.admin():
            return False
        return not taken

    def quiet(self, seconds: float) -> bool:
        """Wait until nothing is left to do for the worker; whether that came in time.

        Nothing staged, everything told, no message under way. Sending is remembered in the log, so all three must
        hold at once.
        """
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with suppress(psycopg.OperationalError), self.admin() as admin:
                while time.monotonic() < ends:
                    row = admin.execute(BUSY).fetchone()
                    if row is not None and not any(row):
                        return True
                    pause(0.2)
            pause(0.2)
        return False

    def rest(self) -> bool:
        """As ``quiet``, without the wait for what lost senders hold: their leases are brought forward."""
        for _ in range(20):
            if self.quiet(2.5):
                return True
            with suppress(psycopg.OperationalError), self.admin() as admin:
                admin.execute(OLD_LEASES)
        return False


OLD_LEASES = """
UPDATE desk.delivery SET lease_until = now() - interval '1 second'
WHERE state = 'sending' AND lease_until < now() + interval '48 seconds'
"""
"""Leases that have run for 12 of their 60 seconds: longer than any sender takes that still lives."""
BUSY = """
SELECT (SELECT count(*) FROM desk.staged),
       (SELECT count(*) FROM desk.log_head h LEFT JOIN desk.cursor c
            ON c.client_id = h.client_id AND c.consumer = 'notices'
        WHERE h.client_id > 0 AND coalesce(c.next_idx, 0) < h.size),
       (SELECT count(*) FROM desk.delivery WHERE state = 'sending' OR state = 'pending' AND next_at <= now())
"""
