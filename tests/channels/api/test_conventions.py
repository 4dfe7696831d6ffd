"""What holds for every call, by both ways."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, token
from tests.channels.api.test_story import ask

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.store import once
from changedesk.store.begin import begin

PROBLEM = "application/problem+json"


def change(subject: str, value: str = "dana@new.example", **more: Any) -> dict[str, Any]:
    return {"items": [{"subject": subject, "changes": [{"path": "contact.email", "new": value, **more}]}]}


def is_problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == PROBLEM
    told = reply.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["type"].endswith(f"/{code}")
    assert told["title"]
    assert reply.headers["traceparent"].split("-")[1] == told["trace_id"]
    return dict(told)


# Retrying


def test_the_same_key_and_body_get_the_same_answer_byte_for_byte(crm: Caller) -> None:
    dana = customer(crm)
    body = {
        "subject": dana,
        "kind": "contact_details",
        "values": {"contact.email": "dana@new.example"},
        "reason": "customer_request",
    }
    first, again = (crm.post("/change-requests", body, key="one") for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")


def test_a_recorded_change_is_recorded_once_however_often_it_is_sent(crm: Caller) -> None:
    dana = customer(crm)
    first, again = (crm.post("/changes", change(dana), key="one") for _ in range(2))
    assert first.status_code == 201, first.text
    assert again.content == first.content
    assert crm.get(f"/customers/{dana}").json()["version"] == first.json()["items"][0]["recorded"]["version"]


def test_the_same_key_with_another_body_is_refused(crm: Caller) -> None:
    dana = customer(crm)
    assert crm.post("/changes", change(dana), key="one").status_code == 201
    other = crm.post("/changes", change(dana, "dana@third.example"), key="one")
    is_problem(other, 422, "idempotency-other-body")


def test_the_same_key_at_another_address_is_another_body(crm: Caller) -> None:
    made = ask(crm, customer(crm))
    path, version = f"/change-requests/{made['ref']}", made["version"]
    assert crm.post(f"{path}/withdraw", key="one", match=version).status_code == 200
    is_problem(crm.post(f"{path}/release", key="one", match=version + 1), 422, "idempotency-other-body")


def test_a_call_whose_first_is_under_way_is_told_so(http: httpx.Client, home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    me = crm.get("/change-requests", params={"mine": "true"})
    assert me.status_code == 200
    number = ask(crm, dana)["ref"]
    entered = crm.get(f"/change-requests/{number}").json()["entered_by"]["id"]
    actor = Actor(home.client, ActorType.INTEGRATION, entered, Channel.API, "test")
    with begin(actor) as tx:
        once.claim(tx, entered, [once.Once("slow", b"whatever")])
        with ThreadPoolExecutor(1) as other:
            reply = other.submit(crm.post, "/customers", {"values": {"personal.name": "Kim"}}, key="slow").result()
    is_problem(reply, 409, "idempotency-in-flight")
    assert reply.headers["Retry-After"] == "1"


def test_what_goes_wrong_on_our_side_is_told_without_its_cause(crm: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    dana = customer(crm)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("dana@old.example")

    monkeypatch.setattr(flow, "record_joined", broken)
    reply = crm.post("/changes", change(dana))
    is_problem(reply, 500, "internal-error")
    assert "dana@old.example" not in reply.text


def test_two_calls_at_once_with_one_key_make_one_request(crm: Caller) -> None:
    dana = customer(crm)
    body = {
        "subject": dana,
        "kind": "contact_details",
        "values": {"contact.email": "dana@new.example"},
        "reason": "customer_request",
    }
    with ThreadPoolExecutor(6) as many:
        replies = list(many.map(lambda _: crm.post("/change-requests", body, key="race"), range(6)))
    made = {reply.json()["ref"] for reply in replies if reply.status_code == 201}
    assert len(made) == 1
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert len(crm.get("/change-requests").json()["items"]) == 1


@pytest.mark.parametrize("key", ["", " ", "with space", "x" * 201])
def test_a_call_that_creates_needs_a_key(crm: Caller, key: str) -> None:
    reply = crm.send(
        "POST",
        "/changes",
        change(str(uuid.uuid4())),
        key=None,
        headers={"Idempotency-Key": key.encode()} if key else {},
    )
    is_problem(reply, 400, "idempotency-key-missing")


# Versions


def test_a_decision_without_a_version_is_refused(crm: Caller) -> None:
    ref = ask(crm, customer(crm))["ref"]
    for path, body in {"withdraw": None, "cancel": {"reason": "typo"}}.items():
        is_problem(crm.post(f"/change-requests/{ref}/{path}", body), 428, "if-match-missing")
    is_problem(
        crm.send("PATCH", f"/change-requests/{ref}", {"values": {"contact.email": "d@x.example"}}),
        428,
        "if-match-missing",
    )
    weak = crm.post(f"/change-requests/{ref}/withdraw", headers={"If-Match": 'W/"1"'})
    is_problem(weak, 428, "if-match-missing")


def test_a_decision_on_an_older_state_is_refused_with_the_state_of_now_masked(crm: Caller) -> None:
    made = ask(crm, customer(crm))
    ref, version = made["ref"], made["version"]
    edited = crm.send(
        "PATCH", f"/change-requests/{ref}", {"values": {"contact.email": "dana@third.example"}}, match=version
    )
    assert edited.status_code == 200, edited.text
    told = is_problem(crm.post(f"/change-requests/{ref}/withdraw", match=version), 412, "moved")
    assert told["current"]["version"] == edited.json()["version"]
    assert told["current"]["digest"] == edited.json()["digest"]
    assert [one["path"] for one in told["current"]["diff"]] == ["contact.email"]
    assert all(one["masked"] for one in told["current"]["diff"])
    assert "dana@" not in json.dumps(told)
    assert crm.post(f"/change-requests/{ref}/withdraw", match=edited.json()["version"]).status_code == 200


def test_a_recorded_change_that_starts_from_another_value_is_refused_whole(crm: Caller) -> None:
    dana = customer(crm)
    told = is_problem(crm.post("/changes", change(dana, old="someone@else.example")), 412, "old-differs")
    assert told["facts"]["paths"] == ["contact.email"]
    assert crm.get(f"/customers/{dana}").json()["version"] == 1


# What is sent


def test_a_member_that_nobody_knows_is_refused_and_pointed_at(crm: Caller) -> None:
    body = {**change(str(uuid.uuid4())), "client": 7}
    told = is_problem(crm.post("/changes", body), 422, "call-misshapen")
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [("/client", "extra_forbidden")]


@pytest.mark.parametrize("member", ["actor", "client", "state", "approved", "level", "digest", "entered_by", "once"])
def test_nobody_sets_what_is_not_theirs_to_set(crm: Caller, member: str) -> None:
    body = {
        "subject": str(uuid.uuid4()),
        "kind": "contact_details",
        "values": {"contact.email": "a@b.example"},
        "reason": "customer_request",
        member: 1,
    }
    assert [
        one["pointer"] for one in is_problem(crm.post("/change-requests", body), 422, "call-misshapen")["errors"]
    ] == [f"/{member}"]


def test_each_bad_value_is_pointed_at(crm: Caller) -> None:
    dana = customer(crm)
    asked = {
        "subject": dana,
        "kind": "contact_details",
        "values": {"contact.email": "not an address", "contact.nothing": 1},
        "reason": "customer_request",
    }
    told = is_problem(crm.post("/change-requests", asked), 422, "bad-values")
    assert {one["pointer"] for one in told["errors"]} == {"/values/contact.email", "/values/contact.nothing"}
    told = is_problem(crm.post("/changes", change(dana, "not an address")), 422, "bad-values")
    assert [one["pointer"] for one in told["errors"]] == ["/items/0/changes/0/new"]


def test_each_item_of_many_has_its_own_result(crm: Caller) -> None:
    dana, kim = customer(crm), customer(crm, personal__name="Kim")
    body = {"items": [change(dana)["items"][0], change(str(uuid.uuid4()))["items"][0], change(kim, "bad")["items"][0]]}
    reply = crm.post("/changes", body)
    assert reply.status_code == 200, reply.text
    first, second, third = reply.json()["items"]
    assert (first["index"], first["status"]) == (0, "recorded")
    assert (second["status"], second["problem"]["code"]) == ("refused", "not-found")
    assert third["problem"]["errors"][0]["pointer"] == "/items/2/changes/0/new"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "call-misshapen"),
        (b"{", 400, "body-unreadable"),
        (b"[" * 10_000, 400, "body-unreadable"),
        (b'{"items":' * 10_000 + b"1" + b"}" * 10_000, 400, "body-unreadable"),
        (b'{"items":[{"subject":"\\u0000"}]}', 400, "body-unreadable"),
        (b'{"items":[{"subject":"\x00"}]}', 400, "body-unreadable"),
        (b'{"items":[{"subject":"\\ud800"}]}', 400, "body-unreadable"),
        (b'{"items":"\xff"}', 400, "body-unreadable"),
        (b'{"items":NaN}', 400, "body-unreadable"),
        (b'{"items":[]}', 422, "call-misshapen"),
        (b"null", 422, "call-misshapen"),
        (b"[]", 422, "call-misshapen"),
        (b'"x"', 422, "call-misshapen"),
    ],
)
def test_a_body_that_is_no_json_of_ours_is_refused(crm: Caller, body: bytes, status: int, code: str) -> None:
    reply = crm.send("POST", "/changes", content=body, headers={"Content-Type": "application/json"})
    is_problem(reply, status, code)


def test_what_is_no_json_is_not_read(crm: Caller) -> None:
    reply = crm.send(
        "POST", "/changes", content=b"items=1", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    is_problem(reply, 415, "not-json")


def test_a_body_that_is_too_large_is_not_read(crm: Caller) -> None:
    much = b'{"text":"' + b"x" * 1024 * 1024 + b'"}'
    reply = crm.send("POST", "/customers/search", content=much, headers={"Content-Type": "application/json"})
    is_problem(reply, 413, "body-too-large")


def test_what_is_not_there_is_a_problem_too(crm: Caller) -> None:
    for path in ("/nothing", "/customers/", "/customers/1/2/3", "/changes/%00"):
        assert crm.get(path).status_code in {404, 422}
        assert crm.get(path).headers["Content-Type"] == PROBLEM
    is_problem(crm.get("/nothing"), 404, "no-such-path")


def test_a_method_that_an_address_does_not_take_is_a_problem_too(crm: Caller) -> None:
    reply = crm.send("DELETE", "/changes")
    is_problem(reply, 405, "method-not-allowed")
    assert set(reply.headers["Allow"].replace(" ", "").split(",")) == {"GET", "POST"}


# Who calls


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer x", "Basic dTpw", "Bearer cd_live_00000000_" + "x" * 43]
)
def test_nobody_gets_in_without_a_key(http: httpx.Client, home: Desk, header: str | None) -> None:
    for method, path in (("GET", f"/api/v1/customers/{uuid.uuid4()}/timeline"), ("POST", "/api/v1/changes")):
        reply = http.request(
            method,
            path,
            headers={} if header is None else {"Authorization": header},
            json=change(str(uuid.uuid4())) if method == "POST" else None,
        )
        is_problem(reply, 401, "credential-refused")
        assert reply.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_trace_goes_in_and_out(crm: Caller) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for path in ("/nothing", f"/customers/{uuid.uuid4()}/as-of"):
        reply = crm.get(path, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        assert reply.json()["trace_id"] == trace
        assert reply.headers["traceparent"].startswith(f"00-{trace}-")
        assert "00f067aa0ba902b7" not in reply.headers["traceparent"]


def test_every_answer_says_how_many_calls_are_left(crm: Caller) -> None:
    dana = customer(crm)
    left = [
        int(crm.get(f"/customers/{dana}/{view}").headers["RateLimit"].split("r=")[1].split(";")[0])
        for view in ("timeline", "as-of", "timeline")
    ]
    assert left == sorted(left, reverse=True)
    assert crm.get("/log/size").headers["RateLimit-Policy"] == '"key";q=60000;w=60'


def test_a_key_that_calls_too_often_is_stopped_and_another_is_not(
    http: httpx.Client, home: Desk, crm: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = customer(crm)
    other = Caller(http, token(home, "customers:read"))
    monkeypatch.setattr("changedesk.channels.api.limits.LIMITS.quota", 2)
    monkeypatch.setattr("changedesk.channels.api.limits.LIMITS.window", 3600)
    replies = [crm.get(f"/customers/{dana}/timeline") for _ in range(4)]
    told = is_problem(replies[-1], 429, "too-many-calls")
    assert "facts" not in told
    assert int(replies[-1].headers["Retry-After"]) > 0
    assert other.get(f"/customers/{dana}/timeline").status_code == 200


def test_pages_lead_to_the_next_until_the_last(crm: Caller) -> None:
    dana = customer(crm)
    for number in range(3):
        assert crm.post("/changes", change(dana, f"dana@n{number}.example")).status_code == 201
    seen, path = [], f"/customers/{dana}/timeline?limit=2"
    while path:
        page = crm.get(path)
        seen += [one["version"] for one in page.json()["items"]]
        link = page.headers.get("Link", "")
        path = link.partition("<")[2].partition(">")[0].removeprefix("/api/v1")
    assert seen == [4, 3, 2, 1]


def test_a_time_without_its_offset_is_refused(crm: Caller) -> None:
    dana = customer(crm)
    for bad in ("2026-01-01T00:00:00", "yesterday", "1767225600", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"):
        told = is_problem(crm.get(f"/customers/{dana}/as-of", params={"known_at": bad}), 422, "call-misshapen")
        assert told["errors"][0]["pointer"] == "/known_at"
