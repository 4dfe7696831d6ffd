"""Forgetting a customer in the browser: weighed, asked for, proved, approved by another, done, certified, told."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import pictures
from tests.browser.test_story import REQUEST
from tests.flow.walk import code_to

from changedesk import flow
from changedesk.base import clock
from changedesk.outbound.notices import send
from changedesk.outbound.notices.outbox import Outbox

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def test_a_customer_is_forgotten_and_the_certificate_says_what_stays_and_why(stage: Stage) -> None:
    desk = stage.desk
    dana = desk.customer(at=ago(days=400), contact__email="dana@old.example")
    ben = stage.at_work("Ben").page
    ben.goto(stage.to(f"customers/{dana}/changes/new"))
    ben.get_by_role("link", name="Erasure", exact=True).click()
    ben.get_by_role("heading", name="Erase what we know").wait_for()
    goes = ben.get_by_role("region", name="What goes").or_(ben.locator("section[aria-labelledby=goes-title]")).first
    assert "E-mail" in goes.inner_text()
    found: list[str] = []
    pictures(stage, "Ben", {"erase": f"customers/{dana}/erase"}, found)
    ben.get_by_role("button", name="Ask for the erasure").click()
    ben.wait_for_url(REQUEST)
    ref = ben.url.rsplit("/", 1)[1]
    assert ben.get_by_role("button", name="Apply now").count() == 0
    at = clock.now()
    sent = flow.challenge(
        dana, purpose="change", method="code_sms", path="contact.phone_mobile", ref=ref, actor=desk.ben, at=at
    )
    assert flow.confirm(sent.id, code_to(desk), actor=desk.ben, at=clock.now()).matched
    ines = stage.at_work("Ines").page
    ines.goto(stage.to(f"changes/{ref}/decide"))
    ines.get_by_role("button", name="Record the decision").click()
    ines.wait_for_url(stage.to("approvals"))
    due = clock.now() + timedelta(days=8)
    assert flow.apply_due(desk.client, at=due) == 1
    stage.tell()
    send.send(desk.client, {"email": Outbox(), "sms": Outbox()}, clock=lambda: due)
    assert flow.forget_on(desk.client, at=due + timedelta(days=1)) == 1
    ines.goto(stage.to(f"customers/{dana}"))
    ines.get_by_text("This customer was erased").wait_for()
    assert "dana@old.example" not in ines.content()
    ines.goto(stage.to("erasures"))
    ines.locator("tbody a.row-link").first.click()
    ines.get_by_role("heading", name="Certificate of erasure").wait_for()
    text = ines.get_by_role("main").inner_text()
    assert ref in text
    assert "E-mail" in text
    ines.goto(stage.to(f"changes/{ref}"))
    notices = ines.locator("section[aria-labelledby=notices-title] tbody tr")
    assert notices.count() >= 1
    assert found == []
