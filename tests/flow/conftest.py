"""One client with its people, and a customer."""

import pytest
from tests.cast import Desk, desk
from tests.postgres import Database

from changedesk.base.ids import SubjectId


@pytest.fixture
def d(database: Database) -> Desk:
    return desk()


@pytest.fixture
def dana(d: Desk) -> SubjectId:
    return d.customer()
