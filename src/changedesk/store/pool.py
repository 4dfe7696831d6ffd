"""The connections that facts are read and written through: one pool a process, autocommit, driven by ``tx``."""

from functools import cache
from typing import Any

import psycopg
from django.conf import settings
from psycopg_pool import ConnectionPool

from changedesk.store.arrays import Packed, PackedDumper

Connection = psycopg.Connection[tuple[Any, ...]]


def _configure(connection: Connection) -> None:
    connection.prepare_threshold = 2
    connection.adapters.register_dumper(Packed, PackedDumper)


def _reset(connection: Connection) -> None:
    # A client left set on a pooled connection would be the next borrower's client.
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        connection.execute("ROLLBACK")


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
            " -c jit=off -c timezone=UTC",
        },
        configure=_configure,
        reset=_reset,
        check=ConnectionPool.check_connection if settings.FACTS_POOL_CHECK else None,
        open=False,
        name="facts",
    )
    made.open()
    return made


def close() -> None:
    """Close the pool of this process, if it was opened. The next use opens a new one."""
    if pool.cache_info().currsize:
        pool().close()
        pool.cache_clear()
