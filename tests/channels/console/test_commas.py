"""Lists on a page are joined as its language joins them."""

import pytest
from django.template import engines
from django.utils import translation

from changedesk.reading import lines

VERIFIED = {"verified": {"level": 2, "methods": ["code_email", "totp"]}}


@pytest.mark.parametrize(("language", "comma"), [("en", ", "), ("de", ", "), ("ar", "، ")])
def test_a_page_joins_by_the_comma_of_its_language_and_lets_no_markup_through(language: str, comma: str) -> None:
    page = engines["django"].from_string("{% load lists %}{{ names|listed }}")
    with translation.override(language):
        assert page.render({"names": ["Ada", "<b>", 3]}) == comma.join(["Ada", "&lt;b&gt;", "3"])
    assert lines.verified(VERIFIED, language).count(comma) == 2
