"""What becomes of a cell on its way into a field. A map names these; what they give is judged by the field itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from changedesk.base.refusal import Refusal

Raw: TypeAlias = "str | bool | Mapping[str, str] | None"
_YYMMDD: Final = re.compile(r"(\d\d)(\d\d)(\d\d)", re.ASCII)
_WOMAN: Final = 50
"""The Czech birth number adds it to the month of women (Act 133/2000, section 13)."""


class CellRefused(Refusal):
    """This cell cannot go into its field.

    ``data``: path, reason (as of the field's own refusals).
    """

    code = "bad-value"
    hint = "Correct the cell and import the file again."

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


@dataclass(frozen=True, slots=True)
class Source:
    """Where one field comes from, as a map says it.

    ``columns``: one or several columns. ``using``: the transform. ``words``: cell text to what it means, applied
    first; an empty meaning is nothing. ``only_if``: columns and the text each must have, else the field gets nothing.
    ``parts``: for an address, its part to columns. ``drop``: a text to take off the front. ``always``: one value for
    every row. ``required``: without it the row is refused rather than taken in without the field.
    """

    columns: tuple[str, ...] = ()
    using: str = "text"
    words: Mapping[str, str] = field(default_factory=dict)
    only_if: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop: str = ""
    always: str = ""
    required: bool = False

    def reads(self) -> set[str]:
        """Return the columns that it needs."""
        return {*self.columns, *self.only_if, *(name for names in self.parts.values() for name in names)}


def value(path: str, source: Source, cells: Mapping[str, str]) -> Raw:
    """Return what a row says of one field; None for nothing. Raises CellRefused."""
    if any(cells[name].strip() != text for name, text in source.only_if.items()):
        return None
    if source.always:
        return source.always
    texts = [_meant(cells[name].strip(), source) for name in source.columns]
    if source.using != "address" and not any(texts):
        return None
    return TRANSFORMS[source.using](path, source, texts, cells)


def _meant(text: str, source: Source) -> str:
    return source.words.get(text, text).removeprefix(source.drop).strip()


def _text(_path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    return texts[0]


def _join(_path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    return " ".join(filter(None, texts))


def _first(_path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    return next(filter(None, texts))


def _given_name(_path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    return texts[0].rpartition(" ")[0] or None


def _family_name(_path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    return texts[0].rpartition(" ")[2]


def _birth_date(path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    year, month, day = _six_digits(path, texts[0])
    return f"19{year:02d}-{month - _WOMAN if month > _WOMAN else month:02d}-{day:02d}"


def _birth_gender(path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    return "female" if _six_digits(path, texts[0])[1] > _WOMAN else "male"


def _day_of_the_1900s(path: str, _source: Source, texts: list[str], _cells: Mapping[str, str]) -> Raw:
    return "19{:02d}-{:02d}-{:02d}".format(*_six_digits(path, texts[0]))


def _six_digits(path: str, text: str) -> tuple[int, int, int]:
    match = _YYMMDD.fullmatch(text)
    if match is None:
        raise CellRefused(path=path, reason="date_invalid")
    return int(match[1]), int(match[2]), int(match[3])


def _address(_path: str, source: Source, _texts: list[str], cells: Mapping[str, str]) -> Raw:
    parts = {
        part: "\n".join(filter(None, (_meant(cells[name].strip(), source) for name in names)))
        for part, names in source.parts.items()
    }
    filled = {part: text for part, text in parts.items() if text}
    # A country alone is not an address: many files fill it in for everybody.
    return filled if filled.keys() - {"country"} else None


def _card_number(path: str, _source: Source, _texts: list[str], _cells: Mapping[str, str]) -> Raw:
    # Whether it passes a check digit or not: card numbers come in as a payment provider's token, or not at all.
    raise CellRefused(path=path, reason="card_number")


Transform = Callable[[str, Source, list[str], Mapping[str, str]], Raw]
TRANSFORMS: Final[Mapping[str, Transform]] = {
    "text": _text,
    "join": _join,
    "first": _first,
    "given_name": _given_name,
    "family_name": _family_name,
    "birth_number_date": _birth_date,
    "birth_number_gender": _birth_gender,
    "yymmdd": _day_of_the_1900s,
    "address": _address,
    "card_number": _card_number,
}
"""What a map may name under ``using``."""
