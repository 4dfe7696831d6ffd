"""The tables that everybody reads: fields, and the life of a request."""

from changedesk.rules.fields import Catalogue, Field, FieldType
from changedesk.rules.lifecycle import CUSTOMER_WORDS, ENDINGS, OPEN, STEPS, RequestState

MAIL = Field("contact.email", FieldType.EMAIL, "contact_details", "contact.email", {"en": "E-mail", "de": "Mail"},
             searchable=True, contact_point=True)  # fmt: skip
NAME = Field("personal.name", FieldType.NAME, "personal_details", "personal.name", {"en": "Name"})


def test_a_catalogue_finds_by_path_kind_and_use() -> None:
    catalogue = Catalogue.of([MAIL, NAME])
    assert list(catalogue) == [MAIL, NAME]
    assert catalogue["personal.name"] is NAME
    assert "personal.name" in catalogue
    assert "personal.shoe_size" not in catalogue
    assert catalogue.of_kind("personal_details") == [NAME]
    assert catalogue.contact_points() == catalogue.searchable() == [MAIL]


def test_a_label_falls_back_to_english() -> None:
    assert (MAIL.label_in("de"), NAME.label_in("de")) == ("Mail", "Name")


def test_nothing_leaves_an_ending() -> None:
    assert not any(step.sources & ENDINGS for step in STEPS.values())


def test_every_state_is_reached_by_some_step_and_every_open_one_can_end() -> None:
    assert {step.target for step in STEPS.values()} == set(RequestState)
    for state in OPEN:
        assert any(state in step.sources and step.target in ENDINGS for step in STEPS.values()), state


def test_every_state_has_a_word_for_the_customer() -> None:
    assert set(CUSTOMER_WORDS) == set(RequestState)


def test_nothing_is_applied_that_was_not_approved() -> None:
    assert STEPS["apply"].sources == {RequestState.APPROVED, RequestState.SCHEDULED}
    assert {step.name for step in STEPS.values() if step.target is RequestState.APPROVED} == {"approve", "release"}
    assert RequestState.STALE not in STEPS["approve"].sources
