"""Hooks by the real command: added, tried, followed, sent to again, and removed."""

import json

import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.channels.api.test_hooks import send
from tests.channels.terminal.test_commands import answer, run
from tests.outbound.hooked import Receiver
from tests.outbound.test_hooks import signed_by
from tests.postgres import Database

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


def test_what_is_no_hook_is_said_so(home: Desk) -> None:
    refused = run("hook", "create", "https://10.0.0.1/", *AT, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, "hook-unfit")
    missing = run("hook", "rotate", "no-id", *AT, "--json")
    assert (missing.exit_code, json.loads(missing.stdout)["code"]) == (1, "not-found")
