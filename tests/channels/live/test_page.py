"""What the queue makes of it, in a real browser: tests/browser has the stage, this has the live process beside it."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.stage import Stage, ago
from tests.cast import desk
from tests.channels.console.room import Room
from tests.postgres import Database
from tests.web import free_url, running

from changedesk import outbound
from changedesk.channels.terminal import people
from changedesk.store import settings_read

pytestmark = pytest.mark.browser
WAIT = 20_000


class Programs:
    """The web process and the live process, as ``changedesk up`` runs them: on two ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url, self.live_url = free_url(), free_url()
        self.open = ExitStack()
        self.open.enter_context(
            running("changedesk.config.wsgi:application", self.url, folder, CHANGEDESK_LIVE_URL=self.live_url)
        )
        self.live = self.start_live()

    def start_live(self) -> subprocess.Popen[bytes]:
        return self.open.enter_context(
            running(
                "tests.channels.live.quick:application",
                self.live_url,
                self.folder,
                interface="asgi",
                ready="/healthz",
                CHANGEDESK_PUBLIC_URL=self.url,
                CHANGEDESK_LIVE_URL=self.live_url,
            )
        )

    def stop_live(self) -> None:
        self.live.terminate()
        self.live.wait(15)


@pytest.fixture
def programs(database: Database, tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    yield made
    made.open.close()


def test_news_waits_behind_a_button_is_shared_by_tabs_and_outlives_a_break(
    programs: Programs,
    chromium: Browser,
    tmp_path: Path,
) -> None:
    settings_read.forget()
    ours = desk()
    signs = {sign.name: sign for sign in people.plant([ours.client], state_dir=tmp_path, at=ago(days=20))}
    room = Room(ours, desk("harbour"), signs)
    stage = Stage(url=programs.url, desk=ours, slug="aurora", signs=signs, browser=chromium)
    streams: list[str] = []
    seen = stage.at_work("Sofia")
    try:
        first, second = seen.page, seen.page.context.new_page()
        second.on("request", lambda one: streams.append(one.url) if "/events?" in one.url else None)
        expect(first.locator("[data-live-state=on]")).to_be_attached(timeout=WAIT)
        second.goto(stage.to("queue"))
        expect(second.locator("[data-live-state=on]")).to_be_attached(timeout=WAIT)
        assert streams == []  # the second tab opened none of its own

        asked = [room.asked() for _ in range(3)]
        outbound.sequence(ours.client)
        for page in (first, second):
            expect(page.get_by_role("button", name="3 new")).to_be_visible(timeout=WAIT)
            expect(page.locator("[data-row]")).to_have_count(0)

        programs.stop_live()
        for page in (first, second):
            expect(page.get_by_text("Reconnecting…")).to_be_visible(timeout=WAIT)
        room.asked()
        outbound.sequence(ours.client)
        programs.start_live()
        for page in (first, second):
            expect(page.get_by_role("button", name="4 new")).to_be_visible(timeout=2 * WAIT)
            expect(page.get_by_text("Reconnecting…")).to_have_count(0)

        second.get_by_role("button", name="Pause updates").click()
        first.close()  # the one that listened: the other takes over
        room.asked()
        outbound.sequence(ours.client)
        expect(second.get_by_role("button", name="4 new")).to_be_visible()
        second.get_by_role("button", name="Resume updates").click()
        expect(second.get_by_role("button", name="5 new")).to_be_visible(timeout=2 * WAIT)
        second.get_by_role("button", name="5 new").click()
        expect(second.locator("[data-row]")).to_have_count(5)
        expect(second.get_by_text(asked[0].ref)).to_be_visible()
    finally:
        stage.close()
