"""Who looked, at the terminal: its own looks are on record too."""

import json
from typing import Any

from tests.cast import START, desk, soon
from tests.channels.terminal.test_commands import run
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Role
from changedesk.flow import configure
from changedesk.reading import search, sight
from changedesk.rules.access import terminal
from changedesk.store import settings_read


def told(*words: str) -> Any:
    result = run("access", *words, "--client", "aurora", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_terminals_own_look_is_on_record_and_found_by_customer_actor_and_time(database: Database) -> None:
    settings_read.forget()
    d = desk()
    dana = str(d.customer())
    shown = run("customer", "show", dana, "--client", "aurora")
    assert shown.exit_code == 0, shown.output
    assert run("customer", "timeline", dana, "--client", "aurora").exit_code == 0
    (one,) = told("looks")["items"]
    assert (one["kind"], one["by"]["id"], one["purpose"], one["subject"]) == (
        "record.viewed", "a.terminal", "operation", dana,
    )  # fmt: skip
    assert len(told("looks", "--subject", dana, "--actor", "a.terminal", "--since", "2026-01-01")["items"]) == 1
    assert told("looks", "--until", "2026-01-01")["items"] == []
    assert [one["views"] for one in told("viewers", dana)] == [1]
    assert run("access", "viewers", dana, "--client", "aurora").exit_code == 0
    assert run("access", "looks", "--client", "aurora", "--subject", "Dana").exit_code == 1


def test_broken_glass_is_listed_at_the_terminal(database: Database) -> None:
    settings_read.forget()
    d = desk()
    flow.break_glass(level=2, minutes=5, reason="emergency", reference="INC-1", actor=d.ines, at=soon(START))
    (one,) = told("glass", "--waiting")
    assert (one["by"]["id"], one["overdue"], one["verdict"]) == ("s3", True, "")
    assert "INC-1" in run("access", "glass", "--client", "aurora").stdout


def test_readers_are_listed_at_the_terminal_with_how_they_looked(database: Database) -> None:
    settings_read.forget()
    d = desk()
    d.customer()
    with sight.watching() as watch:
        search.search("Dana Novak", actor=d.ben, at=soon(START), language="en")
    flow.note_views(watch.views, watch.searches, at=soon(START))
    ours = ("--since", START.isoformat(), "--until", soon(START, 60).isoformat())
    (one,) = told("readers", *ours)["items"]
    assert (one["by"]["id"], one["found"]) == ("s1", 1)
    assert "nothing at" in run("access", "readers", *ours, "--client", "aurora").stdout
    refused = run("access", "readers", "--since", "2026-01-01", "--until", "2027-01-01", "--client", "aurora")
    assert refused.exit_code == 1
    assert "92 days" in refused.stdout + refused.stderr


def test_who_had_which_role_when_is_told_at_the_terminal(database: Database) -> None:
    settings_read.forget()
    d = desk()
    admin = terminal(d.client)
    person = configure.invite("kim@desk.example", "Kim Low", [Role.AGENT], actor=admin, at=START)
    configure.set_membership(person, [Role.AGENT, Role.AUDITOR], actor=admin, at=soon(START))
    configure.set_membership(person, [Role.AUDITOR], actor=admin, at=soon(START, 2))
    now, before = told("roles")
    assert (now["person"]["name"], now["role"], now["by"]["id"], now["until"]) == (
        "Kim Low",
        "auditor",
        "a.terminal",
        None,
    )
    assert (before["role"], before["until"] is None, before["ended_by"]["id"]) == ("agent", False, "a.terminal")
    late = ("--since", soon(START, 3).isoformat())
    assert [one["role"] for one in told("roles", *late)] == ["auditor"]
    assert told("roles", "--until", START.isoformat()) == []
    shown = run("access", "roles", "--client", "aurora").stdout
    assert ("Kim Low" in shown, "stands" in shown) == (True, True)
