import json

import httpx
import pytest
from tests.postgres import Database
from tests.web import Web

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def log_lines(serve: Web) -> list[dict[str, object]]:
    """What the web process logged for requests that carry a value nobody may log."""
    httpx.get(f"{serve.url}/healthz?q=anna@example.org", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    httpx.get(f"{serve.url}/nowhere/anna@example.org", headers={"Cookie": "session=canary-cookie"})
    text = serve.log.said()
    assert "anna@example.org" not in text
    assert "canary-cookie" not in text
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_request_is_logged_by_route_and_trace_and_without_its_query(log_lines: list[dict[str, object]]) -> None:
    mine = [line for line in log_lines if line.get("trace") == TRACE]
    assert [(line["method"], line["route"], line["status"]) for line in mine] == [("GET", "healthz", 200)]


def test_a_web_process_answers_with_the_strict_headers(serve: Web, database: Database) -> None:
    answer = httpx.get(f"{serve.url}/readyz")
    assert {"database": "ok", "log": "ok"}.items() <= answer.json().items()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "server" not in answer.headers or "python" not in answer.headers["server"].lower()


def test_a_foreign_host_name_is_refused(serve: Web) -> None:
    assert httpx.get(f"{serve.url}/healthz", headers={"Host": "evil.example"}).status_code == httpx.codes.BAD_REQUEST


def test_nobody_signs_up_alone(serve: Web, database: Database) -> None:
    answer = httpx.get(f"{serve.url}/accounts/signup/")
    assert "password1" not in answer.text
