"""A change asked for on the pages of the desk, carried to its end, and looked for on the pages again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect
from tests.browser.stage import Stage, Watched
from tests.stories.walks import Floor

REQUEST = re.compile(r"/changes/[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]$")


@dataclass(frozen=True, kw_only=True)
class Form:
    """What an agent types for a change, and what the pages say of it afterwards."""

    row: str
    kind: str
    typed: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    removed: Sequence[str] = ()
    account: bool = False
    stood: Mapping[str, Any] = field(default_factory=dict)
    arrives: Mapping[str, str] = field(default_factory=dict)
    title: str
    """How the history calls it."""


def fill(page: Page, form: Form) -> None:
    """Type into the fields by their names, as their labels lead to them."""
    for name, value in form.typed.items():
        if isinstance(value, str):
            box = page.locator(f'[name="{name}"]').first
            parts = page.locator("details.parts", has=box)
            if parts.count():
                parts.evaluate("it => { it.open = true }")
            if box.evaluate("it => it.tagName") == "SELECT":
                box.select_option(value)
            else:
                box.fill(value)
        else:
            for one in value:
                page.locator(f'[name="{name}"][value="{one}"]').check()
    for name in form.removed:
        page.locator(f'[name="remove.{name}"]').check()


def ask(page: Page, stage: Stage, form: Form, subject: str) -> str:
    """Open the form from the record, fill it in, submit it; returns the reference."""
    where = "accounts" if form.account else "customers"
    page.goto(stage.to(f"{where}/{subject}/changes/new"))
    page.locator(f'nav.kinds a[href$="kind={form.kind}"]').click()
    fill(page, form)
    return submit(page)


def submit(page: Page) -> str:
    page.locator('button[value="submit"]').click()
    page.wait_for_url(REQUEST)
    return page.url.rsplit("/", 1)[1]


def let_go_ahead(page: Page, stage: Stage, ref: str) -> None:
    """A supervisor reads it and approves."""
    page.goto(stage.to(f"changes/{ref}/decide"))
    page.get_by_role("button", name=re.compile("^Record the decision")).click()
    page.wait_for_url(stage.to("approvals"))


def looked_for(page: Page, stage: Stage, floor: Floor, ref: str, form: Form) -> None:
    """On the page of the request: applied, in the history with old and new, told to the customer."""
    page.goto(stage.to(f"changes/{ref}"))
    expect(page.get_by_role("main").get_by_text("Applied").first).to_be_visible()
    expect(page.get_by_role("region", name="History").get_by_text(form.title, exact=True).first).to_be_visible()
    strip = floor.panel(ref)["strip"]
    notices = page.locator("section[aria-labelledby=notices-title] tbody")
    expect(notices.get_by_text("Completed").first).to_be_visible()
    if any(one["security"] and one["event"] == "applied" for one in strip["notices"]):
        expect(notices.get_by_text("Security notice: change applied").first).to_be_visible()
    history = page.get_by_role("region", name="History").inner_text()
    assert ("Identity verified" in history) is (strip["level_needed"] > 0)
    assert ("Consent recorded" in history) is bool(strip["consent_needed"])
    rows = page.get_by_role("region", name="History").locator("tbody tr")
    expect(rows.first).to_be_visible()
    assert ("empty" not in rows.first.locator("td").first.inner_text()) is bool(form.stood)
    assert history.count("Request approved") >= min(strip["approvals_needed"], 1)


def carry(house: tuple[Stage, Floor], ines: Watched, ref: str, arrives: Mapping[str, str]) -> None:
    """The customer proves and agrees; Ines approves on her pages; the clock applies what waits for its hour."""
    stage, floor = house
    if floor.prepare(ref, arrives)["needs"] == "approval":
        let_go_ahead(ines.page, stage, ref)
    floor.carry(ref)
    floor.tell()


def complaints(seen: Watched) -> list[str]:
    """What the browser said, but for a preview that a submission overtook."""
    return [line for line in seen.said if not line.startswith("console: htmx:")]
