"""A throw-away installation to measure in: durable settings (fsync and synchronous_commit on), its own database."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TUNING = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "min_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "512MB",
    "work_mem": "32MB",
    "effective_cache_size": "8GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "200",
    "autovacuum_naptime": "60s",
}
MIGRATE = "import sys; from changedesk.config.bootstrap import migrate; migrate(sys.argv[1], verbosity=0)"


@dataclass(frozen=True)
class Place:
    """A running PostgreSQL with the migrated desk in it."""

    state: Path
    admin: str
    app: str
    owner: str
    programs: Path
    server_pid: int

    def admin_of(self, database: str) -> str:
        """Return the administrator's connection string for one database."""
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - after the path is set up

        return make_conninfo(self.admin, dbname=database)


def open_place() -> Place:
    """Start the server, create the database, point this process at it; all of it goes when the process ends."""
    from changedesk.config.bootstrap import prepare  # noqa: PLC0415 - the environment comes first
    from changedesk.config.embedded import Server, binaries, server_account  # noqa: PLC0415 - as above

    state = Path(tempfile.mkdtemp(prefix="changedesk-bench-"))
    server = Server(state_dir=state, settings=TUNING)

    def close() -> None:
        server.stop()
        server.erase()
        shutil.rmtree(state, ignore_errors=True)

    atexit.register(close)
    server.start()
    urls = prepare(server.conninfo(), state / "secrets")
    subprocess.run([sys.executable, "-c", MIGRATE, urls.owner], check=True)
    master = state / "secrets" / "master_key"
    master.write_text(os.urandom(32).hex(), encoding="ascii")
    master.chmod(0o600)
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "changedesk.config.settings",
            "CHANGEDESK_STATE_DIR": str(state),
            "CHANGEDESK_DATABASE_URL": urls.app,
            "CHANGEDESK_MASTER_KEY_FILE": str(master),
            "CHANGEDESK_SECRET_KEY": os.urandom(24).hex(),
            "CHANGEDESK_POOL_SIZE": "32",
            "CHANGEDESK_LOG_LEVEL": "warning",
        }
    )
    import django  # noqa: PLC0415 - reads the settings, which read the lines above

    django.setup()
    assert server.process
    return Place(state, server.conninfo(), urls.app, urls.owner, binaries(server_account()), server.process.pid)
