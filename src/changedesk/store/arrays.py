"""Arrays as PostgreSQL reads them fastest: one binary value a column, packed in one go.

psycopg asks every element for its type; a named query says the type itself (``%(ids)s::uuid[]``), so the elements
need not be asked. Format: PostgreSQL's ``array_recv`` (src/backend/utils/adt/arrayfuncs.c) and each type's own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any, Final

from changedesk.base.clock import micros

_HEAD: Final = Struct(">iIIii").pack
_EMPTY: Final = Struct(">iII").pack
_LENGTH: Final = Struct(">i").pack
_NULL: Final = _LENGTH(-1)
_PG_EPOCH_US: Final = micros(datetime(2000, 1, 1, tzinfo=UTC))
_UUID_LENGTH, _BOOLEAN, _INSTANT = _LENGTH(16), Struct(">i?").pack, Struct(">iq").pack


def _texts(values: Sequence[Any]) -> list[bytes]:
    # Names of fields, kinds and channels: a column holds few different ones.
    packed = {value: _bytes([value.encode()])[0] for value in set(values) if value is not None}
    return [_NULL if value is None else packed[value] for value in values]


def _bytes(values: Sequence[Any]) -> list[bytes]:
    return [_NULL if value is None else _LENGTH(len(value)) + value for value in values]


def _uuids(values: Sequence[Any]) -> list[bytes]:
    return [_NULL if value is None else _UUID_LENGTH + value.int.to_bytes(16) for value in values]


def _fixed(pack: Callable[[int, Any], bytes], length: int) -> Callable[[Sequence[Any]], list[bytes]]:
    return lambda values: [_NULL if value is None else pack(length, value) for value in values]


def _instants(values: Sequence[Any]) -> list[bytes]:
    return [_NULL if value is None else _INSTANT(8, micros(value) - _PG_EPOCH_US) for value in values]


# Element type: its oid, its array's oid, how elements are packed, each behind its length.
_TYPES: Final[Mapping[str, tuple[int, int, Callable[[Sequence[Any]], list[bytes]]]]] = {
    "boolean": (16, 1000, _fixed(_BOOLEAN, 1)),
    "bytea": (17, 1001, _bytes),
    "bigint": (20, 1016, _fixed(Struct(">iq").pack, 8)),
    "smallint": (21, 1005, _fixed(Struct(">ih").pack, 2)),
    "int": (23, 1007, _fixed(Struct(">ii").pack, 4)),
    "text": (25, 1009, _texts),
    "timestamptz": (1184, 1185, _instants),
    "uuid": (2950, 2951, _uuids),
    "jsonb": (3802, 3807, lambda values: _bytes([None if value is None else b"\x01" + value for value in values])),
}
OIDS: Final[Mapping[str, int]] = {kind: array for kind, (_, array, _) in _TYPES.items()}
"""Of each element type, the type of its array."""
_TYPED: Final = re.compile(rb"%\((\w+)\)s::(\w+)\[\]")


def array_types(sql: bytes) -> dict[str, str]:
    """Return the element type of every parameter that a query casts to an array: ``%(ids)s::uuid[]``."""
    return {name.decode(): kind.decode() for name, kind in _TYPED.findall(sql)}


def pack(kind: str, values: Sequence[Any]) -> bytes:
    """Return values as one packed array; None is NULL. ``kind`` is the element type as the query writes it."""
    oid, _, elements = _TYPES[kind]
    if not values:
        return _EMPTY(0, 0, oid)
    parts = elements(values)
    return _HEAD(1, _NULL in parts, oid, len(values), 1) + b"".join(parts)
