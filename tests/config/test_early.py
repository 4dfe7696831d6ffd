"""The first page of a process is as quick as the others: what it needs was read before."""

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.template import engines
from tests.postgres import Database

from changedesk.config import early


@pytest.fixture
def thawed() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("thawed")
def test_pages_are_read_before_their_first_visitor(database: Database) -> None:
    del database
    django: Any = engines["django"]
    loader = django.engine.template_loaders[0]
    loader.reset()
    early.begin()
    for one in threading.enumerate():
        if one.name == "early":
            one.join()
    read = set(loader.get_template_cache)
    assert {"console/queue.html", "console/base.html"} <= read
    assert gc.get_freeze_count() > 0
