import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.cast import desk
from tests.postgres import Database

from changedesk import outbound
from changedesk.channels import clock
from changedesk.config import worker
from changedesk.config.worker import Loop, claim_key, together
from changedesk.store.begin import begin
from changedesk.store.wake import CHANNEL, CRIER


class Sums:
    """A duty that has ``work`` pieces for each client and says when it is idle."""

    name = "sums"

    def __init__(self, work: int, on_idle: Callable[[], None] = lambda: None) -> None:
        self.left = {1: work, 2: work}
        self.on_idle = on_idle

    def run(self, client_id: int) -> int:
        if not self.left[client_id]:
            self.on_idle()
            return 0
        self.left[client_id] -= 1
        return 1


class Broken:
    name = "broken"

    def run(self, client_id: int) -> int:
        raise ValueError(client_id)


def test_every_client_gets_its_turn_even_beside_a_duty_that_fails(database: Database) -> None:
    sums = Sums(3)
    loop = Loop(database.url, [Broken(), sums], lambda: [1, 2])
    with psycopg.connect(database.url, autocommit=True) as connection:
        assert [loop.round(connection, [1, 2]) for _ in range(4)] == [{1, 2}, {1, 2}, {1, 2}, set()]
    assert sums.left == {1: 0, 2: 0}


def test_a_duty_that_another_worker_holds_is_left_to_it(database: Database) -> None:
    sums = Sums(1)
    loop = Loop(database.url, [sums], lambda: [1, 2])
    with (
        psycopg.connect(database.url, autocommit=True) as other,
        psycopg.connect(database.url, autocommit=True) as mine,
    ):
        other.execute("SELECT pg_advisory_lock(%s)", [claim_key("sums", 1)])
        assert loop.round(mine, [1, 2]) == {2}
        assert sums.left == {1: 1, 2: 0}
        other.execute("SELECT pg_advisory_unlock_all()")
        assert loop.round(mine, [1, 2]) == {1}
    assert sums.left == {1: 0, 2: 0}


def test_a_killed_connection_does_not_end_the_worker(database: Database) -> None:
    idle = threading.Event()
    sums = Sums(0, idle.set)
    loop = Loop(database.url, [sums], lambda: [1, 2])
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        assert idle.wait(20)
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s OR query LIKE %s",
                [f"LISTEN {CHANNEL}%", "SELECT pg_advisory_unlock%"],
            )
            sums.left[1] = 1
            idle.clear()
            assert idle.wait(20)
            admin.execute(f"NOTIFY {CHANNEL}, '1'")
        assert sums.left[1] == 0
    finally:
        loop.stop()
        thread.join(20)
    assert not thread.is_alive()


class Waits:
    """A duty that does nothing until it is let, and says who had a turn."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.turns: list[int] = []
        self.had = threading.Event()
        self.may = threading.Event()
        self.may.set()

    def run(self, client_id: int) -> int:
        assert self.may.wait(20)
        self.turns.append(client_id)
        self.had.set()
        return 0

    def until(self, turns: int) -> None:
        while len(self.turns) < turns:
            assert self.had.wait(20)
            self.had.clear()


@contextmanager
def at_work(*loops: Loop) -> Iterator[None]:
    thread = threading.Thread(target=together, args=(loops,))
    thread.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.stop()
        thread.join(20)
    assert not thread.is_alive()


def test_whoever_is_written_at_has_a_turn_at_once_and_nobody_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "EVERYBODY_SECONDS", 3600.0)
    duty = Waits("one")
    with at_work(Loop(database.url, [duty], lambda: [1, 2])):
        duty.until(2)
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            admin.execute(f"NOTIFY {CHANNEL}, '3'")  # no client of ours
            admin.execute(f"NOTIFY {CHANNEL}, '2'")
        duty.until(3)
    assert duty.turns == [1, 2, 2]


def test_a_duty_that_hangs_keeps_no_other_loop_from_its_turns(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "EVERYBODY_SECONDS", 0.01)
    slow, quick = Waits("slow"), Waits("quick")
    slow.may.clear()
    with at_work(Loop(database.url, [slow], lambda: [1]), Loop(database.url, [quick], lambda: [1], woken=False)):
        quick.until(3)
        assert slow.turns == []
        slow.may.set()


def test_what_ends_one_loop_ends_the_worker(database: Database) -> None:
    def nobody() -> list[int]:
        raise ValueError("the settings are gone")

    other = Loop(database.url, [Waits("one")], lambda: [1])
    with pytest.raises(ValueError, match="the settings are gone"):
        together([other, Loop(database.url, [Waits("two")], nobody)])
    assert other.stopping


def test_every_duty_stands_in_exactly_one_loop(database: Database) -> None:
    names = [duty.name for loop in worker.loops(database.url) for duty in loop.duties]
    known = [duty.name for duty in outbound.duties()] + [duty.name for duty in clock.duties()]
    assert sorted(names) == sorted(known)


def test_the_worker_hears_of_what_was_committed_and_of_nothing_else(database: Database) -> None:
    silent, heard = desk(), desk("harbour")
    CRIER.open()
    try:
        with psycopg.connect(database.admin_url, autocommit=True) as ear:
            ear.execute(f"LISTEN {CHANNEL}")
            broken = begin(silent.otto)
            tx = broken.__enter__()
            tx.grew = True
            tx.connection.execute("SELECT 1")
            assert not broken.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
            with begin(silent.otto) as tx:
                tx.run("log.open_head")
            heard.customer()
            assert next(ear.notifies(timeout=20)).payload == str(heard.client)
    finally:
        CRIER.close()
