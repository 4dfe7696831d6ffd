"""The connections that facts are read and written through: one pool a process, autocommit, driven by ``tx``."""

import select
from collections import deque
from functools import cache
from typing import Any

import psycopg
from django.conf import settings
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[tuple[Any, ...]]


def _check(connection: Connection) -> None:
    # A server that went away has closed its end, which makes the socket readable: asking the kernel costs no round
    # trip. The pool itself rolls back what a borrower left open, so no borrower meets another one's client.
    ended = select.poll()
    ended.register(connection.fileno(), select.POLLIN)
    if ended.poll(0):
        ConnectionPool.check_connection(connection)


class _Stack(deque[Connection]):
    """The one that was given back last is lent next: its server process is warm, and has prepared what is asked."""

    def append(self, connection: Connection, /) -> None:
        self.appendleft(connection)


@cache
def pool() -> ConnectionPool[Connection]:
    """Return this process's pool, opened on first use."""
    made: ConnectionPool[Connection] = ConnectionPool(
        settings.FACTS_DATABASE_URL,
        min_size=1,
        max_size=settings.FACTS_POOL_SIZE,
        timeout=10,
        kwargs={
            "autocommit": True,
            "options": "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
            " -c jit=off -c timezone=UTC"
            # Every statement is prepared and finds its rows by an index: it is planned once a connection, not for each
            # list of ids it is given, and never for the few rows that its tables had when it was first asked: joining
            # by hash or by order would read all that a client has.
            " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
            " -c enable_hashjoin=off -c enable_mergejoin=off"
            # What is read without a BEGIN (tx) is read from one snapshot too, and only a BEGIN that says so can write.
            r" -c default_transaction_isolation=repeatable\ read -c default_transaction_read_only=on",
        },
        check=_check if settings.FACTS_POOL_CHECK else None,
        open=False,
        name="facts",
    )
    made._pool = _Stack()  # noqa: SLF001 - the pool has no other way to say so
    made.open()
    return made


def close() -> None:
    """Close the pool of this process, if it was opened. The next use opens a new one."""
    if pool.cache_info().currsize:
        pool().close()
        pool.cache_clear()
