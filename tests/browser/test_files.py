"""A file in the browser: looked at, started with, followed to its end, with scripts and without."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.stage import Stage
from tests.browser.test_pages import look
from tests.channels.console.test_files import CUSTOMERS, NUMBERS, PEOPLE, REQUESTS

from changedesk.base import clock
from changedesk.channels.bulk import handed

pytestmark = pytest.mark.browser
WAIT = 20_000


def choose(page: Page, folder: Path, what: str, files: dict[str, bytes]) -> None:
    page.get_by_label("How the file is read").select_option(f"{what}/")
    for label, (name, content) in zip(("Your own map", "File"), files.items(), strict=True):
        (folder / name).write_bytes(content)
        page.get_by_label(label, exact=label == "File").set_input_files(folder / name)


def test_a_file_is_looked_at_and_started_with_and_read_to_its_end(stage: Stage, tmp_path: Path) -> None:
    shop = {"shop.toml": CUSTOMERS, "people.csv": PEOPLE}
    seen = stage.at_work("Ines")
    page = seen.page
    page.get_by_role("link", name="Take in a file").click()
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("alert")).to_contain_text("No file was chosen")
    choose(page, tmp_path, "customers", shop)
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("heading", name="What it would do")).to_be_focused(timeout=WAIT)
    complaints = look(seen, "files-looked", "light")
    page.get_by_role("button", name="Start").click()  # the form still holds the file
    expect(page.get_by_text("Started. It goes on by itself")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Waiting").first).to_be_visible(timeout=WAIT)
    complaints += look(seen, "files-waiting", "light")
    assert handed.take_on(stage.desk.client, at=clock.now()) == 1
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=WAIT)
    assert complaints + look(seen, "files-taken-in", "light") == []


def test_without_scripts_the_file_is_chosen_once_more(stage: Stage, tmp_path: Path) -> None:
    page = stage.at_work("Petra", java_script_enabled=False).page
    loyalty = {"loyalty numbers.toml": REQUESTS, "numbers.csv": NUMBERS}
    page.goto(stage.to("files"))
    choose(page, tmp_path, "requests", loyalty)
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_text("choose it once more above")).to_be_visible(timeout=WAIT)
    assert page.get_by_label("How the file is read").input_value() == "requests/"
    choose(page, tmp_path, "requests", loyalty)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="loyalty-numbers")).to_be_visible(timeout=WAIT)
