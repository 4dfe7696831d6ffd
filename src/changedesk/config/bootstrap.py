"""Makes a database ready: roles, database, schema, migrations, rights. Every step may be run again."""

import os
import secrets
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from changedesk.config.embedded import PORT, secret, socket_folder
from changedesk.config.environment import Environment

DATABASE = "changedesk"
OWNER = "changedesk_owner"
APP = "changedesk_app"
PASSWORD_FILES = {APP: "database_app", OWNER: "database_owner"}
FRAMEWORK_APPS = ("sessions", "account", "mfa", "usersessions")
READ_ONLY_TABLES = ("django_migrations", "django_content_type")
CACHE_TABLE = "django_cache"


@dataclass(frozen=True)
class Urls:
    """How to connect: ``app`` for the running programs, ``owner`` for migrations."""

    app: str
    owner: str


def urls(environment: Environment) -> Urls:
    """The connection strings of this installation, set by hand or those of its embedded database."""
    if environment.database_url:
        app = environment.database_url.get_secret_value()
        owner = environment.migration_url.get_secret_value() if environment.migration_url else ""
        return Urls(app=app, owner=owner)
    # Reading only: a tool that loads the settings must not make secrets.
    found = {role: environment.secrets_dir / name for role, name in PASSWORD_FILES.items()}
    words = {role: path.read_text(encoding="utf-8").strip() if path.exists() else "" for role, path in found.items()}
    place: dict[str, str | int] = {
        "host": str(socket_folder(environment.state_dir)),
        "port": PORT,
        "dbname": DATABASE,
    }
    return Urls(
        app=make_conninfo("", **place, user=APP, password=words[APP]),
        owner=make_conninfo("", **place, user=OWNER, password=words[OWNER]),
    )


def passwords(secrets_dir: Path) -> tuple[str, str]:
    """The passwords of the application's and the owner's role, made on first need and kept (mode 0600)."""
    return secret(secrets_dir / PASSWORD_FILES[APP]), secret(secrets_dir / PASSWORD_FILES[OWNER])


def own_keys(environment: Environment) -> list[Path]:
    """The file of the master key, unless it is kept outside of the state folder."""
    return [environment.master_key_path] if environment.master_key_file is None and environment.kms is None else []


def make_keys(environment: Environment) -> None:
    """Generate the master key and the signing secret unless they are there or set."""
    for path in own_keys(environment):
        secret(path, lambda: secrets.token_hex(32))
    if environment.secret_key is None:
        secret(environment.secrets_dir / "secret_key", lambda: secrets.token_urlsafe(64))


def script(package: str, name: str) -> sql.SQL | None:
    """The SQL file ``name`` of ``package``, or None when it is not there."""
    place = files(package) / name
    return sql.SQL(place.read_text(encoding="utf-8")) if place.is_file() else None


def prepare(admin_url: str, secrets_dir: Path, *, database: str = DATABASE) -> Urls:
    """Create both roles and the database with its schemas, as an administrator.

    The passwords go to the server as SCRAM verifiers, so that no server log can hold them.
    Returns how to connect.
    Raises psycopg.Error when the administrator may not do this.
    """
    app_word, owner_word = passwords(secrets_dir)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        run(admin, "roles.sql")
        for role, word in ((OWNER, owner_word), (APP, app_word)):
            verifier = admin.pgconn.encrypt_password(word.encode(), role.encode(), b"scram-sha-256").decode()
            admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            create_database(admin, database)
    with psycopg.connect(make_conninfo(admin_url, dbname=database), autocommit=True) as inside:
        run(inside, "database.sql")
    return Urls(
        app=make_conninfo(admin_url, dbname=database, user=APP, password=app_word),
        owner=make_conninfo(admin_url, dbname=database, user=OWNER, password=owner_word),
    )


def create_database(admin: psycopg.Connection, name: str) -> None:
    """An empty UTF-8 database of the owner's role; sorted by bytes, so that every server sorts alike."""
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'").format(
            sql.Identifier(name), sql.Identifier(OWNER)
        )
    )


def run(connection: psycopg.Connection, name: str) -> None:
    """Execute one of this package's SQL files."""
    statement = script("changedesk.config", name)
    if statement is None:
        raise FileNotFoundError(name)
    connection.execute(statement)


def migrate(owner_url: str, *, verbosity: int = 1) -> None:
    """Bring the schema up to date as its owner, then give the application its rights.

    Sets the process up as the owner's, so a process that migrates does nothing else.
    """
    os.environ["CHANGEDESK_DATABASE_URL"] = owner_url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
    import django  # noqa: PLC0415 - reads the settings, which read the line above
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.db import connection as django_connection  # noqa: PLC0415 - as above

    django.setup()
    call_command("migrate", interactive=False, verbosity=verbosity)
    call_command("createcachetable", verbosity=0)
    with psycopg.connect(owner_url) as owner:
        grant(owner)
    django_connection.close()


def grant(owner: psycopg.Connection) -> None:
    """Give the application what it needs on each table: the framework's here, ours in store/grants.sql."""
    from django.apps import apps  # noqa: PLC0415 - the registry is there only after set-up

    framework = [
        model._meta.db_table  # noqa: SLF001 - Django documents it
        for label in FRAMEWORK_APPS
        for model in apps.get_app_config(label).get_models()
    ]
    for rights, tables in (
        ("SELECT", READ_ONLY_TABLES),
        ("SELECT, INSERT, UPDATE, DELETE", (*framework, CACHE_TABLE)),
    ):
        for table in tables:
            owner.execute(
                sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), sql.Identifier(table), sql.Identifier(APP))
            )
    own = script("changedesk.store", "grants.sql")
    if own is not None:
        owner.execute(own.format(app=sql.Identifier(APP)))
