"""Locales of CLDR, found for a language to show values in or for a region that writes them."""

import pickle
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.localedata import resolve_locale_filename

_ENGLISH: Final = Locale("en", "GB")


@lru_cache(maxsize=2048)
def known_locale(tag: str) -> Locale | None:
    """Return the locale of a BCP 47 tag, None when CLDR has none."""
    while True:
        try:
            return Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            return None
        except RuntimeError:
            # Babel walks over the locales that it has loaded, and another thread has loaded one meanwhile.
            continue


def locale_of(language: str) -> Locale:
    """Return the locale to show a value in, English when the language is not known."""
    return known_locale(language) or _ENGLISH


def locale_in(region: str) -> Locale:
    """Return the locale of a region's most likely language, English when the region is not known."""
    return known_locale(f"und-{region}") or _ENGLISH


def territories(locale: str) -> Mapping[str, str]:
    """Return what CLDR calls territories in a locale, by their codes.

    It is read and let go of: Babel keeps all that it knows of each locale it was asked for, which are 90 MB for all.
    """
    found: dict[str, str] = {}
    while locale:
        found = {**_territories(locale), **found}
        # CLDR's inheritance, as Babel follows it: "nb" is of "no", "en_GB" of "en_001", "de_AT" of "de".
        locale = get_global("parent_exceptions").get(locale) or locale.rpartition("_")[0]
    return found


@lru_cache(maxsize=4)
def _territories(locale: str) -> Mapping[str, str]:
    file = Path(resolve_locale_filename(locale))
    found: Mapping[str, str] = pickle.loads(file.read_bytes())["territories"] if file.exists() else {}  # noqa: S301 - the library's own file
    return found
