"""Reversals and policies by the real command, with the key of the person whose deed it is."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cast import Desk, desk
from tests.channels.api.desk import person
from tests.channels.terminal.test_commands import answer, run
from tests.postgres import Database

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Role
from changedesk.store import settings_read

AT = ("--client", "aurora")
RULE = (
    '[[rule]]\nid = "OUR-MAIL"\ncitation = "House policy"\nscope = { categories = ["contact.email"] }\n'
    "oblige = [{ approve = { count = 2 } }]\n"
)


@pytest.fixture
def home(database: Database) -> Desk:
    settings_read.forget()
    return desk()


def key_of(home: Desk, folder: Path, name: str, role: Role) -> tuple[str, str]:
    """The option that names the file with a person's own key."""
    file = folder / name
    file.write_text(person(home, name, role, name), encoding="utf-8")
    return "--key-file", str(file)


def test_a_reversal_is_seen_asked_for_goes_on_and_is_approved_by_another(home: Desk, tmp_path: Path) -> None:
    at = clock.now()
    tier = flow.FieldChange(path="loyalty.tier", new="gold")
    changes = [flow.RecordedChange(subject=home.customer(), changes=[tier]) for _ in range(2)]
    assert not flow.record_changes(changes, actor=home.crm, at=at - timedelta(minutes=30)).refused
    period = ("--since", (at - timedelta(hours=1)).isoformat(), "--until", at.isoformat())
    ines, omar = (key_of(home, tmp_path, name, Role.SUPERVISOR) for name in ("Ines", "Omar"))
    what = ("reversal", "plan", home.crm.id, *AT, *period)
    plan = answer(*what, *ines)
    assert (plan["requests"], [one["finding"] for one in plan["changes"]]) == (2, ["revertible"] * 2)  # type: ignore[attr-defined]  # JSON
    assert "loyalty.tier" in run(*what, *ines).stdout
    refused = run(*what, *key_of(home, tmp_path, "Ben", Role.AGENT), "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (1, "forbidden")
    for wrong in ("yesterday", "2026-01-01T00:00:00"):
        told = run("reversal", "plan", home.crm.id, *AT, "--since", wrong, "--until", at.isoformat(), *ines, "--json")
        assert json.loads(told.stdout)["code"] == "bad-period"
    start = ("reversal", "start", home.crm.id, *AT, *period, *ines)
    made = answer(*start)
    again = answer(*start)
    assert made == again
    assert made["counts"] == {"awaiting_approval": 2}
    plain = run(*start).stdout
    assert str(made["digest"]) in plain
    batch = str(made["line"]["id"])  # type: ignore[index]  # JSON
    approve = ("batch", "approve", batch, *AT, "--digest", str(made["digest"]))
    assert run(*approve, *ines).exit_code == 1
    assert run(*approve, *omar).exit_code == 0, run(*approve, *omar).output
    assert answer(*start)["counts"] == {"applied": 2}


def test_a_policy_is_written_tried_and_published_by_another(home: Desk, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULE, encoding="utf-8")
    ada, cora = (
        key_of(home, tmp_path, name, role)
        for name, role in (("Ada", Role.ADMINISTRATOR), ("Cora", Role.COMPLIANCE))
    )  # fmt: skip
    wrote = answer("policy", "write", str(file), *AT, *ada, "--limit", "reveals_an_hour=20")
    assert wrote["limits"] == {"reveals_an_hour": [30, 20]}
    unfit = run("policy", "write", str(file), *AT, *ada, "--limit", "reveals_an_hour=many", "--json")
    assert json.loads(unfit.stdout)["code"] == "limit-unfit"
    number = str(wrote["policy"]["number"])  # type: ignore[index]  # JSON
    assert [one["rule"] for one in wrote["rules"]] == ["OUR-MAIL"]  # type: ignore[attr-defined]  # JSON
    shown = run("policy", "show", number, *AT).stdout
    assert "OUR-MAIL" in shown
    assert "30 -> 20" in shown
    tried = answer("policy", "simulate", number, *AT, "--last", "10")
    assert tried["looked_at"] == 0
    assert "looked at" in run("policy", "simulate", number, *AT).stdout
    own = run("policy", "publish", number, *AT, *ada, "--json")
    assert (own.exit_code, json.loads(own.stdout)["code"]) == (1, "own-policy")
    assert run("policy", "publish", number, *AT, *cora).exit_code == 0
    (listed,) = json.loads(run("policy", "list", *AT, "--json").stdout)
    assert listed["state"] == "in_force"
    assert "Ada" in run("policy", "list", *AT).stdout
    file.write_text(RULE.replace("OUR-MAIL", "FLOOR-REACH"), encoding="utf-8")
    loose = run("policy", "write", str(file), *AT, *ada, "--json")
    assert json.loads(loose.stdout)["code"] == "loosens-floor"


def test_a_key_of_another_client_does_nothing_here(home: Desk, tmp_path: Path) -> None:
    other = key_of(desk("harbour"), tmp_path, "Eve", Role.ADMINISTRATOR)
    told = run("policy", "publish", "1", *AT, *other, "--json")
    assert json.loads(told.stdout)["code"] == "key-of-other-client"
