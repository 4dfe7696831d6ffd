"""Every text of the pages in every language that we offer, with the places that it fills in."""

import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import changedesk

LOCALE = Path(changedesk.__file__).parent / "locale"
PLACE = re.compile(r"%\([a-z_]+\)[sd]")


def messages(language: str) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Each text: its context, itself (one and many), and its translations."""
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as source:
        for message in read_po(source, locale=language):
            ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
            told = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            if ids[0]:
                yield message.context or "", ids, told


@pytest.mark.parametrize("language", ["de", "ar"])
def test_every_text_is_translated_with_its_places(language: str) -> None:
    count = 0
    for _, ids, told in messages(language):
        count += 1
        wanted = set(PLACE.findall(ids[-1]))
        assert told, ids
        assert all(told), ids
        for text in told:  # Arabic says "one" and "two" by the word itself
            assert set(PLACE.findall(text)) <= wanted, (ids, text)
        assert set(PLACE.findall(told[-1])) == wanted, ids
    assert count > 600


@pytest.mark.parametrize("language", ["de", "ar"])
def test_the_compiled_catalogue_says_what_its_source_says(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as compiled:
        made = GNUTranslations(compiled)
    for context, ids, told in messages(language):
        if len(ids) > 1:
            assert {made.ngettext(ids[0], ids[-1], number) for number in range(120)} == set(told), ids
        else:
            assert (made.pgettext(context, ids[0]) if context else made.gettext(ids[0])) == told[0], ids
