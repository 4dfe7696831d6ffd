"""A transaction as a value. Readers get a ``Look``; only ``begin`` makes a ``Tx``, and only a ``Tx`` can write."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from psycopg import OperationalError, errors
from psycopg.pq.abc import PGresult

from changedesk.base.ids import ClientId
from changedesk.store import wire
from changedesk.store.pool import Connection, pool


class CommitUnknown(Exception):  # noqa: N818 - says what became of it
    """The connection went while the commit was under way: it may have happened or not. The same key tells."""


class Look:
    """One client's data in one transaction, for reading. The transaction starts with the first statement."""

    __slots__ = ("_connection", "_start", "_wire", "client", "kept")

    def __init__(self, connection: Connection, client: ClientId, *, start: Sequence[str] = ()) -> None:
        self._connection = connection
        self._start = start
        self._wire = wire.of(connection)
        self.client = client
        self.kept: Any = None
        """The client's keys, as this transaction found them (store.keys)."""

    @property
    def connection(self) -> Connection:
        """The connection, inside the transaction."""
        self._exchange()
        return self._connection

    @property
    def begun(self) -> bool:
        return not self._start

    def rows(self, query: str, **given: object) -> list[Any]:
        """Run a named query; ``%(client)s`` is always this transaction's client. Rows come as named tuples."""
        return self._wire.rows(query, self._exchange((query, given))[0])

    def together(self, *asked: wire.Call) -> list[list[Any]]:
        """Run named queries, one after the other, in one round trip; return the rows of each."""
        results = self._exchange(*asked)
        return [self._wire.rows(query, result) for (query, _), result in zip(asked, results, strict=True)]

    def row(self, query: str, **given: object) -> Any | None:
        """Run a named query that finds at most one row."""
        found = self.rows(query, **given)
        return found[0] if found else None

    def _exchange(self, *asked: wire.Call) -> list[PGresult]:
        start, self._start = self._start, ()
        calls = [(query, {**given, "client": self.client}) for query, given in (*((one, {}) for one in start), *asked)]
        return self._wire.exchange(self._connection.pgconn, calls)[len(start) :] if calls else []


class Tx(Look):
    """One client's data in one transaction, for writing."""

    __slots__ = ()

    def run(self, query: str, **given: object) -> int:
        """Run a named query for its effect; return how many rows it touched."""
        return self._exchange((query, given))[0].command_tuples or 0


T = TypeVar("T", bound=Look)


@contextmanager
def look(client: ClientId) -> Iterator[Look]:
    """Read one client's data in one snapshot."""
    with transaction(Look, client, "start.read") as made:
        yield made


@contextmanager
def transaction(kind: type[T], client: ClientId, start: str) -> Iterator[T]:
    """Open a transaction; ``store.begin`` and ``look`` are its doors."""
    with pool().connection() as connection:
        made = kind(connection, client, start=(start, "begin.client"))
        try:
            yield made
        except BaseException:
            if made.begun and not connection.closed:
                connection.pgconn.exec_(b"ROLLBACK")
            raise
        if not made.begun:
            return
        try:
            ended = _commit(connection)
        except OperationalError as lost:
            raise CommitUnknown from lost
        if ended != b"COMMIT":
            # A transaction that failed inside answers COMMIT with a well-meant ROLLBACK: nothing was written.
            raise errors.InFailedSqlTransaction("the transaction had failed, and was rolled back")


def _commit(connection: Connection) -> bytes | None:
    return wire.fine(connection.pgconn.exec_(b"COMMIT")).command_status
