"""Every text of the pages in every language that we offer, with the places that it fills in."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import changedesk

LOCALE = Path(changedesk.__file__).parent / "locale"
PLACE = re.compile(r"%\([a-z_]+\)[sd]")


@pytest.mark.parametrize("language", ["de", "ar"])
def test_every_text_is_translated_with_its_places(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    assert len(catalogue) > 500
    for message in catalogue:
        ids = (message.id,) if isinstance(message.id, str) else message.id
        told = (message.string,) if isinstance(message.string, str) else message.string
        if not ids[0]:
            continue
        assert all(told), ids
        wanted = set(PLACE.findall(ids[-1]))
        for text in told:
            # Arabic says "one" and "two" by the word itself.
            assert set(PLACE.findall(text)) <= wanted, (ids, text)
        assert set(PLACE.findall(told[-1])) == wanted, ids


@pytest.mark.parametrize("language", ["de", "ar"])
def test_the_compiled_catalogue_says_what_its_source_says(language: str) -> None:
    folder = LOCALE / language / "LC_MESSAGES"
    source = read_po(BytesIO((folder / "django.po").read_bytes()), locale=language)
    with (folder / "django.mo").open("rb") as compiled:
        made = read_mo(compiled)
    said = {(message.context, message.id if isinstance(message.id, str) else message.id[0]): message.string
            for message in source if message.id}  # fmt: skip
    kept = {(message.context, message.id if isinstance(message.id, str) else message.id[0]): message.string
            for message in made if message.id}  # fmt: skip
    assert kept == said
