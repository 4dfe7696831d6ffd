"""How alike two values of one role are, and what that is worth.

Points are additive and roughly base-2 logarithms of how much likelier the agreement is between two records of one
customer than of two (Fellegi and Sunter, A Theory for Record Linkage, 1969), rounded to what people can add up.
What either side does not know says nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from jellyfish import damerau_levenshtein_distance, jaro_winkler_similarity, metaphone

from changedesk.rules.matching.record import Prepared, Role


class Likeness(StrEnum):
    SAME = "same"
    NEAR = "near"
    """A slip of a key apart, or two parts swapped."""
    SIMILAR = "similar"
    DIFFERENT = "different"


S, N, L, D = Likeness.SAME, Likeness.NEAR, Likeness.SIMILAR, Likeness.DIFFERENT


@dataclass(frozen=True, slots=True)
class Reason:
    """One role that both records know: how alike, and its points (below nought: against)."""

    role: Role
    likeness: Likeness
    weight: float


POINTS: Final[Mapping[Role, Mapping[Likeness, float]]] = {
    Role.ORGANISATION: {S: 9, N: 7, L: 4, D: -2},
    Role.BIRTH_DATE: {S: 10, N: 6, L: 3, D: -6},
    Role.EMAIL: {S: 11, N: 7, L: 1.5, D: -1},
    Role.PHONE: {S: 7, N: 3, L: 0, D: -1},
    Role.STREET: {S: 8, N: 6, L: 2, D: -3},
    Role.POSTAL_CODE: {S: 3, N: 2, L: 0, D: -1},
    Role.CITY: {S: 1.5, N: 1, L: 0.5, D: -1},
    Role.NATIONAL_ID: {S: 11, N: 7, L: 0, D: -6},
    Role.BANK_ACCOUNT: {S: 7, N: 0, L: 0, D: 0},
}
NAME_POINTS: Final[Mapping[Likeness, float]] = {S: 5, N: 4, L: 2, D: -6}
"""For each word of the shorter name, in any order."""
NAME_MOST, NAME_LEAST = 10.0, -10.0
_SHORT: Final = 4
"""Shorter words are a slip of a key from too many others."""
_LONG: Final = 6


def _word(one: str, other: str) -> Likeness:
    if one == other:
        return S
    if min(len(one), len(other)) >= _SHORT and damerau_levenshtein_distance(one, other) <= 1:
        return N
    alike = jaro_winkler_similarity(one, other)
    if alike >= 0.93:  # noqa: PLR2004 - Winkler's measure of names that are taken for the same
        return N
    if _shortened(one, other) or alike >= 0.84 or sounds(one) == sounds(other) or _scrambled(one, other):  # noqa: PLR2004
        return L
    return D


def _scrambled(one: str, other: str) -> bool:
    """Tell the same letters in another order, or two slips in a long word."""
    if min(len(one), len(other)) >= _SHORT and sorted(one) == sorted(other):
        return True
    return min(len(one), len(other)) >= _LONG and damerau_levenshtein_distance(one, other) <= 2  # noqa: PLR2004


@lru_cache(maxsize=65536)
def word_likeness(one: str, other: str) -> Likeness:
    """Compare two words: equal, a slip of a key apart, alike to the ear or shortened, or different."""
    return _word(one, other) if one <= other else _word(other, one)


def _shortened(one: str, other: str) -> bool:
    """Tell an initial, a beginning or an abbreviation (Blvd) of the longer word."""
    short, long = sorted((one, other), key=len)
    if long.startswith(short):
        return True
    letters = iter(long)
    return short[0] == long[0] and len(short) <= _SHORT < len(long) and all(sign in letters for sign in short)


@lru_cache(maxsize=65536)
def sounds(word: str) -> str:
    """Return how a Latin word sounds (Metaphone, Philips 1990), and any other as it is."""
    return (metaphone(word) if word.isascii() else "") or word


def aligned(one: Sequence[str], other: Sequence[str]) -> list[tuple[Likeness, str, str]]:
    """Return the words of the shorter list, each beside the likest word of the longer that is left."""
    left, right = list(one), list(other)
    pairs = []
    for word in one:
        if word in right:
            pairs.append((S, word, word))
            left.remove(word)
            right.remove(word)
    found = sorted((_ORDER[word_likeness(a, b)], i, j) for i, a in enumerate(left) for j, b in enumerate(right))
    free, open_ = set(range(len(left))), set(range(len(right)))
    for level, i, j in found:
        if i in free and j in open_:
            free.discard(i)
            open_.discard(j)
            pairs.append((_LEVELS[level], left[i], right[j]))
    return pairs


_LEVELS: Final = tuple(Likeness)
_ORDER: Final = {level: place for place, level in enumerate(Likeness)}


def _comparable(one: Prepared, other: Prepared) -> bool:
    """Tell whether letters can be compared: not across scripts, nor a lone given name with a lone family name."""
    if not one.name or not other.name or "".join(one.name).isascii() != "".join(other.name).isascii():
        return False
    return one.parts & other.parts != frozenset() or not one.parts or not other.parts


def name_reason(one: Prepared, other: Prepared) -> Reason | None:
    """Compare names of people word by word, in any order."""
    if not _comparable(one, other):
        return None
    if "".join(one.name) == "".join(other.name):
        return Reason(Role.NAME, S, min(NAME_MOST, max(len(one.name), len(other.name)) * NAME_POINTS[S]))
    pairs = aligned(one.name, other.name)
    weight = sum(NAME_POINTS[level] for level, _, _ in pairs)
    worst = max((level for level, _, _ in pairs), key=_ORDER.__getitem__)
    return Reason(Role.NAME, worst, min(NAME_MOST, max(NAME_LEAST, weight)))


def _overlap(one: Sequence[str], other: Sequence[str]) -> tuple[float, float]:
    """Return the share of letters in words that both have: of all words (Dice), and of the side with fewer."""
    if "".join(one) == "".join(other):
        return 1.0, 1.0
    pairs = aligned(one, other)
    left, right = sum(map(len, one)), sum(map(len, other))
    found = [(_WORTH[level] * len(a), _WORTH[level] * len(b)) for level, a, b in pairs]
    lefts, rights = sum(a for a, _ in found), sum(b for _, b in found)
    return (lefts + rights) / (left + right), max(lefts / left, rights / right)


_WORTH: Final = {S: 1.0, N: 0.9, L: 0.6, D: 0.0}


def organisation_likeness(one: Sequence[str], other: Sequence[str]) -> Likeness:
    """Compare names of organisations by the words that they share: parts are left out and added."""
    share, part = _overlap(one, other)
    if share < 0.5 and part >= 0.9:  # noqa: PLR2004 - the one is a part of the other
        return L
    return next((level for level, least in ((S, 0.98), (N, 0.8), (L, 0.5)) if share >= least), D)


def street_likeness(one: Prepared, other: Prepared) -> Likeness:
    """Compare the words of a street and the house numbers; the street alone is only similar."""
    part = max(_overlap(one.street, other.street)) if one.street and other.street else 1.0
    if part < 0.6:  # noqa: PLR2004
        return D
    few, many = sorted((one.numbers, other.numbers), key=len)
    if not few or not few <= many:
        return L
    return S if part >= 0.85 else N  # noqa: PLR2004


def birth_likeness(one: str, other: str) -> Likeness:
    """Compare days as YYYYMMDD: one slip or day and month swapped is near, two slips or one part off similar."""
    if one == other:
        return S
    if one[:4] == other[:4] and (one[4:6], one[6:]) == (other[6:], other[4:6]):
        return N
    slips = damerau_levenshtein_distance(one, other)
    if len(one) == len(other) and slips <= 1:
        return N
    same = sum(one[at] == other[at] for at in (slice(4), slice(4, 6), slice(6, 8)))
    return L if same > 1 or slips <= 2 else D  # noqa: PLR2004


def email_likeness(one: str, other: str) -> Likeness:
    """Compare addresses: a slip of a key is near, the same name at another host similar."""
    if one == other:
        return S
    if damerau_levenshtein_distance(one, other) <= 2:  # noqa: PLR2004
        return N
    name, others = one.rpartition("@")[0], other.rpartition("@")[0]
    return L if name == others and len(name) > _SHORT else D


def phone_likeness(one: str, other: str) -> Likeness:
    """Compare numbers from the end: country and trunk codes are written or left out."""
    length = min(len(one), len(other), 9)
    if one[-length:] == other[-length:]:
        return S
    return N if len(one) == len(other) and damerau_levenshtein_distance(one, other) <= 1 else D


def code_likeness(one: str, other: str) -> Likeness:
    """Compare numbers and codes sign by sign: one wrong, missing or swapped is near."""
    if one == other:
        return S
    return N if min(len(one), len(other)) >= _SHORT and damerau_levenshtein_distance(one, other) <= 1 else D


def city_likeness(one: str, other: str) -> Likeness:
    return word_likeness(one, other)


def likest(one: Collection[str], other: Collection[str], compare: Callable[[str, str], Likeness]) -> Likeness | None:
    """Return the likest of all values against all; None when a side has none."""
    return min((compare(a, b) for a in one for b in other), key=_ORDER.__getitem__, default=None)
