"""The auditor's pages in the browser: the log whole, red when somebody altered a row, and evidence for outsiders."""

import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from tests.browser.stage import Stage
from tests.browser.test_pages import pictures
from tests.channels.console.test_integrity import HURT
from tests.channels.terminal.test_audit import forge
from tests.outbound.logs import customers, forget
from tests.postgres import Database

from changedesk.base import clock
from changedesk.channels.clock.audits import audited
from changedesk.outbound import publish

pytestmark = pytest.mark.browser


def test_an_auditor_verifies_a_range_sees_a_forged_row_and_takes_evidence_out(
    stage: Stage, database: Database, settings: Settings
) -> None:
    # The server of the stage looks for published files there too; another test may have left a log of the same number.
    shutil.rmtree(Path(settings.CHANGEDESK_STATE_DIR) / "tlog", ignore_errors=True)
    forget()
    at, client = clock.now(), stage.desk.client
    dana, *_ = customers(stage.desk, 3)
    publish.publish(client, at=at - timedelta(minutes=5), paced=False)
    assert audited(client, at=at) is not None
    page = stage.at_work("Otto").page
    page.get_by_role("link", name="Integrity").click()
    page.get_by_text("The last audit came to entry").wait_for()
    page.get_by_role("button", name="Verify this range").click()
    page.get_by_text("Nothing is wrong from entry 0").wait_for()
    forge(database, HURT)
    assert audited(client, at=at + timedelta(days=1)) is not None
    page.goto(stage.to("queue"))
    page.get_by_role("link", name="The log is damaged").click()
    page.get_by_role("alert").get_by_text("First bad entry: 1.").wait_for()
    page.get_by_role("button", name="Verify this range").click()
    page.get_by_text("1 thing is wrong.").wait_for()
    page.goto(stage.to(f"customers/{dana}"))
    page.get_by_role("region", name="History").get_by_role("link", name="Evidence").first.click()
    page.get_by_label("For what").select_option("audit")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Make it and download it").click()
    with zipfile.ZipFile(taken.value.path()) as archive:
        assert {"evidence.pdf", "verify.py", "manifest"} <= set(archive.namelist())
    page.reload()
    page.get_by_role("row", name="Otto").get_by_role("button", name="The same again").wait_for()
    found: list[str] = []
    pictures(stage, "Otto", {"integrity": "audit/integrity", "evidence": "audit/evidence"}, found)
    forget()
    assert found == []
