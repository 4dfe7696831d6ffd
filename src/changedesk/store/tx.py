"""A transaction as a value. Readers get a ``Look``; only ``begin`` makes a ``Tx``, and only a ``Tx`` can write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import OperationalError, errors

from changedesk.base.ids import ClientId
from changedesk.store import wire
from changedesk.store.pool import Connection, pool


class CommitUnknown(Exception):  # noqa: N818 - says what became of it
    """The connection went while the commit was under way: it may have happened or not. The same key tells."""


class Look:
    """One client's data in one transaction, for reading."""

    __slots__ = ("_wire", "client", "connection", "kept")

    def __init__(self, connection: Connection, client: ClientId) -> None:
        self.connection = connection
        self.client = client
        self.kept: Any = None
        """The client's keys, as this transaction found them (store.keys)."""
        self._wire = wire.of(connection)

    def rows(self, query: str, **given: object) -> list[Any]:
        """Run a named query; ``%(client)s`` is always this transaction's client. Rows come as named tuples."""
        given["client"] = self.client
        return self._wire.rows(query, self._wire.ask(self.connection.pgconn, query, given))

    def row(self, query: str, **given: object) -> Any | None:
        """Run a named query that finds at most one row."""
        found = self.rows(query, **given)
        return found[0] if found else None


class Tx(Look):
    """One client's data in one transaction, for writing."""

    __slots__ = ()

    def run(self, query: str, **given: object) -> int:
        """Run a named query for its effect; return how many rows it touched."""
        given["client"] = self.client
        return self._wire.ask(self.connection.pgconn, query, given).command_tuples or 0


@contextmanager
def look(client: ClientId) -> Iterator[Look]:
    """Read one client's data in one snapshot."""
    with _transaction(client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
        yield Look(connection, client)


@contextmanager
def _transaction(client: ClientId, start: str) -> Iterator[Connection]:
    with pool().connection() as connection:
        # One simple query: the client is an integer, so nothing needs quoting, and nothing outlives the transaction.
        _say(connection, f"{start}; SELECT set_config('changedesk.client', '{int(client)}', true)".encode())
        try:
            yield connection
        except BaseException:
            if not connection.closed:
                connection.execute("ROLLBACK")
            raise
        try:
            ended = _say(connection, b"COMMIT")
        except OperationalError as lost:
            raise CommitUnknown from lost
        if ended != b"COMMIT":
            # A transaction that failed inside answers COMMIT with a well-meant ROLLBACK: nothing was written.
            raise errors.InFailedSqlTransaction("the transaction had failed, and was rolled back")


def _say(connection: Connection, command: bytes) -> bytes | None:
    """Send a command that has no arguments, straight through libpq, and return its tag: it frames a transaction."""
    return wire.fine(connection.pgconn.exec_(command)).command_status
