"""What the queue makes of it, in a real browser: tests/browser has the stage, this has the live process beside it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.stage import Stage, ago
from tests.cast import desk
from tests.channels.console.room import Room
from tests.conftest import free_port, wait_until_ready
from tests.postgres import ROOT, Database

from changedesk import outbound
from changedesk.channels.terminal import people
from changedesk.config.embedded import dying_with_me
from changedesk.store import settings_read

pytestmark = pytest.mark.browser
WAIT = 20_000


class Programs:
    """The web process and the live process, as ``changedesk up`` runs them: on two ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url, self.live_url = (f"http://localhost:{free_port()}" for _ in range(2))
        self.open = ExitStack()
        self.start("wsgi", self.url, "changedesk.config.wsgi:application", "/readyz")
        self.live = self.start("asgi", self.live_url, "tests.channels.live.quick:application", "/healthz")

    def start(self, interface: str, url: str, application: str, path: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{interface}.log"
        options = ["--interface", interface, "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"]
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "granian", *options, "--workers-kill-timeout", "2s", application],
                env={
                    **os.environ,
                    "CHANGEDESK_PUBLIC_URL": self.url,
                    "CHANGEDESK_LIVE_URL": self.live_url,
                    "DJANGO_SETTINGS_MODULE": "changedesk.config.settings",
                    "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
                },
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                preexec_fn=dying_with_me(signal.SIGTERM),  # noqa: PLW1509 - between tests, one thread
            )
        self.open.callback(self.stop, process)
        wait_until_ready(url + path, process, log)
        return process

    @staticmethod
    def stop(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        process.wait(15)


@pytest.fixture
def programs(database: Database, tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    yield made
    made.open.close()


def test_news_waits_behind_a_button_is_shared_by_tabs_and_outlives_a_break(
    programs: Programs,
    chromium: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright keeps a loop in this thread
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

        Programs.stop(programs.live)
        for page in (first, second):
            expect(page.get_by_text("Reconnecting…")).to_be_visible(timeout=WAIT)
        room.asked()
        outbound.sequence(ours.client)
        programs.start("asgi", programs.live_url, "tests.channels.live.quick:application", "/healthz")
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
