"""Kinds by name, the words of their notices, what a request really changes, and the schema of its values."""

import itertools
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changedesk import kinds, packs
from changedesk.base.refusal import Refusal
from changedesk.kinds import Checked, Diff, ManyBad, NoChange, Proposal, UnknownKind
from changedesk.kinds.kind import nothing_against
from changedesk.rules.fields import Catalogue
from changedesk.rules.values import normalise

TODAY = date(2026, 11, 22)
CONTACT = kinds.find("contact_details")
PERSONAL = kinds.find("personal_details")
BEFORE = {"contact.email": "anna@example.com", "contact.phone_home": "+442079460018"}


def changed(catalogue: Catalogue, asked: dict[str, object], kind: kinds.Kind = CONTACT) -> Diff:
    return kinds.changes(kind, catalogue, BEFORE, asked, region="GB", today=TODAY)


def test_each_kind_is_listed_once_under_its_own_name_with_words_in_every_language() -> None:
    assert [kind.name for kind in kinds.all()] == list(kinds.KINDS)
    for kind in kinds.all():
        assert kinds.find(kind.name) is kind
        texts = [kind.label, kind.notice_subject, *kind.notice_words.values()]
        assert all(set(text) == {"en", "de", "ar"} for text in texts)
        assert set(kind.notice_words) <= set(kind.form_order)
        assert kind.erases == "with-key"
        assert kind.icon
        assert all(set(label) == {"en", "de", "ar"} for label in kind.operations.values())
        assert kind.subjects <= {"customer", "account"}
        assert kind.initiators <= {"customer", "business", "system"}


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKind) as caught:
        kinds.find("nothing")
    assert caught.value.status == "missing"


@pytest.mark.parametrize(
    ("paths", "language", "words"),
    [
        (["contact.email"], "en", "your e-mail address"),
        (["contact.phone_mobile", "contact.email"], "en-GB", "your e-mail address and your mobile number"),
        (
            ["contact.phone_mobile", "contact.email", "contact.nickname"],
            "de",
            "Ihre E-Mail-Adresse, Ihre Mobilnummer und Ihre Kontaktdaten",
        ),
        (["contact.email", "contact.url"], "ar", "عنوان بريدك الإلكتروني وموقعك الإلكتروني"),
        (["contact.url"], "fr", "your website"),
        ([], "en", "your contact details"),
    ],
)
def test_a_notice_names_what_changes_and_no_value(paths: list[str], language: str, words: str) -> None:
    assert CONTACT.summarise(paths, language) == words


EVERY_SET = [(), *((name,) for name in packs.available())]


@pytest.mark.parametrize("names", EVERY_SET, ids=lambda names: "+".join(names) or "base")
def test_every_field_of_every_pack_has_plain_words_in_a_notice_in_every_language(names: tuple[str, ...]) -> None:
    """A kind's own fields by words of their own or of the kind; those that a pack has added by their labels."""
    catalogue = packs.load(names).catalogue
    asked = [field for field in catalogue if field.kind in kinds.KINDS]
    assert asked
    for field, language in itertools.product(asked, ("en", "de", "ar")):
        kind = kinds.find(field.kind)
        told = kind.summarise([field.path], language, catalogue)
        whole = kind.notice_subject[language]
        if field.path in kind.notice_words:
            assert told == kind.notice_words[field.path][language]
        elif field.path in kind.form_order:
            assert told == whole
        else:
            assert told == f"{whole} ({field.label[language]})"
        assert field.path not in told
        assert language != "ar" or any("\u0600" <= letter <= "\u06ff" for letter in told)
        # What cannot be read aloud, or breaks a message, is no plain word.
        assert not set("{}<>_#\n") & set(told), told


def test_of_several_added_fields_the_notice_names_each_once() -> None:
    catalogue = packs.load(("travel",)).catalogue
    paths = ["emergency.name", "emergency.phone", "contact.email"]
    assert CONTACT.summarise(paths, "en", catalogue) == (
        "your e-mail address and your contact details (Emergency contact, Phone of the emergency contact)"
    )
    assert CONTACT.summarise(paths, "de", catalogue) == (
        "Ihre E-Mail-Adresse und Ihre Kontaktdaten (Notfallkontakt, Telefon des Notfallkontakts)"
    )
    assert CONTACT.summarise(["emergency.name", "gone.by_now"], "fr", catalogue) == (
        "your contact details (Emergency contact)"
    )
    assert CONTACT.summarise(["emergency.name"], "en") == "your contact details"


def test_names_are_told_once() -> None:
    assert PERSONAL.summarise(["personal.name", "personal.family_name"], "en") == "your name"


def test_a_form_shows_known_fields_first_and_the_client_s_own_after(catalogue: Catalogue) -> None:
    paths = [item.path for item in CONTACT.fields(catalogue)]
    assert paths[:2] == ["contact.email", "contact.phone_mobile"]
    assert set(paths[-2:]) == {"contact.nickname", "contact.email_billing"}


def test_a_kind_without_rules_of_its_own_accepts_what_its_fields_accept(catalogue: Catalogue) -> None:
    assert nothing_against(Proposal({}, {}, catalogue, "GB", datetime(2026, 1, 1, tzinfo=UTC))) == Checked()


def test_only_what_really_differs_is_kept(catalogue: Catalogue) -> None:
    found = changed(
        catalogue,
        {"contact.email": "ANNA@Example.com", "contact.phone_home": "", "contact.phone_mobile": "07400 123456"},
    )
    assert found.values == {"contact.phone_home": None, "contact.phone_mobile": "+447400123456"}
    assert found.unchanged == ("contact.email",)
    assert found.concerns == ()


def test_a_doubtful_new_value_comes_with_its_concern(catalogue: Catalogue) -> None:
    found = changed(catalogue, {"contact.email": "anna@gmial.com"})
    assert [item.code for item in found.concerns] == ["domain_typo"]


@pytest.mark.parametrize(
    "asked",
    [
        {"contact.email": "Anna@EXAMPLE.com"},
        {"contact.phone_home": "020 7946 0018"},
        {"contact.phone_mobile": None},
        {},
    ],
)
def test_asking_for_the_current_value_is_refused(catalogue: Catalogue, asked: dict[str, object]) -> None:
    with pytest.raises(NoChange) as caught:
        changed(catalogue, asked)
    assert caught.value.sentence == "This is already the current value."


def test_every_bad_field_is_named_at_once_and_no_value_repeated(catalogue: Catalogue) -> None:
    asked: dict[str, object] = {
        "contact.email": "no-address",
        "contact.postal_address": {"country": "GB", "lines": "1 High St", "city": "Leeds", "postal_code": "99999"},
        "contact.phone_mobile": "07400 123456",
        "personal.name": "Anna",
        "no~such/field": "x",
    }
    with pytest.raises(ManyBad) as caught:
        changed(catalogue, asked)
    errors = caught.value.data["errors"]
    assert isinstance(errors, list)
    assert {error["pointer"]: error["reason"] for error in errors} == {
        "/contact.email": "email_at",
        "/contact.postal_address/postal_code": "address_postal_code",
        "/personal.name": "unknown-field",
        "/no~0such~1field": "unknown-field",
    }
    assert all(error["detail"] for error in errors)
    assert "no-address" not in str(caught.value.data)
    assert "99999" not in str(caught.value.data)
    assert set(caught.value.refusals) == {error["pointer"] for error in errors}


def test_a_secret_is_never_set_through_a_request(catalogue: Catalogue) -> None:
    with pytest.raises(ManyBad) as caught:
        changed(catalogue, {"personal.password": "hunter2"}, PERSONAL)
    assert [refusal.code for refusal in caught.value.refusals.values()] == ["secret-field"]
    assert "hunter2" not in str(caught.value.data)


VALUES = st.dictionaries(
    st.sampled_from(["contact.email", "contact.phone_home", "contact.phone_mobile", "contact.nickname", "x"]),
    st.sampled_from(["", None, "anna@example.com", "ANNA@example.com", "020 7946 0018", "07400 123456", "x", 7]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=VALUES)
def test_what_was_changed_is_no_change_when_asked_again(catalogue: Catalogue, asked: dict[str, object]) -> None:
    try:
        found = changed(catalogue, asked)
    except Refusal:
        return
    after = {**BEFORE, **found.values}
    with pytest.raises(NoChange):
        kinds.changes(CONTACT, catalogue, after, asked, region="GB", today=TODAY)


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.name)
def test_the_schema_lists_the_fields_of_a_kind_and_no_secret(kind: kinds.Kind, catalogue: Catalogue) -> None:
    schema = kinds.json_schema(kind, catalogue, "de")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == kind.label["de"]
    assert schema["additionalProperties"] is False
    expected = [item.path for item in kind.fields(catalogue) if item.path != "personal.password"]
    assert list(schema["properties"]) == expected
    for part in schema["properties"].values():
        assert part["title"]
        assert part["anyOf"][-1] == {"type": "null"}


def test_the_schema_tells_options_and_hints(catalogue: Catalogue) -> None:
    pref = kinds.json_schema(kinds.find("marketing_preferences"), catalogue, "en")["properties"]
    news = {"const": "news", "title": "News"}
    assert news in pref["pref.marketing_topics"]["anyOf"][0]["items"]["oneOf"]
    contact = kinds.json_schema(CONTACT, catalogue, "fr")
    assert contact["properties"]["contact.nickname"]["description"] == "As in the forum"
    assert contact["properties"]["contact.nickname"]["anyOf"][0] == {"type": "string", "maxLength": 40}
    assert contact["properties"]["contact.email"]["anyOf"][0]["format"] == "idn-email"
    assert contact["title"] == "Contact details"


def test_what_the_schema_accepts_as_parts_can_be_read(catalogue: Catalogue) -> None:
    parts = {"country": "DE", "lines": "Hauptstr. 1", "city": "Berlin", "postal_code": "10115"}
    address = kinds.json_schema(CONTACT, catalogue, "en")["properties"]["contact.postal_address"]["anyOf"][0]
    assert set(parts) <= set(address["properties"])
    assert normalise(catalogue["contact.postal_address"], parts, region="GB", today=TODAY) == parts
