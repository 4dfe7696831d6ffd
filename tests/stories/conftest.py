"""One client before one real server, for all stories of a module."""

from collections.abc import Iterator

import httpx
import pytest
from pytest_django.plugin import DjangoDbBlocker
from tests.cast import desk
from tests.postgres import Database
from tests.stories.walks import Floor
from tests.web import Web

from changedesk.store import settings_read


@pytest.fixture(scope="module")
def floor(worker_database: Database, django_db_blocker: DjangoDbBlocker, serve: Web) -> Iterator[Floor]:
    """A floor that its stories share: each takes in customers of its own."""
    worker_database.clean()
    settings_read.forget()
    with (
        django_db_blocker.unblock(),
        httpx.Client(base_url=serve.fresh(), timeout=30) as http,
    ):
        yield Floor(http, desk())
