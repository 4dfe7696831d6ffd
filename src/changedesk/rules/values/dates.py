"""Days: ISO 8601, and the forms of a region as CLDR orders and names them."""

import re
import unicodedata
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, get_date_format, get_month_names

from changedesk.rules.fields import Field
from changedesk.rules.values.given import Given
from changedesk.rules.values.locales import locale_in, locale_of
from changedesk.rules.values.text import DOTS, checked

_OLDEST: Final = 130
_FIRST, _LAST = 1900, 2200
_PARTS: Final = 3
_WORDS: Final = re.compile(r"\d+|[^\W\d_]+(?:\.)?")
_GLUED: Final = re.compile(r"[a-z]+(?=\d)|(?<=\d)[a-z]+")
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th", "er", "e", "a", "o"})
"""What may stand at a number: the 1st, le 1er. Anything else there is not read over: 1980-W01-1 is a day of 1979."""
_SHAPE: Final = re.compile(r"[\d\w\s./\-,،年月日]+")


def is_birth_date(field: Field) -> bool:
    """Tell whether a date field is someone's day of birth."""
    return field.category == "personal.dob" or "birth_date" in field.tags or field.path.endswith("birth_date")


def normalise_date(raw: object, given: Given) -> str:
    """Return a day as YYYY-MM-DD; a birth is today at the latest (a newborn is insured) and at most 130 years back."""
    if isinstance(raw, date):
        day = raw.date() if isinstance(raw, datetime) else raw
    else:
        day = _read(checked(raw, given), given)
    if is_birth_date(given.field):
        if day > given.today:
            raise given.bad("date_future")
        if (day.year + _OLDEST, day.month, day.day) < (given.today.year, given.today.month, given.today.day):
            raise given.bad("date_too_old")
    elif not _FIRST <= day.year <= _LAST:
        raise given.bad("date_range")
    return day.isoformat()


def _read(text: str, given: Given) -> date:
    text = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    words = [word.rstrip(".").casefold() for word in _WORDS.findall(text)]
    months = _months(given.region)
    named = [months[word] for word in words if word in months]
    digits = [word for word in words if word.isdigit()]
    glued = set(_GLUED.findall(text.casefold())) - _ORDINALS - months.keys()
    if glued or not _SHAPE.fullmatch(text) or len(named) + len(digits) != _PARTS or len(named) > 1:
        raise given.bad("date_invalid")
    year_at = next((index for index, word in enumerate(digits) if len(word) == 4), None)  # noqa: PLR2004
    if year_at is None:
        raise given.bad("date_year")
    year = int(digits.pop(year_at))
    if named:
        month, day_of = named[0], int(digits[0])
    elif year_at == 0 or _order(given.region).index("M") < _order(given.region).index("d"):
        month, day_of = int(digits[0]), int(digits[1])
    else:
        month, day_of = int(digits[1]), int(digits[0])
    found = _day(year, month, day_of)
    if found is None:
        raise given.bad("date_invalid")
    return found


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=512)
def _order(region: str) -> str:
    pattern = str(get_date_format("short", locale_in(region)).pattern)
    return "".join(dict.fromkeys(sign for sign in pattern if sign in "dMy"))


@lru_cache(maxsize=512)
def _months(region: str) -> dict[str, int]:
    known: dict[str, int] = {}
    for locale in (Locale("en"), Locale("de"), Locale("ar"), locale_in(region)):
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                names = get_month_names(width, context, locale)
                known |= {name.rstrip(".").casefold(): month for month, name in names.items() if name.isalpha()}
    return known


def mask_date(day: str) -> str:
    """Return the day and month without the year."""
    return f"{DOTS}{day[4:]}"


def display_date(day: str, language: str) -> str:
    return format_date(date.fromisoformat(day), "long", locale_of(language))
