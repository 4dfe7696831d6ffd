"""Named statements on one connection: sent straight through libpq, prepared once they come again, answered in binary.

psycopg's cursor does the same with a generator and a selector for each statement, which costs more than most of these
statements do. Values are dumped and loaded by psycopg here too (its ``adapt.Transformer``).
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

from psycopg import OperationalError, errors
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from changedesk.store.arrays import OIDS, pack
from changedesk.store.pool import Connection
from changedesk.store.queries import STATEMENTS

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

    def ask(self, on: PGconn, name: str, given: Mapping[str, Any]) -> PGresult:
        """Run a named statement and return its result. Raises what psycopg raises."""
        statement = STATEMENTS[name]
        values: list[Any] = list(
            self._values.dump_sequence([given[item] for item in statement.plain], statement.wanted)
        )
        types, formats = self._values.types or (), [*(self._values.formats or ()), *statement.binary]
        for item, kind in statement.arrays:
            value = given[item]
            values.append(None if value is None else pack(kind, value))
        key = (name, types)
        prepared = self._asked.get(key)
        if prepared is not None:
            return fine(on.exec_prepared(prepared, values, formats, Format.BINARY))
        all_types = [*types, *(OIDS[kind] for _, kind in statement.arrays)]
        if key not in self._asked:
            self._asked[key] = None
            return fine(on.exec_params(statement.text, values, all_types, formats, Format.BINARY))
        if len(self._asked) >= PREPARED_MOST:
            self._asked.clear()
            fine(on.exec_(b"DEALLOCATE ALL"))
        # The server heeds 63 bytes of a name; a statement and its types together may be longer than that.
        prepared = b"s%d" % next(self._names)
        fine(on.prepare(prepared, statement.text, all_types))
        self._asked[key] = prepared
        return fine(on.exec_prepared(prepared, values, formats, Format.BINARY))

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
    make: Callable[[Any], Any] = made._make
    return make
