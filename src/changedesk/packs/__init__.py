"""Industries and law as data: TOML packs, merged and checked on load.

``floor*.toml`` and ``base/`` hold for every client; the industries are enabled by name. A pack
is a folder with ``pack.toml`` (name, industries, reasons, statements), and where it has any ``fields*.toml``,
``rules*.toml`` (each set in the order of the files' names) and ``retention.toml``. Everything wrong is named by file
and key.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import date
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain, combinations, groupby, product
from typing import Any, Final

from changedesk.packs.pack import Choice, Header, Pack, Reason, Statement, extend
from changedesk.packs.parse import PackInvalid, build, convert, read
from changedesk.packs.verify import check, check_rule
from changedesk.rules import obligations as duty
from changedesk.rules.fields import Catalogue, Field
from changedesk.rules.policy import Rule, Scope, Status
from changedesk.rules.retention import RetentionClass

__all__ = [
    "CLIENT",
    "Pack",
    "PackInvalid",
    "Reason",
    "Statement",
    "available",
    "check_all",
    "check_rule",
    "client_rule",
    "extend",
    "load",
]

CLIENT: Final = "client"
"""The pack that a client's own rules say they are of."""
_BASE: Final = "base"
_SECONDS: Final = {"hours": 3_600, "days": 86_400}
_OBLIGATIONS: Final[Mapping[str, type[duty.Obligation]]] = {
    "verify": duty.Verify,
    "consent": duty.Consent,
    "approve": duty.Approve,
    "hold": duty.Hold,
    "notify": duty.Notify,
    "respond": duty.Respond,
    "retain": duty.Retain,
    "record": duty.Record,
    "propagate": duty.Propagate,
    "mask": duty.Mask,
    "prohibit": duty.Prohibit,
    "lock_option": duty.LockOption,
    "human_review": duty.HumanReview,
    "suppress": duty.Suppress,
}
_BESIDE: Final = {"rule": ("checked_on",), "field": ("choice",), "choice": ("field",)}
"""Which keys may stand beside a list in one file."""
_RULE_KEYS: Final = frozenset(item.name for item in fields_of(Rule)) - {"pack", "scope", "obligations"}
_DATES: Final = frozenset({"effective_from", "effective_to", "checked_on"})
_NUMBER_MAX: Final = 10 * 366 * 86_400
"""Ten years in seconds: beyond it a number in a client's rule is a slip, and dates made from it may not exist."""


def available() -> list[str]:
    """Return the names of the packs that a client may enable, sorted."""
    return sorted(item.name for item in _root().iterdir() if (item / "pack.toml").is_file() and item.name != _BASE)


def load(names: Sequence[str]) -> Pack:
    """Return the base with these packs, merged, in an order that does not depend on theirs.

    Raises PackInvalid that names file and key; RulesContradict when two of the packs' rules cannot both be
    kept.
    """
    return _load(tuple(sorted(set(names) - {_BASE})))


def check_all() -> list[str]:
    """Load every pack alone and every pair together; return what is wrong, one sentence each."""
    wrong = []
    singles = available()
    for names in chain([()], ([name] for name in singles), combinations(singles, 2)):
        try:
            load(names)
        except PackInvalid as error:
            wrong.append(str(error))
    return wrong


def client_rule(data: Mapping[str, Any], where: str) -> Rule:
    """Return a rule that a client wrote: a row of ``rules.toml`` as JSON, so its dates are ISO 8601 text.

    Raises PackInvalid that names the key after ``where``. What the rule refers to is not looked at: ``check_rule``.
    """
    for number in _numbers(data):
        if not 0 <= number <= _NUMBER_MAX:
            raise PackInvalid(f"{where}: {number} is not a number from 0 to {_NUMBER_MAX}")
    return _rule({key: _date(value, f"{where}.{key}") if key in _DATES else value for key, value in data.items()},
                 where, CLIENT)  # fmt: skip


def _date(value: object, where: str) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise PackInvalid(f"{where}: {value!r} is not a day such as 2026-01-31") from None


def _numbers(value: object) -> Iterator[int]:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in inner:
        if isinstance(item, int):
            yield item
        yield from _numbers(item)


@cache
def _load(names: tuple[str, ...]) -> Pack:
    for name in names:
        if name not in available():
            raise PackInvalid(f"{name}: there is no such pack; there are {', '.join(available())}")
    return assemble([_root() / name for name in (_BASE, *names)], floor=_root())


def _root() -> Traversable:
    return files("changedesk.packs")


def assemble(folders: Sequence[Traversable], *, floor: Traversable) -> Pack:
    """Return the packs of these folders, the first of which is the base, above the floor files of another. Raises as
    ``load`` does.
    """
    tables = [(folder, _tables(folder / "pack.toml")) for folder in folders]
    headers = tuple(_header(folder, table) for folder, table in tables)
    rules = [rule for file in _parts(floor, "floor") for rule in _rules(file, "floor", headers[0])]
    for folder, header in zip(folders, headers, strict=True):
        rules += [rule for file in _parts(folder, "rules") for rule in _rules(file, header.name, header)]
    statements = [_statement(folder, item) for folder, table in tables for item in table.get("statement", ())]
    reasons = [_reason(folder, item) for folder, table in tables for item in table.get("reason", ())]
    kept = [_class(folder, item) for folder in folders for item in _rows(folder / "retention.toml", "class")]
    fields = ((item.path, item) for folder in folders for item in _fields(folder))
    pack = Pack(
        names=tuple(header.name for header in headers[1:]),
        headers=headers,
        catalogue=Catalogue.of(_chosen(folders, _unique(fields).values())),
        rules=tuple(_unique((rule.id, rule) for rule in rules).values()),
        statements=_unique(((item.id, item.version), item) for item in statements),
        reason_codes=_unique((item.code, item) for item in reasons),
        retention=_unique((item.name, item) for item in kept),
    )
    check(pack)
    return pack


def _place(file: Traversable) -> str:
    # Without the folders above: they say where the software stands, not what is wrong.
    return "/".join(str(file).replace("\\", "/").rsplit("/", 2)[-2:])


def _parts(folder: Traversable, name: str) -> list[Traversable]:
    # A list that outgrew one file is continued in others: rules.toml, rules_care.toml.
    found = [file for file in folder.iterdir() if file.name.startswith(name) and file.name.endswith(".toml")]
    return sorted(found, key=lambda file: file.name.removesuffix(".toml"))


def _tables(file: Traversable) -> Mapping[str, Any]:
    return read(file.read_text("utf-8"), _place(file)) if file.is_file() else {}


def _rows(file: Traversable, key: str) -> Iterable[Any]:
    tables = _tables(file)
    for other in tables.keys() - {key, *_BESIDE.get(key, ())}:
        raise PackInvalid(f"{_place(file)}.{other}: there is no such key")
    return list(tables.get(key, ()))


def _unique(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found:
            raise PackInvalid(f"{key}: stands twice in these packs")
        found[key] = value
    return found


def _header(folder: Traversable, table: Mapping[str, Any]) -> Header:
    rest = {key: value for key, value in table.items() if key not in ("statement", "reason")}
    return build(Header, rest, _place(folder / "pack.toml"))


def _named(file: Traversable, row: Any, key: str) -> str:
    return f"{_place(file)}: {row.get(key, '?') if isinstance(row, dict) else row}"


def _statement(folder: Traversable, row: Any) -> Statement:
    return build(Statement, row, _named(folder / "pack.toml", row, "id"))


def _reason(folder: Traversable, row: Any) -> Reason:
    return build(Reason, row, _named(folder / "pack.toml", row, "code"))


def _class(folder: Traversable, row: Any) -> RetentionClass:
    return build(RetentionClass, row, _named(folder / "retention.toml", row, "name"))


def _fields(folder: Traversable) -> Iterator[Field]:
    for file in _parts(folder, "fields"):
        for number, rows in groupby(_rows(file, "field"), partial(_slots, file)):
            for slot, row in product(range(1, (number or 1) + 1), list(rows)):
                yield build(Field, _numbered(row, slot) if number else row, _named(file, row, "path"))


def _slots(file: Traversable, row: Any) -> int:
    """Return how many times the field is there, with the number of each for # in path and label; 0 is once, as it is.

    Rows that follow each other with the same number make slots of several fields: 1.type, 1.model, 2.type, 2.model.
    """
    given = row.get("slots", 0) if isinstance(row, dict) else 0
    return convert(int, given, f"{_named(file, row, 'path')}.slots")  # type: ignore[no-any-return]


def _numbered(row: Mapping[str, Any], slot: int) -> dict[str, Any]:
    label = {language: str(text).replace("#", str(slot)) for language, text in row.get("label", {}).items()}
    rest = {key: value for key, value in row.items() if key != "slots"}
    return {**rest, "path": str(row.get("path")).replace("#", str(slot)), "label": label}


def _chosen(folders: Sequence[Traversable], fields: Iterable[Field]) -> list[Field]:
    """Return the fields, with the options of all packs that choose some instead of the base's own."""
    chosen: dict[str, dict[str, Any]] = {}
    wanted = {item.path: item for item in fields}
    for folder in folders:
        for file in _parts(folder, "fields"):
            for row in _rows(file, "choice"):
                where = _named(file, row, "path")
                told = build(Choice, row, where)
                if told.path not in wanted or not wanted[told.path].options:
                    raise PackInvalid(f"{where}: there is no field with options by this path")
                chosen[told.path] = {**told.options, **chosen.get(told.path, {})}
    return [replace(item, options=chosen.get(path, item.options)) for path, item in wanted.items()]


def _rules(file: Traversable, pack: str, header: Header) -> list[Rule]:
    given = {key: value for key, value in _tables(file).items() if key == "checked_on"}
    return [
        rule
        for row in _rows(file, "rule")
        if (rule := _rule({**given, **row} if isinstance(row, dict) else {}, _named(file, row, "id"), pack)).status
        in header.statuses | {Status.NOT_YET_EFFECTIVE, Status.VACATED}
    ]


def _rule(row: Mapping[str, Any], where: str, pack: str) -> Rule:
    plain = {key: value for key, value in row.items() if key not in ("scope", "oblige")}
    for key in plain.keys() - _RULE_KEYS:
        raise PackInvalid(f"{where}.{key}: there is no such key")
    scope = build(Scope, row.get("scope", {}), f"{where}.scope")
    obligations = tuple(
        _obligation(item, f"{where}.oblige[{index}]") for index, item in enumerate(row.get("oblige", ()))
    )
    return build(Rule, plain, where, pack=pack, scope=scope, obligations=obligations)


def _obligation(item: object, where: str) -> duty.Obligation:
    if not isinstance(item, dict) or len(item) != 1:
        raise PackInvalid(f"{where}: one obligation by its name is wanted, such as {{ verify = {{ level = 2 }} }}")
    ((name, table),) = item.items()
    if name not in _OBLIGATIONS:
        raise PackInvalid(f"{where}.{name}: not an obligation; there are {', '.join(_OBLIGATIONS)}")
    if name == "hold" and isinstance(table, dict):
        table = _in_seconds(table, f"{where}.hold")
    return build(_OBLIGATIONS[name], table, f"{where}.{name}")


def _in_seconds(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    spoken = {unit: convert(int, table[unit], f"{where}.{unit}") for unit in _SECONDS if unit in table}
    rest = {key: value for key, value in table.items() if key not in _SECONDS}
    if len(spoken) != 1 or "seconds" in rest:
        raise PackInvalid(f"{where}: its length is wanted once, in hours or in days")
    return {**rest, "seconds": sum(_SECONDS[unit] * amount for unit, amount in spoken.items())}
