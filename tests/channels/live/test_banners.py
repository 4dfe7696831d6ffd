"""An open page says at once that the glass was broken or the log is damaged, to who may know and to nobody else."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.fixtures import Settings
from tests.browser.stage import Stage, ago
from tests.cast import desk
from tests.channels.console.test_integrity import HURT
from tests.channels.live.test_page import WAIT, Programs, programs  # noqa: F401 - a fixture
from tests.channels.terminal.test_audit import forge
from tests.outbound.logs import customers, forget
from tests.postgres import Database

from changedesk import flow, outbound
from changedesk.base import clock
from changedesk.channels.clock.audits import audited
from changedesk.channels.terminal import people
from changedesk.outbound import publish
from changedesk.store import settings_read

pytestmark = pytest.mark.browser


def test_open_pages_say_that_the_glass_was_broken_and_that_the_log_is_damaged(
    programs: Programs,  # noqa: F811 - the fixture above
    database: Database,
    chromium: Browser,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright keeps a loop in this thread
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    settings_read.forget()
    forget()
    ours = desk()
    signs = {sign.name: sign for sign in people.plant([ours.client], state_dir=tmp_path, at=ago(days=20))}
    customers(ours, 3)
    publish.publish(ours.client, at=clock.now() - timedelta(minutes=5), paced=False)
    stage = Stage(url=programs.url, desk=ours, slug="aurora", signs=signs, browser=chromium)
    try:
        petra, otto, ben = (stage.at_work(name).page for name in ("Petra", "Otto", "Ben"))
        for page in (petra, otto, ben):
            expect(page.locator("[data-live-state=on]")).to_be_attached(timeout=WAIT)
        flow.break_glass(level=2, minutes=5, reason="emergency", reference="INC-1", actor=ours.ines, at=clock.now())
        outbound.sequence(ours.client)
        petra.locator("[data-glass] a").click(timeout=WAIT)
        expect(petra).to_have_url(stage.to("break-glass"))
        forge(database, HURT)
        assert audited(ours.client, at=clock.now()) is not None
        otto.locator("[data-alarm] a").click(timeout=WAIT)
        expect(otto).to_have_url(stage.to("audit/integrity"))
        expect(ben.locator("[data-glass], [data-alarm]")).to_have_count(0)
    finally:
        stage.close()
        forget()
