"""A kind is a folder and a line in the list: nothing else names it, and everything works with it."""

import pytest
from tests.cast import desk
from tests.flow.walk import LATER, holds, vouch
from tests.flow.walk import kinds as entries
from tests.postgres import Database

from changedesk import flow, kinds
from changedesk.base.actor import Channel
from changedesk.flow import configure
from changedesk.kinds import Kind
from changedesk.reading import forms
from changedesk.rules.access import terminal
from changedesk.store.settings_read import configuration

PET = Kind(
    name="pet",
    label={"en": "Pets", "de": "Haustiere", "ar": "الحيوانات الأليفة"},
    icon="gift",
    notice_subject={"en": "your pets", "de": "Ihre Haustiere", "ar": "حيواناتك الأليفة"},
    notice_words={"custom.pet_name": {"en": "your pet's name", "de": "den Namen Ihres Tiers", "ar": "اسم حيوانك"}},
    form_order=("custom.pet_name",),
)
FIELD = {"type": "text", "kind": "pet", "category": "custom.pet", "label": {"en": "Name of the pet"}}


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in the list."""
    monkeypatch.setitem(kinds.KINDS, "pet", PET)


def test_a_kind_that_is_listed_has_its_form_its_schema_its_words_and_its_way(database: Database, listed: None) -> None:
    d = desk()
    configure.set_field("custom.pet_name", FIELD, actor=terminal(d.client), at=LATER)
    form = forms.form_of("pet", actor=d.ben, language="de")
    assert (form.label, [one.path for one in form.fields]) == ("Haustiere", ["custom.pet_name"])
    schema = kinds.json_schema(kinds.find("pet"), configuration(d.client).catalogue, "en")
    assert list(schema["properties"]) == ["custom.pet_name"]
    assert kinds.find("pet").summarise(["custom.pet_name"], "de") == "den Namen Ihres Tiers"
    dana = d.customer()
    vouch(d, dana, LATER)
    wish = flow.Wish(
        subject=dana, kind="pet", values={"custom.pet_name": "Rex"}, reason="customer_request", channel=Channel.PHONE
    )
    asked = flow.submit([wish], actor=d.ben, at=LATER).one()
    assert (asked.state, holds(d, dana, "custom.pet_name")) == ("applied", "Rex")
    assert "change.applied" in entries(d, dana)
