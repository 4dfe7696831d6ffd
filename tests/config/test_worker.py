import threading
from collections.abc import Callable

import psycopg
from tests.postgres import Database

from changedesk.config.worker import CHANNEL, Loop, claim_key


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
        assert [loop.round(connection) for _ in range(4)] == [2, 2, 2, 0]
    assert sums.left == {1: 0, 2: 0}


def test_a_duty_that_another_worker_holds_is_left_to_it(database: Database) -> None:
    sums = Sums(1)
    loop = Loop(database.url, [sums], lambda: [1, 2])
    with (
        psycopg.connect(database.url, autocommit=True) as other,
        psycopg.connect(database.url, autocommit=True) as mine,
    ):
        other.execute("SELECT pg_advisory_lock(%s)", [claim_key("sums", 1)])
        assert loop.round(mine) == 1
        assert sums.left == {1: 1, 2: 0}
        other.execute("SELECT pg_advisory_unlock_all()")
        assert loop.round(mine) == 1
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
            admin.execute(f"NOTIFY {CHANNEL}")
        assert sums.left[1] == 0
    finally:
        loop.stop()
        thread.join(20)
    assert not thread.is_alive()
