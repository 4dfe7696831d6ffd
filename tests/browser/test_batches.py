"""A batch in the browser: looked at in every way, and approved as one."""

import pytest
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import pictures

from changedesk import flow
from changedesk.kinds import Edit

pytestmark = pytest.mark.browser


def entered(stage: Stage) -> str:
    """A batch of a loyalty number for one customer, and a line for nobody; its id."""
    desk, at = stage.desk, ago(minutes=30)
    batch = flow.start_batch("loyalty-numbers", bytes(32), actor=desk.ben, at=at).id
    values = {"loyalty.number": (Edit("replace", ("L-100",)),)}
    asked = flow.Asked(number=2, subject=desk.customer(at=ago(days=400)), kind="loyalty", values=values)
    terms = flow.Terms(reason="correction_of_error", initiated_by="business")
    flow.enter_rows(batch, [asked, flow.Asked(number=3)], terms, actor=desk.ben, at=at)
    flow.finish_batch(batch, actor=desk.ben, at=at)
    return str(batch)


def test_a_batch_is_looked_at_and_approved_as_one(stage: Stage) -> None:
    found: list[str] = []
    batch = entered(stage)
    pictures(stage, "Ines", {"batches": "batches", "batch": f"batches/{batch}"}, found)
    page = stage.at_work("Ines").page
    page.goto(stage.to("batches"))
    page.get_by_role("link", name="loyalty-numbers").click()
    assert page.get_by_text("L-100").is_visible()
    page.get_by_role("button", name="Approve the batch").click()
    page.get_by_text("Left behind: 0").wait_for()
    assert page.get_by_role("button", name="Approve the batch").count() == 0
    assert found == []
