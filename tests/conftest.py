"""Fixtures that need a database or a web server. Tests run as the application's own role, not its owner's."""

import os
import shutil
from collections.abc import Generator, Iterator

import django
import hypothesis
import pytest
from django.conf import settings
from playwright.sync_api import Browser, sync_playwright
from pytest_django.plugin import DjangoDbBlocker
from tests.postgres import Database, Run
from tests.web import LOGS, Web, begin, free_url, running, tell

RUN = Run()
RUN.set_environment()  # before Django reads its settings
django.setup()
settings.PASSWORD_HASHERS = ["tests.hashing.Quick"]
# A test worker inherits our environment, and with this would read its settings before it has set its own database.
del os.environ["DJANGO_SETTINGS_MODULE"]
# What is right does not hang on how busy the machine is, nor on whether lines are counted.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def pytest_unconfigure() -> None:
    RUN.forget()


CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def server() -> str:
    """The administrator's connection string of the one PostgreSQL of this test run (18, or 15)."""
    return RUN.admin()


@pytest.fixture(scope="session")
def worker_database(server: str) -> Iterator[Database]:
    """This worker's own database, migrated."""
    database = Database(RUN)
    yield database
    database.close()


@pytest.fixture(scope="session")
def django_db_setup(worker_database: Database) -> None:
    """Django makes no database of its own: it uses the worker's, as the application's role."""


@pytest.fixture
def database(worker_database: Database, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """A clean database, open to Django and to the store. What a test commits is gone before the next one."""
    worker_database.clean()
    with django_db_blocker.unblock():
        yield worker_database


@pytest.fixture(scope="session")
def serve(worker_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The real web server over this worker's database; with ``database`` and ``fresh`` it starts clean."""
    url, folder = free_url(), tmp_path_factory.mktemp("web")
    with running("tests.forgetful:application", url, folder):
        yield Web(url, LOGS[-1])


def pytest_runtest_setup() -> None:
    begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        tell(report)
    return report


LONGEST_FIRST = ("browser", "faults", "stories", "channels", "config", "flow", "outbound", "store", "reading")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that workers end together (with --no-loadscope-reorder)."""
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.nodeid.removeprefix("tests/").partition("/")[0], len(place)))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all pages of this worker: Playwright allows a process no second one."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("There is no Chromium on this machine")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()
