"""The language of searches: what is typed is read the one way that was meant, or refused at its place."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.refusal import Refusal
from changedesk.rules import query
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.query import (
    All,
    Either,
    Expr,
    KeyUnknown,
    Levels,
    Named,
    Not,
    QueryTooLong,
    QueryUnclear,
    Span,
    ValueUnclear,
    Words,
    parse,
)
from changedesk.rules.values.search import whole_terms

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 22)


def read(text: str) -> Expr:
    return parse(text, zone=BERLIN, today=TODAY)


def bare(found: Expr) -> object:
    """What was read, without places."""
    match found:
        case Not(part):
            return ("not", bare(part))
        case All(parts) | Either(parts):
            return ("all" if isinstance(found, All) else "either", *(bare(one) for one in parts))
        case Named(key, value):
            return f"{key}={value}"
        case Span(low, high) | Levels(low, high):
            return (low, high)
        case Words(text):
            return text


def test_terms_side_by_side_must_all_hold_and_or_binds_less() -> None:
    assert bare(read("actor:maria action:apply OR field:email -channel:phone")) == (
        "either",
        ("all", "actor=maria", "action=apply"),
        ("all", "field=email", ("not", "channel=phone")),
    )
    assert bare(read('-(field:email OR "new address") ACTOR:"Maria Sol"')) == (
        "all",
        ("not", ("either", "field=email", "new address")),
        "actor=Maria Sol",
    )
    assert bare(read("  ")) == ("all",)
    assert bare(read('"OR"')) == "OR"
    assert bare(read("after:+1-202-555")) == "after=+1-202-555"


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ('field:"email', 6, "open_quote"),
        ("(actor:me", 0, "open_bracket"),
        ("actor:me)", 8, "bracket"),
        ("actor:", 0, "value"),
        ('""', 0, "text"),
        ("actor:me OR", 11, "or"),
        ("OR actor:me", 0, "or"),
        ("()", 1, "nothing"),
        ("actor:me -", 9, "minus"),
        ("--", 0, "minus"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, place: int, why: str) -> None:
    with pytest.raises(QueryUnclear) as refused:
        read(text)
    assert refused.value.data == {"place": place, "why": why}


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(KeyUnknown) as refused:
        read("actor:me feild:email")
    assert (refused.value.data["place"], refused.value.data["nearest"]) == (9, "field")
    with pytest.raises(KeyUnknown) as refused:
        read("xyzzy:1")
    assert refused.value.data["nearest"] == ""
    for missing in ("ip", "risk"):
        with pytest.raises(KeyUnknown):
            read(f"{missing}:1")


def test_no_search_is_longer_than_it_may_be() -> None:
    for text, most in (("a" * 1001, 1000), ("a " * 41, 40), ("(" * 13 + "a" + ")" * 13, 12)):
        with pytest.raises(QueryTooLong) as refused:
            read(text)
        assert refused.value.data == {"wanted": most}
    for longest in ("a" * 1000, "a " * 40, "(" * 12 + "a" + ")" * 12):
        assert read(longest) != All(())


@pytest.mark.parametrize(
    ("value", "since", "until"),
    [
        ("2026-01-01..2026-03-31", "2025-12-31T23:00", "2026-03-31T22:00"),
        ("2026", "2025-12-31T23:00", "2026-12-31T23:00"),
        ("2026-12", "2026-11-30T23:00", "2026-12-31T23:00"),
        ("2024-02-29", "2024-02-28T23:00", "2024-02-29T23:00"),
        ("today", "2026-11-21T23:00", "2026-11-22T23:00"),
        ("yesterday", "2026-11-20T23:00", "2026-11-21T23:00"),
        (">=2026-07-01", "2026-06-30T22:00", None),
        (">2026-07-01", "2026-07-01T22:00", None),
        ("<2026-07-01", None, "2026-06-30T22:00"),
        ("<=2026-07-01", None, "2026-07-01T22:00"),
        ("*..2026-07-01", None, "2026-07-01T22:00"),
        ("2026-07-01..*", "2026-06-30T22:00", None),
        ("2026-07-01T12:30", "2026-07-01T10:30", "2026-07-01T10:31"),
        ("2026-07-01T12:30:05", "2026-07-01T10:30:05", "2026-07-01T10:30:06"),
        ("2026-07-01T12:30+05:00", "2026-07-01T07:30", "2026-07-01T07:31"),
    ],
)
def test_days_are_days_of_the_zone(value: str, since: str | None, until: str | None) -> None:
    found = read(f"created:{value}")
    assert isinstance(found, Span)
    at = [None if one is None else one.astimezone(UTC) for one in (found.since, found.until)]
    wanted = [None if one is None else datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (since, until)]
    assert at == wanted


def test_the_day_of_the_clock_change_has_its_own_length() -> None:
    found = read("created:2026-03-29")
    assert isinstance(found, Span)
    assert found.since is not None
    assert found.until is not None
    assert (found.until.astimezone(UTC) - found.since.astimezone(UTC)).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("<2", 0, 1),
        ("<=2", 0, 2),
        (">2", 3, 4),
        (">=V2", 2, 4),
        ("2", 2, 2),
        ("1..3", 1, 3),
        ("<0", 0, -1),
        ("9", 9, 4),
    ],
)
def test_levels_are_compared(value: str, low: int, high: int) -> None:
    assert bare(read(f"verified:{value}")) == (low, high)


@pytest.mark.parametrize(
    "text",
    ["created:soon", "created:26-01-01", "created:2026-13", "created:2026-02-30", "created:9999", "created:2026-1-1-1",
     "created:2026-01-01T99:00", "verified:yes", "verified:<", "verified:22", "created:0000"],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_at_its_place(text: str) -> None:
    with pytest.raises(ValueUnclear) as refused:
        read(f"actor:me {text}")
    assert refused.value.data["place"] == 9


def test_customers_values_are_known_as_such() -> None:
    assert query.personal(read("actor:me -(field:email OR after:a@b.example)"))
    assert query.personal(read("customer:Novak"))
    assert not query.personal(read("customer:0190a8a0-0000-7000-8000-000000000001 field:email created:2026"))


def test_the_shape_of_a_search_holds_no_value() -> None:
    found = read('-(field:email OR after:secret@b.example) created:2026 verified:2 "some words"')
    assert query.shape(found) == "(-(field: OR after:) created: verified: text)"


def test_a_choice_is_added_and_taken_away_again() -> None:
    text = 'field:email channel:"phone"'
    (chosen,) = [one for one in query.required(read(text)) if one.key == "channel"]
    assert query.without(text, chosen) == "field:email"
    assert query.with_term("field:email", "channel:phone") == "field:email channel:phone"
    assert query.with_term("a OR b", "channel:phone") == "(a OR b) channel:phone"
    assert query.with_term("", "channel:phone") == "channel:phone"
    assert list(query.required(read("field:email OR channel:phone"))) == []
    assert [one.key for one in query.required(read("channel:phone"))] == ["channel"]
    assert [query.quoted(one) for one in ("a.b", "two words", 'a"b')] == ["a.b", '"two words"', "ab"]


def test_values_are_looked_for_whole() -> None:
    name = Field("personal.name", FieldType.NAME, "", "", {"en": "Name"}, searchable=True)
    mail = Field("contact.email", FieldType.EMAIL, "", "", {"en": "E-mail"}, searchable=True)
    assert whole_terms(name, "Dana Novák") == {("name", "dana"), ("name", "novak")}
    assert whole_terms(mail, "A@b.example") == {("contact.email", "a@b.example")}
    assert whole_terms(mail, None) == frozenset()
    assert whole_terms(Field("x", FieldType.TEXT, "", "", {"en": "X"}), "text") == frozenset()


_WORDS = st.sampled_from(
    ["(", ")", "-", "OR", '"', "actor:", "field:email", "created:", "2026", "..", "verified:", "<2", "a b", " ", "\x00",
     "زيد", ":", "client:x", "T", "9" * 30, "-created:2026-02-29", "\u2028", "\U0001f600"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(_WORDS, max_size=30).map(" ".join), st.lists(_WORDS).map("".join)))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
    except Refusal as refused:
        place = refused.data.get("place", 0)
        assert isinstance(place, int)
        assert 0 <= place <= len(text)
        return
    for term in query.terms(found):
        assert 0 <= term.start < term.end <= len(text)
    query.personal(found)
    assert all(part not in query.shape(found) for part in ("2026", "email"))


_NAMES = st.sampled_from(["actor:s1", "field:email", "word", '"two words"', "verified:<2", "created:2026"])
_TEXTS = st.recursive(
    _NAMES,
    lambda inner: st.one_of(
        inner.map(lambda one: f"-({one})"), st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} {two[1]})"),
    ),
    max_leaves=8,
)  # fmt: skip


@given(_TEXTS)
def test_brackets_around_the_whole_change_nothing(text: str) -> None:
    assert bare(read(text)) == bare(read(f"({text})"))
