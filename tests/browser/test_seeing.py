"""Revealing, looking at who looked, and broken glass in the browser: used, and looked at in every way."""

import pytest
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import pictures
from tests.channels.console.test_seeing import privacy

pytestmark = pytest.mark.browser


def test_a_value_is_revealed_and_hides_itself(stage: Stage) -> None:
    dana = stage.desk.customer(at=ago(days=400))
    page = stage.at_work("Ben").page
    page.goto(stage.to(f"customers/{dana}"))
    page.get_by_role("link", name="Reveal E-mail", exact=True).click()
    page.get_by_label("Reason").select_option("customer_asks")
    page.get_by_role("button", name="Reveal").click()
    page.get_by_role("link", name="reference of a call").wait_for()
    page.get_by_label("Reference").fill("call-4711")
    page.get_by_role("button", name="Reveal").click()
    page.get_by_text("dana@old.example").wait_for()
    shown = page.url.removeprefix(stage.to(""))
    found: list[str] = []
    form = f"customers/{dana}/reveal?field=contact.email"
    pictures(stage, "Ben", {"reveal": form, "revealed": shown}, found)
    assert found == []


def test_the_glass_is_broken_and_somebody_else_reviews_it(stage: Stage) -> None:
    dana = stage.desk.customer(at=ago(days=400))
    privacy(stage.desk, stage.signs["Sofia"].email)
    page = stage.at_work("Ines").page
    page.get_by_role("link", name="Break the glass").click()
    page.get_by_label("Reference").fill("INC-4711")
    page.get_by_role("button", name="Break the glass").click()
    page.get_by_text("You see values in clear").wait_for()
    page.goto(stage.to(f"customers/{dana}"))
    page.get_by_text("dana@old.example").first.wait_for()
    other = stage.at_work("Sofia").page
    other.get_by_role("link", name="Who looked").click()
    other.get_by_role("link", name="wider sight waits").click()
    other.get_by_role("button", name="Justified", exact=True).click()
    other.get_by_text("Your verdict is on record.").wait_for()
    found: list[str] = []
    looked = f"audit/access?subject={dana}"
    pictures(stage, "Sofia", {"access": "audit/access", "access-one": looked, "break-glass": "break-glass"}, found)
    assert found == []
