from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.conftest import RUN
from tests.postgres import Database

from changedesk.config import checks
from changedesk.config.bootstrap import OWNER

ROLE = f"check_{RUN.worker}"  # roles belong to the whole server: one for each worker


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    """The administrator, with a role and a table to be spoilt; both are gone afterwards."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(ROLE)))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'checked'").format(sql.Identifier(ROLE)))
        connection.execute("CREATE TABLE desk.spoilt (client_id int NOT NULL)")
        connection.execute(sql.SQL("ALTER TABLE desk.spoilt OWNER TO {}").format(sql.Identifier(OWNER)))
        force(connection)
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA desk TO {}").format(sql.Identifier(ROLE)))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database.name), sql.Identifier(ROLE))
        )
        yield connection
        connection.execute("DROP TABLE desk.spoilt")
        connection.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(ROLE)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def force(connection: psycopg.Connection) -> None:
    connection.execute("ALTER TABLE desk.spoilt ENABLE ROW LEVEL SECURITY")
    connection.execute("ALTER TABLE desk.spoilt FORCE ROW LEVEL SECURITY")


def codes(database: Database, *checked: checks.Check) -> set[str]:
    url = make_conninfo(database.admin_url, user=ROLE, password="checked")
    with psycopg.connect(url) as connection:
        return {finding.code for check in checked for finding in check(connection)}


def test_the_role_of_the_application_is_fit(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        assert checks.rights(connection) + checks.tables(connection) == []


@pytest.mark.parametrize(("right", "code"), [("SUPERUSER", "superuser"), ("BYPASSRLS", "bypass-rls")])
def test_a_role_that_goes_round_row_security_is_refused(
    admin: psycopg.Connection, database: Database, right: str, code: str
) -> None:
    assert codes(database, checks.rights) == set()
    admin.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(ROLE), sql.SQL(right)))
    assert codes(database, checks.rights) == {code}


def test_a_role_that_may_become_a_stronger_one_is_refused(admin: psycopg.Connection, database: Database) -> None:
    admin.execute("CREATE ROLE stronger BYPASSRLS")
    try:
        admin.execute(sql.SQL("GRANT stronger TO {}").format(sql.Identifier(ROLE)))
        assert codes(database, checks.rights) == {"bypass-rls"}
    finally:
        admin.execute("DROP ROLE stronger")


def test_an_owner_of_facts_is_refused(admin: psycopg.Connection, database: Database) -> None:
    assert codes(database, checks.tables) == set()
    admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(OWNER), sql.Identifier(ROLE)))
    assert "owns-facts" in codes(database, checks.tables)


def test_a_role_that_may_empty_facts_is_refused(admin: psycopg.Connection, database: Database) -> None:
    admin.execute(sql.SQL("GRANT TRUNCATE ON desk.spoilt TO {}").format(sql.Identifier(ROLE)))
    assert codes(database, checks.tables) == {"may-truncate"}


@pytest.mark.parametrize("spoil", ["NO FORCE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"])
def test_a_fact_table_open_to_all_clients_is_refused(admin: psycopg.Connection, database: Database, spoil: str) -> None:
    admin.execute(sql.SQL("ALTER TABLE desk.spoilt {}").format(sql.SQL(spoil)))
    assert codes(database, checks.tables) == {"row-security-off"}


def test_a_server_that_may_forget_acknowledged_changes_is_refused(database: Database) -> None:
    # The servers of the tests run with all three off, which is exactly what must not serve.
    with psycopg.connect(database.url) as connection:
        found = {finding.code for finding in checks.durability(connection)}
    assert found == {"fsync-off", "full-page-writes-off", "synchronous-commit-off"}


def test_every_refusal_says_what_to_do(database: Database) -> None:
    assert [found.code for found in checks.findings("host=/nowhere dbname=none")] == ["unreachable"]
    with psycopg.connect(database.admin_url) as connection:
        for finding in checks.of_database(connection):
            assert finding.sentence.endswith(".")
            assert ". " in finding.sentence or ": " in finding.sentence


def test_a_missing_migration_is_refused(database: Database) -> None:
    assert checks.migrations() == []
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        row = admin.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations) "
            "RETURNING id, app, name, applied"
        ).fetchone()
        try:
            assert [finding.code for finding in checks.migrations()] == ["unmigrated"]
        finally:
            admin.execute("INSERT INTO django_migrations VALUES (%s, %s, %s, %s)", row)
