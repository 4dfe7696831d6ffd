"""A merged customer keeps what one side held: by rule, or by a person's choice; nothing is made up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.values.ask import field

from changedesk.base.json import Value
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.survivorship import DEFAULT_RULES, Choice, Held, NotADifference, Rule, Side, decide
from changedesk.rules.values import same

T = FieldType
EARLY, LATE = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SHORT = {"country": "DE", "lines": "Hauptstr. 1"}
WHOLE = {**SHORT, "city": "Berlin", "postal_code": "10115"}
NAME, MAIL, ADDRESS, FLAG = (field(kind) for kind in (T.NAME, T.EMAIL, T.ADDRESS, T.BOOLEAN))
TOPICS = field(T.MULTI_ENUM)
MARKETING = field(T.BOOLEAN, "pref.marketing_email", category="pref.marketing")
S, M = Side.SURVIVOR, Side.MERGED


def one(asked: Field, mine: Held, theirs: Held, rule: Rule | None = None, choice: Side | None = None) -> Choice:
    rules = {asked.path: rule} if rule else DEFAULT_RULES
    overrides = {asked.path: choice} if choice else {}
    [found] = decide([asked], {asked.path: mine}, {asked.path: theirs}, rules=rules, overrides=overrides)
    return found


CASES = [
    (NAME, Rule.MOST_RECENT, Held("Anna Maria", 9, EARLY), Held("Anna", 1, LATE), M),
    (NAME, Rule.MOST_RECENT, Held("Anna Maria", 1, LATE), Held("Anna", 9, EARLY), S),
    (NAME, Rule.MOST_RECENT, Held("Anna Maria", 1, LATE), Held("Anna", 9, LATE), S),
    (NAME, Rule.MOST_RECENT, Held("Anna Maria"), Held("Anna", 1, EARLY), M),
    (NAME, Rule.MOST_COMPLETE, Held("Anna Smith", 1, LATE), Held("Anna M Smith", 1, EARLY), M),
    (NAME, Rule.MOST_COMPLETE, Held("Anna Smith", 1, EARLY), Held("Ann Smith", 1, LATE), M),
    (ADDRESS, Rule.MOST_COMPLETE, Held(SHORT, 1, LATE), Held(WHOLE, 1, EARLY), M),
    (TOPICS, Rule.MOST_COMPLETE, Held(["monthly"], 1, LATE), Held(["monthly", "weekly"], 1, EARLY), M),
    (MAIL, Rule.VERIFIED_FIRST, Held("a@b.de", 1, LATE), Held("c@d.de", 1, EARLY, verified=True), M),
    (MAIL, Rule.VERIFIED_FIRST, Held("a@b.de", 1, EARLY), Held("c@d.de", 1, LATE), M),
    (MAIL, Rule.VERIFIED_FIRST, Held("a@b.de", verified=True), Held("c@d.de", verified=True), S),
    (NAME, Rule.SURVIVOR, Held("A B", 1, EARLY), Held("Anna B", 2, LATE, verified=True), S),
    (NAME, Rule.LONGEST, Held("A B C", 1, LATE), Held("Annabelle C", 1, EARLY), M),
    (ADDRESS, Rule.LONGEST, Held(WHOLE), Held(SHORT), S),
    (TOPICS, Rule.LONGEST, Held(["monthly"]), Held(["monthly", "weekly"]), M),
    (FLAG, Rule.LONGEST, Held(True), Held(False), M),
    (FLAG, Rule.LEAST_PERMISSIVE, Held(True, 1, LATE), Held(False, 1, EARLY), M),
    (FLAG, Rule.LEAST_PERMISSIVE, Held(False, 1, EARLY), Held(True, 1, LATE), S),
    (TOPICS, Rule.LEAST_PERMISSIVE, Held(["monthly", "weekly"], 1, LATE), Held(["weekly"]), M),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "rule", "mine", "theirs", "side"), CASES)
def test_each_rule_keeps_the_side_that_its_name_says(
    asked: Field, rule: Rule, mine: Held, theirs: Held, side: Side
) -> None:
    found = one(asked, mine, theirs, rule)
    kept, left = (mine, theirs) if side is S else (theirs, mine)
    assert found == Choice(asked.path, kept.value, side, rule, left.value)
    assert found.moves is (side is M)


@pytest.mark.parametrize("rule", Rule)
def test_nothing_never_wins_over_something_but_by_choice(rule: Rule) -> None:
    assert one(NAME, Held(None, 4, LATE), Held("Anna", 1, EARLY), rule) == Choice(NAME.path, "Anna", M, Rule.ONLY)
    assert one(NAME, Held("Anna", 1, EARLY), Held(None, 4, LATE), rule) == Choice(NAME.path, "Anna", S, Rule.ONLY)
    chosen = one(NAME, Held(None), Held("Anna"), rule, S)
    assert (chosen.value, chosen.source, chosen.rule, chosen.other) == (None, S, Rule.CHOSEN, "Anna")


def test_an_opt_out_outlives_the_merge_whatever_the_client_prefers() -> None:
    mine, theirs = Held(True, 9, LATE, verified=True), Held(False, 1, EARLY)
    for rules in (DEFAULT_RULES, {"*": Rule.MOST_RECENT}, {MARKETING.path: Rule.SURVIVOR}):
        [found] = decide([MARKETING], {MARKETING.path: mine}, {MARKETING.path: theirs}, rules=rules)
        assert (found.value, found.rule) == (False, Rule.LEAST_PERMISSIVE)
    assert one(MARKETING, mine, theirs, choice=S).value is True, "only a person who decides may keep the consent"


def test_the_nearest_rule_counts() -> None:
    longer, newer = Held("Anna Maria", 1, EARLY), Held("Anna", 1, LATE)
    for rules, kept in [
        ({}, "Anna Maria"),
        ({"*": Rule.MOST_RECENT}, "Anna"),
        ({"*": Rule.MOST_RECENT, "name": Rule.LONGEST}, "Anna Maria"),
        ({"name": Rule.LONGEST, "some": Rule.MOST_RECENT}, "Anna"),
        ({"some": Rule.MOST_RECENT, NAME.path: Rule.LONGEST}, "Anna Maria"),
    ]:
        [found] = decide([NAME], {NAME.path: longer}, {NAME.path: newer}, rules=rules)
        assert found.value == kept


def test_a_choice_about_what_does_not_differ_is_refused() -> None:
    held = {MAIL.path: Held("Anna@b.de"), NAME.path: Held("Anna")}
    other = {MAIL.path: Held("anna@b.de"), NAME.path: Held("Bea")}
    with pytest.raises(NotADifference) as caught:
        decide([MAIL, NAME], held, other, overrides={MAIL.path: M, "some.else": S, NAME.path: M})
    assert caught.value.data == {"paths": ["some.else", MAIL.path]}


FIELDS = [NAME, MAIL, FLAG, TOPICS, ADDRESS]
VALUES: dict[str, list[Value]] = {
    NAME.path: ["Anna", "Anna Maria", "安娜"], MAIL.path: ["a@b.de", "A@b.de", "c@d.de"], FLAG.path: [True, False],
    TOPICS.path: [["monthly"], ["monthly", "weekly"], ["weekly", "monthly"]], ADDRESS.path: [SHORT, WHOLE],
}  # fmt: skip
TIMES = st.none() | st.integers(0, 3).map(lambda days: EARLY + timedelta(days=days))


@st.composite
def sides(draw: st.DrawFn) -> dict[str, Held]:
    return {
        path: Held(draw(st.none() | st.sampled_from(values)), draw(st.integers(0, 9)), draw(TIMES), draw(st.booleans()))
        for path, values in VALUES.items()
        if draw(st.booleans())
    }


RULES = st.dictionaries(st.sampled_from(["*", *VALUES, *T]), st.sampled_from(Rule))


@given(sides(), sides(), RULES, st.dictionaries(st.sampled_from(sorted(VALUES)), st.sampled_from(Side)))
def test_a_decision_is_repeatable_complete_and_made_of_what_was_held(
    left: dict[str, Held], right: dict[str, Held], rules: dict[str, Rule], wished: dict[str, Side]
) -> None:
    nothing = Held(None)
    differ = [
        item.path
        for item in FIELDS
        if not same(item, left.get(item.path, nothing).value, right.get(item.path, nothing).value)
    ]
    overrides = {path: side for path, side in wished.items() if path in differ}
    found = decide(FIELDS, left, right, rules=rules, overrides=overrides)
    assert found == decide(FIELDS, dict(reversed(left.items())), dict(right), rules=rules, overrides=overrides)
    assert [item.path for item in found] == differ, "equal after normalisation: no decision"
    for item in found:
        mine, theirs = left.get(item.path, nothing).value, right.get(item.path, nothing).value
        assert (item.value, item.other) == ((mine, theirs) if item.source is S else (theirs, mine))
        assert (item.rule is Rule.CHOSEN) is (item.path in overrides) or item.rule in rules.values()
        assert item.source is overrides.get(item.path, item.source)
