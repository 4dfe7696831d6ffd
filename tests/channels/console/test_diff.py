"""The two sides of a diff: what differs is marked, long addresses fold where people read them, and no text changes."""

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from changedesk.channels.console.templatetags.desk import marked

TEXTS = st.text(st.sampled_from("ab@./: <&\"'é-") | st.characters(codec="utf-8"), max_size=40)


@given(TEXTS, TEXTS, st.sampled_from(["before", "after"]))
def test_a_side_says_what_it_was_given_and_nothing_of_it_is_markup(before: str, after: str, side: str) -> None:
    shown = marked(before, after, side)
    text = before if side == "before" else after
    if text:
        assert unescape(re.sub(r"<wbr>|</?mark>", "", shown)) == text


def test_an_address_folds_before_its_at_and_its_dots_and_other_words_do_not() -> None:
    assert marked("", "dana.novak@mail.example", "after") == "dana<wbr>.novak<wbr>@mail<wbr>.example"
    assert marked("", "https://a.example/x", "after") == "https://a<wbr>.example<wbr>/x"
    assert marked("a 1.50", "a 12.50 b@c.de.", "after") == "a <mark>12.50 b<wbr>@c<wbr>.de.</mark>"
