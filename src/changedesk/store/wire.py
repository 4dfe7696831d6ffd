"""Named statements on one connection: sent straight through libpq, prepared once they come again, answered in binary.

psycopg's cursor does the same with a generator and a selector for each statement, which costs more than most of these
statements do. Values are dumped and loaded by psycopg here too (its ``adapt.Transformer``).
"""

import select
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from psycopg import OperationalError, errors
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from changedesk.store.arrays import pack
from changedesk.store.pool import Connection
from changedesk.store.queries import STATEMENTS

Call = tuple[str, Mapping[str, Any]]
"""A statement's name, and its values by name."""
PREPARED_MOST: Final = 100
"""Plans that one connection keeps: each takes memory of the server's."""
_FINE: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_Key = tuple[str, tuple[int, ...]]


class Wire:
    """One connection's way to ask: what it has prepared, and how values are put on it and taken from it."""

    __slots__ = ("_asked", "_names", "_values")

    def __init__(self, adapters: AdaptersMap) -> None:
        self._values = Transformer(adapters)
        self._asked: dict[_Key, bytes | None] = {}
        """By statement and types of its values: the name under which it is prepared, None when it was asked once."""
        self._names = count()

    def exchange(self, on: PGconn, calls: Sequence[Call]) -> list[PGresult]:
        """Run statements, one after the other, in one round trip, and return their results.

        Raises what psycopg raises; what comes after a statement that failed was not run.
        """
        if len(self._asked) + len(calls) > PREPARED_MOST:
            self._asked.clear()
            fine(on.exec_(b"DEALLOCATE ALL"))
        letters = [self._letter(name, given) for name, given in calls]
        results = [_ask(on, letters[0])] if len(letters) == 1 else _ask_all(on, letters)
        for one in letters:
            if not one.known:
                self._asked[one.key] = one.prepared
        return results

    def _letter(self, name: str, given: Mapping[str, Any]) -> "_Letter":
        statement = STATEMENTS[name]
        values: list[Any] = []
        types: tuple[int, ...] = ()
        formats = statement.binary
        if statement.plain:
            dump = self._values
            values = list(dump.dump_sequence([given[item] for item in statement.plain], statement.wanted))
            types, formats = dump.types or (), [*(dump.formats or ()), *formats]
        for item, kind in statement.arrays:
            value = given[item]
            values.append(None if value is None else pack(kind, value))
        key = (name, types)
        prepared = self._asked.get(key)
        if prepared is not None:
            return _Letter(key, statement.text, prepared, True, values, (), formats)
        if key in self._asked:
            # By number: the server heeds 63 bytes of a name. And never again the same one: what was prepared by a
            # statement that failed then is there still.
            prepared = b"s%d" % next(self._names)
        return _Letter(key, statement.text, prepared, False, values, (*types, *statement.array_types), formats)

    def rows(self, name: str, result: PGresult) -> list[Any]:
        """Return the rows of a named statement's result as named tuples."""
        how_many = result.ntuples
        if not how_many:
            return []
        make = _MAKERS.get((name, result.nfields))
        if make is None:
            make = _MAKERS[name, result.nfields] = _maker(result)
        self._values.set_pgresult(result)
        found: list[Any] = self._values.load_rows(0, how_many, make)
        self._values.set_pgresult(None)
        return found


class _Letter(NamedTuple):
    """A statement with its values. ``prepared``: under which name, if at all; ``known``: the server has it by now."""

    key: _Key
    text: bytes
    prepared: bytes | None
    known: bool
    values: list[Any]
    types: Sequence[int]
    """Of the values, where the server is to learn them."""
    formats: Sequence[Format]


def _ask(on: PGconn, one: _Letter) -> PGresult:
    if one.prepared is None:
        return fine(on.exec_params(one.text, one.values, one.types, one.formats, Format.BINARY))
    if not one.known:
        fine(on.prepare(one.prepared, one.text, one.types))
    return fine(on.exec_prepared(one.prepared, one.values, one.formats, Format.BINARY))


def _ask_all(on: PGconn, letters: Sequence[_Letter]) -> list[PGresult]:
    found: list[PGresult] = []
    told: list[PGresult] = []
    on.enter_pipeline_mode()
    try:
        for one in letters:
            _post(on, one)
        on.pipeline_sync()
        _flush(on)
        for one in letters:
            if one.prepared is not None and not one.known:
                found.append(_answer(on))
            found.append(_answer(on))
            told.append(found[-1])
        _next(on)
        on.exit_pipeline_mode()
    except BaseException:
        # Whoever comes next must not be given answers to what was asked here.
        on.finish()
        raise
    for result in found:
        fine(result)
    return told


def _post(on: PGconn, one: _Letter) -> None:
    if one.prepared is None:
        on.send_query_params(one.text, one.values, one.types, one.formats, Format.BINARY)
        return
    if not one.known:
        on.send_prepare(one.prepared, one.text, one.types)
    on.send_query_prepared(one.prepared, one.values, one.formats, Format.BINARY)


def _answer(on: PGconn) -> PGresult:
    """Return the next statement's result. Raises OperationalError when the server is gone."""
    result = _next(on)
    if result is None or on.status != ConnStatus.OK:
        raise OperationalError("the connection was lost")
    # What parts a statement's result from the next is known without reading on.
    on.get_result()
    return result


def _next(on: PGconn) -> PGresult | None:
    # Reading a result that is not there yet would stop every thread of the process, also one whose lock is waited for.
    while on.is_busy():
        _wait(on, select.POLLIN)
        on.consume_input()
    return on.get_result()


def _flush(on: PGconn) -> None:
    while on.flush():
        # The server may have to be rid of answers before it reads on.
        if _wait(on, select.POLLIN | select.POLLOUT) & select.POLLIN:
            on.consume_input()


def _wait(on: PGconn, what: int) -> int:
    ready = select.poll()
    ready.register(on.socket, what)
    return ready.poll()[0][1]


_MAKERS: Final[dict[tuple[str, int], Callable[[Any], Any]]] = {}
_WIRES: Final[WeakKeyDictionary[Connection, Wire]] = WeakKeyDictionary()


def of(connection: Connection) -> Wire:
    """Return the wire of a connection: the same one for as long as the connection lives."""
    found = _WIRES.get(connection)
    if found is None:
        # It would throw away what we prepared, along with what it did, after a few that were rolled back.
        connection.prepare_threshold = None
        found = _WIRES[connection] = Wire(connection.adapters)
    return found


def fine(result: PGresult) -> PGresult:
    """Return a result that is not a failure. Raises the failure otherwise."""
    if result.status in _FINE:
        return result
    if result.error_field(DiagnosticField.SQLSTATE) is None:
        raise OperationalError("the connection was lost")
    raise errors.error_from_result(result, "utf-8")


def _maker(result: PGresult) -> Callable[[Any], Any]:
    names = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
    made: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - only the result knows its columns
    # Its own way to make one counts the columns of every row.
    return partial(tuple.__new__, made)
