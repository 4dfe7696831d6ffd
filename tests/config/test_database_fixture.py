import warnings

import psycopg
import pytest
from django.core.management import call_command
from tests.postgres import Database


def test_tests_run_as_a_role_that_cannot_go_round_row_security(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == ("changedesk_app", False, False)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_one_test_writes_the_next_does_not_see(database: Database, turn: str) -> None:
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT count(*) FROM django_session").fetchone() == (0,)
        connection.execute("INSERT INTO django_session VALUES (%s, 'x', now())", [turn])


def test_migrations_make_what_the_models_say(database: Database) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as it warns of a database that it cannot ask
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
