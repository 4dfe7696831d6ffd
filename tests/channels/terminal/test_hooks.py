"""Hooks by the real command: added, tried, followed, sent to again, and removed."""

import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.channels.api.desk import person
from tests.channels.api.test_hooks import send
from tests.channels.terminal.test_commands import answer, run
from tests.outbound.hooked import Receiver
from tests.outbound.test_hooks import signed_by
from tests.postgres import Database

from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.store import settings_read

AT = ("--client", "aurora")


@pytest.fixture
def home(database: Database) -> Desk:
    settings_read.forget()
    return desk()


def test_a_hook_is_added_tried_paused_and_removed_at_the_terminal(home: Desk, settings: Settings) -> None:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    with Receiver() as receiver:
        made = answer("hook", "create", receiver.url, *AT, "--event", "customer.created", "--kind", "contact_details")
        hook = str(made["hook"])
        delivery = str(answer("hook", "test", hook, *AT)["delivery"])
        send(home)
        rotated = answer("hook", "rotate", hook, *AT)
        assert answer("hook", "resend", hook, delivery, *AT) == {"delivery": delivery}
        send(home)
    first, second = receiver.got
    assert signed_by(first, str(made["secret"]))
    assert signed_by(second, str(made["secret"]))
    assert signed_by(second, str(rotated["secret"]))
    (shown,) = json.loads(run("hook", "deliveries", hook, *AT, "--json").stdout)
    assert (shown["id"], shown["state"], shown["code"]) == (delivery, "sent", 200)
    assert "sent" in run("hook", "deliveries", hook, *AT).stdout
    for verb, state in (("pause", "paused"), ("resume", "on")):
        assert answer("hook", verb, hook, *AT) == {"hook": hook}
        (listed,) = json.loads(run("hook", "list", *AT, "--json").stdout)
        assert (listed["state"], listed["kinds"]) == (state, ["contact_details"])
    assert f"127.0.0.1:{receiver.port}" in run("hook", "list", *AT).stdout
    assert hook in run("hook", "remove", hook, *AT).output
    assert json.loads(run("hook", "list", *AT, "--json").stdout) == []


def test_a_hook_is_changed_at_the_terminal_and_a_person_approves_what_needs_two(home: Desk, tmp_path: Path) -> None:
    hook = str(answer("hook", "create", "https://hooks.example.com/in", *AT, "--event", "customer.created")["hook"])
    told = answer("hook", "change", hook, *AT, "--url", "https://other.example.com/in", "--kind", "contact_details")
    assert told == {"hook": hook, "state": "on"}
    (listed,) = json.loads(run("hook", "list", *AT, "--json").stdout)
    assert (listed["place"], listed["events"], listed["kinds"]) == (
        "other.example.com", ["customer.created"], ["contact_details"],
    )  # fmt: skip
    assert answer("hook", "change", hook, *AT, "--all-events", "--all-kinds", "--paused")["state"] == "paused"
    waits = answer("hook", "change", hook, *AT, "--values", "--resumed")
    (listed,) = json.loads(run("hook", "list", *AT, "--json").stdout)
    assert (listed["full_values"], listed["events"], listed["kinds"], waits["state"]) == (False, [], [], "on")
    assert listed["draft"]["id"] == waits["waits"]
    key = tmp_path / "key"
    key.write_text(person(home, "Cora", Role.COMPLIANCE, "law"))
    assert answer("hook", "approve", hook, str(waits["waits"]), *AT, "--key-file", str(key)) == {"hook": hook}
    (listed,) = json.loads(run("hook", "list", *AT, "--json").stdout)
    assert (listed["full_values"], listed["draft"]) == (True, None)
    new = answer("hook", "create", "https://hooks.example.com/in", *AT, "--values")
    refused = run("hook", "resend", str(new["hook"]), *AT, "--since", "2026-01-01", "--json")
    assert json.loads(refused.stdout)["code"] == "hook-waits"
    assert answer("hook", "drop", str(new["hook"]), str(new["waits"]), *AT) == {"hook": new["hook"]}
    assert len(json.loads(run("hook", "list", *AT, "--json").stdout)) == 1


def test_what_failed_in_a_time_is_sent_again_at_the_terminal(home: Desk, settings: Settings) -> None:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    with Receiver() as receiver:
        receiver.status = 500
        hook = str(answer("hook", "create", receiver.url, *AT, "--event", "customer.created")["hook"])
        home.customer(at=now())
        send(home)
        assert answer("hook", "resend", hook, *AT, "--since", "2026-01-01") == {"events": 1}
        receiver.status = 200
        send(home)
        assert answer("hook", "resend", hook, *AT, "--until", "2199-01-01T00:00:00+02:00") == {"events": 0}
        assert answer("hook", "resend", hook, *AT, "--since", "2026-01-01", "--all") == {"events": 1}
    for wrong in ((), ("one", "--since", "2026-01-01")):
        assert run("hook", "resend", hook, *wrong, *AT).exit_code == 2


def test_what_is_no_hook_is_said_so(home: Desk) -> None:
    refused = run("hook", "create", "https://10.0.0.1/", *AT, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, "hook-unfit")
    missing = run("hook", "rotate", "no-id", *AT, "--json")
    assert (missing.exit_code, json.loads(missing.stdout)["code"]) == (1, "not-found")
