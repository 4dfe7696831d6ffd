"""A transaction as a value. Readers get a ``Look``; only ``begin`` makes a ``Tx``, and only a ``Tx`` can write."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from psycopg import OperationalError, errors
from psycopg.pq.abc import PGresult

from changedesk.base.ids import ClientId
from changedesk.store import wire
from changedesk.store.pool import Connection, pool


class CommitUnknown(Exception):  # noqa: N818 - says what became of it
    """The connection went while the commit was under way: it may have happened or not. The same key tells."""


class Astray(RuntimeError):  # noqa: N818 - says what it did
    """A statement met other rows than those that were locked for it: whoever asked had not locked them."""


class Look:
    """One client's data in one transaction, for reading. The transaction starts with the first statement."""

    __slots__ = ("_ahead", "_connection", "_last", "_start", "_told", "_wire", "begun", "client", "kept")

    def __init__(self, connection: Connection, client: ClientId, *, start: Sequence[str] = ()) -> None:
        self._connection = connection
        self._start = start
        self._wire = wire.of(connection)
        self._ahead: list[wire.Call] = []
        self._told: list[tuple[wire.Call, PGresult]] = []
        self._last = False
        self.begun = not start
        self.client = client
        self.kept: Any = None
        """The client's keys, as this transaction found them (store.keys)."""

    @property
    def connection(self) -> Connection:
        """The connection, inside the transaction."""
        self._exchange()
        return self._connection

    def ahead(self, *asked: wire.Call, last: bool = False) -> None:
        """Say what will be asked: it travels with the next statement, and asking for it then costs no round trip.

        ``last``: nothing else will be, so the transaction ends in that same round trip. What is asked all the same
        finds what was committed by then.
        """
        self._ahead += asked
        self._last = last

    def rows(self, query: str, **given: object) -> list[Any]:
        """Run a named query; ``%(client)s`` is always this transaction's client. Rows come as named tuples."""
        return self.together((query, given))[0]

    def together(self, *asked: wire.Call) -> list[list[Any]]:
        """Run named queries, one after the other, in one round trip; return the rows of each."""
        results = self._read_ahead(asked) if self._ahead or self._told else self._exchange(*asked)
        return [self._wire.rows(query, result) for (query, _), result in zip(asked, results, strict=True)]

    def row(self, query: str, **given: object) -> Any | None:
        """Run a named query that finds at most one row."""
        found = self.rows(query, **given)
        return found[0] if found else None

    def _read_ahead(self, asked: Sequence[wire.Call]) -> list[PGresult]:
        # One snapshot has one answer to a question, however often it is asked.
        known = [call for call, _ in self._told]
        unread = [one for one in asked if one not in known]
        if unread:
            unread += [one for one in self._ahead if one not in unread]
            self._ahead = []
            self._told += zip(unread, self._exchange(*unread), strict=True)
        return [next(result for call, result in self._told if call == one) for one in asked]

    def settle(self) -> None:
        """Run what waits to be run: a reader has nothing of that."""

    def _exchange(self, *asked: wire.Call) -> list[PGresult]:
        before: Sequence[str] = () if self.begun else self._start
        after: Sequence[str] = ()
        if self._last:
            # Statements that are sent together without a BEGIN are one transaction, which their end commits.
            before, after = before[1:], ("end.read",) if self.begun else ()
        else:
            self.begun = True
        mine = {"client": self.client}
        calls: list[wire.Call] = [(query, mine) for query in before]
        calls += [(query, {**given, **mine}) for query, given in asked]
        calls += [(query, mine) for query in after]
        results = self._wire.exchange(self._connection.pgconn, calls) if calls else []
        if self._last:
            self._last = self.begun = False
        return results[len(before) : len(before) + len(asked)]


class Tx(Look):
    """One client's data in one transaction, for writing. ``grew``: something was written that the worker follows."""

    __slots__ = ("_posted", "grew")

    def __init__(self, connection: Connection, client: ClientId, *, start: Sequence[str] = ()) -> None:
        super().__init__(connection, client, start=start)
        self.grew = False
        self._posted: list[tuple[wire.Call, int | None]] = []

    def post(self, query: str, *, touches: int | None = None, **given: object) -> None:
        """Run a named query for its effect with the next one of this transaction, in one round trip with it.

        Where it does not touch as many rows as it ``touches``, that one raises Astray.
        """
        self._told = []
        self._posted.append(((query, given), touches))

    def settle(self) -> None:
        if self._posted:
            self._exchange()

    def _exchange(self, *asked: wire.Call) -> list[PGresult]:
        posted, self._posted = self._posted, []
        results = super()._exchange(*(call for call, _ in posted), *asked)
        for (call, touches), result in zip(posted, results, strict=False):
            if touches is not None and (result.command_tuples or 0) != touches:
                raise Astray(f"{call[0]} did not meet the rows that were locked for it")
        return results[len(posted) :]

    def ahead(self, *asked: wire.Call, last: bool = False) -> None:
        """Say what will be asked, and travels with the next statement, after it: as it stands once that was run.

        It is known until anything else is asked, or written: what is read after that is what the writing left.
        """
        del last
        super().ahead(*asked)

    def _read_ahead(self, asked: Sequence[wire.Call]) -> list[PGresult]:
        known = [call for call, _ in self._told]
        if not self._ahead and all(one in known for one in asked):
            return [self._told[known.index(one)][1] for one in asked]
        unread: list[wire.Call] = []
        for one in self._ahead:
            if one not in asked and one not in unread:
                unread.append(one)
        self._ahead, self._told = [], []
        results = self._exchange(*asked, *unread)
        self._told = list(zip(unread, results[len(asked) :], strict=True))
        return results[: len(asked)]

    def run(self, query: str, **given: object) -> int:
        """Run a named query for its effect; return how many rows it touched."""
        self._told = []
        return self._exchange((query, given))[0].command_tuples or 0


T = TypeVar("T", bound=Look)


def look(client: ClientId) -> AbstractContextManager[Look]:
    """Read one client's data in one snapshot."""
    return transaction(Look, client, "start.read")


@contextmanager
def transaction(kind: type[T], client: ClientId, start: str) -> Iterator[T]:
    """Open a transaction; ``store.begin`` and ``look`` are its doors."""
    lender = pool()
    # Its context manager would look once more whether something is left to commit: that is known here.
    connection = lender.getconn()
    try:
        made = kind(connection, client, start=(start, "begin.client"))
        try:
            yield made
            made.settle()
        except BaseException:
            if made.begun and not connection.closed:
                connection.pgconn.exec_(b"ROLLBACK")
            raise
        if made.begun:
            _end(connection)
    finally:
        lender.putconn(connection)


def _end(connection: Connection) -> None:
    try:
        ended = _commit(connection)
    except OperationalError as lost:
        raise CommitUnknown from lost
    if ended != b"COMMIT":
        # A transaction that failed inside answers COMMIT with a well-meant ROLLBACK: nothing was written.
        raise errors.InFailedSqlTransaction("the transaction had failed, and was rolled back")


def _commit(connection: Connection) -> bytes | None:
    return wire.fine(connection.pgconn.exec_(b"COMMIT")).command_status
