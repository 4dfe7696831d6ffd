"""Data-subject requests by the pages alone: written down, verified, answered with a copy, had by its link."""

import re
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import dress, pictures
from tests.browser.test_pages import look as look_at
from tests.browser.test_story import verify_by_app

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Channel
from changedesk.store import deliveries, evidence
from changedesk.store.begin import begin
from changedesk.store.tx import look

pytestmark = pytest.mark.browser
REQUEST = re.compile(r"/privacy/[0-9A-Z-]{13}$")


def write_down(stage: Stage, page: Page, subject: Any, right: str, **more: str) -> str:
    page.goto(stage.to(f"customers/{subject}"))
    page.get_by_role("link", name="Data request", exact=True).click()
    page.get_by_label("What is asked").select_option(right)
    for label, value in more.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Write it down").click()
    page.wait_for_url(REQUEST)
    return page.url.rsplit("/", 1)[1]


def link_to_copy(stage: Stage) -> str:
    """The address in the newest message that leads to a copy."""
    with look(stage.desk.client) as seen:
        box = deliveries.outbox(seen, before=clock.now() + timedelta(minutes=1))
    bodies = [one.message.body for one in box if one.event == "privacy_answered" and one.message is not None]
    found = re.search(r"https?://\S+/copy/\S+", bodies[0])
    assert found, bodies
    return found[0]


def test_a_copy_of_all_the_data_is_asked_for_answered_and_had_by_its_link(stage: Stage, tmp_path: Any) -> None:
    subject = stage.desk.customer(at=ago(days=10))
    page = stage.at_work("Petra").page
    ref = write_down(stage, page, subject, "access")
    expect(page.get_by_text("Not verified")).to_be_visible()
    expect(page.get_by_role("button", name="Answer")).to_be_disabled()
    verify_by_app(page)
    page.goto(stage.to(f"privacy/{ref}"))
    page.get_by_role("button", name="Use what was proved").click()
    page.get_by_role("button", name="Build the copy").click()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the copy").click()
    assert got.value.suggested_filename == f"your-data-{ref}.zip"
    page.get_by_role("button", name="Answer").click()
    page.get_by_text("Answered", exact=True).first.wait_for()
    stage.tell()

    theirs = stage.open().page
    theirs.goto(link_to_copy(stage))
    with theirs.expect_download() as got:
        theirs.get_by_role("button", name="Download my data").click()
    target = tmp_path / "mine.zip"
    got.value.save_as(target)
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == ["data.json", "data.pdf"]
        assert b"dana@old.example" in archive.read("data.json")
        assert b"petra" not in archive.read("data.json").lower()
    theirs.goto(link_to_copy(stage)[:-1])
    assert theirs.get_by_role("heading", name="We do not know this link").is_visible()

    page.goto(stage.to(f"privacy/disclosures/{subject}"))
    assert page.get_by_text("Copy for the person").count() == 2
    found: list[str] = []
    pictures(stage, "Petra", {"disclosures": f"privacy/disclosures/{subject}"}, found)
    assert found == []


def test_the_list_shows_the_days_left_and_a_refusal_names_its_ground(stage: Stage) -> None:
    subject = stage.desk.customer(at=ago(days=100))
    page = stage.at_work("Petra").page
    late = f"{ago(days=60):%Y-%m-%dT%H:%M}"
    write_down(stage, page, subject, "erasure", **{"Came in": late})
    ref = write_down(stage, page, subject, "rectification")
    page.goto(stage.to("privacy"))
    rows = page.locator("tbody").first.get_by_role("row")
    expect(rows.first).to_contain_text("overdue")
    expect(rows.nth(1)).to_contain_text("days left")
    found: list[str] = []
    pages = {"privacy": "privacy", "privacy-one": f"privacy/{ref}"}
    pictures(stage, "Petra", pages, found)
    page.goto(stage.to(f"privacy/{ref}"))
    page.locator("summary", has_text="Take more time").click()
    page.get_by_role("button", name="Take more time").click()
    page.get_by_text("extended", exact=False).first.wait_for()
    assert page.locator("summary", has_text="Take more time").count() == 0, "once only"
    page.locator("summary", has_text="Refuse").click()
    page.get_by_label("Ground").select_option("accurate_and_complete")
    page.get_by_label("What the refusal rests on").fill("The passport says so.")
    page.get_by_role("button", name="Refuse", exact=True).click()
    page.get_by_text("The record is accurate and complete").first.wait_for()
    page.locator("summary", has_text="own statement").click()
    page.get_by_label("In their own words").fill("My passport is wrong.")
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text("My passport is wrong.").wait_for()
    assert found == []


def test_an_answer_that_is_posted_past_the_page_is_refused_until_the_person_is_known(stage: Stage) -> None:
    subject = stage.desk.customer(at=ago(days=10))
    page = stage.at_work("Petra").page
    ref = write_down(stage, page, subject, "access")
    page.get_by_role("button", name="Answer").evaluate("button => button.disabled = false")
    with page.expect_response(lambda answer: answer.request.method == "POST") as told:
        page.get_by_role("button", name="Answer").click()
    assert told.value.status == 422
    expect(page.locator("#error-summary")).to_contain_text("not yet known")
    agent = stage.at_work("Ben").page
    assert agent.goto(stage.to(f"privacy/{ref}")).status == 403  # type: ignore[union-attr]  # a page was asked for


def test_a_person_asks_for_their_data_by_the_link_of_a_notice(stage: Stage) -> None:
    subject, at = stage.desk.customer(at=ago(days=10)), clock.now()
    wish = flow.Wish(
        subject=subject, kind="contact_details", values={"contact.url": "https://dana.example/"},
        reason="customer_request", channel=Channel.PHONE,
    )  # fmt: skip
    asked = flow.submit([wish], actor=stage.desk.ben, at=at).one()
    link = evidence.Dispute(
        id=uuid4(), subject_id=subject, request_id=asked.request, issued_at=at, expires_at=at + timedelta(days=9)
    )
    with begin(stage.desk.ben) as tx:
        evidence.issue_dispute_link(tx, link, asked.ref)
    found: list[str] = []
    for way in ("light", "dark", "rtl"):
        seen = stage.open(locale="ar" if way == "rtl" else "en")
        dress(seen.page, way)
        seen.page.goto(f"{stage.url}/p/{stage.slug}/wasnt-me/{asked.ref}")
        seen.page.locator("a[href*=your-data]").click()
        seen.page.locator("button[value=access]").wait_for()
        found += look_at(seen, "your-data", way)
        seen.page.locator("button[value=access]").click()
        seen.page.locator(".done").wait_for()
        found += look_at(seen, "your-data-asked", way)
        stage.leave(seen)
    assert found == []
    page = stage.at_work("Petra").page
    page.goto(stage.to("privacy"))
    expect(page.get_by_text("Not verified")).to_have_count(1)  # pressed three times, asked for once
