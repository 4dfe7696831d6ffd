"""The API by both its ways: through Django, and past it."""

from collections.abc import Iterator

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from pytest_django.fixtures import Settings
from tests.cast import Desk
from tests.channels.api.desk import ALL, Caller, fresh, token
from tests.postgres import Database

from changedesk.channels.api.fast import in_front_of
from changedesk.channels.api.limits import LIMITS


@pytest.fixture(params=["long", "short"])
def http(request: pytest.FixtureRequest, database: Database, settings: Settings) -> Iterator[httpx.Client]:
    settings.ROOT_URLCONF = "tests.channels.api.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    LIMITS.forget()
    application = get_wsgi_application()
    transport = httpx.WSGITransport(app=in_front_of(application) if request.param == "short" else application)
    with httpx.Client(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture
def home(http: httpx.Client) -> Desk:
    return fresh()


@pytest.fixture
def crm(http: httpx.Client, home: Desk) -> Caller:
    """A system that may do everything a key may."""
    return Caller(http, token(home, *ALL))
