"""Audit search over HTTP: found, paged, kept, and taken out as files that no spreadsheet computes."""

import csv
import hashlib
import io
import json
import os
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import openpyxl
import pytest
from pytest_django.fixtures import Settings
from tests.cast import START, Desk
from tests.channels.api.desk import Caller, customer, token
from tests.channels.api.test_conventions import is_problem

from changedesk.channels import exports
from changedesk.channels.clock import duties
from changedesk.channels.exports import ExportTooLarge, FormatUnknown, tables
from changedesk.flow import audit_trail
from changedesk.outbound import find, sequence
from changedesk.rules.limits import Limits

pytestmark = pytest.mark.parametrize("http", ["long"], indirect=True)
"""None of these routes takes the short way."""
XES = "{http://www.xes-standard.org/}"


@pytest.fixture(autouse=True)
def own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"


def settle(home: Desk) -> None:
    while sequence(home.client) or find.run(home.client):
        pass


@pytest.fixture
def auditor(http: httpx.Client, home: Desk) -> Caller:
    return Caller(http, token(home, "audit:search", "audit:export"))


def looked(caller: Caller, text: str, **more: Any) -> dict[str, Any]:
    reply = caller.post("/audit/search", {"query": text, **more}, key=None)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def exported(caller: Caller, text: str, format_: str) -> tuple[dict[str, Any], bytes]:
    made = caller.post("/audit/exports", {"query": text, "format": format_}, key=None)
    assert made.status_code == 201, made.text
    reply = caller.post(f"/audit/exports/{made.json()['id']}/download", key=None)
    assert reply.status_code == 200
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="history-')
    assert hashlib.sha256(reply.content).hexdigest() == made.json()["sha256"]
    return made.json(), reply.content


def test_the_history_is_searched_entry_by_entry_and_page_by_page(crm: Caller, home: Desk, auditor: Caller) -> None:
    dana = customer(crm)
    customer(crm, contact__email="kim@mail.example")
    settle(home)
    found = looked(auditor, "action:created", limit=1, facets=True)
    assert (found["count"], found["exact"], found["behind"], found["newer"]) == (2, True, 0, None)
    assert {one["key"] for one in found["facets"]} == {"action", "actor", "channel", "field"}
    older = looked(auditor, "action:created", limit=1, before=found["older"])
    assert older["items"][0]["view"]["subject"] == dana
    assert older["older"] is None
    back = looked(auditor, "action:created", limit=1, after=older["newer"])
    assert back["items"] == found["items"]
    assert "old.example" not in json.dumps(older)
    assert looked(auditor, "after:dana@old.example")["items"] == older["items"]
    place = older["items"][0]["place"]
    shown = auditor.get(f"/audit/entries/{place}").json()
    assert shown["line"] == older["items"][0]
    assert auditor.get(f"/audit/entries/{place}/verification").json()["word"] == "waiting"
    is_problem(auditor.get("/audit/entries/999999"), 404, "not-found")
    settle(home)
    assert looked(auditor, "action:record.searched")["count"] == 2  # further pages are the same search


def test_a_search_that_cannot_be_run_says_where_and_what_is_nearest(auditor: Caller) -> None:
    for text, code, place in (
        ("actor:me feild:x", "query-key-unknown", 9),
        ('actor:me "', "query-unclear", 9),
        ("actor:me created:soon", "query-value-unclear", 9),
        ("actor:me channel:fone", "query-value-unknown", 9),
    ):
        told = is_problem(auditor.post("/audit/search", {"query": text}, key=None), 422, code)
        assert told["facts"]["place"] == place
    told = is_problem(auditor.post("/audit/search", {"query": "feild:x"}, key=None), 422, "query-key-unknown")
    assert told["facts"]["nearest"] == "field"
    told = is_problem(auditor.post("/audit/search", {"query": "zyxanthia"}, key=None), 422, "query-text-unknown")
    assert "zyxanthia" not in json.dumps(told)
    offers = auditor.post("/audit/completions", {"query": "fie"}, key=None).json()
    assert offers["offers"] == ["field:"]
    assert set(offers["missing"]) == {"ip", "risk"}


def test_searches_are_kept_for_the_key_that_keeps_them(http: httpx.Client, home: Desk, auditor: Caller) -> None:
    made = auditor.post("/audit/searches", {"name": "mine", "query": "action:apply"})
    assert made.status_code == 201
    assert auditor.post("/audit/searches", {"name": "mine", "query": "action:apply"}).json() == made.json()
    assert [one["query"] for one in auditor.get("/audit/searches").json()["items"]] == ["action:apply"]
    personal = {"name": "hers", "query": "after:dana@old.example"}
    is_problem(auditor.post("/audit/searches", personal), 422, "search-personal-not-kept")
    other = Caller(http, token(home, "audit:search"))
    assert other.get("/audit/searches").json()["items"] == []
    path = f"/audit/searches/{made.json()['id']}"
    is_problem(other.send("DELETE", path), 404, "not-found")
    assert auditor.send("DELETE", path).status_code == 204
    assert auditor.get("/audit/searches").json()["items"] == []


def test_every_format_holds_what_was_found_masked(crm: Caller, home: Desk, auditor: Caller) -> None:
    dana = customer(crm)
    settle(home)
    text = f"customer:{dana}"
    made, data = exported(auditor, text, "csv")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0] == list(tables.COLUMNS)
    assert len(rows) - 1 == made["entries"] == looked(auditor, text)["count"]
    assert rows[-1][1].endswith("Z")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    book = openpyxl.load_workbook(io.BytesIO(exported(auditor, text, "xlsx")[1]))
    cells = [cell for line in book["History"].iter_rows() for cell in line]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s", "n"}
    assert [str(cell.value or "") for cell in book["History"][1]] == rows[0]
    lines = [json.loads(line) for line in exported(auditor, text, "json")[1].splitlines()]
    assert [line["entry"] for line in lines] == [row[2] for row in rows[1:]]
    events = [json.loads(line) for line in exported(auditor, text, "ocsf")[1].splitlines()]
    named = {(one["class_uid"], one["category_uid"], one["metadata"]["version"]) for one in events}
    assert named == {(6003, 6, "1.6.0")}
    assert all(one["type_uid"] == 600300 + one["activity_id"] for one in events)
    log = ET.fromstring(exported(auditor, text, "xes")[1])  # noqa: S314 - made by ourselves just now
    assert len(log.findall(f"{XES}trace/{XES}event")) == made["entries"]
    assert len(log.findall(f"{XES}trace")) == 1
    for format_ in exports.FORMATS:
        assert b"old.example" not in exported(auditor, text, format_)[1]


def test_a_file_is_on_record_and_fetched_once_by_whoever_made_it(
    http: httpx.Client, crm: Caller, home: Desk, auditor: Caller
) -> None:
    customer(crm)
    settle(home)
    made = auditor.post("/audit/exports", {"query": "after:dana@old.example", "format": "json"}, key=None).json()
    path = f"/audit/exports/{made['id']}/download"
    is_problem(Caller(http, token(home, "audit:export")).post(path, key=None), 404, "not-found")
    assert auditor.post(path, key=None).status_code == 200
    is_problem(auditor.post(path, key=None), 404, "not-found")
    is_problem(auditor.post(f"/audit/exports/{uuid.uuid4()}/download", key=None), 404, "not-found")
    settle(home)
    assert looked(auditor, "action:evidence.exported")["count"] == 1
    assert "old.example" not in json.dumps(looked(auditor, "action:evidence.exported"))


def test_a_file_that_nobody_fetched_goes(
    crm: Caller, home: Desk, auditor: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer(crm)
    settle(home)
    made = auditor.post("/audit/exports", {"format": "json"}, key=None).json()
    (file,) = (tmp_path / "state" / "exports").rglob(made["id"])
    assert file.stat().st_mode & 0o077 == 0
    auditor.post("/audit/exports", {"format": "json"}, key=None)
    os.utime(file, (0, 0))
    # Whether anybody makes another one or not: it holds what the history says of people.
    (sweep,) = [one for one in duties() if one.name == "exports.sweep"]
    assert [sweep.run(home.client), sweep.run(home.client)] == [1, 0]
    assert not file.exists()
    is_problem(auditor.post(f"/audit/exports/{made['id']}/download", key=None), 404, "not-found")

    def down(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(audit_trail, "note_export", down)
    before = {one.name for one in file.parent.iterdir()}
    assert auditor.post("/audit/exports", {"format": "json"}, key=None).status_code == 500
    assert {one.name for one in file.parent.iterdir()} == before  # what is not on record is not there


def test_more_than_a_file_holds_is_refused_with_the_way_on(
    crm: Caller, home: Desk, auditor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer(crm)
    settle(home)
    monkeypatch.setattr(exports, "limits", lambda _: Limits(export_entries=0))
    told = is_problem(auditor.post("/audit/exports", {}, key=None), 422, ExportTooLarge.code)
    assert "created:" in told["detail"]
    with pytest.raises(FormatUnknown):
        exports.make("", "pdf", actor=home.otto, at=START, language="en")
