from collections.abc import Generator, Iterator
from pathlib import Path

import django
import httpx
import pytest
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

django.setup()

from playwright.sync_api import Browser  # noqa: E402 - tables load with Django's set-up
from tests.browser.stage import OUT, Stage, ago  # noqa: E402
from tests.cast import desk  # noqa: E402
from tests.postgres import Database  # noqa: E402
from tests.stories.walks import Floor  # noqa: E402
from tests.web import Web  # noqa: E402

from changedesk.channels.terminal import people  # noqa: E402
from changedesk.store import settings_read  # noqa: E402


@pytest.fixture
def stage(database: Database, serve: Web, chromium: Browser, tmp_path: Path, settings: Settings) -> Iterator[Stage]:
    """A client with staff, one customer of ten days ago, and a server."""
    settings_read.forget()
    made = desk()
    signs = people.plant([made.client], state_dir=tmp_path, at=ago(days=20))
    url = serve.fresh()
    settings.CHANGEDESK_PUBLIC_URL = url  # links in notices lead to this server
    found = Stage(url=url, desk=made, slug="aurora", signs={sign.name: sign for sign in signs}, browser=chromium)
    yield found
    found.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave a picture of every window of a test that failed."""
    report = yield
    given = getattr(item, "funcargs", {})
    stage = given.get("stage") or given.get("house", (None,))[0]
    if report.failed and report.when == "call" and stage is not None:
        for number, context in enumerate(stage.contexts):
            for page in context.pages:
                page.screenshot(path=OUT / f"failed-{item.name}-{number}.png", full_page=True)
    return report


@pytest.fixture(scope="module")
def house(
    worker_database: Database,
    django_db_blocker: DjangoDbBlocker,
    serve: Web,
    chromium: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Stage, Floor]]:
    """One client before one server for all stories of a module, by its pages and by its interface."""
    worker_database.clean()
    settings_read.forget()
    folder = tmp_path_factory.mktemp("house")
    with django_db_blocker.unblock():
        made = desk()
        signs = people.plant([made.client], state_dir=folder, at=ago(days=20))
        with httpx.Client(base_url=serve.fresh(), timeout=30) as http:
            found = Stage(
                url=serve.url, desk=made, slug="aurora", signs={one.name: one for one in signs}, browser=chromium
            )
            yield found, Floor(http, made)
            found.close()
