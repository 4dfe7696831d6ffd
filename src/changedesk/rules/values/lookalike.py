"""Letters of one script that pass for another's: confusables of Unicode (UTS 39), by confusable-homoglyphs."""

from typing import Final

from confusable_homoglyphs import categories, confusables

_TOGETHER: Final = frozenset({"COMMON", "HAN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "INHERITED"})
"""Scripts that are written together, and with Latin, as a matter of course."""


def scripts(word: str) -> frozenset[str]:
    """Return the scripts of a word that are not written together with others."""
    return frozenset(categories.unique_aliases(word)) - _TOGETHER


def mixes_scripts(word: str) -> bool:
    """Tell whether one word is written in letters of more than one script."""
    return not word.isascii() and len(scripts(word)) > 1


def all_twins(word: str) -> bool:
    """Tell whether a word of a foreign script could be read as a Latin one: each of its letters has a twin."""
    if word.isascii() or "LATIN" in categories.unique_aliases(word):
        return False
    letters = {sign for sign in word if sign.isalpha()}
    twins = confusables.is_confusable(word, greedy=True, preferred_aliases=["latin"]) or []
    return bool(letters) and letters <= {twin["character"] for twin in twins}
