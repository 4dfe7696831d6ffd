"""A file of customers over several processes: one report, and whoever comes first in the file comes first."""

import csv
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.postgres import Database
from typer.testing import CliRunner

from changedesk.base import clock
from changedesk.base.ids import ClientId, SubjectId
from changedesk.channels import terminal
from changedesk.channels.bulk import CustomerMap, Report, crew, import_customers
from changedesk.channels.bulk.mapping import parse_map
from changedesk.channels.terminal import installed
from changedesk.flow import configure
from changedesk.rules import access
from changedesk.store import settings_read, subjects
from changedesk.store.tx import look

MAP = """
rows = "customers"
source = "crm"
key = "id"
[fields]
"personal.name" = { columns = ["name"], required = true }
"contact.email" = { columns = ["mail"] }
[account]
number = "account"
[account.fields]
"contact.url" = { columns = ["j.web"] }
[[joins]]
name = "j"
file = "webs.csv"
key = "k"
on = "id"
"""
Line = tuple[str, str, str, str]
HEAD = "id,name,mail,account\n"


@pytest.fixture
def here(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> installed.Installed:
    settings_read.forget()
    for slug in ("harbour", "aurora"):
        new = configure.NewClient(slug, slug.title(), f"{slug}.example/log")
        configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    webs = "".join(f"{number},https://{number}.example\n" for number in range(60))
    (tmp_path / "webs.csv").write_text(f"k,web\n{webs}", encoding="utf-8")
    (tmp_path / "base.csv").write_text(people(), encoding="utf-8")
    (tmp_path / "m.toml").write_text(MAP, encoding="utf-8")
    monkeypatch.setattr(crew, "WORTH_PROCESSES", 3)
    monkeypatch.setattr(crew, "TOGETHER", 7)
    return installed.client("harbour")


def take(here: installed.Installed, folder: Path) -> tuple[Report, list[Line]]:
    chosen = parse_map(MAP, "m")
    assert isinstance(chosen, CustomerMap)
    report = import_customers(
        folder / "base.csv", chosen, actor=here.actor, catalogue=here.catalogue, region="US", zone="UTC"
    )
    assert report.path
    return report, told_of(report.path)


def told_of(report: Path) -> list[Line]:
    with report.open(encoding="utf-8", newline="") as lines:
        return [(one["row"], one["outcome"], one["code"], one["record"]) for one in csv.DictReader(lines) if one["row"]]


def people() -> str:
    """Accounts of three holders each, in one notation and another; rows that come again, changed or not; bad cells."""
    rows = [f"{number},Ann,ann@example.com,{'a-' if number > 19 else 'A-'}{number % 20}" for number in range(60)]
    rows[30:30] = ["3,Ann,ann@example.com,A-3", "3,Another,ann@example.com,A-3", "70,Bo,no-address,A-4", "71,,,A-7"]
    rows[45:45] = ["5,Ann,ann@example.com,A-5", ",Nobody,,", "72,Cy,,?", "few", "70,Bo,no-address,A-4", "71,Di,,A-7"]
    return HEAD + "\n".join(rows) + "\n"


def holders(here: installed.Installed, told: list[Line]) -> dict[str, tuple[str, int]]:
    """Each account's number, with what it was opened with and how many hold it."""
    found: dict[str, tuple[str, int]] = {}
    with look(here.actor.client) as seen:
        for record in {line[3] for line in told if line[1] == "taken"}:
            held = [one.account for one in subjects.accounts_of(seen, SubjectId(UUID(record)))]
            for account in subjects.load(seen, held).values():
                state = {path: str(one.value) for path, one in account.state.items()}
                number = state["account.number"]
                found[number] = (state.get("contact.url", ""), found.get(number, ("", 0))[1] + 1)
    return found


def test_customers_over_processes_are_told_and_hold_what_one_process_makes_of_them(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hired, hire = list[int](), crew.hired

    def watched(start: Any, jobs: int) -> AbstractContextManager[crew.Processes]:
        hired.append(jobs)
        return hire(start, jobs)

    monkeypatch.setattr(crew, "hired", watched)
    aurora = installed.client("aurora")
    report, one_by_one = take(aurora, tmp_path)
    assert (report.taken, report.unchanged, report.warned, report.refused) == (62, 3, 1, 5)
    assert hired == []

    words = ["import", "customers", str(tmp_path / "base.csv"), "--map", str(tmp_path / "m.toml")]
    answer = CliRunner().invoke(terminal.app, [*words, "--client", "harbour", "--jobs", "3", "--json"])
    assert answer.exit_code == 0, answer.output
    assert hired == [3]
    spread = msgspec.json.decode(answer.stdout)
    assert spread["totals"] == report.totals()
    assert {(one["code"], one["field"]): one["count"] for one in spread["reasons"]} == report.codes
    told = told_of(tmp_path / "base.csv.report.csv")
    assert [line[:3] for line in told] == [line[:3] for line in one_by_one]
    assert holders(here, told) == holders(aurora, one_by_one)
    assert holders(here, told)["A-3"] == ("https://3.example", 3)

    again, _ = take(here, tmp_path)
    assert (again.taken, again.unchanged, again.refused) == (0, 65, 5)
