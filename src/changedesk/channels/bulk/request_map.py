"""Maps of files that ask: which column names the customer, which is which field, and how cells say what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as given
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from changedesk.base.ids import OUTSIDE, SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk import patterns
from changedesk.channels.bulk.mapping import MapUnknown, MapWrong
from changedesk.channels.bulk.rows import Dialect, Row
from changedesk.flow import Asked
from changedesk.kinds import Edit
from changedesk.packs.parse import PackInvalid, build, read
from changedesk.rules.fields import Catalogue

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_MAP_BYTES_MAX: Final = 1 << 20
_OPERATION: Final = re.compile(r"(?:^|;)\s*(add|delete|replace)\s*==")


class OperationMissing(Refusal):
    """This cell does not say whether its value is to be added, deleted or put in place of the old one.

    ``data``: path.
    """

    code = "operation-missing"
    hint = "Write add==, delete== or replace== before the value, or say in the map what bare values mean."


class NameUnreadable(Refusal):
    """This line does not name its customer as the map says.

    ``data``: path (the column).
    """

    code = "name-unreadable"
    hint = "Correct the column named here, or the map's key_pattern."


class NothingAsked(Refusal):
    """This line asks for nothing."""

    code = "nothing-asked"
    hint = "Take the line out, or fill in what is to be changed."


@dataclass(frozen=True, slots=True)
class RequestMap:
    """One line asks for one customer, one column is one field.

    ``source`` is the system that the customers were imported from, ``key`` the column with their names there,
    ``key_pattern`` a pattern whose first group is the name. ``reference`` is kept with each request.
    ``bare``: the operation of cells that name none; empty refuses them. ``acknowledged``: words of concerns that were
    looked into for the whole file.
    """

    source: str
    key: str
    reason: str
    fields: Mapping[str, str]
    about: str = ""
    key_pattern: str = "(.+)"
    reference: str = ""
    reference_pattern: str = "(.+)"
    initiated_by: str = "customer"
    bare: str = ""
    separator: str = ";"
    dialect: Dialect = given(default_factory=Dialect)
    acknowledged: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()

    def reads(self) -> set[str]:
        """Return the columns that it can make something of."""
        return {self.key, self.reference, *self.fields} - {""}

    def name_of(self, row: Row) -> str:
        """Return the customer's name in the source. Raises NameUnreadable."""
        found = patterns.whole(patterns.compiled(self.key_pattern), row.cells[self.key].strip())
        if not found:
            raise NameUnreadable(path=self.key)
        return found

    def asked(self, row: Row, catalogue: Catalogue, subject: SubjectId | None) -> list[Asked]:
        """Return what a line asks for: a part for each kind of change. Raises OperationMissing, NothingAsked."""
        parts: dict[str, dict[str, object]] = {}
        for column, path in self.fields.items():
            cell = row.cells.get(column, "").strip()
            if cell:
                parts.setdefault(catalogue[path].kind, {})[path] = self.edits(cell, path)
        if not parts:
            raise NothingAsked
        text = patterns.within(patterns.compiled(self.reference_pattern), row.cells.get(self.reference, "").strip())
        reference = text if OUTSIDE.fullmatch(text) else ""
        return [
            Asked(number=row.number, part=part, subject=subject, kind=kind, values=values, reference=reference)
            for part, (kind, values) in enumerate(sorted(parts.items()))
        ]

    def edits(self, cell: str, path: str) -> tuple[Edit, ...]:
        """Return what a cell says is to be done. Raises OperationMissing."""
        if cell == "delete":
            return (Edit("delete"),)
        parts = _OPERATION.split(cell)
        found = [Edit(name, self._values(text)) for name, text in zip(parts[1::2], parts[2::2], strict=True)]
        if values := self._values(parts[0]):
            if found or not self.bare:
                raise OperationMissing(path=path)
            found.append(Edit(self.bare, values))
        return tuple(found)

    def _values(self, text: str) -> tuple[str, ...]:
        parts = text.split(self.separator) if self.separator else [text]
        return tuple(part.strip() for part in parts if part.strip())


def shipped_request_maps() -> list[str]:
    """Return the names of the maps that come with the program, sorted."""
    folder = files("changedesk.channels.bulk") / "request_maps"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def read_request_map(name_or_path: str) -> RequestMap:
    """Return a map by the name of a shipped one, or by a path that ends in ``.toml``. Raises MapUnknown, MapWrong."""
    if _NAME.fullmatch(name_or_path) and name_or_path in shipped_request_maps():
        text = (files("changedesk.channels.bulk") / "request_maps" / f"{name_or_path}.toml").read_text("utf-8")
        return parse_request_map(text, name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file() or path.stat().st_size > _MAP_BYTES_MAX:
        raise MapUnknown(known=shipped_request_maps())
    try:
        return parse_request_map(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError:
        raise MapWrong(problem=f"{path.name}: is not UTF-8") from None


def parse_request_map(text: str, where: str) -> RequestMap:
    """Return the map that a TOML text holds. Raises MapWrong with the place and what is wrong with it."""
    try:
        table: dict[str, Any] = dict(read(text, where))
        dialect = build(Dialect, table.pop("dialect", {}), f"{where}.dialect")
        made = build(RequestMap, table, where, dialect=dialect)
        problem = _wrong_with(made)
    except PackInvalid as error:
        problem = str(error)
    if problem:
        raise MapWrong(problem=problem if problem.startswith(where) else f"{where}.{problem}")
    return made


def _wrong_with(made: RequestMap) -> str:
    if made.bare not in ("", "add", "replace"):
        return "bare: write add or replace, or leave it out"
    if made.initiated_by not in ("customer", "business"):
        return "initiated_by: write customer or business"
    for name in ("key_pattern", "reference_pattern"):
        try:
            patterns.compiled(getattr(made, name))
        except patterns.PatternUnfit as unfit:
            return f"{name}: {unfit}"
    return ""
