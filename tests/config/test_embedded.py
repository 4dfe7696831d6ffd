import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from changedesk.config.embedded import Account, CannotStartError, Server, data_folder, digest, secret, socket_folder

SMALL = {"fsync": "off", "shared_buffers": "16MB"}
STARTER = Path(__file__).with_name("starter.py")
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")


@dataclass
class Started:
    starter: subprocess.Popen[str]
    pid: int
    url: str

    def died(self, seconds: float = 30) -> bool:
        """Whether the server process is gone, waited for by its pidfd."""
        try:
            life = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([life], [], [], seconds)[0])
        finally:
            os.close(life)


@contextmanager
def started(state: Path, account: pwd.struct_passwd | None = None) -> Iterator[Started]:
    """A server whose starter is a process of its own, so that the starter can be killed."""
    identity = [str(account.pw_uid), str(account.pw_gid)] if account else []
    starter = subprocess.Popen(
        [sys.executable, str(STARTER), str(state), *identity],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout
    try:
        pid, url = starter.stdout.readline(), starter.stdout.readline()
        yield Started(starter=starter, pid=int(pid), url=url.strip())
    finally:
        starter.send_signal(signal.SIGTERM)
        starter.wait(30)
        starter.stdout.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """Where nothing was started before."""
    folder = tmp_path / "state"
    yield folder
    Server(state_dir=folder).erase()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(state_dir=tmp_path_factory.mktemp("made") / "state", settings=SMALL)
    server.start()
    server.stop()
    yield server
    server.erase()


@pytest.fixture
def state(empty: Path, made: Server) -> Path:
    """Where a server was started and stopped: making its files anew takes longer than most tests here."""
    shutil.copytree(made.state_dir, empty, ignore=shutil.ignore_patterns("postgres"))
    mine = Server(state_dir=empty)
    mine.account.owned(mine.data.parent)
    subprocess.run(["cp", "-a", made.data, mine.data], check=True)
    return empty


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def test_the_server_dies_with_a_killed_starter_and_keeps_what_was_committed(state: Path) -> None:
    with started(state) as first:
        with psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        first.starter.kill()
        assert first.died()
    with started(state) as second, psycopg.connect(second.url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (42,)


def test_a_killed_server_starts_again_over_its_stale_lock(state: Path) -> None:
    server = Server(state_dir=state, settings=SMALL)
    server.start()
    try:
        assert server.process
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        server.process.kill()
        server.process.wait()
        assert (server.data / "postmaster.pid").exists()
        server.start()
        with psycopg.connect(server.conninfo()) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
    finally:
        server.stop()


def test_a_start_waits_for_what_a_killed_server_left_however_much_that_still_says(state: Path) -> None:
    """Its children hold the shared memory until they notice, and write to the same log meanwhile."""
    server = Server(state_dir=state, settings=SMALL)
    server.start()
    try:
        assert server.process
        connections = [psycopg.connect(server.conninfo()) for _ in range(20)]
        with psycopg.connect(server.conninfo()) as loud:
            # The children's place in the log is far from its beginning by now.
            loud.execute("DO $$ BEGIN FOR i IN 1..200 LOOP RAISE LOG 'a line of the log'; END LOOP; END $$")
        late, last = (one.info.backend_pid for one in connections[:2])
        for pid in (late, last):
            os.kill(pid, signal.SIGSTOP)
        server.process.kill()
        server.process.wait()
        going = threading.Thread(target=go_on_one_by_one, args=(server.log_file, late, last))
        going.start()
        server.start()
        going.join()
        with psycopg.connect(server.conninfo()) as connection:
            assert connection.execute("SELECT 42").fetchone() == (42,)
        for one in connections:
            one.close()
    finally:
        server.stop()


def go_on_one_by_one(log: Path, late: int, last: int) -> None:
    """Let one stopped child say its last word while the first start fails, the other once a second one has."""
    size = log.stat().st_size
    refused = b"still in use"
    wait_until(lambda: log.stat().st_size < size or refused in log.read_bytes())
    os.kill(late, signal.SIGCONT)
    wait_until(lambda: log.read_bytes().count(refused) > 1)
    os.kill(last, signal.SIGCONT)


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if true():
            return
        select.select([], [], [], 0.0005)


def test_a_lock_whose_number_belongs_to_another_program_by_now_does_not_block(state: Path) -> None:
    server = Server(state_dir=state, settings=SMALL)
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getppid()}\n{server.data}\n")
    server.start()
    server.stop()


def test_a_second_server_over_the_same_data_is_refused(state: Path) -> None:
    with started(state), pytest.raises(CannotStartError, match="already runs"):
        Server(state_dir=state, settings=SMALL).start()


def test_the_server_never_runs_as_root_and_its_folders_are_private(empty: Path) -> None:
    with started(empty) as running:
        assert owner_of(running.pid) != 0
        for folder in (socket_folder(empty), data_folder(empty), empty / "secrets"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_a_wrong_password_does_not_get_in(state: Path) -> None:
    with started(state) as running, pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(running.url, password="guess")


def test_pages_carry_checksums_and_nothing_listens_on_the_network(state: Path) -> None:
    with started(state) as running, psycopg.connect(running.url) as connection:
        asked = "SELECT current_setting('data_checksums'), current_setting('listen_addresses')"
        assert connection.execute(asked).fetchone() == ("on", "")


def test_a_state_folder_deeper_than_a_socket_path_may_be_works(tmp_path: Path) -> None:
    deep = tmp_path / ("deep-" * 12) / ("folder-" * 12)
    try:
        with started(deep) as running, psycopg.connect(running.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert len(os.fsencode(deep)) > 107
    finally:
        Server(state_dir=deep).erase()


def test_a_socket_folder_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    trap = tmp_path / "sockets"
    trap.symlink_to(tmp_path / "real")
    with pytest.raises(CannotStartError, match="somebody else"):
        Account(uid=os.getuid(), gid=os.getgid(), switch=False).owned(trap)


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "one"
    first = secret(path)
    assert secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@AS_ROOT
def test_an_ordinary_account_starts_stops_and_starts_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    nobody = pwd.getpwnam("nobody")
    # Neither pytest's folder nor perhaps this checkout is open to others: give the account copies that are.
    home = Path("/tmp") / f"changedesk-ordinary-{os.getpid()}"  # noqa: S108 - made exclusively, below
    home.mkdir(mode=0o755)
    try:
        state = home / "state"
        state.mkdir(mode=0o700)
        os.chown(state, nobody.pw_uid, nobody.pw_gid)
        with started(state, nobody) as running:
            assert owner_of(running.pid) == nobody.pw_uid
            assert (state / "postgres" / "data" / "PG_VERSION").exists()
            running.starter.kill()
            assert running.died()
        with started(state, nobody) as running:
            assert not running.died(0)
    finally:
        shutil.rmtree(home)
        shutil.rmtree(f"/tmp/changedesk-{nobody.pw_uid}-{digest(state)}")  # noqa: S108 - its socket folder
