"""Evidence from the desk's pages: handed over at once, on record, and once more for a week to who may."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import psycopg
import pytest
from pytest_django.fixtures import Settings
from tests.channels.console.room import Room
from tests.flow.test_forget import begun
from tests.outbound.logs import forget, sequence
from tests.postgres import Database

from changedesk import flow
from changedesk.base import clock
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.channels.evidence import handed
from changedesk.ledger import verifier
from changedesk.outbound import publish
from changedesk.reading import published
from changedesk.reading.evidence import taken as reading
from changedesk.reading.evidence.taken import BundleEnded
from changedesk.reading.timeline import BadCursor

PAGE = "audit/evidence"
COURT = {"purpose": "court_or_authority", "reference": "1 C 23/26", "level": "masked"}


@pytest.fixture
def out(room: Room, settings: Settings, tmp_path: Path) -> Iterator[Room]:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    yield room
    forget()


def publish_all(room: Room) -> None:
    sequence(room.desk.client)
    publish.publish(room.desk.client, at=clock.now(), paced=False)


def files_of(answer: Any) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith('attachment; filename="evidence-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_evidence_about_a_record_is_made_from_its_page_and_stands_in_the_list(out: Room) -> None:
    dana = out.customer()
    assert "Nothing left the house yet" in out.get("Otto", PAGE).content.decode()
    publish_all(out)
    record = out.get("Otto", f"customers/{dana}").content.decode()
    assert f"{PAGE}?record={dana}" in record
    assert f"{PAGE}?change=" in record
    assert PAGE not in out.get("Ben", f"customers/{dana}").content.decode()
    assert str(dana) in out.get("Otto", f"{PAGE}?record={dana}").content.decode()
    files = files_of(out.post("Otto", PAGE, scope="record", which=str(dana), **COURT))
    keys = published.keys(actor=out.actor("Otto")).keys
    assert verifier.verify(files, list(keys)).problems == []
    assert b"dana@old.example" not in b"".join(files.values())
    page = out.get("Ines", PAGE).content.decode()
    for word in ("Otto", "Court or authority", "1 C 23/26", str(dana), "The same again"):
        assert word in page
    assert out.get("Ben", PAGE).status_code == 403
    assert out.post("Ben", PAGE, scope="record", which=str(dana), **COURT).status_code == 403


def test_a_request_a_change_and_a_period_of_one_actor_can_be_what_it_is_about(out: Room) -> None:
    asked = out.asked()
    publish_all(out)
    assert f"{PAGE}?request={asked.ref}" in out.get("Ines", f"changes/{asked.ref}").content.decode()
    link = next(
        part.split('"')[0]
        for part in out.get("Ines", f"customers/{asked.subject}").content.decode().split('href="')
        if f"{PAGE}?change=" in part
    )
    change = dict(parse_qsl(urlsplit(link).query))["change"]
    now = clock.now()
    period = {
        "since": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}", "until": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "actor": out.actor("Ben").id,
    }  # fmt: skip
    for form in (
        {"scope": "request", "which": asked.ref},
        {"scope": "change", "which": change},
        {"scope": "period", **period},
    ):
        files_of(out.post("Ines", PAGE, **form, **COURT))
    found = reading.taken(actor=out.actor("Ines"), limit=2)
    assert [set(one.scope) for one in found.items] == [{"actor", "since", "until"}, {"change"}]
    (first,) = reading.taken(actor=out.actor("Ines"), before=found.next).items
    assert dict(first.scope) == {"request": asked.ref}
    # Each can be taken once more, and that is on record too.
    for one in (*found.items, first):
        files_of(out.post("Ines", PAGE, again=str(one.id)))
    assert len(reading.taken(actor=out.actor("Ines")).items) == 6
    assert out.get("Ines", f"{PAGE}?before={found.next}").status_code == 200


def test_values_in_clear_are_for_who_may_see_them(out: Room, database: Database) -> None:
    dana = out.customer()
    publish_all(out)
    about = {"scope": "record", "which": str(dana), "purpose": "dispute"}
    assert out.post("Otto", PAGE, **about, level="full").status_code == 403
    assert "Everything but secrets" not in out.get("Otto", PAGE).content.decode()
    assert b"dana@old.example" in b"".join(files_of(out.post("Ines", PAGE, **about, level="full")).values())
    single = files_of(out.post("Ines", PAGE, **about, level="fields", fields="contact.email"))
    assert b"dana@old.example" in b"".join(single.values())
    assert b"5550143" not in single["entries/000000000000.json"]
    full, fields = reversed(reading.taken(actor=out.actor("Ines")).items)
    assert (full.level, fields.level) == ("full", "fields")
    files_of(out.post("Ines", PAGE, again=str(fields.id)))
    assert out.post("Otto", PAGE, again=str(full.id)).status_code == 403
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("UPDATE desk.bundle SET taken_at = taken_at - interval '7 days'")
    ended = out.post("Ines", PAGE, again=str(full.id))
    assert ended.status_code == 422
    assert BundleEnded().sentence in ended.content.decode()
    assert ">Over<" in out.get("Ines", PAGE).content.decode()


def test_what_is_unclear_or_not_there_is_refused(out: Room) -> None:
    dana = out.customer()
    publish_all(out)
    for form, status in (
        ({"scope": "record"}, 422),
        ({"scope": "record", "which": "nothing"}, 404),
        ({"scope": "record", "which": "00000000-0000-7000-8000-000000000000"}, 404),
        ({"scope": "period", "since": "yesterday", "until": ""}, 422),
        ({"scope": "record", "which": str(dana), "reference": "<x>"}, 422),
        ({"scope": "record", "which": str(dana), "level": "fields"}, 422),
        ({"again": "nothing"}, 404),
        ({"again": str(dana)}, 404),
    ):
        assert out.post("Ines", PAGE, **{**COURT, **form}).status_code == status, form
    assert reading.taken(actor=out.actor("Ines")).items == ()
    with pytest.raises(BadCursor):
        reading.taken(actor=out.actor("Ines"), before="x")
    assert out.post("Ines", PAGE, **COURT, scope="record", which=str(dana)).status_code == 200
    (made,) = reading.taken(actor=out.actor("Ines")).items
    with pytest.raises(NotFound):
        reading.again(made.id, actor=out.other.ines, at=clock.now())
    assert reading.taken(actor=out.other.ines).items == ()


def test_large_evidence_is_made_behind_the_page_and_fetched_there_once(
    out: Room, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handed, "SOON", 0)
    client, dana = out.desk.client, out.customer()
    publish_all(out)
    form = {**COURT, "scope": "record", "which": str(dana)}
    assert out.post("Otto", PAGE, **form).status_code == 303
    shown = out.get("Otto", PAGE).content.decode()
    assert ("Being made for you" in shown, "Fetch it, once" in shown, "every 5s" in shown) == (True, False, True)
    assert "Being made for you" not in out.get("Ines", PAGE).content.decode()
    with monkeypatch.context() as broke:
        broke.setattr("changedesk.flow.keep_evidence", ended)
        with pytest.raises(KeyboardInterrupt):
            handed.make_on(client, at=clock.now())
    assert handed.make_on(client, at=clock.now()) == 1  # what was lost is made again
    shown = out.get("Otto", PAGE).content.decode()
    assert ("Fetch it, once" in shown, "every 5s" in shown) == (True, False)
    (waits,) = handed.pending(actor=out.actor("Otto"))
    with psycopg.connect(database.admin_url) as connection:
        (asked, kept) = connection.execute("SELECT asked, file FROM desk.bundle_asked").fetchone() or (b"", b"")
    assert (b"1 C 23/26" in asked, kept[:2] == b"PK") == (False, False)
    assert out.post("Ines", PAGE, fetch=str(waits.id)).status_code == 404
    found = files_of(out.post("Otto", PAGE, fetch=str(waits.id)))
    assert verifier.MANIFEST in found
    assert out.post("Otto", PAGE, fetch=str(waits.id)).status_code == 404
    assert handed.pending(actor=out.actor("Otto")) == []


def ended(*_given: object, **_named: object) -> None:
    raise KeyboardInterrupt


def test_large_evidence_that_is_refused_says_why_and_goes_after_a_day(
    out: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handed, "SOON", 0)
    client = out.desk.client
    out.customer()
    form = {**COURT, "scope": "period", "since": "2020-01-01T00:00", "until": "2040-01-01T00:00", "actor": "k1"}
    assert out.post("Otto", PAGE, **form).status_code == 303
    assert handed.make_on(client, at=clock.now()) == 1  # nothing is published yet
    shown = out.get("Otto", PAGE).content.decode()
    assert ("not published" in shown, "Fetch it, once" in shown) == (True, False)
    assert handed.make_on(client, at=clock.now() + timedelta(days=1)) == 0
    assert handed.pending(actor=out.actor("Otto")) == []


def test_a_bundle_that_waits_goes_with_the_data_of_whom_it_is_about(out: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed, "SOON", 0)
    client, dana = out.desk.client, out.customer()
    publish_all(out)
    assert out.post("Otto", PAGE, **COURT, scope="record", which=str(dana)).status_code == 303
    kept = flow.keep_evidence

    def forgotten_first(id_: UUID, bundle: UUID, data: bytes, under: dict[SubjectId, UUID | None], **more: Any) -> None:
        kept(id_, bundle, data, dict.fromkeys(under), **more)  # as it was read under another key

    with monkeypatch.context() as late:
        late.setattr("changedesk.flow.keep_evidence", forgotten_first)
        assert handed.make_on(client, at=clock.now()) == 1
    assert [one.state for one in handed.pending(actor=out.actor("Otto"))] == ["waiting"]
    assert handed.make_on(client, at=clock.now()) == 1
    assert [one.state for one in handed.pending(actor=out.actor("Otto"))] == ["ready"]
    at = begun(out.desk, dana, clock.now() + timedelta(days=1))
    for days in range(1, 4):
        flow.forget_on(client, at=at + timedelta(days=days))
    assert handed.pending(actor=out.actor("Otto")) == []
