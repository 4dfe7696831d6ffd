"""Hooks by the API: set by an administrator's own key, the secret told once, deliveries followed and sent again."""

from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk
from tests.channels.api.desk import Caller, person
from tests.outbound.hooked import Receiver
from tests.outbound.test_hooks import SECONDS, signed_by

from changedesk import outbound
from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.channels.clock.hooks import bodies
from changedesk.outbound.hooks import sender

URL = "https://hooks.example.com/in?key=1"


@pytest.fixture
def ada(http: httpx.Client, home: Desk) -> Caller:
    return Caller(http, person(home, "Ada", Role.ADMINISTRATOR, "it"))


def send(home: Desk) -> None:
    one = sender(bodies)
    while outbound.sequence(home.client) or one.run(home.client):
        assert one.wait(SECONDS)
    one.close()


def registered(ada: Caller, **given: Any) -> dict[str, Any]:
    made = ada.post("/hooks", {"url": URL, **given})
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/api/v1/hooks/{made.json()['id']}"
    return dict(made.json())


def test_a_hook_is_tried_followed_and_sent_to_again(home: Desk, ada: Caller, settings: Settings) -> None:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    with Receiver() as receiver:
        made = registered(ada, url=receiver.url, events=["hook.resent"])
        place = f"/hooks/{made['id']}"
        tested = ada.post(f"{place}/test", key="test-1")
        assert tested.status_code == 202
        assert ada.post(f"{place}/test", key="test-1").json() == tested.json()
        receiver.status = 500
        send(home)
        (one,) = ada.get(f"{place}/deliveries").json()["items"]
        assert (one["id"], one["state"], one["code"]) == (tested.json()["delivery"], "waiting", 500)
        assert one["next_at"]
        assert ada.get(place).json()["waiting"] == 1
        receiver.status = 200
        assert ada.post(f"{place}/deliveries/{one['id']}/resend").status_code == 204
        send(home)
        states = {item["type"]: item["state"] for item in ada.get(f"{place}/deliveries").json()["items"]}
        assert states == {"hook.test": "sent", "hook.resent": "sent"}
        assert all(signed_by(sent, made["secret"]) for sent in receiver.got)
        assert len(receiver.got) == 3


def test_deliveries_come_in_pages_without_one_lost_or_twice(home: Desk, ada: Caller) -> None:
    place = f"/hooks/{registered(ada, events=['hook.resent'])['id']}"
    tests = [ada.post(f"{place}/test").json()["delivery"] for _ in range(5)]
    found, page = [], ada.get(f"{place}/deliveries?limit=2")
    while True:
        found += [one["id"] for one in page.json()["items"]]
        if page.json()["next"] is None:
            break
        page = ada.get(f"{place}/deliveries?limit=2&after={page.json()['next']}")
    assert found == tests[::-1]
    assert ada.get(f"{place}/deliveries?state=sent").json()["items"] == []
    assert ada.get(f"{place}/deliveries?after={place.rsplit('/', 1)[1]}").status_code == 404


def test_a_hook_is_changed_paused_resumed_rotated_and_removed(ada: Caller) -> None:
    made = registered(ada)
    place = f"/hooks/{made['id']}"
    changed = ada.send("PATCH", place, {"url": "https://other.example.com/x", "kinds": ["contact_details"]})
    assert (changed.json()["place"], changed.json()["kinds"]) == ("other.example.com", ["contact_details"])
    rotated = ada.post(f"{place}/rotate").json()
    assert rotated["id"] == made["id"]
    assert rotated["secret"] != made["secret"]
    assert ada.get(place).json()["old_secret_until"]
    assert ada.post(f"{place}/pause").status_code == 204
    assert ada.get(place).json()["state"] == "paused"
    stopped = ada.post(f"{place}/test")
    assert (stopped.status_code, stopped.json()["code"]) == (409, "hook-stopped")
    assert ada.post(f"{place}/resume").status_code == 204
    assert ada.get("/hooks").json()["items"][0]["state"] == "on"
    assert ada.post(f"{place}/remove").status_code == 204
    assert ada.get(place).status_code == 404
    assert ada.get("/hooks").json()["items"] == []


def test_values_in_clear_wait_for_another_persons_key(http: httpx.Client, home: Desk, ada: Caller) -> None:
    made = registered(ada, full_values=True)
    place = f"/hooks/{made['id']}"
    waits = ada.get(place).json()
    assert (waits["state"], waits["draft"]["id"], waits["draft"]["may_approve"]) == ("draft", made["draft"], False)
    own = ada.post(f"{place}/drafts/{made['draft']}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "own-hook")
    assert ada.post(f"{place}/test").json()["code"] == "hook-waits"
    cora = Caller(http, person(home, "Cora", Role.COMPLIANCE, "law"))
    assert cora.get(place).json()["draft"]["url"] == URL, "she reads where exactly it is to lead"
    assert cora.post(f"{place}/drafts/{made['draft']}/approve", key="ok").status_code == 204
    assert cora.post(f"{place}/drafts/{made['draft']}/approve", key="ok").headers["Idempotency-Replayed"] == "true"
    assert (ada.get(place).json()["state"], ada.get(place).json()["draft"]) == ("on", None)
    moved = ada.send("PATCH", place, {"url": "https://other.example.com/x"}).json()
    assert (moved["place"], moved["draft"]["place"]) == ("hooks.example.com", "other.example.com")
    outdated = cora.post(f"{place}/drafts/{made['draft']}/drop")
    assert (outdated.status_code, outdated.json()["code"]) == (412, "draft-outdated")
    assert cora.post(f"{place}/drafts/{moved['draft']['id']}/drop").status_code == 204
    kept = ada.send("PATCH", place, {"kinds": ["contact_details"]}).json()
    assert (kept["url"], kept["full_values"], kept["kinds"]) == (URL, True, ["contact_details"]), "the rest stays"


def test_what_failed_in_a_time_is_sent_again(home: Desk, ada: Caller, settings: Settings) -> None:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    with Receiver() as receiver:
        receiver.status = 500
        place = f"/hooks/{registered(ada, url=receiver.url, events=['customer.created'])['id']}"
        home.customer(at=now())
        send(home)
        asked = {"since": "2026-01-01T00:00:00Z", "until": "2199-01-01T00:00:00Z"}
        again = ada.post(f"{place}/resend", asked, key="again")
        assert (again.status_code, again.json()) == (202, {"events": 1, "next": None})
        assert ada.post(f"{place}/resend", asked, key="again").json() == again.json()
        receiver.status = 200
        send(home)
        assert ada.post(f"{place}/resend", asked).json()["events"] == 0
        assert ada.post(f"{place}/resend", {**asked, "which": "all"}).json()["events"] == 1
        backwards = ada.post(f"{place}/resend", {"since": asked["until"], "until": asked["since"]})
        assert (backwards.status_code, backwards.json()["facts"]["path"]) == (422, "until")
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 1


def test_an_unfit_hook_is_refused_with_the_part_that_is_wrong(ada: Caller) -> None:
    for given, path in (({"url": "https://127.0.0.1/"}, "url"), ({"events": ["a.b"]}, "events")):
        refused = ada.post("/hooks", {"url": URL, **given})
        assert (refused.status_code, refused.json()["code"]) == (422, "hook-unfit")
        assert refused.json()["facts"]["path"] == path
        assert refused.json()["facts"]["reason"]
        assert "127.0.0.1" not in refused.text


def test_who_only_reads_settings_sees_neither_address_nor_secret(http: httpx.Client, home: Desk, ada: Caller) -> None:
    made = registered(ada)
    otto = Caller(http, person(home, "Otto", Role.AUDITOR, "audit"))
    shown = otto.get("/hooks").text + otto.get(f"/hooks/{made['id']}").text
    assert "hooks.example.com" in shown
    assert "key=1" not in shown
    assert made["secret"] not in shown + ada.get(f"/hooks/{made['id']}").text
    assert otto.post(f"/hooks/{made['id']}/pause").status_code == 403


def test_a_key_of_a_program_sets_no_hooks(crm: Caller) -> None:
    assert crm.get("/hooks").status_code == 403
    assert crm.post("/hooks", {"url": URL}).status_code == 403
