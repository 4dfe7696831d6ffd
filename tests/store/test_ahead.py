"""What is read ahead costs no round trip of its own, and shows neither more nor another instant than asking would."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.cast import START, Desk, desk, soon
from tests.postgres import Database

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.reading import asof, customer, timeline
from changedesk.store import pool, queries, subjects, wire
from changedesk.store.begin import begin
from changedesk.store.tx import Look, look

TELL = b"""SELECT (SELECT count(*) FROM desk.subject) AS all_rows,
    (SELECT count(DISTINCT client_id) FROM desk.subject) AS clients,
    current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS read_only"""


@pytest.fixture
def d(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    del database
    monkeypatch.setitem(queries.STATEMENTS, "ahead.tell", queries.Statement(TELL, (), (), (), (), ()))
    pool.close()
    yield desk()
    pool.close()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The statements of every round trip."""
    made: list[list[str]] = []
    real = wire.Wire.exchange

    def exchange(self: wire.Wire, on: object, calls: object) -> object:
        made.append([name for name, _ in calls])  # type: ignore[attr-defined]
        return real(self, on, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(wire.Wire, "exchange", exchange)
    return made


def _stands(seen: Look) -> tuple[bool, str]:
    """Say whether the connection is in a transaction, and which client its next one would find."""
    pgconn = seen._connection.pgconn
    idle = pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
    left = pgconn.exec_(b"SELECT coalesce(current_setting('changedesk.client', true), '')").get_value(0, 0)
    return idle, (left or b"").decode()


def test_what_is_read_ahead_is_answered_without_a_round_trip(d: Desk, trips: list[list[str]]) -> None:
    dana, kim = d.customer(), d.customer()
    trips.clear()
    with look(d.client) as seen:
        seen.ahead(subjects.one_asks(dana), subjects.one_asks(kim))
        first = subjects.one(seen, dana)[0]
        second = subjects.one(seen, kim)[0]
        again = subjects.one(seen, dana)[0]
        assert subjects.load(seen, [dana]) == {dana: first}
    assert (first, second) == (again, subjects_of(d, kim))
    assert trips[:2] == [["start.read", "begin.client", "subjects.one", "subjects.one"], ["subjects.load"]]


def subjects_of(d: Desk, who: SubjectId) -> subjects.Subject:
    with look(d.client) as seen:
        return subjects.load(seen, [who])[who]


def test_the_last_round_trip_ends_the_transaction(d: Desk, trips: list[list[str]]) -> None:
    dana = d.customer()
    for begun in (False, True, False, True, False, True):
        trips.clear()
        with look(d.client) as seen:
            if begun:
                subjects.load(seen, [dana])
            seen.ahead(subjects.one_asks(dana), ("ahead.tell", {}), last=True)
            found = subjects.one(seen, dana)[0]
            told = seen.row("ahead.tell")
            assert _stands(seen) == (True, "")
            # What is asked all the same is asked of the same client, in a transaction of its own.
            assert subjects.load(seen, [dana]) == {dana: found}
        assert told is not None
        assert (told.clients, told.isolation, told.read_only) == (1, "repeatable read", "on")
        assert [len(names) for names in trips] == [3] * begun + [3, 3]


def test_a_client_that_is_set_for_one_round_trip_sees_its_own_rows_only(d: Desk) -> None:
    other = desk("borealis")
    for number in range(3):
        (d if number else other).customer()
    whole = {}
    for who in (d, other):
        with look(who.client) as seen:
            whole[who.client] = seen.rows("ahead.tell")[0].all_rows
    assert whole[d.client] == whole[other.client] + 1
    for _ in range(4):
        for who in (d, other):
            with look(who.client) as seen:
                seen.ahead(("ahead.tell", {}), last=True)
                told = seen.rows("ahead.tell")[0]
            assert (told.clients, told.all_rows) == (1, whole[who.client])


def test_nothing_is_written_without_a_transaction_that_says_so(d: Desk) -> None:
    dana = d.customer()
    for _ in range(3):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), look(d.client) as seen:  # noqa: PT012 - as below
            seen.ahead(subjects.one_asks(dana), last=True)
            seen.rows("subjects.set_next", id=dana, at=START)
    assert subjects_of(d, dana).next_effective_at is None


def test_a_last_round_trip_that_failed_leaves_nothing_behind(d: Desk) -> None:
    dana = d.customer()
    for begun in (False, True, False, True):
        with pytest.raises(psycopg.DataError), look(d.client) as seen:  # noqa: PT012 - what came before it is no failure
            if begun:
                subjects.load(seen, [dana])
            seen.ahead(subjects.one_asks(dana), last=True)
            seen.rows("subjects.page", type="customer", after=UUID(int=0), limit=-1)
        with look(d.client) as seen:
            assert _stands(seen) == (True, "")
        assert subjects_of(d, dana).id == dana


def test_a_server_that_goes_in_the_last_round_trip_is_an_operational_error(d: Desk, database: Database) -> None:
    with pytest.raises(psycopg.OperationalError), look(d.client) as seen:  # noqa: PT012 - what is raised where matters
        pid = seen._connection.info.backend_pid
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        seen.ahead(("ahead.tell", {}), last=True)
        subjects.one(seen, SubjectId(uuid4()))


def test_a_transaction_that_writes_reads_nothing_ahead(d: Desk) -> None:
    dana = d.customer()
    with begin(d.ben) as tx:
        tx.ahead(subjects.one_asks(dana), last=True)
        before = subjects.one(tx, dana)[0]
        subjects.set_next(tx, dana, START)
        after = subjects.one(tx, dana)[0]
    assert before is not None
    assert after is not None
    assert (before.next_effective_at, after.next_effective_at) == (None, START)


def test_what_is_read_behind_a_lock_is_known_until_something_is_written(d: Desk, trips: list[list[str]]) -> None:
    dana, kim = d.customer(), d.customer()
    for _ in range(2):
        with begin(d.ben) as tx:
            trips.clear()
            tx.ahead(subjects.one_asks(dana), subjects.one_asks(kim), subjects.one_asks(dana))
            assert subjects.hold(tx, [dana]).keys() == {dana}
            for _ in range(2):
                assert [subjects.one(tx, who)[0] is not None for who in (dana, kim)] == [True, True]
            assert [names[-3:] for names in trips] == [["subjects.hold", "subjects.one", "subjects.one"]]
            subjects.set_next(tx, dana, START)
            found = subjects.one(tx, dana)[0]
            assert found is not None
            assert found.next_effective_at == START
            assert len(trips) == 3
            subjects.set_next(tx, dana, None)


def test_a_state_of_any_time_takes_one_round_trip(d: Desk, trips: list[list[str]]) -> None:
    dana = d.customer()
    change = flow.FieldChange(path="contact.fax", new="+1 202 555 0101")
    flow.record_changes([flow.RecordedChange(subject=dana, changes=[change])], actor=d.crm, at=soon(START, 1)).one()
    for actor in (d.crm, d.ben):
        for _ in range(2):
            trips.clear()
            found = asof.as_of(dana, known_at=soon(START, 2), valid_at=soon(START, 2), actor=actor, at=soon(START, 3))
        assert found.version == 2
        assert len(trips) == 1, trips


def test_pages_of_a_customer_take_no_round_trip_for_each_of_their_parts(d: Desk, trips: list[list[str]]) -> None:
    dana = d.customer()
    at = soon(START, 3)
    for actor in (d.crm, d.ben):
        for most, ask in (
            (2, lambda actor=actor: customer.customer(dana, actor=actor, at=at, language="en")),
            (1, lambda actor=actor: customer.customer_json(dana, actor=actor, at=at)),
            (1, lambda actor=actor: timeline.timeline(dana, actor=actor, at=at, language="en")),
        ):
            ask()
            trips.clear()
            ask()
            assert len(trips) == most, trips
