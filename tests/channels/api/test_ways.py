"""The short way says what the long way says, to the byte."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from pytest_django.fixtures import Settings
from tests.channels.api.desk import ALL, Caller, customer, fresh, token
from tests.channels.api.test_conventions import change
from tests.postgres import Database

from changedesk.channels.api.fast import in_front_of
from changedesk.channels.api.limits import LIMITS

TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
OF_PAGES = {"content-language", "content-security-policy", "vary"}
"""Headers that mean something for pages alone, which middleware puts on everything."""


def nothing(environ: dict[str, Any], start_response: Any) -> Any:
    raise AssertionError("this call took the long way")


@pytest.fixture
def ways(database: Database, settings: Settings) -> Iterator[tuple[Caller, Caller]]:
    """One key by the long way, and by the short way alone."""
    settings.ROOT_URLCONF = "tests.channels.api.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    LIMITS.forget()
    secret = token(fresh(), *ALL)
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


def test_reads_are_the_same_by_both_ways(ways: tuple[Caller, Caller]) -> None:
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


def test_changes_are_the_same_by_both_ways(ways: tuple[Caller, Caller]) -> None:
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


def test_a_wrong_key_is_refused_the_same_by_both_ways(ways: tuple[Caller, Caller]) -> None:
    strangers = [Caller(caller.http, caller.secret[:-1] + "-", TRACE) for caller in ways]
    alike(*(caller.post("/changes", change(str(uuid.uuid4()))) for caller in strangers))
    alike(*(caller.get(f"/customers/{uuid.uuid4()}/timeline") for caller in strangers))
