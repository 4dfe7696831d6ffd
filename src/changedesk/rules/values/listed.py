"""Things that stand one after the other, as a language writes them."""

from collections.abc import Iterable
from typing import Final

_COMMA: Final = {"ar": "\u060c "}
"""Of languages that have one of their own (CLDR, listPattern)."""


def listed(items: Iterable[str], language: str) -> str:
    """Join words by the comma of a language. What they hold, numbers and quotes, stays as it is."""
    return _COMMA.get(language.split("-", maxsplit=1)[0], ", ").join(items)
