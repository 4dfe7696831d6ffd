"""Reversals and policies in the browser: looked at in every way, and used."""

from datetime import timedelta

import pytest
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import pictures
from tests.browser.test_story import REQUEST

from changedesk import flow
from changedesk.base import clock
from changedesk.rules import access

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
    page.get_by_text("0 of 1 parts asked for").wait_for()
    assert flow.reverse_on(stage.desk.client, at=clock.now()) == 1
    page.reload()
    page.get_by_text("1 of 1 parts asked for").wait_for()
    found: list[str] = []
    here = page.url.removeprefix(stage.to(""))
    pictures(stage, "Ines", {"reversals": "reversals", "reversal": here}, found)
    page.get_by_role("link", name="Look at the whole").click()
    page.get_by_text("Somebody else", exact=False).or_(page.get_by_role("heading", name="reversal")).first.wait_for()
    assert page.get_by_role("button", name="Approve the batch").count() == 0
    assert found == []


def test_a_record_goes_back_to_a_version_picked_from_its_history(stage: Stage) -> None:
    subject = stage.desk.customer(at=ago(days=400))
    for days, tier in ((3, "silver"), (2, "gold"), (1, "platinum")):
        change = flow.FieldChange(path="loyalty.tier", new=tier)
        item = flow.RecordedChange(subject=subject, changes=[change])
        flow.record_changes([item], actor=stage.desk.crm, at=ago(days=days)).one()
    page = stage.at_work("Ines").page
    page.goto(stage.to(f"customers/{subject}"))
    page.locator("li.entry", has_text="silver").get_by_role("link", name="Back to here").last.click()
    page.get_by_role("heading", name="Back to version 2").wait_for()
    row = page.get_by_role("row", name="Tier")
    assert [row.get_by_text(word).count() > 0 for word in ("platinum", "silver")] == [True, True]
    found: list[str] = []
    pictures(stage, "Ines", {"restore": f"history/{subject}/restore/2"}, found)
    page.get_by_role("button", name="Ask for the restoring").click()
    page.wait_for_url(REQUEST)
    assert page.get_by_text("silver").first.is_visible()
    assert found == []


def test_an_import_is_undone_from_its_page(stage: Stage) -> None:
    subject, terminal = stage.desk.customer(at=ago(days=400)), access.terminal(stage.desk.client)
    run = flow.note_import("crm-list", bytes(32), actor=terminal, at=ago(minutes=30))
    change = flow.FieldChange(path="loyalty.tier", new="gold")
    item = flow.RecordedChange(subject=subject, changes=[change])
    flow.record_changes([item], actor=terminal, at=ago(minutes=29)).one()
    flow.finish_import(run, {"rows": 1}, actor=terminal, at=ago(minutes=28))
    page = stage.at_work("Ines").page
    page.goto(stage.to(f"imports/{run}"))
    page.get_by_role("link", name="Undo the import").click()
    page.get_by_text("loyalty.tier").wait_for()
    found: list[str] = []
    pictures(stage, "Ines", {"import-undo": f"imports/{run}/undo"}, found)
    page.get_by_role("button", name="Ask for the reversal").click()
    page.get_by_text("0 of 1 parts asked for").wait_for()
    assert found == []


def test_a_policy_is_written_and_tried(stage: Stage) -> None:
    page = stage.at_work("Ada").page
    page.goto(stage.to("policies"))
    page.get_by_label("Own rules").fill(RULE)
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("heading", name="Policy 1").wait_for()
    assert page.get_by_role("button", name="Publish").count() == 0
    found: list[str] = []
    pictures(stage, "Ada", {"policies": "policies", "policy": "policies/1"}, found)
    assert found == []
