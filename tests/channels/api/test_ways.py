"""The short way says what the long way says, to the byte."""

import logging
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from pytest_django.fixtures import Settings
from tests.cast import SECRET, Desk
from tests.channels.api.desk import ALL, Caller, code_sent, customer, fresh, person, token
from tests.channels.api.test_conventions import change
from tests.channels.api.test_isolation import NEEDS, OPERATIONS, Operation, Ours, send, waiting
from tests.channels.api.test_story import ask, carry, prove
from tests.postgres import Database

from changedesk.base.actor import Role
from changedesk.channels.api.fast import in_front_of
from changedesk.channels.api.limits import LIMITS
from changedesk.store import settings_read

TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
OF_PAGES = {"content-language", "content-security-policy", "vary"}
"""Headers that mean something for pages alone, which middleware puts on everything."""


LONG = {"batch_files_enter_file", "audit_download", "log_tile", "log_anchor_tile"}
"""A form, a stream, and addresses of any depth."""
CHANGING = {"customers_as_of"}
"""Reads that tell of the moment they were asked at."""


def nothing(environ: dict[str, Any], start_response: Any) -> Any:
    raise AssertionError("this call took the long way")


@pytest.fixture
def home(database: Database) -> Desk:
    return fresh()


Ways = tuple[Caller, Caller]


@pytest.fixture
def ways(home: Desk, settings: Settings) -> Iterator[Ways]:
    """One key by the long way, and by the short way alone."""
    settings.ROOT_URLCONF = "tests.channels.api.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    LIMITS.forget()
    secret = token(home, *ALL)
    apps = (get_wsgi_application(), in_front_of(nothing))
    clients = [httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://testserver") for app in apps]
    yield Caller(clients[0], secret, TRACE), Caller(clients[1], secret, TRACE)
    for client in clients:
        client.close()


def alike(long: httpx.Response, short: httpx.Response) -> None:
    assert short.status_code == long.status_code
    assert short.content == long.content
    assert short.headers.keys() | OF_PAGES == long.headers.keys() | OF_PAGES
    for name in short.headers.keys() - {"traceparent", "ratelimit"}:
        assert short.headers[name] == long.headers[name], name


def both(ways: Ways, path: str, body: Any, *, match: int | None = None) -> dict[str, Any]:
    """Act by the short way; the same call again gets the same answer by both."""
    key = uuid.uuid4().hex
    done = ways[1].post(path, body, key=key, match=match)
    assert done.status_code in {200, 201}, done.text
    again = [caller.post(path, body, key=key, match=match) for caller in ways]
    alike(*again)
    assert again[0].content == done.content
    assert again[0].headers["Idempotency-Replayed"] == "true"
    return dict(done.json())


def refused(ways: Ways, path: str, body: Any, code: str, **more: Any) -> None:
    """See both ways refuse, for this reason, in the same words."""
    told = [caller.post(path, body, **more) for caller in ways]
    assert told[0].json()["code"] == code, told[0].text
    alike(*told)


def test_a_request_goes_its_way_the_same_by_both_ways(home: Desk, ways: Ways) -> None:
    short = ways[1]
    dana = customer(short)
    assert short.post(f"/customers/{dana}/factors", {"secret": SECRET}).status_code == 204
    wish = {"subject": dana, "kind": "contact_details", "values": {"contact.email": "dana@new.example"},
            "reason": "customer_request", "channel": "phone"}  # fmt: skip
    refused(ways, "/change-requests", {**wish, "values": {"contact.email": "none"}}, "bad-values")
    refused(ways, "/change-requests", wish, "idempotency-key-missing", key=None)
    ref = both(ways, "/change-requests", wish)["ref"]
    path = f"/change-requests/{ref}"
    start = {"method": "code_sms", "path": "contact.phone_mobile"}
    started = both(ways, f"{path}/verification", start)
    refused(ways, f"{path}/verification", {**start, "path": "contact.url"}, "method-refused")
    confirm = f"{path}/verification/{started['id']}/confirm"
    both(ways, confirm, {"answer": code_sent(home)})
    refused(ways, confirm, {"answer": "000000"}, "code-used")
    prove(short, home, ref, {"method": "totp"})
    prove(short, home, ref, {"method": "code_email", "path": "contact.email", "purpose": "new_contact"})
    panel = short.get(path).json()
    agreed = {name: panel["consent_asked"][name] for name in ("statement", "version", "language")}
    refused(ways, f"{path}/consent", {**agreed, "way": "read_aloud", "digest": "0" * 64}, "different-content")
    both(ways, f"{path}/consent", {**agreed, "way": "read_aloud", "digest": panel["digest"]})
    staff = supervised(ways, home)
    digest, version = panel["digest"], short.get(path).json()["version"]
    refused(staff, f"{path}/approve", {"digest": digest}, "if-match-missing")
    refused(staff, f"{path}/approve", {"digest": digest}, "moved", match=1)
    refused(staff, f"{path}/reject", {"reason": "other", "message": "No."}, "moved", match=1)
    assert both(staff, f"{path}/approve", {"digest": digest}, match=version)["state"] == "applied"
    alike(*(caller.get(path) for caller in staff))


def test_a_rejection_is_the_same_by_both_ways(home: Desk, ways: Ways) -> None:
    dana = customer(ways[1])
    assert ways[1].post(f"/customers/{dana}/factors", {"secret": SECRET}).status_code == 204
    ref = ask(ways[1], dana)["ref"]
    version = carry(ways[1], home, ref)["version"]
    said = {"reason": "other", "message": "No."}
    refused(supervised(ways, home), f"/change-requests/{ref}/reject", said, "if-match-missing")
    done = both(supervised(ways, home), f"/change-requests/{ref}/reject", said, match=version)
    assert done["state"] == "rejected"


def supervised(ways: Ways, home: Desk) -> Ways:
    """The same ways, by the key of a supervisor."""
    secret = person(home, "Ines", Role.SUPERVISOR, "lead")
    return replace(ways[0], secret=secret), replace(ways[1], secret=secret)


def by_both(operation: Operation, ways: Ways, ours: Ours) -> None:
    try:
        alike(*(send(caller, operation, ours) for caller in ways))
    except AssertionError as error:
        error.add_note(operation.id)
        raise


def test_every_call_but_forms_and_streams_takes_the_short_way(home: Desk, ways: Ways) -> None:
    ours = waiting(ways[1])
    secret = token(home, "factors:write")
    outsiders = (replace(ways[0], secret=secret), replace(ways[1], secret=secret))
    for operation in OPERATIONS:
        if operation.id not in LONG:
            by_both(operation, outsiders, ours)
            if operation.method == "GET" and operation.id not in CHANGING:
                by_both(operation, ways, ours)


def test_no_call_keeps_a_connection_of_the_framework(home: Desk, ways: Ways) -> None:
    short = ways[1]
    ours = waiting(short)
    staff = replace(short, secret=person(home, "Ada", Role.ADMINISTRATOR, "lead"))
    for operation in OPERATIONS:
        if operation.id not in LONG:
            settings_read.forget()
            connection.close()
            send(staff if NEEDS[operation.id] is None else short, operation, ours)
            assert connection.connection is None, operation.id


def test_what_is_not_plainly_well_formed_goes_the_long_way(ways: Ways) -> None:
    dana, short = customer(ways[0]), ways[1]
    wish = {"subject": dana, "kind": "contact_details", "values": {}, "reason": "customer_request"}
    for method, path, more in (
        ("POST", "/change-requests", {"body": {**wish, "kind": "X Y"}}),
        ("POST", "/change-requests", {"body": {**wish, "state": "applied"}}),
        ("POST", "/change-requests", {"body": None}),
        ("POST", "/change-requests", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/change-requests", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
        ("GET", f"/customers/{dana}", {"content": b"{}"}),
        ("GET", f"/customers/{dana}0", {}),
        ("GET", f"/customers/{dana}/timeline?limit=0", {}),
        ("GET", f"/customers/{dana}/timeline?actor=%C3%A4%20", {}),
        ("GET", f"/change-requests/{'%20'}", {}),
        ("DELETE", f"/customers/{dana}", {}),
        ("GET", "/customers/search", {}),
        ("GET", "/nothing", {}),
        ("GET", "/openapi.json", {}),
    ):
        with pytest.raises(AssertionError, match="the long way"):
            short.send(method, path, **more)


def test_the_log_line_is_the_same_by_both_ways(ways: Ways, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "changedesk.web")
    dana = customer(ways[0])
    wish = {"subject": dana, "kind": "contact_details", "values": {}, "reason": "customer_request"}
    caplog.clear()
    for caller in ways:
        caller.get(f"/customers/{dana}")
        caller.get(f"/change-requests/{uuid.uuid4()}")
        caller.send("PATCH", f"/change-requests/{dana}", {"values": {"contact.email": "a@b.example"}}, match=1)
        caller.post("/change-requests/preview", wish)
    said = [{**record.msg, "ms": 0, "timestamp": ""} for record in caplog.records if isinstance(record.msg, dict)]
    half = len(said) // 2
    assert half >= 3
    assert said[:half] == said[half:]


def test_reads_are_the_same_by_both_ways(ways: Ways) -> None:
    dana = customer(ways[0])
    when = {"known_at": "2100-01-01T00:00:00Z", "valid_at": "2100-01-01T00:00:00+02:00"}
    for path, query in (
        (f"/customers/{dana}/timeline", {}),
        (f"/customers/{dana}/timeline", {"limit": "1", "field": "contact.email", "channel": "api"}),
        (f"/customers/{dana}/as-of", when),
        (f"/customers/{uuid.uuid4()}/timeline", {}),
        (f"/customers/{uuid.uuid4()}/as-of", when),
        (f"/accounts/{dana}/timeline", {}),
    ):
        alike(*(caller.get(path, params=query) for caller in ways))
        alike(*(caller.get(path, params=query, headers={"Accept-Language": "de-AT, en;q=0.5"}) for caller in ways))


def test_changes_are_the_same_by_both_ways(ways: Ways) -> None:
    long, short = ways
    dana = customer(long)
    made = short.post("/changes", change(dana), key="one")
    assert made.status_code == 201, made.text
    alike(*(caller.post("/changes", change(dana), key="one") for caller in ways))
    for body in (
        change(dana),
        change(dana, "not an address"),
        change(dana, "dana@third.example", old="someone@else.example"),
        change(str(uuid.uuid4())),
        change(dana, "dana@third.example", valid_from="2026-02-01T00:00:00Z", valid_to="2026-01-01T00:00:00Z"),
        {"items": [{"subject": dana, "changes": [{"path": "contact.nothing", "new": "x"}]}]},
        {"items": [{"subject": dana, "changes": [{"path": "contact.email", "new": 1.5}]}]},
        {"items": [{"subject": dana, "changes": [{"path": "contact.email", "new": {"a": [1]}}]}]},
    ):
        refused = [caller.post("/changes", body) for caller in ways]
        assert 400 <= refused[0].status_code < 500
        alike(*refused)
    alike(*(caller.post("/changes", change(dana), key=None) for caller in ways))


@pytest.fixture
def https(settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 31_536_000


@pytest.mark.usefixtures("https")
def test_an_answer_over_tls_asks_to_stay_there_by_both_ways(ways: Ways) -> None:
    for scheme, asked in (("https", "max-age=31536000"), ("http", None)):
        told = [caller.get("/log/size", headers={"X-Forwarded-Proto": scheme}) for caller in ways]
        alike(*told)
        assert told[0].headers.get("Strict-Transport-Security") == asked


def test_a_wrong_key_is_refused_the_same_by_both_ways(ways: Ways) -> None:
    strangers = [Caller(caller.http, caller.secret[:-1] + "-", TRACE) for caller in ways]
    alike(*(caller.post("/changes", change(str(uuid.uuid4()))) for caller in strangers))
    alike(*(caller.get(f"/customers/{uuid.uuid4()}/timeline") for caller in strangers))
