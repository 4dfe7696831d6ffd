"""Nothing changes without its evidence: the database refuses what no verb would do, to the application's own role."""

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from tests.cast import Desk, desk, soon
from tests.flow.walk import (
    LATER,
    OTHER_POST,
    POST,
    agree,
    arrive,
    ask,
    done,
    holds,
    prove,
    ready,
    record,
    request_of,
    vouch,
)
from tests.postgres import Database

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.store import evidence
from changedesk.store.begin import begin

Sql = Callable[..., int]


@pytest.fixture
def sql(database: Database, d: Desk) -> Sql:
    """Run one statement as the application's role, in a transaction of the client; return how many rows it met."""

    def run(statement: str, *given: object, client: int | None = d.client) -> int:
        with psycopg.connect(database.url) as connection:
            if client is not None:
                connection.execute("SELECT set_config('changedesk.client', %s, true)", [str(client)])
            return connection.execute(statement.encode(), given).rowcount

    return run


APPLY = "UPDATE desk.request SET state = 'applied', applied_change = %s WHERE id = %s"
APPROVE = "UPDATE desk.request SET state = 'approved' WHERE id = %s"
DECIDE = (
    "INSERT INTO desk.decision (client_id, request_id, digest, actor, team, verdict, at)"
    " SELECT client_id, id, digest, %s, %s, 'approve', now() FROM desk.request WHERE id = %s"
)


def _refused(code: str, run: Callable[[], object]) -> None:
    with pytest.raises(psycopg.DatabaseError) as met:
        run()
    assert met.value.sqlstate == code, met.value


def test_an_unproved_request_is_not_approved_by_sql(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ask(d, dana, at=LATER)
    _refused("CD006", lambda: sql(APPROVE, asked.request))
    vouch(d, dana, LATER)
    _refused("CD006", lambda: sql(APPROVE, asked.request))  # a caller is not bound to the change


def test_what_is_known_of_a_customer_proves_nothing_by_sql(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ask(d, dana, {"contact.url": "https://dana.example/"}, at=LATER)
    record(d, dana, {"personal.birth_date": "1980-02-03"}, at=LATER)
    started = flow.challenge(
        dana, purpose="caller", method="knowledge", path="personal.birth_date", actor=d.ben, at=LATER
    )
    assert flow.confirm(started.id, "1980-02-03", actor=d.ben, at=LATER).matched
    _refused("CD006", lambda: sql(APPROVE, asked.request))


def test_a_proof_of_other_content_counts_for_nothing_by_sql(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ready(d, dana)
    flow.revise(asked.ref, {"contact.email": "third@new.example"}, seen_version=None, actor=d.ben, at=soon(LATER, 5))
    _refused("CD006", lambda: sql(APPROVE, asked.request))


def test_a_new_address_that_has_not_answered_stops_it_by_sql(d: Desk, dana: SubjectId, sql: Sql) -> None:
    vouch(d, dana, LATER)
    asked = ask(d, dana, at=LATER)
    prove(d, asked, soon(LATER))
    agree(d, asked, soon(LATER))
    sql(DECIDE, "s3", "two", asked.request)
    _refused("CD006", lambda: sql(APPROVE, asked.request))


def test_a_missing_consent_stops_it_by_sql(d: Desk, dana: SubjectId, sql: Sql) -> None:
    vouch(d, dana, LATER)
    asked = ask(d, dana, POST, at=LATER)
    sql(DECIDE, "s3", "two", asked.request)
    _refused("CD007", lambda: sql(APPROVE, asked.request))


def test_the_maker_is_no_checker_by_sql(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ready(d, dana, values=POST)
    _refused("CD008", lambda: sql(APPROVE, asked.request))
    sql(DECIDE, d.ben.id, "elsewhere", asked.request)
    _refused("CD008", lambda: sql(APPROVE, asked.request))
    vouch(d, dana, soon(LATER, 4), agent=d.sofia)
    flow.revise(asked.ref, OTHER_POST, seen_version=None, actor=d.sofia, at=soon(LATER, 4.2))
    agree(d, asked, soon(LATER, 5), agent=d.sofia)
    sql(DECIDE, d.ben.id, "elsewhere", asked.request)
    _refused("CD008", lambda: sql(APPROVE, asked.request))


def test_the_makers_team_is_no_second_team_by_sql(d: Desk, sql: Sql) -> None:
    eve = d.customer(contact__phone_mobile=None)
    vouch(d, eve, LATER)
    asked = ask(d, eve, at=LATER)
    arrive(d, asked, soon(LATER))
    agree(d, asked, soon(LATER, 2))
    for actor in ("s3", "s9"):
        sql(DECIDE, actor, d.ben.team, asked.request)
    _refused("CD008", lambda: sql(APPROVE, asked.request))


@pytest.mark.parametrize(
    "change",
    ["needs_level = 0", "needs_approvals = 0", "needs_consent = NULL", "digest = sha256('x')", "entered_by = 's9'",
     "entered_team = 'x'", "fields = '{contact.url}'", "base_ver = 9",
     "route = route || '{\"confirm_new_contacts\": false}'"],
)  # fmt: skip
def test_what_a_request_needs_is_not_lowered_by_sql(d: Desk, dana: SubjectId, sql: Sql, change: str) -> None:
    asked = ask(d, dana, at=LATER)
    _refused("CD005", lambda: sql(f"UPDATE desk.request SET {change} WHERE id = %s", asked.request))


def test_a_request_does_not_start_anywhere_but_at_the_start(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ask(d, dana, at=LATER)
    copy = (
        "INSERT INTO desk.request SELECT (jsonb_populate_record(r, %s::jsonb || jsonb_build_object('id', %s::uuid,"
        " 'ref', 'X'))).* FROM desk.request r WHERE id = %s"
    )
    for given, code in (
        ('{"state": "approved"}', "CD004"),
        ('{"needs_level": 0, "state": "submitted"}', "CD005"),
        ('{"needs_approvals": 0, "state": "submitted"}', "CD005"),
    ):
        _refused(code, lambda given=given: sql(copy, given, uuid4(), asked.request))  # type: ignore[misc]
    forbidden = '{"state": "submitted", "route": {"prohibitions": [{"rule": "X"}]}}'
    _refused("CD011", lambda: sql(copy, forbidden, uuid4(), asked.request))


def test_no_request_is_applied_without_the_entry_it_brings(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ready(d, dana, effective_at=LATER + timedelta(days=9))
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4)).one().state == "scheduled"
    _refused("23503", lambda: sql(APPLY, uuid4(), asked.request))
    _refused("23514", lambda: sql("UPDATE desk.request SET state = 'applied' WHERE id = %s", asked.request))
    assert holds(d, dana, "contact.email") == "dana@old.example"


def test_a_request_moves_along_its_life_only(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ready(d, dana)
    record(d, dana, {"contact.email": "else@where.example"}, at=soon(LATER, 4))
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 5)).one().state == "stale"
    _refused("CD004", lambda: sql(APPLY, uuid4(), asked.request))
    _refused("CD004", lambda: sql(APPROVE, asked.request))
    flow.cancel(asked.ref, reason="duplicate_account", seen_version=None, actor=d.ben, at=LATER)
    _refused("CD004", lambda: sql("UPDATE desk.request SET state = 'submitted' WHERE id = %s", asked.request))


def test_a_frozen_record_changes_by_no_request(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ready(d, dana, effective_at=LATER + timedelta(days=1))
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4))
    hold = evidence.Hold(
        id=uuid4(), subject_id=dana, request_id=None, blocks=("*",), rule="test", release="fraud", placed_by="a.test",
        starts_at=LATER, ends_at=None,
    )  # fmt: skip
    with begin(d.ben) as tx:
        evidence.place_holds(tx, [hold])
    _refused("CD010", lambda: sql(APPLY, uuid4(), asked.request))
    assert flow.apply_due(d.client, at=LATER + timedelta(days=1)) == 1
    assert request_of(d, asked.ref).state == "on_hold"
    assert request_of(d, asked.ref).hold_until is None


def test_no_change_enters_the_history_without_its_request(d: Desk, dana: SubjectId, sql: Sql) -> None:
    copy = (
        "INSERT INTO desk.entry SELECT (jsonb_populate_record(e, jsonb_build_object('id', 999999,"
        " 'change_id', %s::uuid, 'ver', 2, 'kind', %s::text))).* FROM desk.entry e WHERE subject_id = %s AND ver = 1"
    )
    _refused("CD003", lambda: sql(copy, uuid4(), "change.applied", dana))
    _refused("CD003", lambda: sql(copy, uuid4(), "change.reverted", dana))
    _refused("CD021", lambda: sql(copy, uuid4(), "erasure.confirmed", dana))
    applied = done(d, dana)
    _refused("CD003", lambda: sql(copy, applied.change, "change.applied", dana))


def test_no_state_changes_without_its_entry(d: Desk, dana: SubjectId, sql: Sql) -> None:
    _refused("CD002", lambda: sql("UPDATE desk.subject SET state_ct = 'x' WHERE id = %s", dana))
    _refused("CD002", lambda: sql("UPDATE desk.subject SET status = 'closed' WHERE id = %s", dana))
    _refused("CD002", lambda: sql("UPDATE desk.subject SET ver = 0 WHERE id = %s", dana))
    _refused("23503", lambda: sql("UPDATE desk.subject SET ver = 2, state_ct = 'x' WHERE id = %s", dana))


@pytest.mark.parametrize(
    "table", ["entry", "payload", "log_leaf", "consent", "decision", "subject_key", "client_key", "try"]
)
@pytest.mark.parametrize(
    "verb", ["UPDATE desk.{} SET client_id = client_id", "DELETE FROM desk.{}", "TRUNCATE desk.{}"]
)
def test_what_is_written_is_written(d: Desk, dana: SubjectId, sql: Sql, table: str, verb: str) -> None:
    _refused("42501", lambda: sql(verb.format(table)))


@pytest.mark.parametrize("table", ["entry", "log_leaf", "consent", "decision"])
def test_even_the_owner_rewrites_no_history(d: Desk, dana: SubjectId, database: Database, table: str) -> None:
    for verb in ("UPDATE desk.{} SET client_id = client_id", "DELETE FROM desk.{}", "TRUNCATE desk.{} CASCADE"):
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("SELECT set_config('changedesk.client', %s, true)", [str(d.client)])
            _refused("CD001", lambda verb=verb: connection.execute(verb.format(table).encode()))  # type: ignore[misc]


def test_a_decided_challenge_stays_as_it_is(d: Desk, dana: SubjectId, sql: Sql) -> None:
    asked = ask(d, dana, at=LATER)
    started = flow.challenge(
        dana, purpose="change", method="code_sms", path="contact.phone_mobile", ref=asked.ref, actor=d.ben, at=LATER
    )
    _refused("42501", lambda: sql("UPDATE desk.challenge SET digest = sha256('x') WHERE id = %s", started.id))
    sql("UPDATE desk.challenge SET state = 'failed' WHERE id = %s", started.id)
    _refused("CD009", lambda: sql("UPDATE desk.challenge SET state = 'confirmed' WHERE id = %s", started.id))
    copy = (
        "INSERT INTO desk.challenge SELECT (jsonb_populate_record(c, jsonb_build_object('id', %s::uuid, 'state',"
        " 'confirmed'))).* FROM desk.challenge c WHERE id = %s"
    )
    _refused("CD009", lambda: sql(copy, uuid4(), started.id))


TABLES = (
    "subject", "subject_key", "client_key", "entry", "payload", "blind_index", "challenge", "factor", "request",
    "open_field", "staged",
)  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_no_client_sees_or_writes_anothers_rows(d: Desk, dana: SubjectId, sql: Sql, table: str) -> None:
    ask(d, dana, at=LATER)
    vouch(d, dana, LATER)
    other = desk("borealis")
    count = f"SELECT FROM desk.{table}"
    assert sql(count) > 0
    assert sql(count, client=None) == 0
    assert sql(count + f" WHERE client_id = {d.client}", client=other.client) == 0
    start = {"challenge": "open"}.get(table, "submitted")
    moved = f"INSERT INTO desk.{table} SELECT (jsonb_populate_record(t, %s::jsonb)).* FROM desk.{table} t"
    _refused("42501", lambda: sql(moved, json.dumps({"client_id": other.client, "state": start})))


def test_the_client_of_one_transaction_is_not_the_client_of_the_next(
    d: Desk, dana: SubjectId, database: Database
) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SELECT set_config('changedesk.client', %s, true)", [str(d.client)])
            assert connection.execute("SELECT FROM desk.subject").rowcount == 1
        assert connection.execute("SELECT FROM desk.subject").rowcount == 0


def test_the_applications_role_goes_round_nothing(d: Desk, database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        role = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert role == (False, False, False, False)
        assert connection.execute("SELECT row_security_active('desk.subject')").fetchone() == (True,)
        _refused("42501", lambda: connection.execute("ALTER TABLE desk.entry DISABLE TRIGGER ALL"))
    for statement in ("SET session_replication_role = replica", "CREATE TEMP TABLE subject (id int)"):
        with psycopg.connect(database.url) as connection:
            _refused("42501", lambda statement=statement: connection.execute(statement.encode()))  # type: ignore[misc]


def test_a_bulk_of_approvals_passes_no_gate_that_one_would_not(d: Desk, dana: SubjectId) -> None:
    eve = d.customer(contact__email="eve@old.example")
    good, unproved = ready(d, dana, values=POST), ask(d, eve, POST, at=LATER)
    own = ask(d, d.customer(contact__email="f@old.example"), POST, at=LATER, agent=d.ines)
    outcome = flow.approve({one.ref: one.digest for one in (good, unproved, own)}, actor=d.ines, at=soon(LATER, 4))
    assert [one.ref for one in outcome.done] == [good.ref]
    assert {ref: refusal.code for ref, refusal in outcome.refused.items()} == {
        unproved.ref: "too-late", own.ref: "same-hand",
    }  # fmt: skip
