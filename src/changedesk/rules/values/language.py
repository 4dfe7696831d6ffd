"""Languages (BCP 47, RFC 5646) by Babel."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from babel import Locale

from changedesk.rules.values.given import Given
from changedesk.rules.values.locales import known_locale, locale_of
from changedesk.rules.values.text import checked

_NAMED_IN: Final = ("en", "de", "ar", "fr", "es")


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    known: dict[str, str] = {}
    codes = [code for code in map(str, Locale("en").languages) if code.isalpha() and len(code) in (2, 3)]
    for code in codes:
        own = known_locale(code)
        if own is not None and own.language_name:
            known.setdefault(own.language_name.casefold(), code)
    for language in _NAMED_IN:
        names = Locale(language).languages
        for code in codes:
            if known_locale(code) is not None and names.get(code):
                known.setdefault(str(names[code]).casefold(), code)
    return known


def normalise_language(raw: object, given: Given) -> str:
    """Return a language tag such as ``de``, ``pt-BR`` or ``zh-Hant``, from a tag or a language's name."""
    text = checked(raw, given)
    tag = _names().get(text.casefold(), text.replace("_", "-"))
    locale = known_locale(tag)
    parts = [part for part in (locale.language, locale.script, locale.territory) if part] if locale else []
    # CLDR adds what is likely (zh-TW is zh-Hant-TW), but a part that it drops was not understood.
    if not set(tag.casefold().split("-")) <= {part.casefold() for part in parts}:
        raise given.bad("language_unknown")
    return "-".join(parts)


def display_language(tag: str, language: str) -> str:
    locale = known_locale(tag)
    return str(locale.get_display_name(locale_of(language))) if locale else tag
