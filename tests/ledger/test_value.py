import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.ledger.value import NotCanonical, decode_json, decode_value, encode_json, encode_value

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
FIELD_VALUES = SCALARS | st.lists(TEXT) | st.dictionaries(TEXT, TEXT)


@given(JSON)
def test_the_text_is_the_one_that_any_json_library_can_be_told_to_write(value: Any) -> None:
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert encode_json(value) == expected
    assert decode_json(expected) == value


@given(FIELD_VALUES)
def test_a_field_value_comes_back_as_it_was(value: Any) -> None:
    read = decode_value(encode_value(value))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "unfit",
    [
        1.0,
        float("nan"),
        {"a": 1.5},
        [0.5],
        {1: "a"},
        b"bytes",
        {"a": object()},
        2**64,
        -(2**63) - 1,
        "\ud800",
        ["\ud800"],
    ],
)
def test_what_has_no_canonical_text_is_refused(unfit: Any) -> None:
    with pytest.raises(NotCanonical):
        encode_json(unfit)


def test_endless_nesting_is_refused() -> None:
    value: Any = "x"
    for _ in range(40):
        value = [value]
    with pytest.raises(NotCanonical):
        encode_json(value)
    for endless in (b"[" * 100_000, b"[" * 40 + b"]" * 40):
        with pytest.raises(NotCanonical):
            decode_json(endless)
    beside = b"[" + b",".join([b"[]"] * 40) + b"]"
    assert encode_json(decode_json(beside)) == beside


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" 1",
        b"1.0",
        b"1e3",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'"\\u0041"',
        b"[1, 2]",
        b"NaN",
        b'"\xff"',
        b"1 2",
    ],
)
def test_a_second_spelling_is_refused(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode_json(text)


@pytest.mark.parametrize("text", [b"[1]", b'{"a":1}', b"[[]]", b"1.5"])
def test_a_field_cannot_hold_what_the_catalogue_has_no_type_for(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode_value(text)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        value = decode_json(data)
    except NotCanonical:
        return
    assert encode_json(value) == data


def test_a_refusal_says_nothing_of_the_value() -> None:
    with pytest.raises(NotCanonical) as refused:
        encode_json("Maria Rossi \ud800")
    assert "Maria" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("text", [b' "a"', b'"\\u0061"', b'{"b":"2","a":"1"}', b"18446744073709551616", b"-0"])
def test_another_text_of_a_field_value_is_not_its_text(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode_value(text)
