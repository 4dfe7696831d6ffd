"""The page of the log's integrity: red with the first bad entry when an audit found one, for whoever may know."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from tests.channels.console.room import Room
from tests.channels.terminal.test_audit import forge
from tests.outbound.logs import customers, forget
from tests.postgres import Database

from changedesk.base import clock
from changedesk.base.actor import automation
from changedesk.channels.clock.audits import audited
from changedesk.channels.console.views.integrity import MOST, RangeUnfit
from changedesk.outbound import publish
from changedesk.store import log, untold
from changedesk.store.begin import begin
from changedesk.store.tx import look

PAGE = "audit/integrity"
HURT = "UPDATE desk.entry SET channel = 'fax' WHERE id = (SELECT entry_id FROM desk.log_leaf WHERE idx = 1)"


@pytest.fixture
def kept(room: Room, settings: Settings, tmp_path: Path) -> Iterator[Room]:
    """A log of three entries, published."""
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    customers(room.desk, 3)
    publish.publish(room.desk.client, at=clock.now() - timedelta(minutes=5), paced=False)
    yield room
    forget()


def test_a_row_altered_in_the_database_turns_the_page_red_with_the_first_bad_entry(
    kept: Room, database: Database
) -> None:
    at = clock.now()
    assert "Not audited yet" in kept.get("Otto", PAGE).content.decode()
    assert audited(kept.desk.client, at=at) is not None
    page = kept.get("Otto", PAGE).content.decode()
    assert "Nothing is wrong" in page
    assert "ledger.example/aurora" in page
    assert "log is damaged" not in kept.get("Otto", "queue").content.decode()
    forge(database, HURT)
    assert audited(kept.desk.client, at=at + timedelta(days=1)) is not None
    for name in ("Otto", "Ada"):
        page = kept.get(name, PAGE).content.decode()
        assert "First bad entry: 1." in page
        assert "What stands in clear beside the entry is not what is sealed in it." in page
        assert "Who was told" in page
    assert "See what is known" in kept.get("Otto", "queue").content.decode()
    assert "See what is known" not in kept.get("Ben", "queue").content.decode()


def test_the_page_says_of_which_entries_nobody_could_be_told(kept: Room) -> None:
    assert "Nobody could be told" not in kept.get("Otto", PAGE).content.decode()
    with begin(automation(kept.desk.client, "test")) as tx:
        untold.note(tx, [1, 2], at=clock.now())
    page = kept.get("Otto", PAGE).content.decode()
    assert "Nobody could be told of 2 entries" in page
    assert "The first is entry 1:" in page


def test_only_who_may_know_opens_the_page(kept: Room) -> None:
    for name, status in {"Otto": 200, "Ada": 200, "Ben": 403, "Ines": 403}.items():
        assert kept.get(name, PAGE).status_code == status
        assert (f"/{PAGE}" in kept.get(name, "profile").content.decode()) is (status == 200)


def test_a_stretch_is_audited_while_somebody_waits(kept: Room, database: Database) -> None:
    with look(kept.desk.client) as seen:
        size = log.size(seen)
    sound = kept.post("Otto", PAGE, since="0", until="").content.decode()
    assert f"Nothing is wrong from entry 0 to before {size}" in sound
    forge(database, HURT)
    bad = kept.post("Otto", PAGE, since="0", until=str(size)).content.decode()
    assert "1 thing is wrong" in bad
    assert "Not audited yet" in bad  # looking at a stretch writes nothing
    for since, until in (("5", "5"), ("x", "2"), (str(size), ""), ("9" * 16, ""), ("-1", "2")):
        answer = kept.post("Otto", PAGE, since=since, until=until)
        assert answer.status_code == 422
        assert RangeUnfit().sentence in answer.content.decode()
    assert str(MOST) in RangeUnfit.hint.replace(",", "")
    assert kept.post("Ben", PAGE, since="0", until="").status_code == 403


def test_the_installation_says_that_a_log_is_damaged_and_not_whose(kept: Room, database: Database) -> None:
    assert kept.as_("Otto").get("/readyz").json()["log"] == "ok"
    forge(database, HURT)
    assert audited(kept.desk.client, at=clock.now()) is not None
    answer = kept.as_("Ben").get("/readyz")
    assert (answer.status_code, answer.json()["log"]) == (200, "damaged")
    assert "aurora" not in answer.content.decode()
