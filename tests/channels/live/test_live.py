import asyncio
import json
from collections.abc import Coroutine, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from django.test import Client as Browser
from tests.cast import staff
from tests.channels.live.listening import PUBLIC, Live
from tests.postgres import Database

from changedesk import outbound
from changedesk.base.actor import Role
from changedesk.base.ids import ClientId
from changedesk.channels.live import app, guard
from changedesk.channels.live.app import Live as Application
from changedesk.channels.live.fanout import WAITING_MAX, Event, Reader, Slow
from changedesk.reading import live as reading

SAFE = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


def grow(live: Live) -> int:
    """Somebody asks for a change, and the sequencer gives it its place; the last index of the log."""
    live.room.asked()
    outbound.sequence(live.room.desk.client)
    return reading.size(live.room.desk.client) - 1


def test_what_was_asked_is_heard_by_those_who_work_there_without_one_value(live: Live) -> None:
    with live.listen("Sofia") as stream:
        asked = live.room.asked()
        outbound.sequence(live.room.desk.client)
        stream.until(reading.size(live.room.desk.client) - 1)
    told = [event.data for event in stream.heard if event.name == "change"]
    submitted = next(one for one in told if one["kind"] == "request.submitted")
    assert submitted == {
        "index": submitted["index"], "kind": "request.submitted", "subject": str(asked.subject), "ref": asked.ref
    }  # fmt: skip
    moved = [event.data for event in stream.heard if event.name == "queue"]
    assert {"index": submitted["index"], "ref": asked.ref, "tabs": ["open", "customer"]} in moved
    assert {key for one in told for key in one} == {"index", "kind", "subject", "ref"}
    assert "dana" not in str(stream.heard).lower()


def test_the_stream_is_not_kept_by_anybody_and_lives(live: Live) -> None:
    with live.listen("Ben") as stream:
        last = grow(live)
        stream.until(last)
        for _ in stream._events:  # the next event is a beat, as nothing else happens
            break
        assert set(stream.comments) == {": still here"}
        answer = stream.answer
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert {name: answer.headers[name] for name in SAFE} == SAFE
    assert answer.headers["access-control-allow-origin"] == PUBLIC
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_who_comes_back_hears_what_was_missed_once(live: Live) -> None:
    with live.listen("Ben") as stream:
        first = grow(live)
        before = stream.until(first)
    missed = grow(live)
    with live.listen("Ben", after=first) as stream:
        last = grow(live)
        after = stream.until(last)
    assert missed > first
    assert before + after == sorted(set(before + after))
    assert after == list(range(first + 1, last + 1))


def test_who_missed_too_much_or_knows_a_place_that_is_not_there_looks_anew(live: Live) -> None:
    last = grow(live)
    with live.listen("Ben", after=last + 50) as stream:
        event = stream.next()
        assert (event.name, event.id) == ("reset", last)
        assert stream.until(grow(live))[0] == last + 1


def test_news_of_another_client_is_never_heard(live: Live) -> None:
    with live.listen("Ben") as ours:
        theirs = live.room.other.customer()
        outbound.sequence(live.room.other.client)
        ours.until(grow(live))
    assert len(ours.heard) > 0
    assert str(theirs) not in str(ours.heard)


@pytest.mark.parametrize("slug", ["harbour", "nowhere", ""])
def test_a_client_one_does_not_work_for_looks_like_one_that_is_not_there(live: Live, slug: str) -> None:
    answer = live.ask(path=f"/events?client={slug}", Cookie=f"session={live.cookie('Ben')}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_who_did_not_sign_in_hears_nothing(live: Live) -> None:
    for headers in ({}, {"Cookie": "session=nobodysnobodysnobodysnobodys1234"}):
        answer = live.ask(**headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert answer.headers["cache-control"] == "no-store"


def test_the_password_alone_hears_nothing(live: Live) -> None:
    sign, browser = live.room.signs["Ines"], Browser()
    browser.post("/accounts/login/", {"login": sign.email, "password": sign.password})
    browser.get("/c/aurora/queue")
    answer = live.ask(Cookie=f"session={browser.cookies['session'].value}")
    assert answer.status_code == 403


def test_a_session_ends_after_ten_hours_and_so_does_its_stream(live: Live) -> None:
    cookie = live.cookie("Ben")
    session = live.room.as_("Ben").session
    session["signed_in_at"] -= 10 * 3600
    session.save()
    assert live.ask(Cookie=f"session={cookie}").status_code == 403


def test_listening_does_not_lengthen_a_session(live: Live, database: Database) -> None:
    cookie = live.cookie("Ben")
    asks = "SELECT expire_date FROM django_session WHERE session_key = %s"
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        before = admin.execute(asks, [cookie]).fetchone()
        with live.listen("Ben", cookie=cookie) as stream:
            stream.until(grow(live))
        assert before is not None
        assert admin.execute(asks, [cookie]).fetchone() == before
        with live.listen("Ben", cookie=cookie) as stream:
            admin.execute("UPDATE django_session SET expire_date = now() WHERE session_key = %s", [cookie])
            stream.to_the_end()


def test_a_stream_ends_with_the_place_at_the_client(live: Live, database: Database) -> None:
    with live.listen("Ben") as stream, psycopg.connect(database.admin_url, autocommit=True) as admin:
        stream.until(grow(live))
        person = live.room.actor("Ben").id.removeprefix("s")
        admin.execute("UPDATE membership SET active = false WHERE person_id = %s", [person])
        stream.to_the_end()
    assert live.ask(Cookie=f"session={live.room.as_('Ben').cookies['session'].value}").status_code == 404


def test_signing_out_ends_the_stream(live: Live) -> None:
    with live.listen("Ben") as stream:
        live.room.as_("Ben").post("/accounts/logout/")
        stream.to_the_end()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:8001", "http://localhost:80000", PUBLIC + "/", ""]
)
def test_pages_of_another_origin_are_refused(live: Live, origin: str) -> None:
    answer = live.ask(Cookie=f"session={live.cookie('Ben')}", Origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "other-origin")
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_another_site_that_hides_its_origin_is_refused(live: Live) -> None:
    for site in ("cross-site", "same-site"):
        answer = live.ask(Cookie=f"session={live.cookie('Ben')}", Sec_Fetch_Site=site)
        assert answer.json()["code"] == "other-origin"


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "PUT", "DELETE"])
def test_only_get_is_answered(live: Live, method: str) -> None:
    answer = live.ask(method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_another_address_holds_nothing(live: Live) -> None:
    assert live.ask(path="/").status_code == 404
    assert httpx.get(live.url + "/healthz").text == "ok\n"


def test_when_the_database_goes_the_readers_stay_and_hear_what_they_missed(live: Live, database: Database) -> None:
    with live.listen("Ben") as stream, psycopg.connect(database.admin_url, autocommit=True) as admin:
        stream.until(grow(live))
        ended = admin.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN changedesk_log%' OR query = 'SELECT 1'"
        ).fetchone()
        assert ended is not None
        assert ended[0] >= 1
        last = grow(live)
        heard = stream.until(last)
    assert heard == sorted(set(heard))
    assert heard[-1] == last


def run(what: Coroutine[Any, Any, None]) -> None:
    """Run it to its end in a thread of its own: a browser of another test may keep a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, what).result()


async def _fill(reader: Reader) -> None:
    for index in range(WAITING_MAX + 1):
        reader.put(Event(index, b""))
    with pytest.raises(Slow):
        await reader.take(1)


def test_what_waits_for_a_reader_is_bounded() -> None:
    run(_fill(Reader(staff(ClientId(1), 1, Role.AGENT), 0)))


def test_who_takes_nothing_is_let_go(live: Live) -> None:
    grow(live)
    application, sent = Application(send_seconds=0.2), []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        if b"event:" in message.get("body", b""):
            await asyncio.Event().wait()  # a connection whose other end reads no more

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    headers = [(b"cookie", f"session={live.cookie('Ben')}".encode()), (b"last-event-id", b"0")]
    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b"client=aurora", "headers": headers}
    run(application(scope, receive, send))
    assert b"event: change" in sent[-2]["body"]
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert application.house.rooms == {}


def _told(live: Live) -> tuple[int, str]:
    """Ask a live process of our own; the status and the code of its no."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    headers = [(b"cookie", f"session={live.cookie('Ben')}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b"client=aurora", "headers": headers}
    run(Application()(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])["code"]


def test_nobody_holds_more_streams_than_a_person_reads(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "STREAMS_MAX", 0)
    assert _told(live) == (429, "too-many-streams")


def test_a_page_that_comes_while_the_database_is_away_is_told_so(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(guard, "admitted", away)
    assert _told(live) == (503, "database-away")
