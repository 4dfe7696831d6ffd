"""Plans that are made before anything is known of the tables: those of a desk's first minute."""

from importlib.resources import files
from typing import Final

import psycopg
import pytest
from tests.postgres import Database

from changedesk.store.queries import STATEMENTS

INDEXES: Final = {
    "challenges.decide": "challenge_pkey",
    "challenges.hold": "challenge_pkey",
    "challenges.of_subjects": "challenge_of_subject",
    "challenges.places": "challenge_pkey",
    "challenges.tries_since": "try_pkey",
    "challenges.void_open": "challenge_of_subject",
    "deliveries.finish": "delivery_pkey",
    "deliveries.of_request": "delivery_of_request",
    "requests.by_refs": "request_client_id_ref_key",
    "requests.hold": "request_pkey",
    "requests.places": "request_client_id_ref_key",
    "requests.holders_of_fields": "request_pkey",
    "requests.load": "request_pkey",
    "requests.move": "request_pkey",
}
FORGET: Final = """
    SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
    SELECT pg_clear_relation_stats('desk', c.relname) FROM pg_class c
    WHERE c.relnamespace = 'desk'::regnamespace AND c.relkind IN ('r', 'i');
    SELECT pg_clear_attribute_stats('desk', c.relname, a.attname, false) FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'desk'::regnamespace AND c.relkind = 'r'"""


@pytest.mark.parametrize(("name", "index"), INDEXES.items())
def test_a_row_is_looked_up_by_its_own_key_from_the_first_call_on(database: Database, name: str, index: str) -> None:
    with psycopg.connect(database.admin_url) as admin:
        if admin.info.server_version < 180000:
            pytest.skip("only PostgreSQL 18 and newer is told of tables that nobody has analysed")
        admin.execute(FORGET)
        admin.execute((files("changedesk.store") / "ddl" / "estimates.sql").read_text("utf-8").encode())
        told = admin.pgconn.exec_(b"EXPLAIN (GENERIC_PLAN, COSTS OFF) " + STATEMENTS[name].text)
        plan = "\n".join(bytes(told.get_value(row, 0) or b"").decode() for row in range(told.ntuples))
        admin.rollback()
    key = "request_id = $" if name == "deliveries.of_request" else "ref = ANY" if "ref" in index else "id = "
    assert f" {index}" in plan, plan
    assert any(key in line for line in plan.splitlines() if "Index Cond" in line), plan
