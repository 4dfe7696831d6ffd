"""Patterns that a map brings along: what of a cell is kept. Whoever sends a file may send its map, so none may hang.

Python's own engine tries out every way in which repeats can share a text (CWE-1333): a repeat inside a repeat takes
longer than anybody waits, and so do many things in a row that may each be there or not, or be one of two. So nothing
in brackets is repeated, few things are, few are left open, and only so much of a cell is looked at.
"""

import re
from functools import lru_cache
from typing import Final

REPEATS_MOST: Final = 2
CHOICES_MOST: Final = 3
SIGNS_MOST: Final = 300
_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_CLASS: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_CHOICE: Final = re.compile(r"(?<![(*+?])\?|\|")
"""``?`` and ``|``, but not the one of ``(?:``, or of a repeat that takes as little as it can."""
_ELSEWHERE: Final = re.compile(r"\\[1-9]|\(\?(?!:)")
"""What looks back, looks ahead, or changes how the rest is read."""


class PatternUnfit(ValueError):  # noqa: N818 - says what is so
    """A pattern that no map may have; its text says why."""


@lru_cache(maxsize=64)
def compiled(text: str) -> re.Pattern[str]:
    """Return a pattern with one pair of brackets round what is kept. Raises PatternUnfit."""
    try:
        made = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternUnfit(str(error)) from None
    if made.groups != 1:
        raise PatternUnfit("put what is kept into one pair of brackets")
    bare = _CLASS.sub("c", _ESCAPED.sub("e", text))
    if _ELSEWHERE.search(text) or re.search(r"\)[*+{]", bare):
        raise PatternUnfit("repeat signs and classes only, nothing in brackets; of (? only (?: may be used")
    if sum(map(bare.count, "*+{")) > REPEATS_MOST:
        raise PatternUnfit(f"repeat at most {REPEATS_MOST} things")
    if len(_CHOICE.findall(bare)) > CHOICES_MOST:
        raise PatternUnfit(f"use ? and | at most {CHOICES_MOST} times")
    return made


def within(pattern: re.Pattern[str], cell: str) -> str:
    """Return what a pattern keeps of a cell's first signs, wherever it stands there; empty when it does not fit."""
    found = pattern.search(cell[:SIGNS_MOST])
    return (found[1] or "") if found else ""


def whole(pattern: re.Pattern[str], cell: str) -> str:
    """Return what a pattern keeps of a whole cell; empty when it does not fit, or the cell is too long for any."""
    found = pattern.fullmatch(cell) if len(cell) <= SIGNS_MOST else None
    return (found[1] or "") if found else ""
