"""The story of the desk by hand: in a real browser, before the real server."""

import pytest
from tests.browser.stage import OUT, Stage, ago

pytestmark = pytest.mark.browser


def test_slice(stage: Stage) -> None:
    OUT.mkdir(exist_ok=True)
    stage.desk.customer(at=ago(days=10))
    ben = stage.sign_in("Ben")
    page = ben.page
    page.screenshot(path=OUT / "queue.png", full_page=True)
    assert ben.complaints() == []
    page.get_by_role("link", name="Customers", exact=True).click()
    page.get_by_role("searchbox", name="Name, phone in local form").fill("Nov")
    page.get_by_role("button", name="Find").click()
    page.screenshot(path=OUT / "search.png", full_page=True)
    assert ben.complaints() == []
    page.get_by_role("main").get_by_role("row").nth(1).get_by_role("link").click()
    page.screenshot(path=OUT / "customer.png", full_page=True)
    assert ben.complaints() == []
    page.get_by_role("link", name="New change").click()
    page.get_by_role("link", name="Contact details").click()
    page.screenshot(path=OUT / "new.png", full_page=True)
    assert ben.complaints() == []
    page.get_by_label("E-mail", exact=False).first.fill("dana@new.example")
    page.get_by_role("button", name="Check first").click()
    page.screenshot(path=OUT / "preview.png", full_page=True)
    assert ben.complaints() == []
