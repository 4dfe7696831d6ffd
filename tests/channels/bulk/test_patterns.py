"""Whoever sends a file may send its map: no pattern of theirs keeps the desk from its work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.channels.bulk import patterns
from changedesk.channels.bulk.mapping import MapWrong
from changedesk.channels.bulk.request_map import parse_request_map

MAP = """
source = "crm"
key = "customer"
reason = "customer_request"
key_pattern = '{}'
[fields]
site = "contact.url"
"""


@pytest.mark.parametrize(
    "text",
    [
        "((?:a+)+)b", "((?:a|a)*)b", "((?:a*){9})", "(a*a*a*)b", r"(a)\1", "((?=a)a)", "(?x)((?:a+) +)b", "(?>(a))",
        "a+", "(a)(b)", "(", "(a{99999999999999999999})",
        f"({'a?' * 30}){'a' * 30}", f"({'(?:a|aa)' * 30})b", f"({'a??' * 30})b", f"({'}?' * 30})b",
    ],
)  # fmt: skip
def test_a_pattern_that_could_hang_is_no_pattern_of_a_map(text: str) -> None:
    with pytest.raises(patterns.PatternUnfit):
        patterns.compiled(text)
    with pytest.raises(MapWrong, match="map-wrong"):
        parse_request_map(MAP.format(text), "sent")


def test_what_a_map_keeps_of_a_cell() -> None:
    issue = patterns.compiled(r"/([a-z-]+/issues/\d+)$")
    assert patterns.within(issue, "https://host.example/updates/issues/77") == "updates/issues/77"
    assert patterns.within(issue, "https://host.example/pulls/77") == ""
    name = patterns.compiled(r"org:([^)*+{\]]+)")
    assert patterns.whole(name, "org:Z1") == "Z1"
    assert patterns.whole(name, "the org:Z1") == ""
    assert patterns.whole(patterns.compiled("(a)?b"), "b") == ""
    assert patterns.whole(patterns.compiled("(?:https?|ftp)://(.+?)/?"), "https://host.example/") == "host.example"
    beyond = "x" * patterns.SIGNS_MOST
    assert patterns.whole(patterns.compiled("(.+)"), beyond) == beyond
    assert patterns.whole(patterns.compiled("(.+)"), beyond + "x") == ""
    assert patterns.within(patterns.compiled("(y)"), beyond + "y") == ""


@pytest.mark.filterwarnings("ignore::FutureWarning")
@given(st.text(alphabet="ab()*+?{}[]|.\\1,:$^", max_size=12))
def test_whatever_is_let_through_comes_to_an_end(text: str) -> None:
    try:
        made = patterns.compiled(text)
    except patterns.PatternUnfit:
        return
    patterns.within(made, "a" * patterns.SIGNS_MOST + "!")
    patterns.whole(made, "a" * (patterns.SIGNS_MOST - 1) + "!")
