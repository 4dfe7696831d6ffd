"""A desk with one client, and the receivers that notices are sent to: a real mail server and a real gateway."""

import django

django.setup()

from collections.abc import Iterator  # noqa: E402 - Django loads the tables first

import pytest  # noqa: E402
from tests.outbound.desk import Desk  # noqa: E402
from tests.outbound.receivers import GatewayServer, MailServer  # noqa: E402
from tests.postgres import Database  # noqa: E402


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk.open()


@pytest.fixture
def gateway() -> Iterator[GatewayServer]:
    with GatewayServer() as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server
