"""Import maps: which column goes where. TOML, checked on load; the shipped ones lie in ``maps/``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as given
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from changedesk.base.refusal import Refusal
from changedesk.channels.bulk import patterns
from changedesk.channels.bulk.rows import Dialect
from changedesk.channels.bulk.transforms import TRANSFORMS, Source
from changedesk.packs.parse import PackInvalid, build, read

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_MAP_BYTES_MAX: Final = 1 << 20
_ENCODINGS: Final = ("", "utf-8", "cp1252")
SUBJECTS: Final = ("customer", "account")


class MapUnknown(Refusal):
    """There is no import map by this name.

    ``data``: known (the names of the shipped ones).
    """

    code = "map-unknown"
    hint = "Name one of the maps listed here, or the path of a map of your own that ends in .toml."
    status = "missing"


class MapWrong(Refusal):
    """This import map cannot be used.

    ``data``: problem (the place in the map and what is wrong there).
    """

    code = "map-wrong"
    hint = "Correct the place named here in the map."


@dataclass(frozen=True, slots=True)
class Join:
    """Another file beside the imported one: its row whose ``key`` equals the column ``on`` adds its columns.

    The added columns are called ``name.column``. A row without a match gets them empty.
    """

    name: str
    file: str
    key: str
    on: str
    dialect: Dialect = given(default_factory=Dialect)


@dataclass(frozen=True, slots=True)
class AccountPart:
    """The account that a row speaks of: its number and the customer's role are columns, or one role for all."""

    number: str
    role: str = ""
    roles: Mapping[str, str] = given(default_factory=dict)
    """Role as the file writes it to role here."""
    always: str = "holder"
    fields: Mapping[str, Source] = given(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CustomerMap:
    """One row is one customer. ``source`` and ``key`` say which row of which system it was, for a second import."""

    source: str
    key: str
    fields: Mapping[str, Source]
    about: str = ""
    dialect: Dialect = given(default_factory=Dialect)
    joins: tuple[Join, ...] = ()
    account: AccountPart | None = None
    region: str = ""
    """Country of bare phone numbers; the client's own when empty."""
    region_column: str = ""
    ignore: frozenset[str] = frozenset()
    """Columns that are left out on purpose."""

    def reads(self) -> set[str]:
        """Return the columns it needs of the file and of its joins."""
        wanted = {self.key, *(name for source in self.fields.values() for name in source.reads())}
        if self.region_column:
            wanted.add(self.region_column)
        if self.account:
            wanted |= {self.account.number, *(n for s in self.account.fields.values() for n in s.reads())}
            wanted |= {self.account.role} - {""}
        return wanted | {join.on for join in self.joins}


@dataclass(frozen=True, slots=True)
class ChangeMap:
    """One row is one changed field. Rows of one record and one group that follow each other are one change.

    ``source`` is the system that customers come from, ``log`` one of its files: the same customer may stand in many.
    ``subject`` says what a record is: the customer, or an account that the customer holds in ``role``.
    ``fields``: the file's word for a field to its path. ``evidence``: name to column; ``references``: name to a
    pattern whose first group is kept of the ``note`` column, so that no free text gets into the record.
    """

    source: str
    log: str
    customer: str
    record: str
    subject: str
    group: str
    field: str
    old: str
    new: str
    valid_from: str
    fields: Mapping[str, str]
    role: str = "holder"
    about: str = ""
    dialect: Dialect = given(default_factory=Dialect)
    evidence: Mapping[str, str] = given(default_factory=dict)
    note: str = ""
    references: Mapping[str, str] = given(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = given(default_factory=dict)
    """For the file's words of some fields: the file's word of a value to the code that the field holds."""
    starts_midway: bool = False
    """The log began when its records were there already: old values are told, and not compared."""
    ignore: frozenset[str] = frozenset()

    def reads(self) -> set[str]:
        """Return the columns it needs."""
        columns = {self.customer, self.record, self.group, self.field, self.old, self.new, self.valid_from}
        return columns | set(self.evidence.values()) | ({self.note} - {""})


def shipped() -> list[str]:
    """Return the names of the maps that come with the program, sorted."""
    folder = files("changedesk.channels.bulk") / "maps"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def read_map(name_or_path: str) -> CustomerMap | ChangeMap:
    """Return a map by the name of a shipped one, or by a path that ends in ``.toml``. Raises MapUnknown, MapWrong."""
    if _NAME.fullmatch(name_or_path) and name_or_path in shipped():
        text = (files("changedesk.channels.bulk") / "maps" / f"{name_or_path}.toml").read_text(encoding="utf-8")
        return parse_map(text, name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        raise MapUnknown(known=shipped())
    if path.stat().st_size > _MAP_BYTES_MAX:
        raise MapWrong(problem=f"{path.name}: is larger than a map can be")
    try:
        return parse_map(path.read_text(encoding="utf-8"), path.name)
    except UnicodeDecodeError:
        raise MapWrong(problem=f"{path.name}: is not UTF-8") from None


def parse_map(text: str, where: str) -> CustomerMap | ChangeMap:
    """Return the map that a TOML text holds. Raises MapWrong with the place and what is wrong with it."""
    problem = ""
    try:
        table = dict(read(text, where))
        kind = table.pop("rows", None)
        if kind == "customers":
            return _customers(table, where)
        if kind == "changes":
            return _changes(table, where)
        problem = f'{where}.rows: write "customers" or "changes"'
    except PackInvalid as error:
        problem = str(error)
    raise MapWrong(problem=problem)


def _customers(table: dict[str, Any], where: str) -> CustomerMap:
    account = table.pop("account", None)
    parts: dict[str, Any] = {
        "fields": _sources(table.pop("fields", {}), f"{where}.fields"),
        "dialect": _dialect(table.pop("dialect", {}), f"{where}.dialect"),
        "joins": tuple(_join(row, f"{where}.joins[{index}]") for index, row in enumerate(table.pop("joins", ()))),
        "account": None if account is None else _account(account, f"{where}.account"),
    }
    made = build(CustomerMap, table, where, **parts)
    known = {join.name for join in made.joins}
    for name in made.reads():
        if "." in name and name.partition(".")[0] not in known:
            raise PackInvalid(f"{where}: the column {name} belongs to no file that the map joins")
    return made


def _account(table: Any, where: str) -> AccountPart:
    rest = dict(table) if isinstance(table, dict) else table
    sources = _sources(rest.pop("fields", {}), f"{where}.fields") if isinstance(rest, dict) else {}
    return build(AccountPart, rest, where, fields=sources)


def _join(table: Any, where: str) -> Join:
    rest = dict(table) if isinstance(table, dict) else table
    dialect = _dialect(rest.pop("dialect", {}), f"{where}.dialect") if isinstance(rest, dict) else Dialect()
    made = build(Join, rest, where, dialect=dialect)
    if Path(made.file).name != made.file:
        raise PackInvalid(f"{where}.file: name a file that lies beside the imported one, without a folder")
    return made


def _dialect(table: Any, where: str) -> Dialect:
    # bool is not among the types that packs know; a map says it in words of TOML all the same.
    made = build(Dialect, table, where)
    if made.encoding not in _ENCODINGS:
        raise PackInvalid(f"{where}.encoding: write utf-8 or cp1252, or leave it out")
    if len(made.delimiter) > 1:
        raise PackInvalid(f"{where}.delimiter: is one sign")
    return made


def _sources(table: Any, where: str) -> dict[str, Source]:
    if not isinstance(table, dict):
        raise PackInvalid(f"{where}: a table is wanted here")
    return {path: _source(row, f'{where}."{path}"') for path, row in table.items()}


def _source(row: Any, where: str) -> Source:
    if isinstance(row, str):
        return Source((row,))
    rest = dict(row) if isinstance(row, dict) else row
    lists: dict[str, Any] = {}
    if isinstance(rest, dict):
        lists["columns"] = _names(rest.pop("columns", []), f"{where}.columns")
        parts = rest.pop("parts", {})
        if not isinstance(parts, dict):
            raise PackInvalid(f"{where}.parts: a table is wanted here")
        lists["parts"] = {part: _names(names, f"{where}.parts.{part}") for part, names in parts.items()}
    made = build(Source, rest, where, **lists)
    if made.using not in TRANSFORMS:
        raise PackInvalid(f"{where}.using: {made.using!r} is not one of {', '.join(TRANSFORMS)}")
    if made.using == "address":
        if not made.parts or made.columns:
            raise PackInvalid(f"{where}.parts: an address is put together from its parts")
    elif bool(made.columns) == bool(made.always):
        raise PackInvalid(f"{where}: name columns, or one value for always")
    return made


def _words(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(word, str) and word for word in table.values()):
        raise PackInvalid(f"{where}: a table of texts is wanted here")
    return dict(table)


def _names(value: Any, where: str) -> tuple[str, ...]:
    # Their order counts: it is the order in which texts are joined.
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise PackInvalid(f"{where}: a list of columns is wanted here")
    return tuple(value)


def _changes(table: dict[str, Any], where: str) -> ChangeMap:
    dialect = _dialect(table.pop("dialect", {}), f"{where}.dialect")
    codes = {name: _words(rest, f"{where}.codes.{name}") for name, rest in table.pop("codes", {}).items()}
    midway = table.pop("starts_midway", "no")
    if midway not in ("yes", "no"):
        raise PackInvalid(f"{where}.starts_midway: write yes or no")
    made = build(ChangeMap, table, where, dialect=dialect, codes=codes, starts_midway=midway == "yes")
    if made.subject not in SUBJECTS:
        raise PackInvalid(f"{where}.subject: write customer or account")
    if made.references and not made.note:
        raise PackInvalid(f"{where}.note: name the column that references are taken from")
    for name, pattern in made.references.items():
        try:
            patterns.compiled(pattern)
        except patterns.PatternUnfit as unfit:
            raise PackInvalid(f"{where}.references.{name}: {unfit}") from None
    return made
