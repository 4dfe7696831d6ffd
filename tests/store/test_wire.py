"""Statements go straight to the server: values arrive as they are, plans are let go, a lost server is an error."""

from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.adapt import PyFormat
from tests.cast import START, Desk, desk, soon
from tests.postgres import Database

from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.reading import sight
from changedesk.store import evidence, pool, queries, requests, subjects, wire
from changedesk.store.begin import begin
from changedesk.store.tx import Look, look


@pytest.fixture
def d(database: Database) -> Desk:
    del database
    return desk()


def _ask_all(seen: Look) -> None:
    assert subjects.load(seen, [SubjectId(uuid4())]) == {}
    assert requests.by_refs(seen, ["CR-NONE"]) == {}
    assert evidence.active_holds(seen, [], now=START) == []


def test_a_statement_is_asked_again_after_its_plan_was_let_go(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.close()
    monkeypatch.setattr(wire, "PREPARED_MOST", 4)
    for _ in range(4):
        with look(d.client) as seen:
            _ask_all(seen)
            left = seen.connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
            assert left is not None
            assert left[0] <= 4
    pool.close()


def test_a_statement_of_many_values_has_a_plan_for_each_mix_of_types(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"v{number}" for number in range(20)]
    text = b"SELECT " + b", ".join(b"$%d" % place for place in range(1, 21))
    many = queries.Statement(text, names, (), [PyFormat.AUTO] * 20, (), ())
    monkeypatch.setitem(queries.STATEMENTS, "wire.many", many)
    pool.close()
    with look(d.client) as seen:
        for last in (1, 1, 10**12, 10**12, 1):
            given = dict.fromkeys(names, 7) | {"v19": last}
            assert seen.rows("wire.many", **given)[0][19] == last
    pool.close()


def test_a_plan_outlives_a_transaction_that_was_taken_back(d: Desk) -> None:
    for _ in range(8):
        with pytest.raises(NotFound), look(d.client) as seen:  # noqa: PT012 - what came before it is asked of the server
            assert requests.by_refs(seen, ["CR-NONE"]) == {}
            sight.find(seen, SubjectId(uuid4()), actor=d.ben)
    with look(d.client) as seen:
        _ask_all(seen)


def test_values_come_back_as_they_went(d: Desk) -> None:
    person = d.customer(contact__email="eve@old.example")
    until = datetime(2999, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
    hold = evidence.Hold(
        id=uuid4(), subject_id=person, request_id=None, blocks=("contact", "*"), rule="ü 'x' %s $1", release="staff",
        placed_by="s1", starts_at=soon(START), ends_at=until,
    )  # fmt: skip
    endless = evidence.Hold(
        id=uuid4(), subject_id=person, request_id=None, blocks=("*",), rule="", release="staff", placed_by="s1",
        starts_at=soon(START, 2), ends_at=None,
    )  # fmt: skip

    with begin(d.ben) as tx:
        evidence.place_holds(tx, [hold, endless])
    with look(d.client) as seen:
        assert evidence.active_holds(seen, [person], now=soon(START, 3)) == [hold, endless]


def test_a_server_that_went_away_is_an_operational_error(d: Desk, database: Database) -> None:
    with pytest.raises(psycopg.OperationalError), look(d.client) as seen:  # noqa: PT012 - what is raised where matters
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [seen.connection.info.backend_pid])
        _ask_all(seen)
    pool.close()
    with look(d.client) as seen:
        _ask_all(seen)


def test_a_statement_that_failed_is_asked_again(d: Desk) -> None:
    person = d.customer(contact__email="eve@old.example")
    hold = evidence.Hold(
        id=uuid4(), subject_id=person, request_id=None, blocks=("*",), rule="", release="staff", placed_by="s1",
        starts_at=START, ends_at=None,
    )  # fmt: skip
    with begin(d.ben) as tx:
        evidence.place_holds(tx, [hold])
    for _ in range(3):
        with pytest.raises(psycopg.errors.UniqueViolation), begin(d.ben) as tx:
            evidence.place_holds(tx, [hold])
    with pytest.raises(psycopg.errors.InFailedSqlTransaction), begin(d.ben) as tx:  # noqa: PT012 - two, one after the other
        evidence.place_holds(tx, [hold])
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.settle()
        _ask_all(tx)
    with begin(d.ben) as tx:
        evidence.place_holds(tx, [replace(hold, id=uuid4())])
        assert len(evidence.active_holds(tx, [person], now=START)) == 2


def test_statements_sent_together_fail_together(d: Desk) -> None:
    with look(d.client) as seen:
        assert seen.together(("subjects.page", _page("customer")), ("subjects.page", _page("desk"))) == [[], []]
    for _ in range(3):
        with pytest.raises(psycopg.DataError), look(d.client) as seen:
            seen.together(("subjects.page", _page("customer")), ("subjects.page", _page("customer", limit=-1)))
    with look(d.client) as seen:
        _ask_all(seen)


def _page(type_: str, limit: int = 5) -> dict[str, object]:
    return {"type": type_, "after": UUID(int=0), "limit": limit}


def test_whoever_waits_for_a_lock_lets_the_others_of_the_process_go_on(d: Desk) -> None:
    person = d.customer(contact__email="eve@old.example")
    holds: list[wire.Call] = [("subjects.hold", {"ids": [person]})]
    for asked in (holds, [("subjects.page", _page("customer")), *holds]):
        with begin(d.ben) as first:
            subjects.hold(first, [person])
            waits = Waiting(d, asked)
            waits.start()
            # Nobody but this thread gives the lock away, and it has to run for that.
            waits.until_blocked(first)
        waits.join()
        assert waits.found is not None
        assert [row.id for row in waits.found[-1]] == [person]


class Waiting(Thread):
    """Asks in a transaction of its own."""

    def __init__(self, d: Desk, asked: list[wire.Call]) -> None:
        super().__init__()
        self.d, self.asked, self.found = d, asked, None

    found: list[list[Any]] | None

    def run(self) -> None:
        with begin(self.d.ines) as tx:
            self.found = tx.together(*self.asked)

    def until_blocked(self, seen: Look) -> None:
        """Return once some server process waits for this transaction."""
        asked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while seen.connection.execute(asked).fetchone() == (0,):
            assert self.is_alive()
