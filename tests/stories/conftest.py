"""One client before one real server, for all stories of a module."""

from collections.abc import Iterator

import httpx
import pytest
from pytest_django.plugin import DjangoDbBlocker
from tests.cast import desk
from tests.postgres import Database
from tests.stories.walks import Floor
from tests.web import web

from changedesk.store import settings_read


@pytest.fixture(scope="module")
def floor(
    worker_database: Database, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Floor]:
    """A floor that its stories share: each takes in customers of its own."""
    worker_database.clean()
    settings_read.forget()
    with (
        django_db_blocker.unblock(),
        web(tmp_path_factory.mktemp("web")) as url,
        httpx.Client(base_url=url, timeout=30) as http,
    ):
        yield Floor(http, desk())
