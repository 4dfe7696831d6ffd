"""Tables of a TOML file become typed values. What is unknown, missing or of the wrong type is named by file
and key.
"""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class PackInvalid(Exception):  # noqa: N818 - the sentence names what is wrong; the type says that a pack is
    """A pack cannot be used: the message names the file, the key and what is wrong with it."""


@cache
def read(text: str, where: str) -> Mapping[str, Any]:
    """Return the tables of a TOML text, the same ones for the same text. Raises PackInvalid with the place of a syntax
    error.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackInvalid(f"{where}: {error}") from error


def build(sort: type[T], table: object, where: str, **given: object) -> T:
    """Return a dataclass from a table; ``given`` are values that do not stand in the file. Raises
    PackInvalid.
    """
    if not isinstance(table, dict):
        raise PackInvalid(f"{where}: a table is wanted here, not {table!r}")
    fields = {item.name: item for item in dataclasses.fields(sort)}  # type: ignore[arg-type]  # T is a dataclass
    hints = _hints(sort)  # type: ignore[arg-type]  # mypy takes a class of an unknown type for unhashable
    for key in table:
        if key not in fields or key in given:
            raise PackInvalid(f"{where}.{key}: there is no such key")
    values = dict(given)
    for name, item in fields.items():
        if name in table:
            values[name] = convert(hints[name], table[name], f"{where}.{name}")
        elif name not in given and _required(item):
            raise PackInvalid(f"{where}.{name}: is missing")
    try:
        return sort(**values)
    except ValueError as error:
        raise PackInvalid(f"{where}: {error}") from error


@cache
def _hints(sort: type[object]) -> dict[str, Any]:
    return typing.get_type_hints(sort)


def _required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def convert(wanted: Any, value: object, where: str) -> Any:
    """Return a TOML value as the type that an annotation names. Raises PackInvalid."""
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        return convert(next(sort for sort in inner if sort is not types.NoneType), value, where)
    if origin is frozenset and isinstance(value, list):
        return frozenset(convert(inner[0], item, where) for item in value)
    if origin is Mapping and isinstance(value, dict):
        return {key: convert(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is None and isinstance(wanted, type) and issubclass(wanted, Enum):
        try:
            return wanted(value)
        except ValueError as error:
            raise PackInvalid(f"{where}: {error}") from error
    if origin is None and _plain(wanted, value):
        return value
    raise PackInvalid(f"{where}: {value!r} is not {getattr(wanted, '__name__', wanted)}")


def _plain(wanted: Any, value: object) -> bool:
    # bool is an int and datetime a date to Python; to a person who writes a pack they are not.
    if isinstance(value, bool) or wanted is bool:
        return wanted is bool and isinstance(value, bool)
    return not isinstance(value, datetime) and wanted in (int, str, date) and isinstance(value, wanted)
