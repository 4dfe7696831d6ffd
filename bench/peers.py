"""Other history libraries on the same work, by adapters outside of this repository, in one process each.

PEER_PYTHON names their Python, PEER_DIR the folder of the adapters; without them nothing of it runs.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from bench import wrk
from bench.place import Place
from bench.stage import free_port, ready


def those_of(*names: str) -> tuple[str, ...]:
    """Return these peers, or none where they are not at hand."""
    return names if os.environ.get("PEER_PYTHON") and os.environ.get("PEER_DIR") else ()


def told(place: Place, *, customers: int, history: int) -> dict[str, str]:
    """Return the environment of a peer: the server, how many customers it has and how many changes each."""
    known = conninfo_to_dict(place.admin)
    return {
        **os.environ, "PGHOST": str(known["host"]), "PGPORT": str(known["port"]), "PGUSER": str(known["user"]),
        "PGPASSWORD": str(known["password"]), "PEER_CUSTOMERS": str(customers), "PEER_HISTORY": str(history),
        "DJANGO_SETTINGS_MODULE": "djsettings", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


@contextmanager
def serving(environment: Mapping[str, str], names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Serve these peers' endpoints, each by two processes of four threads, and return their addresses by name."""
    with ExitStack() as ending:
        urls: dict[str, str] = {}
        for peer in names:
            port = free_port()
            command = [os.environ["PEER_PYTHON"], "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
                       "--port", str(port), "--workers", "2", "--blocking-threads", "4", "--no-ws",
                       "--log-level", "warning", "djhttp:application"]  # fmt: skip
            served = subprocess.Popen(
                command, cwd=os.environ["PEER_DIR"], env={**environment, "PEER": peer}, start_new_session=True
            )
            ending.callback(served.wait)
            ending.callback(served.terminate)
            urls[peer] = f"http://127.0.0.1:{port}"
            ready(f"{urls[peer]}/customers/1/timeline", status=401)  # nobody is let in without its token
        yield urls


def loaded(environment: Mapping[str, str], url: str, *, connections: int, seconds: float) -> wrk.Load:
    """Load a peer's endpoint with changes of the same sort as the desk's."""
    script = Path(os.environ["PEER_DIR"], "peer.lua")
    return wrk.load(
        script, url, connections=connections, seconds=seconds, environment={**environment, "WPATH": "/changes"}
    )


def run(environment: Mapping[str, str], peer: str, phase: str, count: int = 0) -> dict[str, Any]:
    """Run one phase of one peer, and return what it measured."""
    return _measured(environment, ["run_peer.py", peer, phase, *([str(count)] if count else [])])


def asked(environment: Mapping[str, str], peer: str, where: str, count: int) -> dict[str, Any]:
    """Ask one peer for points of its history (``asof_peer``), and return what it measured."""
    # This folder has modules of the same names as the adapters'.
    told = {**environment, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.environ["PEER_DIR"]}
    return _measured(told, [str(Path(__file__).with_name("asof_peer.py")), peer, where, str(count)])


def _measured(environment: Mapping[str, str], command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run([os.environ["PEER_PYTHON"], *command], cwd=os.environ["PEER_DIR"], env=dict(environment),
                          capture_output=True, text=True, check=False)  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr[-1500:]
    found: dict[str, Any] = json.loads(lines[-1])
    return found
