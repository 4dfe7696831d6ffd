"""Locales of CLDR, found for a language to show values in or for a region that writes them."""

from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError

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
