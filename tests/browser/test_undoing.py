"""Reversals and policies in the browser: looked at in every way, and used."""

from datetime import timedelta

import pytest
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import pictures

from changedesk import flow

pytestmark = pytest.mark.browser
RULE = (
    '[[rule]]\nid = "OUR-MAIL"\ncitation = "House policy"\nscope = { categories = ["contact.email"] }\n'
    "oblige = [{ approve = { count = 2 } }]\n"
)


def test_what_a_system_did_is_undone_after_a_look(stage: Stage) -> None:
    at, subject = ago(minutes=30), stage.desk.customer(at=ago(days=400))
    change = flow.FieldChange(path="loyalty.tier", new="gold")
    flow.record_changes([flow.RecordedChange(subject=subject, changes=[change])], actor=stage.desk.crm, at=at).one()
    page = stage.at_work("Ines").page
    page.goto(stage.to("reversals"))
    page.get_by_label("Whose changes").fill(stage.desk.crm.id)
    page.get_by_label("From").fill(f"{at - timedelta(minutes=5):%Y-%m-%dT%H:%M}")
    page.get_by_label("Until").fill(f"{at + timedelta(minutes=5):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="See what it would meet").click()
    page.get_by_text("loyalty.tier").wait_for()
    page.get_by_role("button", name="Ask for the reversal").click()
    page.get_by_text("Somebody else approves the whole.").wait_for()
    found: list[str] = []
    pictures(stage, "Ines", {"reversals": "reversals"}, found)
    assert found == []


def test_a_policy_is_written_and_tried(stage: Stage) -> None:
    page = stage.at_work("Ada").page
    page.goto(stage.to("policies"))
    page.get_by_label("Own rules").fill(RULE)
    page.get_by_role("button", name="Keep the draft").click()
    page.get_by_role("heading", name="Policy 1").wait_for()
    assert page.get_by_role("button", name="Publish").count() == 0
    found: list[str] = []
    pictures(stage, "Ada", {"policies": "policies", "policy": "policies/1"}, found)
    assert found == []
