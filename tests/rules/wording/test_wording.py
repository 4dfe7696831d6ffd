"""What customers read holds what it must and nothing that it must not."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.rules import wording
from changedesk.rules.wording import (
    CHANNELS,
    CODES,
    EVENTS,
    LANGUAGES,
    NOTICES,
    OF_THE_CUSTOMER,
    PRIVACY,
    SECURITY,
    TemplateInvalid,
)

SUMMARY = "new e-mail address a***@b.example"
LINK = "https://desk.example/p/acme/wasnt-me/s3cr3t"
ABOUT = {
    "client_name": "ACME",
    "reference": "K7M2Q-9XTRA-C",
    "what": "your e-mail address",
    "support": "Call +1 555 0100",
    "link": LINK,
}


@dataclass(frozen=True)
class Own:
    event: str
    channel: str
    language: str
    subject: str
    body: str
    version: int = 3


def code_text(
    event: str, method: str, language: str, *, support: str = "Call +1 555 0100", summary: str = SUMMARY
) -> wording.Text:
    if event == "new_contact":
        return wording.new_contact_message(
            method=method, code="482913", client_name="ACME", language=language, support=support
        )
    return wording.challenge_message(
        method=method,
        code="482913",
        client_name="ACME",
        summary="" if event == "caller" else summary,
        language=language,
        support=support,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("event", sorted(EVENTS))
def test_every_message_has_a_built_in_text_that_the_check_for_own_texts_accepts(
    event: str, channel: str, language: str
) -> None:
    text = wording._load(language).texts[event, channel]
    wording.check(event, channel, subject=text.subject, body=text.body)
    assert bool(text.subject) == (channel == "email")


def test_no_language_has_a_text_for_an_unknown_message() -> None:
    for language in LANGUAGES:
        assert {event for event, _ in wording._load(language).texts} == EVENTS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", [*CHANNELS, "portal"])
@pytest.mark.parametrize("event", sorted(NOTICES - OF_THE_CUSTOMER - PRIVACY))
def test_a_notice_names_the_request_and_what_to_do(event: str, channel: str, language: str) -> None:
    text = wording.notice_message(event, channel, ABOUT, language)
    assert ABOUT["reference"] in text.body
    assert ABOUT["what"] in text.body
    assert "+1 555 0100" in text.body or LINK in text.body
    assert (LINK in text.body) == (event in SECURITY)
    assert "{" not in text.subject + text.body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", [*CHANNELS, "portal"])
@pytest.mark.parametrize("event", sorted(PRIVACY))
def test_a_notice_about_ones_data_says_what_was_asked_and_leads_to_a_copy_only_with_the_answer(
    event: str, channel: str, language: str
) -> None:
    known = {**ABOUT, "until": "3 September 2026", "why": "it is complex"}
    text = wording.notice_message(event, channel, known, language)
    assert ABOUT["reference"] in text.body
    assert ABOUT["what"] in text.body
    assert (LINK in text.body) == (event == "privacy_answered")
    assert ("3 September 2026" in text.body) == (event in {"privacy_received", "privacy_extended", "privacy_answered"})
    assert ("it is complex" in text.body) == (event in {"privacy_extended", "privacy_refused"})
    assert LINK not in wording.notice_message(event, channel, {**known, "link": ""}, language).body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", [*CHANNELS, "portal"])
def test_a_notice_of_a_bound_authenticator_needs_no_request_and_says_where_to_call(channel: str, language: str) -> None:
    known = {name: ABOUT[name] for name in ("client_name", "support")}
    text = wording.notice_message("factor_bound", channel, known, language)
    assert "+1 555 0100" in text.body
    assert wording._load(language).sentences["dispute_spoken"].split("{", maxsplit=1)[0] in text.body
    assert "{" not in text.subject + text.body
    assert not re.search(r"://|\d{6}", text.body.replace("+1 555 0100", ""))
    with pytest.raises(TemplateInvalid):
        wording.check("factor_bound", "email", subject="", body="{dispute} {reference}")
    with pytest.raises(TemplateInvalid):
        wording.check("factor_bound", "email", subject="", body="An app was added. {question}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_security_notice_without_a_link_says_to_call(language: str) -> None:
    text = wording.notice_message("security_applied", "email", {**ABOUT, "link": ""}, language)
    assert "http" not in text.body
    assert text.body.count("+1 555 0100") == 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("method", CHANNELS)
@pytest.mark.parametrize("event", sorted(CODES))
def test_a_code_message_warns_and_has_no_link(event: str, method: str, language: str) -> None:
    text = code_text(event, method, language, support="https://acme.example/help")
    assert text.body.count("482913") == 1
    assert "482913" not in text.subject
    assert wording._load(language).sentences["warning"] in text.body
    assert not re.search(r"://|www\.|acme\.example", text.subject + text.body)


def test_a_challenge_says_what_will_change_and_a_new_contact_message_does_not() -> None:
    assert "a***@b.example" in code_text("challenge", "sms", "en").body
    assert "change" not in code_text("new_contact", "sms", "en").body
    assert "confirms" not in code_text("caller", "sms", "en").body


@pytest.mark.parametrize("url", ["https://evil.example/x.y", "www.evil.example", "HTTP://evil.example"])
def test_a_link_among_the_new_values_cannot_be_followed_from_a_challenge(url: str) -> None:
    body = code_text("challenge", "email", "en", summary=f"new website {url}").body
    assert not re.search(r"://|www\.|evil\.example", body, re.IGNORECASE)


@pytest.mark.parametrize(
    ("event", "body", "problem"),
    [
        ("received", "{reference} {old_value}", {"problem": "variables", "unknown": ["old_value"], "missing": []}),
        ("received", "no reference", {"problem": "variables", "unknown": [], "missing": ["reference"]}),
        ("received", "{reference} {link}", {"problem": "variables", "unknown": ["link"], "missing": []}),
        ("security_applied", "{reference}", {"problem": "variables", "unknown": [], "missing": ["dispute"]}),
        ("received", "{reference} {reference.__class__}", {"problem": "braces"}),
        ("received", "{reference!r}", {"problem": "braces"}),
        ("received", "{reference:>9}", {"problem": "braces"}),
        ("received", "{reference} {", {"problem": "braces"}),
        ("received", "{reference} {0}", {"problem": "braces"}),
        ("challenge", "{code} {summary}", {"problem": "variables", "unknown": [], "missing": ["warning"]}),
        ("challenge", "{code} {warning}", {"problem": "variables", "unknown": [], "missing": ["summary"]}),
        ("challenge", "{code} {summary} {warning} https://acme.example", {"problem": "link"}),
        ("new_contact", "{code} {warning} {summary}", {"problem": "variables", "unknown": ["summary"], "missing": []}),
    ],
)
def test_an_own_text_that_cannot_be_used_is_refused(event: str, body: str, problem: dict[str, object]) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        wording.check(event, "email", subject="", body=body)
    assert refused.value.data == {"event": event, "channel": "email", **problem}


def test_a_code_never_stands_in_a_subject_line() -> None:
    with pytest.raises(TemplateInvalid):
        wording.check("challenge", "email", subject="Your code {code}", body="{code} {summary} {warning}")


def test_unknown_channels_and_events_are_refused() -> None:
    tries: list[tuple[Callable[[], object], dict[str, object]]] = [
        (
            lambda: wording.check("nothing_of_ours", "email", subject="", body="{reference}"),
            {"event": "nothing_of_ours", "problem": "event"},
        ),
        (
            lambda: wording.check("received", "fax", subject="", body="{reference}"),
            {"event": "received", "channel": "fax", "problem": "channel"},
        ),
        (
            lambda: wording.notice_message("received", "fax", ABOUT, "en"),
            {"event": "received", "channel": "fax", "problem": "channel"},
        ),
        (
            lambda: wording.notice_message("challenge", "email", ABOUT, "en"),
            {"event": "challenge", "problem": "event"},
        ),
        (
            lambda: wording.notice_message("received", "email", {"client_name": "ACME"}, "en"),
            {"event": "received", "channel": "email", "problem": "variables", "missing": ["reference", "what"]},
        ),
    ]
    for act, data in tries:
        with pytest.raises(TemplateInvalid) as refused:
            act()
        assert refused.value.data == data


def test_an_own_text_stands_in_place_of_the_built_in_one_in_its_language_only() -> None:
    own = wording.overrides_of(
        [Own("completed", "email", "de", "Fertig: {reference}", "Fertig: {reference} {dispute}")]
    )
    text = wording.notice_message("completed", "email", ABOUT, "de-AT", own)
    assert text.subject == "Fertig: K7M2Q-9XTRA-C"
    assert "is completed" in wording.notice_message("completed", "email", ABOUT, "en", own).subject
    assert "erledigt" in wording.notice_message("completed", "portal", ABOUT, "de", own).subject


def test_a_message_says_from_which_text_in_which_version_it_was_made() -> None:
    own = wording.overrides_of([Own("completed", "email", "de", "Fertig", "{reference} {dispute}", version=3)])
    made = {
        (channel, language): wording.notice_message("completed", channel, ABOUT, language, own).template
        for channel, language in [("email", "de-AT"), ("email", "en"), ("portal", "de"), ("sms", "fr")]
    }
    assert made == {
        ("email", "de-AT"): "completed/email/de/client-3",
        ("email", "en"): "completed/email/en/builtin-1",
        ("portal", "de"): "completed/email/de/builtin-1",
        ("sms", "fr"): "completed/sms/en/builtin-1",
    }
    assert code_text("caller", "sms", "ar").template == "caller/sms/ar/builtin-1"


def test_an_own_text_that_became_unusable_is_refused_when_it_is_needed() -> None:
    own = {("completed", "email", "en"): ("", "{reference} {password}", 1)}
    with pytest.raises(TemplateInvalid):
        wording.notice_message("completed", "email", ABOUT, "en", own)


def test_a_language_without_texts_reads_english() -> None:
    assert wording.notice_message("received", "sms", ABOUT, "fr") == wording.notice_message(
        "received", "sms", ABOUT, "en-GB"
    )


def test_a_client_without_support_details_still_says_where_to_turn() -> None:
    assert "your bill" in wording.notice_message("received", "email", {**ABOUT, "support": ""}, "en").body
    assert "your bill" in code_text("challenge", "email", "en", support="").body


@given(st.text(), st.sampled_from(sorted(NOTICES)), st.sampled_from(CHANNELS), st.sampled_from(LANGUAGES))
def test_no_value_adds_a_line_or_a_variable(name: str, event: str, channel: str, language: str) -> None:
    plain = wording.notice_message(event, channel, ABOUT, language)
    text = wording.notice_message(event, channel, {**ABOUT, "client_name": name}, language)
    assert len(text.body.splitlines()) <= len(plain.body.splitlines())
    assert len(text.subject.splitlines()) <= 1
    hostile = wording.notice_message(event, channel, {**ABOUT, "client_name": "{link}{code}"}, language)
    assert "{link}{code}" in hostile.body


def test_variables_tells_what_a_text_may_use() -> None:
    assert "link" in wording.variables("security_applied")
    assert "link" not in wording.variables("completed")
