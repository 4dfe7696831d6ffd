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
_INT2, _INT4, _INT8 = Struct(">h").pack, Struct(">i").pack, Struct(">q").pack

# Element type: its oid, its array's oid, how one element is packed.
_TYPES: Final[Mapping[str, tuple[int, int, Callable[[Any], bytes]]]] = {
    "boolean": (16, 1000, lambda value: b"\x01" if value else b"\x00"),
    "bytea": (17, 1001, bytes),
    "bigint": (20, 1016, _INT8),
    "smallint": (21, 1005, _INT2),
    "int": (23, 1007, _INT4),
    "text": (25, 1009, str.encode),
    "timestamptz": (1184, 1185, lambda value: _INT8(micros(value) - _PG_EPOCH_US)),
    "uuid": (2950, 2951, lambda value: value.int.to_bytes(16)),
    "jsonb": (3802, 3807, lambda value: b"\x01" + value),
}
OIDS: Final[Mapping[str, int]] = {kind: array for kind, (_, array, _) in _TYPES.items()}
"""Of each element type, the type of its array."""
_TYPED: Final = re.compile(rb"%\((\w+)\)s::(\w+)\[\]")


def array_types(sql: bytes) -> dict[str, str]:
    """Return the element type of every parameter that a query casts to an array: ``%(ids)s::uuid[]``."""
    return {name.decode(): kind.decode() for name, kind in _TYPED.findall(sql)}


def pack(kind: str, values: Sequence[Any]) -> bytes:
    """Return values as one packed array; None is NULL. ``kind`` is the element type as the query writes it."""
    oid, _, one = _TYPES[kind]
    if not values:
        return _EMPTY(0, 0, oid)
    parts: list[bytes] = [b""]
    add = parts.append
    has_null = 0
    for value in values:
        if value is None:
            add(_NULL)
            has_null = 1
        else:
            data = one(value)
            add(_LENGTH(len(data)))
            add(data)
    parts[0] = _HEAD(1, has_null, oid, len(values), 1)
    return b"".join(parts)
