"""One throw-away PostgreSQL for a test run, its migrated template, and a clean copy for each test worker."""

import compileall
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

import changedesk
from changedesk.config.bootstrap import APP, OWNER, passwords, prepare
from changedesk.config.embedded import PORT, socket_folder

DEBIAN = {"15": Path("/usr/lib/postgresql/15/bin")}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
"""For tests only: a start-up check refuses to serve on such a server."""
TEMPLATE = "desk_template"
MIGRATE = "import sys; from changedesk.config.bootstrap import migrate; migrate(sys.argv[1])"
ROOT = Path(__file__).parent.parent


class Run:
    """What all workers of one test run share: a folder, the passwords and the server."""

    def __init__(self) -> None:
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        # Set by the first process of the run, inherited by its workers. The folder is new each time: a process number
        # comes again, and the keeper of the run that had it last may still be clearing up.
        if "CHANGEDESK_TEST_RUN" not in os.environ:
            os.environ["CHANGEDESK_TEST_RUN"] = str(os.getpid())
            os.environ["CHANGEDESK_TEST_FOLDER"] = tempfile.mkdtemp(prefix="changedesk-test-")
            # Where Python is told to write no bytecode, each of a hundred servers would compile the program anew.
            compileall.compile_dir(changedesk.__path__[0], quiet=2)
        self.watched = int(os.environ["CHANGEDESK_TEST_RUN"])
        self.folder = Path(os.environ["CHANGEDESK_TEST_FOLDER"])
        self.version = os.environ.get("CHANGEDESK_TEST_PG", "18")
        with self.alone():
            self.app_word, self.owner_word = passwords(self.folder / "secrets")

    def forget(self) -> None:
        """Remove the run's folder, unless a server runs: its keeper removes it then, after this process has ended."""
        if self.watched == os.getpid() and not (self.folder / "keeper.log").exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the run's lock: one worker starts the server, the others wait."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def url(self, user: str, database: str = "") -> str:
        word = {APP: self.app_word, OWNER: self.owner_word}[user]
        place: dict[str, str | int] = {"host": str(socket_folder(self.folder)), "port": PORT}
        return make_conninfo("", **place, user=user, password=word, dbname=database or f"desk_{self.worker}")

    def set_environment(self) -> None:
        """Point the program under test at this worker's database, as the application's role."""
        os.environ.update(
            {
                "DJANGO_SETTINGS_MODULE": "changedesk.config.settings",
                # A worker's own: clients of the same number publish their logs there.
                "CHANGEDESK_STATE_DIR": str(self.folder / f"state_{self.worker}"),
                "CHANGEDESK_DATABASE_URL": self.url(APP),
                "CHANGEDESK_SECRET_KEY": "a secret of this test run only, nowhere else in use",
                "CHANGEDESK_PUBLIC_URL": "http://localhost:8000",
                "CHANGEDESK_POOL_SIZE": "8",
                # Playwright keeps an event loop in the thread that also prepares the data: Django need not mind.
                "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
                "CHANGEDESK_MASTER_KEY_FILE": str(self.folder / "master_key"),
            }
        )
        with self.alone():
            if not (self.folder / "master_key").exists():
                (self.folder / "master_key").write_text("5a" * 32, encoding="utf-8")
                (self.folder / "master_key").chmod(0o600)

    def admin(self) -> str:
        """Start the server with its migrated template on first need; the administrator's URL."""
        with self.alone():
            known = self.folder / "admin"
            if not known.exists():
                admin = self._start()
                prepare(admin, self.folder / "secrets", database=TEMPLATE)
                self._migrate()
                with psycopg.connect(admin, autocommit=True) as connection:
                    connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(TEMPLATE)))
                known.write_text(admin, encoding="utf-8")
            return known.read_text(encoding="utf-8")

    def _start(self) -> str:
        reading, writing = os.pipe()
        bin_dir = DEBIAN.get(self.version)
        word = {
            "state_dir": str(self.folder),
            "watched": self.watched,
            "settings": FAST,
            "bin_dir": str(bin_dir) if bin_dir else None,
            "ready": writing,
        }
        with (self.folder / "keeper.log").open("wb") as log:
            subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("keeper.py")), json.dumps(word)],
                pass_fds=[writing],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(writing)
        with os.fdopen(reading) as ready:
            admin = ready.read()
        if not admin:
            raise RuntimeError((self.folder / "keeper.log").read_text(encoding="utf-8")[-4000:])
        return admin

    def _migrate(self) -> None:
        """In a process of its own: migrations run as the owner, and this process is the application."""
        done = subprocess.run(
            [sys.executable, "-c", MIGRATE, self.url(OWNER, TEMPLATE)],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        if done.returncode:
            raise RuntimeError(f"The migrations failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")

    def clone(self, name: str) -> None:
        """A fresh copy of the template."""
        with psycopg.connect(self.admin(), autocommit=True) as admin:
            target = sql.Identifier(name)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(target))
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                    target, sql.Identifier(OWNER), sql.Identifier(TEMPLATE)
                )
            )
            # What ALTER DATABASE ... SET gave the template does not come with the copy.
            admin.execute(sql.SQL("ALTER DATABASE {} SET search_path = public, desk").format(target))
            admin.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'UTC'").format(target))
            admin.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(target))


class Database:
    """A worker's database, seen as the application, as the owner, and past all rights."""

    def __init__(self, run: Run) -> None:
        self.name = f"desk_{run.worker}"
        self.url = run.url(APP)
        self.owner_url = run.url(OWNER)
        run.clone(self.name)
        self.admin_url = make_conninfo(run.admin(), dbname=self.name)
        self._admin = psycopg.connect(self.admin_url, autocommit=True)
        # It passes over triggers and foreign keys. For good: each turn of this would drop the plan of what is asked.
        self._admin.execute("SET session_replication_role = replica")
        tables = [row[0] for row in self._admin.execute(TABLES).fetchall()]
        kept = self._filled(_which(tables))
        self._which = _which([name for name in tables if name not in kept])

    def clean(self) -> None:
        """Empty what the last test filled, and start its counters anew; what migrations brought stays.

        Deleting is much cheaper than TRUNCATE.
        """
        filled = self._filled(self._which)
        with self._admin.transaction():
            for name in filled:
                self._admin.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*name.split("."))))
            for (name,) in self._admin.execute(COUNTERS).fetchall():
                self._admin.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(*name.split("."))))

    def close(self) -> None:
        self._admin.close()

    def _filled(self, which: bytes) -> list[str]:
        return [row[0] for row in self._admin.execute(which).fetchall()]


def _which(tables: list[str]) -> bytes:
    """The question which of these tables hold anything."""
    asks = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, sql.Identifier(*name.split(".")))
        for name in tables
    ]
    return sql.SQL(" UNION ALL ").join(asks).as_bytes()


TABLES = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'desk') ORDER BY 1
"""
COUNTERS = """
SELECT schemaname || '.' || sequencename FROM pg_sequences
WHERE last_value IS NOT NULL AND schemaname IN ('public', 'desk')
  AND sequencename NOT IN ('django_migrations_id_seq', 'django_content_type_id_seq', 'auth_permission_id_seq')
"""
