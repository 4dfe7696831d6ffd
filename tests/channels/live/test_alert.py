"""A damaged log is heard by open pages of whoever may know, and says nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from tests.channels.console.test_integrity import HURT
from tests.channels.live.listening import Live
from tests.channels.terminal.test_audit import forge
from tests.outbound.logs import customers, forget
from tests.postgres import Database

from changedesk import outbound
from changedesk.base import clock
from changedesk.channels.clock.audits import audited
from changedesk.outbound import publish
from changedesk.reading import live as reading


@pytest.fixture
def damaged(live: Live, database: Database, settings: Settings, tmp_path: Path) -> Iterator[Live]:
    """A published log, of which a row was altered behind the product's back."""
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    customers(live.room.desk, 3)
    publish.publish(live.room.desk.client, at=clock.now() - timedelta(minutes=5), paced=False)
    forge(database, HURT)
    yield live
    forget()


def test_open_pages_of_who_may_know_hear_that_the_log_is_damaged(damaged: Live) -> None:
    client = damaged.room.desk.client
    with damaged.listen("Otto") as otto, damaged.listen("Ben") as ben:
        assert audited(client, at=clock.now()) is not None
        heard = otto.next()
        assert (heard.name, heard.data, heard.id) == ("alert", {}, None)
        damaged.room.asked()
        outbound.sequence(client)
        last = reading.size(client) - 1
        assert ben.until(last)
        assert "alert" not in {one.name for one in ben.heard}
        assert otto.until(last) == ben.until(last)  # its place in the log is as it was
        assert [one.name for one in otto.heard].count("alert") == 1
