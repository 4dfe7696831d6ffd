"""The search of the history in a browser: no script needed, nothing to complain of, nothing personal in an address."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import pictures

from changedesk import flow

pytestmark = pytest.mark.browser
PAGES = {
    "audit": "audit",
    "audit-found": "audit?q=action:created",
    "audit-entry": "audit/0?verify=1",
}


def search(page: Page, text: str) -> None:
    page.locator("#id_query").fill(text)
    page.get_by_role("button", name="Find", exact=True).click()


def test_without_a_script_the_history_is_searched_narrowed_paged_and_checked(stage: Stage) -> None:
    people = [{"personal.name": "Kim Ode", "contact.email": f"c{number}@mail.example"} for number in range(55)]
    made = flow.create_customers([flow.NewCustomer(values=one) for one in people], actor=stage.desk.crm, at=ago(days=3))
    assert not made.refused
    stage.tell()
    page = stage.at_work("Otto", java_script_enabled=False).page
    page.goto(stage.to("audit"))
    search(page, "feild:email")
    expect(page.get_by_role("alert")).to_contain_text("Nearest: field.")
    expect(page.locator("#id_query")).to_have_value("feild:email")
    search(page, "action:created")
    page.wait_for_url(re.compile(r"q=action"))
    expect(page.get_by_text("55 entries")).to_be_visible()
    first = page.locator("tbody tr").first.inner_text()
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr")).to_have_count(5)
    page.get_by_role("link", name="Newer").click()
    assert page.locator("tbody tr").first.inner_text() == first
    page.get_by_role("link", name="First page").click()
    page.locator("aside summary", has_text="Channel").click()
    page.get_by_role("button", name=re.compile("^API")).click()
    expect(page.locator("#id_query")).to_have_value("action:created channel:api")
    search(page, "after:c7@mail.example")
    page.wait_for_url(re.compile(r"search="))
    assert "mail.example" not in page.url
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("main table")).not_to_contain_text("mail.example")
    page.locator("tbody tr a").first.click()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("This entry is what was logged")).to_be_visible()
    page.goto(stage.to("audit"))
    stage.tell()
    search(page, "actor:me")
    expect(page.locator("tbody tr").first).to_contain_text("Record searched")
    with page.expect_download() as fetched:
        page.get_by_role("button", name="Make the file").click()
        page.get_by_role("button", name="Fetch the file").click()
    assert fetched.value.suggested_filename.endswith(".csv")


def test_the_pages_of_the_history_have_nothing_to_complain_of(stage: Stage) -> None:
    stage.desk.customer(at=ago(days=3))
    stage.tell()
    found: list[str] = []
    pictures(stage, "Otto", PAGES, found)
    assert found == []
