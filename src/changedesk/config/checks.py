"""What must be true before a program serves: asked of the database itself, as the role that will serve."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

SERVER_VERSION_MIN = 150000


@dataclass(frozen=True)
class Finding:
    """One reason not to start: ``code`` for programs, ``sentence`` for people, saying what to do."""

    code: str
    sentence: str


Check = Callable[[psycopg.Connection], list[Finding]]

ROLE = """
SELECT current_user::text,
       bool_or(rolsuper), bool_or(rolbypassrls)
FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')
"""
"""Membership counts: whoever may SET ROLE to a stronger role has its rights."""

FACT_TABLES = """
SELECT c.relname::text,
       pg_has_role(current_user, c.relowner, 'MEMBER'),
       has_table_privilege(c.oid, 'TRUNCATE'),
       EXISTS (SELECT FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attname = 'client_id' AND NOT a.attisdropped),
       c.relrowsecurity AND c.relforcerowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'desk' AND c.relkind IN ('r', 'p') ORDER BY 1
"""

DURABILITY = ("fsync", "full_page_writes", "synchronous_commit")


def rights(connection: psycopg.Connection) -> list[Finding]:
    """Whether the role is weaker than row security, and owns none of what it writes."""
    row = connection.execute(ROLE).fetchone()
    role, superuser, bypass = row or ("?", True, True)
    found = []
    advice = "Connect as changedesk_app, the role that 'changedesk database prepare' makes."
    if superuser:
        found.append(
            Finding("superuser", f"The database role {role} is a superuser, or may become one. {advice}"),
        )
    elif bypass:
        found.append(
            Finding("bypass-rls", f"The database role {role} may go round row security (BYPASSRLS). {advice}"),
        )
    return found


def tables(connection: psycopg.Connection) -> list[Finding]:
    """Whether every fact table keeps clients apart, and none belongs to the role that serves."""
    rows = connection.execute(FACT_TABLES).fetchall()
    owned = [name for name, owner, *_ in rows if owner]
    emptied = [name for name, owner, truncate, *_ in rows if truncate and not owner]
    open_tables = [name for name, _, _, has_client, forced in rows if has_client and not forced]
    found = []
    if owned:
        found.append(
            Finding(
                "owns-facts",
                f"The database role owns fact tables: {', '.join(owned)}. Give them to changedesk_owner.",
            )
        )
    if emptied:
        found.append(
            Finding(
                "may-truncate",
                f"The database role may empty fact tables: {', '.join(emptied)}. Revoke TRUNCATE on them.",
            )
        )
    if open_tables:
        found.append(
            Finding(
                "row-security-off",
                f"Row security is not forced on {', '.join(open_tables)}. As their owner: "
                "ALTER TABLE ... ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.",
            )
        )
    return found


def durability(connection: psycopg.Connection) -> list[Finding]:
    """Whether an acknowledged change survives a power cut."""
    found = []
    for name in DURABILITY:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
        if row and row[0] == "off":
            found.append(
                Finding(
                    f"{name.replace('_', '-')}-off",
                    f"The PostgreSQL setting {name} is off: acknowledged changes could be lost. Turn it on.",
                )
            )
    return found


def server_version(connection: psycopg.Connection) -> list[Finding]:
    """Whether the server is new enough."""
    if connection.info.server_version >= SERVER_VERSION_MIN:
        return []
    return [Finding("server-too-old", "This PostgreSQL is older than 15. Upgrade it.")]


def migrations() -> list[Finding]:
    """Whether the schema is that of this program. Needs Django set up."""
    from django.db import connection  # noqa: PLC0415 - after set-up
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415 - after set-up
    from django.db.utils import Error  # noqa: PLC0415 - after set-up

    advice = "Run 'changedesk migrate'."
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return [Finding("unmigrated", f"The database holds no readable schema yet. {advice}")]
    if missing:
        return [Finding("unmigrated", f"The database is {len(missing)} migrations behind this program. {advice}")]
    return []


def erasures() -> list[Finding]:
    """Whether everybody whom the journal names is forgotten here too. Needs Django set up, and the schema."""
    from changedesk.store import erasure_journal, forget  # noqa: PLC0415 - after set-up

    try:
        ahead = forget.unheard()
    except erasure_journal.JournalDamaged as damaged:
        return [
            Finding(
                "journal-damaged",
                f"The erasure journal {erasure_journal.path()} cannot be read ({damaged}). Put its newest copy there.",
            )
        ]
    if not ahead:
        return []
    return [
        Finding(
            "erasures-ahead",
            f"This database still knows {len(ahead)} of those whom it was told to forget: it is an older copy. "
            "Run 'changedesk restore replay', then start again.",
        )
    ]


def of_database(connection: psycopg.Connection) -> list[Finding]:
    """Everything to be said about one connection, worst first."""
    return [found for check in (server_version, rights, tables, durability) for found in check(connection)]


def findings(url: str) -> list[Finding]:
    """Every reason not to serve with this connection string; an empty list means go. Needs Django set up."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            found = of_database(connection)
    except psycopg.OperationalError:
        return [
            Finding(
                "unreachable",
                "No database answers. Start it with 'changedesk up', or check CHANGEDESK_DATABASE_URL.",
            )
        ]
    missing = migrations()
    return found + (missing or erasures())


def master() -> list[Finding]:
    """Why nothing sealed could be opened, if so: tried there and back. Needs Django's settings."""
    from changedesk.store import masters  # noqa: PLC0415 - reads the settings

    try:
        masters.check()
    except masters.MasterUnavailable as refusal:
        why = " ".join(str(item) for item in refusal.data.values())
        return [Finding(refusal.code, f"{refusal.sentence} ({why}) {refusal.hint}")]
    return []
