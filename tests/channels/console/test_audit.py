"""The page of the history: what is typed may be a customer's own, so it stands in no address that holds one."""

import html
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from pytest_django.fixtures import Settings
from tests.channels.console.room import Room

from changedesk.channels.console.views.audit import PersonalInAddress
from changedesk.outbound import find, sequence

MAIL = "dana@old.example"


@pytest.fixture(autouse=True)
def own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"


def settle(room: Room) -> None:
    while sequence(room.desk.client) or find.run(room.desk.client):
        pass


def test_what_is_searched_for_leads_to_an_address_that_gives_it_again(room: Room) -> None:
    room.customer()
    settle(room)
    typed = room.post("Ines", "audit", do="search", query="action:created field:email")
    assert typed.status_code == 303
    assert "action:created field:email" in unquote(typed.url).replace("+", " ")
    for _ in range(2):
        page = room.as_("Ines").get(typed.url).content.decode()
        assert 'value="action:created field:email"' in page
        assert "Customer created" in page
        assert MAIL not in page
    facets = [html.unescape(one) for one in re.findall(r'name="query" value="([^"]*)"', page)]
    assert "action:created field:email channel:api" in facets
    assert 'value="action:created field:email actor:"' in page


def test_a_customers_value_stands_in_no_address(room: Room) -> None:
    room.customer()
    settle(room)
    typed = room.post("Ines", "audit", do="search", query=f"after:{MAIL}")
    assert typed.status_code == 303
    assert "?search=" in typed.url
    assert MAIL not in unquote(typed.url)
    page = room.as_("Ines").get(typed.url)
    assert "Customer created" in page.content.decode()
    assert room.as_("Otto").get(typed.url).status_code == 404
    refused = room.get("Ines", f"audit?q=after:{MAIL}")
    assert refused.status_code == 422
    assert PersonalInAddress().sentence.split(":")[0] in html.unescape(refused.content.decode())
    kept = room.post("Ines", "audit", do="keep", query=f"after:{MAIL}", called="hers")
    assert kept.status_code == 422


def test_what_cannot_be_searched_for_says_where_keeps_what_was_typed_and_runs_nothing(room: Room) -> None:
    settle(room)
    for answer in (
        room.post("Ines", "audit", do="search", query="actor:me feild:email"),
        room.get("Ines", "audit?q=actor:me+feild:email"),
    ):
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "<title>Error:" in page
        assert "At letter 10." in page
        assert "Nearest: field." in page
        assert 'value="actor:me feild:email"' in page
    typed = room.post("Ines", "audit", do="search", query=MAIL)
    assert (typed.status_code, MAIL in typed.headers.get("Location", "")) == (422, False)
    assert "field:" in room.post("Ines", "audit", do="complete", query="fie").content.decode()
    for path in (
        "audit?q=&before=x",
        "audit?search=x",
        "audit/99999999",
        "audit?search=00000000-0000-4000-8000-000000000000",
    ):
        assert room.get("Ines", path).status_code == 404


def test_a_search_is_kept_taken_out_once_and_dropped(room: Room) -> None:
    room.customer()
    settle(room)
    assert room.post("Ines", "audit", do="keep", query="action:created", called="Newcomers").status_code == 303
    page = room.get("Ines", "audit").content.decode()
    assert "Newcomers" in page
    kept = re.search(r'name="search" value="([0-9a-f-]{36})"', page)
    assert kept
    made = room.post("Ines", "audit", do="export", query="action:created", format="csv").content.decode()
    export = re.search(r'name="export" value="([0-9a-f-]{36})"', made)
    assert export
    file = room.post("Ines", "audit", do="download", export=export[1])
    assert b"customer.created" in b"".join(file.streaming_content)
    assert room.post("Ines", "audit", do="download", export=export[1]).status_code == 404
    assert room.post("Ines", "audit", do="drop", search=kept[1]).status_code == 303
    assert "Newcomers" not in room.get("Ines", "audit").content.decode()


def test_an_entry_has_its_page_with_its_neighbours_and_its_verdict(room: Room) -> None:
    room.customer()
    settle(room)
    page = room.get("Ines", "audit/0").content.decode()
    assert "Customer created" in page
    assert MAIL not in page
    assert "/audit/1" in page
    assert "No checkpoint covers this entry yet" in room.get("Ines", "audit/0?verify=1").content.decode()
    room.as_("Ines").get("/c/aurora/audit?q=&col=verified&col=reason&col=fields")
    settle(room)
    own = room.get("Ines", "audit?q=action:record.searched").content.decode()
    assert "Record searched" in own
    newest = re.search(r'href="(/c/aurora/audit/\d+)" data-open', own)
    assert newest
    assert room.as_("Ines").get(newest[1]).status_code == 200


def test_whoever_does_not_audit_sees_nothing_of_it(room: Room) -> None:
    settle(room)
    for path in ("audit", "audit?q=", "audit/0"):
        assert room.get("Ben", path).status_code == 403
    assert room.post("Ben", "audit", do="search", query="").status_code == 403
    assert ">History<" not in room.get("Ben", "queue").content.decode()
    assert ">History<" in re.sub(r"<svg.*?</svg>", "", room.get("Ines", "queue").content.decode(), flags=re.DOTALL)
