"""Whoever posts past the pages is refused by what stands behind them."""

import re

from django.test import Client as Browser
from tests.channels.console.room import Room

from changedesk.base import clock
from changedesk.base.actor import Role
from changedesk.channels.console.views.requests import ContentMoved, NoDay
from changedesk.channels.console.visit import OtherClient
from changedesk.flow import configure
from changedesk.rules import access
from changedesk.rules.approval import DifferentContent


def digest_of(room: Room, ref: str) -> str:
    page = room.get("Ines", f"changes/{ref}/decide").content.decode()
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def test_nothing_is_approved_before_it_is_proved(room: Room) -> None:
    asked = room.asked()
    answer = room.post("Ines", f"changes/{asked.ref}/decide", decision="approve", digest=asked.digest)
    assert answer.status_code == 409
    assert room.state(asked.ref) == "awaiting_verification"


def test_consent_does_not_stand_in_for_verification(room: Room) -> None:
    asked = room.asked()
    page = room.get("Ben", f"changes/{asked.ref}/consent").content.decode()
    hidden = dict(re.findall(r'name="(statement\w*|digest|version|language)" value="([^"]*)"', page))
    answer = room.post("Ben", f"changes/{asked.ref}/consent", action="given", way="read_aloud", **hidden)
    assert answer.status_code == 303
    assert room.state(asked.ref) == "awaiting_verification"


def test_a_made_up_answer_verifies_nobody(room: Room) -> None:
    asked = room.asked()
    for answer in (
        room.post("Ben", f"customers/{asked.subject}/verify", action="answer", change=asked.ref, code="123456"),
        room.post(
            "Ben",
            f"customers/{asked.subject}/verify",
            action="answer",
            change=asked.ref,
            code="123456",
            challenge="00000000-0000-4000-8000-000000000000",
        ),
    ):
        assert answer.status_code == 422
    assert room.state(asked.ref) == "awaiting_verification"


def test_a_code_is_not_sent_to_the_address_that_the_request_sets(room: Room) -> None:
    asked = room.asked()
    path = f"customers/{asked.subject}/verify"
    answer = room.post("Ben", path, action="start", change=asked.ref, method="code_email|contact.email")
    assert answer.status_code == 422
    assert "Choose another of the ways" in answer.content.decode()


def test_another_wording_is_not_taken_for_the_one_that_was_shown(room: Room) -> None:
    asked = room.asked()
    page = room.get("Ben", f"changes/{asked.ref}/consent").content.decode()
    hidden = dict(re.findall(r'name="(statement\w*|digest|version|language)" value="([^"]*)"', page))
    for wrong in ({"statement_digest": "0" * 64}, {"digest": "0" * 64}):
        form = {**hidden, **wrong}
        answer = room.post("Ben", f"changes/{asked.ref}/consent", action="given", way="read_aloud", **form)
        assert answer.status_code == 412
        assert ContentMoved().sentence in answer.content.decode()
    assert "Consent recorded" not in room.get("Ben", f"changes/{asked.ref}").content.decode()


def test_another_day_is_a_day(room: Room) -> None:
    asked = room.asked()
    for day in ("", "soon", "2026-02-31"):
        answer = room.post("Ines", f"changes/{asked.ref}", action="reschedule", version="1", effective_at=day)
        assert answer.status_code == 422
        assert NoDay().sentence in answer.content.decode()


def test_a_form_made_for_another_client_does_nothing_here(room: Room) -> None:
    asked = room.asked()
    form = {"client": str(room.other.client), "action": "withdraw", "version": "1"}
    answer = room.as_("Ben").post(f"/c/aurora/changes/{asked.ref}", form)
    assert OtherClient().sentence in answer.content.decode()
    assert room.state(asked.ref) == "awaiting_verification"


def test_nobody_approves_what_they_entered(room: Room) -> None:
    waiting = room.waiting("Ines")
    digest = waiting.digest
    answer = room.post("Ines", f"changes/{waiting.ref}/decide", decision="approve", digest=digest)
    assert answer.status_code in {403, 409, 422}
    assert room.state(waiting.ref) == "awaiting_approval"


def test_an_agent_approves_nothing(room: Room) -> None:
    waiting = room.waiting("Ines")
    answer = room.post("Ben", f"changes/{waiting.ref}/decide", decision="approve", digest=waiting.digest)
    assert answer.status_code == 403
    assert room.state(waiting.ref) == "awaiting_approval"


def test_other_content_than_was_shown_is_not_approved(room: Room) -> None:
    waiting = room.waiting()
    for digest in ("0" * 64, "", "no digest"):
        answer = room.post("Ines", f"changes/{waiting.ref}/decide", decision="approve", digest=digest)
        assert answer.status_code == 412
        assert DifferentContent().sentence in answer.content.decode()
    assert room.state(waiting.ref) == "awaiting_approval"


def test_what_was_edited_after_it_was_shown_is_not_approved(room: Room) -> None:
    waiting = room.waiting()
    shown = digest_of(room, waiting.ref)
    answer = room.post(
        "Ben",
        f"changes/{waiting.ref}/revise",
        action="submit",
        contact__email="eve@new.example",
        version=str(waiting.version),
        reason="customer_request",
    )
    assert answer.status_code == 303
    answer = room.post("Ines", f"changes/{waiting.ref}/decide", decision="approve", digest=shown)
    assert answer.status_code in {409, 412}
    assert room.state(waiting.ref) == "awaiting_verification"


def test_the_right_approval_goes_through(room: Room) -> None:
    waiting = room.waiting()
    digest = digest_of(room, waiting.ref)
    assert room.post("Ines", f"changes/{waiting.ref}/decide", decision="approve", digest=digest).status_code == 303
    assert room.state(waiting.ref) == "applied"


def test_a_decision_on_an_old_version_is_refused(room: Room) -> None:
    waiting = room.waiting()
    form = {"decision": "reject", "reason": "other", "message": "No."}
    answer = room.post("Ines", f"changes/{waiting.ref}/decide", version=str(waiting.version - 1), **form)
    assert answer.status_code == 412
    answer = room.post("Ines", f"changes/{waiting.ref}/decide", **form)
    assert answer.status_code == 412
    assert room.state(waiting.ref) == "awaiting_approval"


def test_a_form_made_for_one_client_does_nothing_at_another(room: Room) -> None:
    configure.invite(
        room.signs["Ben"].email, "Ben", [Role.AGENT], actor=access.terminal(room.other.client), at=clock.now()
    )
    subject = room.customer()
    path = f"/c/harbour/customers/{subject}/changes/new?kind=contact_details"
    form = {"action": "submit", "contact.email": "dana@new.example", "reason": "customer_request", "channel": "phone"}
    browser = room.as_("Ben")
    assert browser.post(path, {**form, "client": str(room.desk.client)}).status_code == 409
    assert browser.post(path, form).status_code == 409
    assert browser.post(path, {**form, "client": str(room.other.client)}).status_code == 404


def test_a_client_one_does_not_work_for_is_not_there(room: Room) -> None:
    browser = room.as_("Ben")
    theirs, nobodys = browser.get("/c/harbour/queue"), browser.get("/c/nowhere/queue")
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    plain = [re.sub(r"[0-9a-f]{32}", "", answer.content.decode()) for answer in (theirs, nobodys)]
    assert plain[0] == plain[1]


def test_without_the_token_of_its_own_page_a_post_does_nothing(room: Room) -> None:
    asked = room.asked()
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = room.as_("Ben").cookies
    form = {"client": str(room.desk.client), "action": "withdraw", "version": str(asked.version)}
    assert strict.post(f"/c/aurora/changes/{asked.ref}", form).status_code == 403
    assert room.state(asked.ref) == "awaiting_verification"


def test_a_password_without_the_second_factor_opens_no_page(room: Room) -> None:
    asked = room.asked()
    browser, sign = Browser(), room.signs["Ben"]
    browser.post("/accounts/login/", {"login": sign.email, "password": sign.password})
    form = {"client": str(room.desk.client), "action": "withdraw", "version": str(asked.version)}
    for answer in (
        browser.get("/c/aurora/queue"),
        browser.post(f"/c/aurora/changes/{asked.ref}", form),
        Browser().post(f"/c/aurora/changes/{asked.ref}", form),
    ):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/accounts/")
    assert room.state(asked.ref) == "awaiting_verification"


def test_an_auditor_changes_nothing_by_any_form(room: Room) -> None:
    asked = room.asked()
    change = f"changes/{asked.ref}"
    for path, form in (
        (change, {"action": "withdraw", "version": str(asked.version)}),
        (change, {"action": "cancel", "reason": "other", "version": str(asked.version)}),
        (change, {"action": "hold", "reason": "other", "version": str(asked.version)}),
        (f"{change}/consent", {"action": "declined", "version": str(asked.version)}),
        (f"{change}/decide", {"decision": "approve", "digest": asked.digest}),
        (f"{change}/revise", {"action": "submit", "contact.email": "eve@new.example"}),
        (f"customers/{asked.subject}/changes/new?kind=contact_details", {"action": "submit"}),
        (f"customers/{asked.subject}/verify", {"action": "start", "method": "totp|"}),
    ):
        answer = room.as_("Otto").post(f"/c/aurora/{path}", {"client": str(room.desk.client), **form})
        assert answer.status_code == 403, (path, answer.status_code)
    assert room.state(asked.ref) == "awaiting_verification"


def test_values_are_not_in_the_page_before_the_caller_is_verified(room: Room) -> None:
    subject = room.customer()
    for path in (
        f"customers/{subject}",
        f"customers/{subject}/changes/new?kind=contact_details",
        f"customers/{subject}/verify",
        f"customers/{subject}/as-of?known_at=2030-01-01T00:00",
    ):
        page = room.get("Ben", path).content.decode()
        assert "d***@o***.example" in page, path
        assert not [value for value in ("dana@old.example", "Novak", "5550143", "555-0143") if value in page]


def test_the_same_form_sent_twice_asks_once(room: Room) -> None:
    path = f"customers/{room.customer()}/changes/new?kind=contact_details"
    form = {
        "action": "submit",
        "submission": "one-page",
        "contact__email": "dana@new.example",
        "reason": "customer_request",
        "requested_by": "customer",
        "channel": "phone",
    }
    first, again = room.post("Ben", path, **form), room.post("Ben", path, **form)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]


def test_a_refused_form_keeps_what_was_typed(room: Room) -> None:
    path = f"customers/{room.customer()}/changes/new?kind=contact_details"
    form = {"action": "submit", "contact__phone_mobile": "12", "note": "called at noon", "reason": "customer_request"}
    answer = room.post("Ben", path, requested_by="customer", channel="phone", **form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="12"' in page
    assert "called at noon" in page
    assert 'href="#id_contact.phone_mobile"' in page
