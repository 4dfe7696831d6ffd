"""The story of the desk by hand: in a real browser, before the real server."""

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect
from tests.browser.stage import Stage, Watched, ago
from tests.cast import SECRET

from changedesk.base import clock

pytestmark = pytest.mark.browser
CODE = re.compile(r"\b\d{6}\b")
REQUEST = re.compile(r"/changes/[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]$")
expect.set_options(timeout=15_000)


def newest_code(supervisor: Page, stage: Stage, what: str) -> str:
    """The code of the newest message of a sort, read where messages arrive on a desk without a mail server."""
    supervisor.goto(stage.to("outbox"))
    body = supervisor.locator(".mail", has_text=what).first.locator(".mail-body")
    found = CODE.search(body.inner_text())
    assert found
    return found[0]


def find(page: Page, terms: str) -> None:
    page.get_by_role("link", name="Customers", exact=True).click()
    page.get_by_role("searchbox", name="Name, phone in local form").fill(terms)
    page.get_by_role("button", name="Find").click()
    page.locator("main [data-open]").first.click()


def verify_by_app(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Verify caller")).click()
    page.get_by_role("radio", name=re.compile("^Authenticator app")).check()
    page.get_by_role("button", name="Start this check").click()
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(SECRET).now())
    page.get_by_role("button", name="Check", exact=True).click()


def ask_for_new_email(page: Page, address: str) -> str:
    """Ask for another e-mail address; returns the reference."""
    page.get_by_role("link", name=re.compile("^New change")).click()
    page.get_by_role("link", name="Contact details").click()
    page.get_by_role("textbox", name="E-mail").fill(address)
    page.get_by_role("button", name=re.compile("^Submit")).click()
    page.wait_for_url(REQUEST)
    return page.url.rsplit("/", 1)[1]


def type_code(page: Page, supervisor: Page, stage: Stage, what: str) -> None:
    field = page.get_by_role("textbox", name="Code")
    expect(field).to_be_visible()  # it is sent by then
    field.fill(newest_code(supervisor, stage, what))


def prove(page: Page, supervisor: Page, stage: Stage) -> None:
    """On the page of a request: the code to the phone, the code to the new address, the consent."""
    page.get_by_role("link", name=re.compile("^Verify")).first.click()
    page.get_by_role("radio", name=re.compile("^Code by SMS")).check()
    page.get_by_role("button", name="Start this check").click()
    type_code(page, supervisor, stage, "Code for a change")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("link", name=re.compile("^Verify")).first.click()
    page.get_by_role("button", name="Send: Code by e-mail").click()
    type_code(page, supervisor, stage, "Code for a new contact point")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("link", name="Record consent").click()
    page.get_by_role("radio", name=re.compile("^Read aloud")).check()
    page.get_by_label(re.compile("^Where the proof lies")).fill("call 77-2041")
    page.get_by_role("button", name="The customer agrees").click()
    page.wait_for_url(REQUEST)


def approve(page: Page, stage: Stage, ref: str) -> None:
    page.goto(stage.to("approvals"))
    page.get_by_role("listitem").filter(has_text=ref).get_by_role("link", name="Approve").click()
    page.get_by_role("button", name=re.compile("^Record the decision")).click()
    page.wait_for_url(stage.to("approvals"))


def tell_the_story(stage: Stage, **options: Any) -> tuple[Watched, Watched, str]:
    """From a call to an applied change, by two people; returns their windows and the reference."""
    stage.desk.customer(at=ago(days=10))
    ines = stage.at_work("Ines", **options)
    ben = stage.at_work("Ben", **options)
    find(ben.page, "Nov")
    assert "dana@old.example" not in ben.page.content()
    verify_by_app(ben.page)
    expect(ben.page.get_by_text("dana@old.example").first).to_be_visible()
    ref = ask_for_new_email(ben.page, "dana@new.example")
    prove(ben.page, ines.page, stage)
    expect(ben.page.get_by_role("main").get_by_text("Awaiting approval").first).to_be_visible()
    approve(ines.page, stage, ref)
    stage.tell()
    ben.page.reload()
    expect(ben.page.get_by_role("main").get_by_text("Applied").first).to_be_visible()
    return ben, ines, ref


def test_a_change_of_address_runs_from_the_call_to_its_reversal(stage: Stage) -> None:
    ben, ines, ref = tell_the_story(stage)
    page = ines.page

    page.goto(stage.to("outbox"))
    told = [mail.inner_text() for mail in page.locator(".mail").all()]
    assert any("d***@o***.example" in mail and "wasnt-me" in mail for mail in told)
    assert any("d***@n***.example" in mail for mail in told)

    page.goto(stage.to(f"changes/{ref}"))
    history = page.get_by_role("region", name="History")
    for title in ("Request received", "Identity verified", "Consent recorded", "Request approved", "Changed: E-mail"):
        expect(history.get_by_text(title).first).to_be_visible()

    find(ben.page, "dana@new.example")
    ben.page.get_by_role("link", name="As it was on a day").click()
    ben.page.get_by_label("What we knew on").fill((clock.now() - timedelta(days=5)).strftime("%Y-%m-%dT%H:%M"))
    ben.page.get_by_role("button", name="Show").click()
    expect(ben.page.get_by_text("dana@old.example")).to_be_visible()

    page.goto(stage.to(f"changes/{ref}"))
    page.get_by_role("link", name="Revert").click()
    page.get_by_role("button", name=re.compile("^Ask for the reversal")).click()
    page.wait_for_url(REQUEST)
    assert ref not in page.url
    expect(page.get_by_role("definition").filter(has_text="Reversal of a change")).to_be_visible()
    assert [*ben.said, *ines.said] == []


def test_it_works_without_javascript(stage: Stage) -> None:
    tell_the_story(stage, java_script_enabled=False)


@pytest.mark.parametrize("scripted", [True, False])
def test_signing_in_takes_both_factors_and_signing_out_ends_it(stage: Stage, scripted: bool) -> None:  # noqa: FBT001 - both ways
    ben = stage.sign_in("Ben", java_script_enabled=scripted)
    ben.page.locator("summary", has_text="B").first.click()
    ben.page.get_by_role("button", name="Sign out").click()
    ben.page.goto(stage.to("queue"))
    assert "/accounts/login/" in ben.page.url


def test_a_double_click_makes_one_request(stage: Stage) -> None:
    stage.desk.customer(at=ago(days=10))
    ben = stage.at_work("Ben")
    page = ben.page
    find(page, "Nov")
    page.get_by_role("link", name=re.compile("^New change")).click()
    page.get_by_role("link", name="Contact details").click()
    page.get_by_role("textbox", name="E-mail").fill("dana@new.example")
    page.get_by_role("button", name=re.compile("^Submit")).dblclick()
    page.wait_for_url(REQUEST)
    page.goto(stage.to("queue"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_refusal_keeps_what_was_typed_and_leads_to_the_field(stage: Stage) -> None:
    stage.desk.customer(at=ago(days=10))
    ben = stage.at_work("Ben")
    page = ben.page
    find(page, "Nov")
    page.get_by_role("link", name=re.compile("^New change")).click()
    page.get_by_role("link", name="Contact details").click()
    page.get_by_role("textbox", name="Mobile phone").fill("12")
    page.get_by_label("Note").fill("called at noon")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    assert page.title().startswith("Error:")
    summary.get_by_role("link", name=re.compile("^Mobile phone: ")).click()
    expect(page.get_by_role("textbox", name="Mobile phone")).to_be_focused()
    expect(page.get_by_role("textbox", name="Mobile phone")).to_have_value("12")
    expect(page.get_by_label("Note")).to_have_value("called at noon")


def test_the_customer_stops_it_from_the_notice_and_the_desk_clears_it_up(stage: Stage) -> None:
    _ben, ines, ref = tell_the_story(stage)
    page = ines.page
    page.goto(stage.to("outbox"))
    link = page.get_by_role("link", name="This wasn't me").first.get_attribute("href")
    assert link

    customer = stage.open()
    for _ in range(2):  # a scanner opens the link before its owner does
        answer = customer.page.goto(link)
        assert answer is not None
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    expect(customer.page.get_by_text("stopped already")).to_have_count(0)
    assert customer.complaints() == []
    for _ in range(2):  # a second press is harmless
        customer.page.goto(link)
        customer.page.get_by_role("button", name="This wasn't me, stop it").click()
        expect(customer.page.get_by_role("heading", name="We stopped it")).to_be_visible()
    assert customer.complaints() == []

    page.goto(stage.to(f"changes/{ref}"))
    expect(page.get_by_text("this wasn't me").first).to_be_visible()
    assert ines.complaints() == []
    page.get_by_label("What came out").select_option("fraud")
    page.get_by_role("button", name="Close it and lift the freeze").click()
    expect(page.get_by_text("It was not the customer").first).to_be_visible()
