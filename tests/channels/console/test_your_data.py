"""What a person asks of their own data by the link of a notice: written down once, answered only to who is proved."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client as Browser
from tests.channels.console.room import Room

from changedesk.base import clock
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.channels.portal import rights
from changedesk.flow import subject_request
from changedesk.flow.dispute import LinkExpired
from changedesk.flow.subject_request import BY_LINK
from changedesk.flow.subject_steps import IdentityUnverified
from changedesk.reading import subject_requests as reading
from changedesk.rules.rights import Right
from changedesk.store import evidence
from changedesk.store.begin import begin

TOKEN = "a-token-that-nobody-guesses"
PAGE = f"/p/aurora/your-data/{TOKEN}"


def linked(room: Room, at: datetime | None = None) -> SubjectId:
    """A customer to whom a notice with a link went."""
    asked, at = room.asked(), at or clock.now()
    link = evidence.Dispute(
        id=uuid4(), subject_id=asked.subject, request_id=asked.request, issued_at=at,
        expires_at=at + timedelta(days=30),
    )  # fmt: skip
    with begin(room.actor("Ben")) as tx:
        evidence.issue_dispute_link(tx, link, TOKEN)
    return asked.subject


def asked_for(room: Room) -> list[Any]:
    return list(reading.waiting(actor=room.actor("Petra"), at=clock.now(), language="en").items)


@pytest.mark.parametrize("right", BY_LINK)
def test_a_right_is_asked_for_by_the_link_once_and_waits_for_proof(room: Room, right: Right) -> None:
    subject, browser = linked(room), Browser(headers={"accept-language": "en"})
    shown = browser.get(PAGE)
    assert (shown.status_code, shown.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert shown.headers["Cache-Control"] == "no-store"
    assert str(rights.WORDS[right.value][0]) in shown.content.decode()
    assert asked_for(room) == []  # looking asks for nothing
    first = browser.post(PAGE, {"right": right.value}).content.decode()
    (one,) = asked_for(room)
    assert one.ref in first
    assert (one.right, one.subject, one.identified) == (right.value, subject, False)
    assert one.ref in browser.post(PAGE, {"right": right.value}).content.decode()
    assert len(asked_for(room)) == 1
    with pytest.raises(IdentityUnverified):
        subject_request.identify(one.ref, actor=room.actor("Petra"), at=clock.now())


def test_what_is_no_right_of_the_page_asks_for_nothing(room: Room) -> None:
    linked(room)
    assert Browser().post(PAGE, {"right": "opt_out"}).status_code == 200
    with pytest.raises(NotFound):
        subject_request.receive_by_link(room.desk.client, TOKEN, "opt_out", at=clock.now())
    assert asked_for(room) == []


def test_an_unknown_link_and_one_that_ran_out_ask_for_nothing(room: Room) -> None:
    linked(room, clock.now() - timedelta(days=31))
    assert Browser().get(f"{PAGE}x").status_code == 404
    assert Browser().get(PAGE).status_code == 410
    assert Browser().post(PAGE, {"right": "access"}).status_code == 410
    with pytest.raises(LinkExpired):
        subject_request.receive_by_link(room.desk.client, TOKEN, "access", at=clock.now())
    assert asked_for(room) == []


def test_the_page_of_the_link_to_stop_a_change_leads_there(room: Room) -> None:
    linked(room)
    shown = Browser().get(f"/p/aurora/wasnt-me/{TOKEN}").content.decode()
    assert f'href="../your-data/{TOKEN}?language=en"' in shown


def test_the_page_of_a_link_is_read_in_the_language_that_is_chosen_on_it(room: Room) -> None:
    linked(room)
    browser = Browser(headers={"accept-language": "en"})
    shown = browser.get(PAGE).content.decode()
    assert 'lang="en" dir="ltr"' in shown
    chosen = re.findall(r'href="(\?language=\w+)"', shown)
    assert "?language=de" in chosen
    german = browser.get(PAGE + "?language=de").content.decode()
    assert '<html lang="de"' in german
    assert '?language=de" lang="de" hreflang="de" aria-current="true"' in german
    assert '<html lang="en"' in browser.get(PAGE + "?language=xx").content.decode()
    answered = browser.post(PAGE + "?language=de", {"right": BY_LINK[0].value}).content.decode()
    assert '<html lang="de"' in answered
    assert "?language=" not in answered
