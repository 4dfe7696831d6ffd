"""The agent's job by keys alone, and the desk on a telephone."""

from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect
from tests.browser.stage import Stage, ago
from tests.browser.test_story import REQUEST
from tests.cast import SECRET

from changedesk import flow
from changedesk.base.actor import Channel

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def focused(page: Page, css: str) -> None:
    """Wait until the focus is on what the selector names."""
    expect(page.locator(f"{css}:focus")).to_have_count(1)


def test_a_caller_is_found_verified_and_asked_for_without_tabbing_through_the_page(stage: Stage) -> None:
    stage.desk.customer(at=ago(days=10))
    page, keys = stage.at_work("Ben").page, []

    def press(*names: str) -> None:
        for name in names:
            keys.append(name)
            page.keyboard.press(name)

    press("/")
    page.keyboard.type("Nov")
    press("Enter")
    focused(page, "main a[data-open]")
    press("Enter")
    expect(page.get_by_text("Not verified").first).to_be_visible()
    press("v")
    focused(page, "input[name=method]")
    for _ in range(page.locator("input[name=method]:enabled").count()):
        if "totp" in page.locator("input[name=method]:checked").input_value():
            break
        press("ArrowDown")
    press("Enter")
    focused(page, "input[name=code]")
    page.keyboard.type(pyotp.TOTP(SECRET).now())
    press("Enter")
    expect(page.get_by_text("Matched.").first).to_be_visible()
    press("n")
    focused(page, "nav.kinds a")
    press("j")
    focused(page, "nav.kinds a[href$='kind=contact_details']")
    press("Enter")
    focused(page, "input[name='contact.email']")
    page.keyboard.type("dana@new.example")
    press("Control+Enter")
    page.wait_for_url(REQUEST)
    assert len(keys) <= 12, keys


def test_on_a_telephone_every_place_is_behind_one_button_and_no_table_is_cut_off(stage: Stage) -> None:
    someone, at = stage.desk.customer(at=ago(days=10)), ago(minutes=30)
    wish = flow.Wish(
        subject=someone,
        kind="contact_details",
        values={"contact.phone_home": "+1 202 555 0177"},
        reason="customer_request",
        channel=Channel.PHONE,
    )
    flow.submit([wish], actor=stage.desk.sofia, at=at + timedelta(minutes=1)).one()
    page = stage.at_work("Ines", **PHONE).page
    places = page.get_by_role("navigation", name="Main")
    expect(places).to_be_hidden()
    wide = page.locator(".table-wrap").evaluate("it => it.scrollWidth - it.clientWidth")
    assert wide <= 0
    due = page.locator("td[data-column=Due]")
    assert "Due" in due.evaluate("it => getComputedStyle(it, '::before').content")
    menu = page.get_by_role("button", name="Menu")
    for target in (menu, page.get_by_role("link", name="Find a customer")):
        box = target.bounding_box()
        assert box
        assert box["height"] >= 44
    menu.click()
    expect(places).to_be_visible()
    page.keyboard.press("Escape")
    expect(places).to_be_hidden()
    menu.click()
    places.get_by_role("link", name="Break the glass").click()
    expect(page.get_by_role("heading", name="Break the glass")).to_be_visible()


def test_without_scripts_the_places_of_a_telephone_open_all_the_same(stage: Stage) -> None:
    page = stage.at_work("Ben", **PHONE, java_script_enabled=False).page
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Trends").click()
    expect(page.get_by_role("heading", name="Trends")).to_be_visible()
