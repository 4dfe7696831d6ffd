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
