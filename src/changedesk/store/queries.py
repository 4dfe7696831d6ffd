"""Named SQL: a file of ``store/sql`` for each subject, each query under ``-- name: subject.verb`` and a reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from psycopg.adapt import PyFormat
from psycopg.pq import Format

from changedesk.store.arrays import OIDS, array_types

_NAME: Final = re.compile(r"^-- name: ([a-z_]+\.[a-z_]+)\n", re.MULTILINE)
_PARAMETER: Final = re.compile(rb"%\((\w+)\)s")
_COMMENT: Final = re.compile(r"^\s*--.*\n?", re.MULTILINE)


def _load() -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for source in sorted((files("changedesk.store") / "sql").iterdir(), key=lambda item: item.name):
        if not source.name.endswith(".sql"):
            continue
        parts = _NAME.split(source.read_text("utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"two queries are named {name}")
            found[name] = _COMMENT.sub("", text).strip().encode()
    return found


SQL: Final[Mapping[str, bytes]] = _load()
ARRAYS: Final[Mapping[str, Mapping[str, str]]] = {name: array_types(text) for name, text in SQL.items()}
"""Of each query, the parameters that are arrays, with the type of their elements."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A query as the server reads it: ``$1`` and so on are the ``plain`` parameters, then the ``arrays``."""

    text: bytes
    plain: Sequence[str]
    arrays: Sequence[tuple[str, str]]
    """Name, and type of the elements."""
    wanted: Sequence[PyFormat]
    binary: Sequence[Format]
    array_types: Sequence[int]
    """The formats and the types of the arrays."""


def _statement(name: str, text: bytes) -> Statement:
    arrays = tuple(ARRAYS[name].items())
    used = dict.fromkeys(found.decode() for found in _PARAMETER.findall(text))
    plain = [item for item in used if item not in ARRAYS[name]]
    places = {item: b"$%d" % place for place, item in enumerate([*plain, *ARRAYS[name]], 1)}
    oids = [OIDS[kind] for _, kind in arrays]
    numbered = _PARAMETER.sub(lambda met: places[met[1].decode()], text).replace(b"%%", b"%")
    return Statement(numbered, plain, arrays, [PyFormat.AUTO] * len(plain), [Format.BINARY] * len(arrays), oids)


STATEMENTS: Final[Mapping[str, Statement]] = {
    **{name: _statement(name, text) for name, text in SQL.items()},
    # No queries, so that they stand in no file: they travel in one round trip with the first of their transaction.
    "start.write": Statement(b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", (), (), (), (), ()),
    "start.read": Statement(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", (), (), (), (), ()),
    "end.read": Statement(b"COMMIT", (), (), (), (), ()),
}
