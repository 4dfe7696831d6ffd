"""The demonstration: made once, the same each time, and walked through real verbs."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgres import Database

from changedesk.base import clock
from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound
from changedesk.channels.terminal import demo, demo_customers, installed, people
from changedesk.flow import admit, configure
from changedesk.reading.search import search
from changedesk.rules import access
from changedesk.store import keys, settings_read

COUNT = "SELECT count(*) FROM desk.entry"


def _rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    found = []
    with psycopg.connect(database.url) as connection:
        for new in demo.CLIENTS:
            client = installed.client(new.slug).actor.client
            connection.execute("SELECT set_config('changedesk.client', %s, false)", [str(client)])
            found += connection.execute(query).fetchall()
    return found


@pytest.fixture
def planted(database: Database, tmp_path: Path) -> list[dict[str, str]]:
    settings_read.forget()
    return demo.plant(tmp_path, at=clock.now())


def test_everybody_can_sign_in_and_every_customer_is_found(planted: list[dict[str, str]], tmp_path: Path) -> None:
    names = [line["name"] for line in planted if "name" in line]
    assert names[:3] == ["Ben", "Sofia", "Ines"]
    assert all(line["password"] and line["authenticator"] for line in planted if "name" in line)
    for new in demo.CLIENTS:
        here = installed.client(new.slug)
        for invented in demo_customers.invent(new.slug)[:10]:
            number = invented.accounts[0][0]
            hits = search(number, actor=here.actor, at=clock.now(), language="en")
            assert hits, number
            assert all(hit.masked for hit in hits)


def test_planting_again_changes_nothing(planted: list[dict[str, str]], database: Database, tmp_path: Path) -> None:
    before = demo.authenticators(tmp_path)
    entries = _rows(database, COUNT)
    again = demo.plant(tmp_path, at=clock.now() + timedelta(hours=1))
    assert again == planted
    assert demo.authenticators(tmp_path) == before
    assert _rows(database, COUNT) == entries


def test_what_was_planted_whole_is_not_looked_through_again_unless_something_is_missing(
    planted: list[dict[str, str]], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    whole = demo._client

    def counted(new: configure.NewClient, at: datetime) -> installed.Installed:
        looked.append(new.slug)
        return whole(new, at)

    monkeypatch.setattr(demo, "_client", counted)
    entries, told = _rows(database, COUNT), planted
    files = (demo.MARKER, demo.FILE_NAME, people.FILE_NAME)
    for lost in files:
        looked.clear()
        assert demo.plant(tmp_path, at=clock.now()) == told
        assert looked == []
        (tmp_path / lost).unlink()
        again = demo.plant(tmp_path, at=clock.now())
        assert looked == [new.slug for new in demo.CLIENTS]
        assert [line.get("name") for line in again] == [line.get("name") for line in planted]
        assert all((tmp_path / name).exists() for name in files)
        if lost == demo.MARKER:
            assert (again, _rows(database, COUNT)) == (planted, entries)
        told = again


def test_another_release_looks_at_its_demonstration_again(planted: list[dict[str, str]], tmp_path: Path) -> None:
    edition = (tmp_path / demo.MARKER).read_text(encoding="utf-8")
    (tmp_path / demo.MARKER).write_text("of an earlier release", encoding="utf-8")
    assert demo.plant(tmp_path, at=clock.now()) == planted
    assert (tmp_path / demo.MARKER).read_text(encoding="utf-8") == edition


def test_a_marker_beside_an_empty_database_does_not_keep_the_demonstration_away(
    planted: list[dict[str, str]], database: Database, tmp_path: Path
) -> None:
    database.clean()
    settings_read.forget()
    keys.forget()
    again = demo.plant(tmp_path, at=clock.now())
    assert {line.get("email") for line in again} == {line.get("email") for line in planted}
    assert set(admit.slugs()) == {new.slug for new in demo.CLIENTS}


def test_the_code_of_dana_is_the_one_her_authenticator_shows(planted: list[dict[str, str]], tmp_path: Path) -> None:
    dana = demo.authenticators(tmp_path)[0]
    assert dana.name == "Dana Whitfield"
    assert len(demo.code_of("Dana", tmp_path)) == 6
    assert demo.code_of("dana", tmp_path).isdigit()
    assert demo.code_of(dana.subject, tmp_path).isdigit()
    assert demo.code_of("ben@demo.example", tmp_path).isdigit()
    with pytest.raises(NotFound):
        demo.code_of("nobody", tmp_path)


def test_the_secrets_of_the_demonstration_are_for_its_owner_alone(
    planted: list[dict[str, str]], tmp_path: Path
) -> None:
    assert (tmp_path / demo.FILE_NAME).stat().st_mode & 0o077 == 0


def test_an_installation_with_clients_of_its_own_gets_no_demonstration(database: Database, tmp_path: Path) -> None:
    settings_read.forget()
    own = configure.NewClient("harbour", "Harbour", "harbour.example/log")
    configure.create_client(own, actor=access.terminal(ClientId(0)), at=clock.now())
    assert demo.plant(tmp_path, at=clock.now()) == []
    assert admit.slugs() == ["harbour"]


def test_the_queue_shows_requests_at_several_stages(planted: list[dict[str, str]], database: Database) -> None:
    states = {row[0] for row in _rows(database, "SELECT DISTINCT state FROM desk.request")}
    assert {
        "awaiting_verification",
        "awaiting_consent",
        "awaiting_approval",
        "applied",
        "withdrawn",
        "rejected",
    } == states
