"""The command line: sentences for people, JSON for programs, no search term where others can read it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.postgres import Database
from typer.testing import CliRunner, Result

from changedesk.channels.terminal import app
from changedesk.store import settings_read

CSV = "CustomerId,FirstName,LastName,Company,Address,City,State,Country,PostalCode,Phone,Fax,Email,SupportRepId\n"
ROW = "1,Ann,Lee,,12 Elm St,Oakland,CA,USA,94607,+1 (510) 555-0101,,ann.lee@example.com,3\n"


def run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=given)


def answer(*words: str, given: str | None = None) -> dict[str, object]:
    result = run(*words, "--json", given=given)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_every_command_answers_programs_too() -> None:
    """All but the one that runs until it is stopped."""

    def without(group: Any, before: str = "") -> Iterator[str]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from without(command, f"{before}{name} ")
            elif not any("--json" in option.opts for option in command.params):
                yield before + name

    assert list(without(typer.main.get_command(app))) == ["witness serve"]


@pytest.fixture
def harbour(database: Database, tmp_path: Path) -> Path:
    settings_read.forget()
    answer("client", "create", "harbour", "--name", "Harbour", "--origin", "harbour.example/log")
    file = tmp_path / "base.csv"
    file.write_text(CSV + ROW, encoding="utf-8")
    return file


def take_in(file: Path) -> str:
    words = ("import", "customers", str(file), "--map", "crm-chinook", "--client", "harbour")
    told = answer(*words)
    assert told["totals"] == {
        "rows": 1, "taken": 1, "unchanged": 0, "checked": 0, "warned": 0, "refused": 0, "changes": 0,
    }  # fmt: skip
    hits = json.loads(run("customer", "search", "--client", "harbour", "--json", given="ann.lee@example.com\n").stdout)
    return str(hits[0]["id"])


def test_a_file_goes_in_and_its_customer_is_found_masked(harbour: Path) -> None:
    customer = take_in(harbour)
    shown = run("customer", "show", customer, "--client", "harbour")
    assert shown.exit_code == 0
    assert "ann.lee" not in shown.stdout
    assert "Lee" not in shown.stdout
    page = answer("customer", "timeline", customer, "--client", "harbour")
    assert [item["kind"] for item in page["items"]] == ["customer.created"]  # type: ignore[attr-defined] # JSON
    past = answer("customer", "as-of", customer, "--client", "harbour", "--known-at", "2001-01-01T00:00:00Z")
    assert past["version"] == 0
    again = answer("import", "customers", str(harbour), "--map", "crm-chinook", "--client", "harbour")
    assert again["totals"]["unchanged"] == 1  # type: ignore[index] # JSON
    told = json.loads(run("import", "runs", "--client", "harbour", "--json").stdout)
    assert [(item["map"], item["counts"]["taken"]) for item in told] == [("crm-chinook", 0), ("crm-chinook", 1)]
    assert "crm-chinook" in run("import", "runs", "--client", "harbour").stdout


def test_a_search_term_never_stands_on_the_command_line(harbour: Path, tmp_path: Path) -> None:
    take_in(harbour)
    assert run("customer", "search", "ann.lee@example.com", "--client", "harbour").exit_code == 2
    term = tmp_path / "term"
    term.write_text("ann.lee@example.com\n", encoding="utf-8")
    found = run("customer", "search", "--client", "harbour", "--term-file", str(term))
    assert "email" in found.stdout


def test_a_refusal_is_a_sentence_and_for_programs_a_code(harbour: Path) -> None:
    words = ("customer", "show", "not-an-id", "--client", "harbour")
    plain = run(*words)
    assert plain.exit_code == 1
    assert "There is nothing here" in plain.stderr
    told = run(*words, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["code"] == "not-found"
    assert run("log", "size", "--client", "nobody").exit_code == 1


def test_a_moment_that_cannot_be_read_is_refused(harbour: Path) -> None:
    customer = take_in(harbour)
    told = run("customer", "as-of", customer, "--client", "harbour", "--known-at", "yesterday", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["code"] == "moment-unclear"


def test_a_dry_run_takes_nothing_in(harbour: Path) -> None:
    words = ("import", "customers", str(harbour), "--map", "crm-chinook", "--client", "harbour", "--dry-run")
    told = answer(*words)
    assert (told["totals"]["checked"], told["totals"]["taken"]) == (1, 0)  # type: ignore[index] # JSON
    hits = run("customer", "search", "--client", "harbour", "--json", given="ann.lee@example.com\n")
    assert json.loads(hits.stdout) == []


def test_a_map_of_the_other_sort_is_refused(harbour: Path) -> None:
    words = ("import", "changes", str(harbour), "--map", "crm-chinook", "--client", "harbour")
    assert json.loads(run(*words, "--json").stdout)["code"] == "map-wrong"


def test_a_file_that_ends_badly_ends_the_command_badly(harbour: Path) -> None:
    with harbour.open("ab") as sink:
        sink.write(b"2,\0\n")
    result = run("import", "customers", str(harbour), "--map", "crm-chinook", "--client", "harbour", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["totals"]["taken"] == 1


def test_people_and_keys_are_made(harbour: Path) -> None:
    person = ("person", "create", "ann@desk.example", "--client", "harbour", "--name", "Ann", "--role", "agent")
    assert isinstance(answer(*person)["person"], int)
    key = answer("key", "create", "Billing", "--client", "harbour", "--scope", "search")
    assert str(key["key"]).startswith(str(key["prefix"]))
    assert run("key", "create", "Billing", "--client", "harbour", "--scope", "everything").exit_code == 1


def test_the_log_and_the_outbox_can_be_looked_at(harbour: Path) -> None:
    take_in(harbour)
    assert "size" in answer("log", "size", "--client", "harbour")
    assert answer("outbox", "--client", "harbour")["items"] == []
    maps = run("import", "maps")
    assert "telco-customers" in maps.stdout
