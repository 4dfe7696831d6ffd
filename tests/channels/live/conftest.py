from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pytest_django import Settings
from tests.cast import desk
from tests.channels.console.room import Room
from tests.channels.live.listening import PUBLIC, Live
from tests.postgres import Database
from tests.web import free_url, running

from changedesk.base import clock
from changedesk.channels.terminal import people
from changedesk.store import settings_read


@pytest.fixture(scope="session")
def live_url(worker_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The live process, as an ASGI server runs it, over this worker's database."""
    url, folder = free_url(), tmp_path_factory.mktemp("live")
    with running(
        "tests.channels.live.quick:application",
        url,
        folder,
        interface="asgi",
        ready="/healthz",
        CHANGEDESK_PUBLIC_URL=PUBLIC,
    ):
        yield url


@pytest.fixture
def live(database: Database, live_url: str, settings: Settings, tmp_path: Path) -> Live:
    """Two clients, the real pages to sign in at, and the live process, which remembers nothing."""
    settings_read.forget()
    ours, theirs = desk(), desk("harbour")
    signs = people.plant([ours.client], state_dir=tmp_path, at=clock.now())
    httpx.get(f"{live_url}/forget", timeout=30)
    return Live(live_url, Room(ours, theirs, {sign.name: sign for sign in signs}))
