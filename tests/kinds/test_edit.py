"""What edits lead to, and what a directory's editors are warned of."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from changedesk import packs
from changedesk.base.clock import now
from changedesk.kinds import Edit, HoldsAnother, ManyBad, NotHeld, OneValueOnly, Proposal, edited, find

CATALOGUE = packs.load(("public_directory",)).catalogue
LINES = some.lists(
    some.text("abcdé ", min_size=1, max_size=5).filter(str.strip).map(lambda text: " ".join(text.split()))
)


def after(path: str, held: object, *edits: Edit) -> object:
    before = {} if held is None else {path: held}
    return edited({path: edits}, CATALOGUE, before)[path]  # type: ignore[arg-type]


@given(LINES, LINES)
def test_what_was_added_can_be_taken_out_again(held: list[str], new: list[str]) -> None:
    held, new = list(dict.fromkeys(held)), [name for name in dict.fromkeys(new) if name not in held]
    grown = after("org.aliases", "\n".join(held) or None, Edit("add", tuple(new)))
    assert str(grown or "").splitlines() == held + new
    assert grown is None or after("org.aliases", grown, Edit("delete", tuple(new) or ("x",) * 0)) == (
        ("\n".join(held) or None) if new else None
    )


def test_a_list_takes_out_first_and_adds_what_is_not_there() -> None:
    assert after("org.aliases", "A\nB", Edit("add", ("B", " C  d ")), Edit("delete", ("A",))) == "B\nC d"
    assert after("org.aliases", "A\nB", Edit("replace", ("C", "C"))) == "C"
    assert after("org.aliases", "A\nB", Edit("delete")) is None
    assert after("org.types", ["facility"], Edit("add", ("Facility", "Funder"))) == ["facility", "Funder"]
    assert after("org.types", ["facility", "funder"], Edit("delete", ("Funder",))) == ["facility"]


def test_a_single_value_is_added_where_there_is_none_and_replaced_where_there_is() -> None:
    assert after("org.established", None, Edit("add", ("1998",))) == "1998"
    assert after("org.established", "1998", Edit("add", ("1998",))) == "1998"
    assert after("org.established", "1998", Edit("replace", ("1999",))) == "1999"
    assert after("org.established", "1998", Edit("delete", ("1998",))) is None
    assert after("org.established", "1998", Edit("delete"), Edit("add", ("1999",))) == "1999"


@pytest.mark.parametrize(
    ("path", "edit", "refusal"),
    [
        ("org.aliases", Edit("delete", ("C",)), NotHeld),
        ("org.established", Edit("delete", ("1990",)), NotHeld),
        ("org.established", Edit("add", ("1990",)), HoldsAnother),
        ("org.established", Edit("replace", ("1990", "1991")), OneValueOnly),
        ("org.established", Edit("replace"), OneValueOnly),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(path: str, edit: Edit, refusal: type[Exception]) -> None:
    with pytest.raises(ManyBad) as refused:
        after(path, "A\nB" if path == "org.aliases" else "1998", edit)
    assert [type(one) for one in refused.value.refusals.values()] == [refusal]


def test_what_is_no_edit_stays_as_it_was_asked() -> None:
    asked = {"org.established": "1998", "nowhere": (Edit("add", ("x",)),), "org.types": ("facility",)}
    assert edited(asked, CATALOGUE, {}) == asked


def test_editors_are_warned_of_what_is_new_only() -> None:
    def warned(path: str, held: str | None, value: str | None) -> list[str]:
        proposal = Proposal({path: held} if held else {}, {path: value}, CATALOGUE, "US", now())
        return [one.code for one in find("directory_entry").check(proposal).concerns]

    assert warned("org.labels", "Old", "Old\nNeu*de\nNew*zh-Hant") == []
    assert warned("org.labels", None, "New") == ["language_missing"]
    assert warned("org.acronyms", None, "UTB*ms") == []
    assert warned("org.acronyms", None, "DUT-UD*en") == ["acronym_signs"]
    assert warned("org.acronyms", None, "Utb") == ["language_missing", "acronym_signs"]
    assert warned("org.website", None, "https://example.org/") == ["trailing_slash"]
    assert warned("org.website", "https://example.org", None) == []
