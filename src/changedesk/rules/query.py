"""The language in which the history is searched, read into typed terms: pure, and the same for every channel.

``actor:maria -channel:phone (field:email OR field:phone) created:2026-01-01..2026-03-31 verified:<2 "new address"``:
terms side by side must all hold, ``OR`` and brackets give a choice, ``-`` in front turns round what follows. What a
term's value names (a person, a field) is for whoever runs the search to look up; what cannot be read runs nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from typing import Final

from changedesk.base.refusal import Refusal

LONGEST: Final = 1_000
TERMS_MOST: Final = 40
DEPTH_MOST: Final = 12
KEYS: Final = (
    "action", "actor", "after", "approver", "before", "change", "channel", "client", "consent", "created", "customer",
    "field", "policy", "reason", "request", "role", "state", "verified",
)  # fmt: skip
"""Every key there is. ``ip`` and ``risk`` are missing: no entry says them, and a key that finds nothing would lie."""
PERSONAL: Final = frozenset({"after", "before", "customer"})
"""Keys whose values may be a customer's own: such a query stands in no address and is not kept by name."""
LEVEL_MOST: Final = 4
_OPEN: Final = "*"
_SPAN: Final = ".."


class QueryUnclear(Refusal):
    """This cannot be read as a search.

    ``data``: place (of the first letter), why: open_quote, open_bracket, bracket, nothing, or, minus, value, text.
    """

    code = "query-unclear"
    hint = "Look at the place named here: quotes and brackets come in pairs, and OR and - need a term to work on."


class QueryTooLong(Refusal):
    """This search is longer than one may be.

    ``data``: wanted, the most letters, terms or brackets inside each other.
    """

    code = "query-too-long"
    hint = "Leave out what narrows least, or make two searches of it."


class KeyUnknown(Refusal):
    """There is no such key to search by.

    ``data``: place, nearest (the key that is written most like it, empty where none is), known.
    """

    code = "query-key-unknown"
    hint = "Take the key named here as nearest, or one of those named as known."


class ValueUnclear(Refusal):
    """This key does not take such a value.

    ``data``: place, path (the key).
    """

    code = "query-value-unclear"
    hint = "created: takes days as in 2026-01-01..2026-03-31, verified: takes 0 to 4 as in <2 or 2..3."


@dataclass(frozen=True, slots=True)
class Named:
    """A key and the value that somebody typed. ``start`` and ``end``: where it stands in the text."""

    key: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """Recorded from ``since`` until before ``until``; None is open."""

    since: datetime | None
    until: datetime | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Levels:
    """Verified at a level from ``low`` to ``high``, both counted in. None when nothing lies between."""

    low: int
    high: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Words:
    """Free text: what an entry, a field or a reason is called, a reference or an id."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Not:
    part: "Expr"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; no part at all is everything."""

    parts: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple["Expr", ...]


Term = Named | Span | Levels | Words
Expr = Term | Not | All | Either


@dataclass(frozen=True, slots=True)
class _Token:
    """``kind``: ( ) - OR term. A term keeps its key, "" for free text, and its value without quotes."""

    kind: str
    start: int
    end: int
    key: str = ""
    value: str = ""
    quoted: bool = False


_KEYED: Final = re.compile(r"([A-Za-z_]+):")
_BARE: Final = re.compile(r'[^\s()"]+')


def parse(text: str, *, zone: tzinfo, today: date) -> Expr:
    """Return what a search asks for; days are days of ``zone``. An empty text asks for everything.

    Raises QueryTooLong, QueryUnclear, KeyUnknown, ValueUnclear, each with the place in the text.
    """
    if len(text) > LONGEST:
        raise QueryTooLong(wanted=LONGEST)
    tokens = list(_tokens(text))
    if sum(one.kind == "term" for one in tokens) > TERMS_MOST:
        raise QueryTooLong(wanted=TERMS_MOST)
    reader = _Reader(tokens, len(text), zone, today)
    found = reader.choice(0) if tokens else All(())
    if reader.at < len(tokens):
        raise QueryUnclear(place=tokens[reader.at].start, why="bracket")
    return found


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        sign = text[at]
        if sign.isspace():
            at += 1
        elif sign in "()" or (sign == "-" and not text[at + 1 : at + 2].isspace()):
            yield _Token(sign, at, at + 1)
            at += 1
        else:
            found = _term(text, at)
            yield found
            at = found.end


def _term(text: str, start: int) -> _Token:
    keyed = _KEYED.match(text, start)
    at = keyed.end() if keyed else start
    if text[at : at + 1] == '"':
        close = text.find('"', at + 1)
        if close < 0:
            raise QueryUnclear(place=at, why="open_quote")
        value, end, quoted = text[at + 1 : close], close + 1, True
    else:
        bare = _BARE.match(text, at)
        value, end, quoted = (bare[0], bare.end(), False) if bare else ("", at, False)
    key = keyed[1].casefold() if keyed else ""
    if keyed and key not in KEYS:
        nearest = get_close_matches(key, KEYS, n=1, cutoff=0.5)
        raise KeyUnknown(place=start, nearest=nearest[0] if nearest else "", known=KEYS)
    if not value.strip():
        raise QueryUnclear(place=start, why="value" if keyed else "text")
    kind = "OR" if (value, key, quoted) == ("OR", "", False) else "term"
    return _Token(kind, start, end, key, value.strip(), quoted)


@dataclass(slots=True)
class _Reader:
    """Reads tokens by descent: a choice of rows, a row of single things."""

    tokens: Sequence[_Token]
    length: int
    zone: tzinfo
    today: date
    at: int = 0

    def _kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def _place(self) -> int:
        return self.tokens[self.at].start if self.at < len(self.tokens) else self.length

    def choice(self, depth: int) -> Expr:
        if depth > DEPTH_MOST:
            raise QueryTooLong(wanted=DEPTH_MOST)
        parts = [self._row(depth)]
        while self._kind() == "OR":
            self.at += 1
            parts.append(self._row(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _row(self, depth: int) -> Expr:
        parts: list[Expr] = []
        while self._kind() in ("term", "(", "-"):
            parts.append(self._single(depth))
        if not parts:
            raise QueryUnclear(place=self._place(), why="or" if "OR" in self._around() else "nothing")
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _around(self) -> set[str]:
        return {one.kind for one in self.tokens[max(self.at - 1, 0) : self.at + 1]}

    def _single(self, depth: int) -> Expr:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "-":
            if self._kind() not in ("term", "("):
                raise QueryUnclear(place=token.start, why="minus")
            return Not(self._single(depth))
        if token.kind == "(":
            inner = self.choice(depth + 1)
            if self._kind() != ")":
                raise QueryUnclear(place=token.start, why="open_bracket")
            self.at += 1
            return inner
        if token.key == "created":
            return _span(token, self.zone, self.today)
        if token.key == "verified":
            return _levels(token)
        if token.key:
            return Named(token.key, token.value, token.start, token.end)
        return Words(token.value, token.start, token.end)


_LEVEL: Final = re.compile(r"(<=|>=|<|>)?[vV]?([0-9])|[vV]?([0-9])\.\.[vV]?([0-9])")


def _levels(token: _Token) -> Levels:
    found = _LEVEL.fullmatch(token.value)
    if found is None:
        raise ValueUnclear(place=token.start, path=token.key)
    if found[3] is not None:
        low, high = int(found[3]), int(found[4])
    else:
        level = int(found[2])
        low, high = {
            None: (level, level),
            "<": (0, level - 1),
            "<=": (0, level),
            ">": (level + 1, LEVEL_MOST),
            ">=": (level, LEVEL_MOST),
        }[found[1]]
    return Levels(low, min(high, LEVEL_MOST), token.start, token.end)


_CLOCK: Final = re.compile(r"[0-9][Tt][0-9]")
_COMPARED: Final = re.compile(r"(<=|>=|<|>)(.+)")


def _span(token: _Token, zone: tzinfo, today: date) -> Span:
    def read(text: str) -> tuple[datetime | None, datetime | None]:
        if text == _OPEN:
            return None, None
        try:
            return _moments(text, zone, today)
        except (ValueError, OverflowError):
            raise ValueUnclear(place=token.start, path=token.key) from None

    compared = _COMPARED.fullmatch(token.value)
    if compared is not None:
        first, last = read(compared[2])
        since, until = {"<": (None, first), "<=": (None, last), ">": (last, None), ">=": (first, None)}[compared[1]]
    elif _SPAN in token.value:
        low, _, high = token.value.partition(_SPAN)
        since, until = read(low or _OPEN)[0], read(high or _OPEN)[1]
    else:
        since, until = read(token.value)
    return Span(since, until, token.start, token.end)


def _moments(text: str, zone: tzinfo, today: date) -> tuple[datetime, datetime]:
    """Return the first moment of what a text names, and the first after it: a year, month, day, minute or second."""
    if _CLOCK.search(text):
        # An instant with its offset is taken as it is; one without is told by the clocks of the zone.
        given = datetime.fromisoformat(text)
        at = given if given.tzinfo is not None else given.replace(tzinfo=zone)
        return at, at + (timedelta(seconds=1) if text.count(":") > 1 and given.tzinfo is None else timedelta(minutes=1))
    word = text.casefold()
    if word in ("today", "yesterday"):
        day = today - timedelta(days=word == "yesterday")
        return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    parts = text.split("-")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit()]
    if len(numbers) != len(parts) or len(parts[0]) != len("2026"):
        raise ValueError(text)
    if len(numbers) == 1:
        return _midnight(date(numbers[0], 1, 1), zone), _midnight(date(numbers[0] + 1, 1, 1), zone)
    if len(numbers) == 2:  # noqa: PLR2004 - year and month
        year, month = numbers
        return _midnight(date(year, month, 1), zone), _midnight(date(year + month // 12, month % 12 + 1, 1), zone)
    year, month, number = numbers
    day = date(year, month, number)
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def terms(found: Expr) -> Iterator[Term]:
    """Give every term of a search, in the order in which they were typed."""
    if isinstance(found, Not):
        yield from terms(found.part)
    elif isinstance(found, All | Either):
        for part in found.parts:
            yield from terms(part)
    else:
        yield found


def personal(found: Expr) -> bool:
    """Say whether a search may hold a customer's own value. A customer's id is none."""
    return any(isinstance(one, Named) and one.key in PERSONAL and not _ID.fullmatch(one.value) for one in terms(found))


_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def shape(found: Expr) -> str:
    """Return a search without its values: what is told of it where no value may stand."""
    if isinstance(found, Not):
        return f"-{shape(found.part)}"
    if isinstance(found, All | Either):
        inner = (" OR " if isinstance(found, Either) else " ").join(shape(part) for part in found.parts)
        return f"({inner})" if len(found.parts) > 1 else inner
    if isinstance(found, Named):
        return f"{found.key}:"
    return "created:" if isinstance(found, Span) else "verified:" if isinstance(found, Levels) else "text"


def with_term(text: str, term: str) -> str:
    """Return a search that asks for a term on top."""
    text = text.strip()
    return f"({text}) {term}" if re.search(r"(^|\s)OR(\s|$)", text) else f"{text} {term}".strip()


def without(text: str, term: Term) -> str:
    """Return a search without one of its terms that must hold (``required``)."""
    return " ".join(f"{text[: term.start]} {text[term.end :]}".split())


def required(found: Expr) -> Iterator[Named]:
    """Give the named terms that must hold by themselves: what a list of choices shows as chosen."""
    parts = found.parts if isinstance(found, All) else (found,)
    yield from (one for one in parts if isinstance(one, Named))


def quoted(value: str) -> str:
    """Return a value as a search writes it."""
    plain = value.replace('"', "")
    return plain if _BARE.fullmatch(plain) else f'"{plain}"'
