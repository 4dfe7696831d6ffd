"""A file of changes over several processes: each record's in its order, nothing twice, nothing lost, one report."""

import csv
import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.postgres import Database
from typer.testing import CliRunner

from changedesk.base import clock
from changedesk.base.ids import ClientId, SubjectId
from changedesk.channels import terminal
from changedesk.channels.bulk import ChangeMap, Report, crew, import_changes
from changedesk.channels.bulk.crew import ProcessEnded, Waiting
from changedesk.channels.bulk.groups import Group, Records
from changedesk.channels.bulk.mapping import parse_map
from changedesk.channels.bulk.report import Sheet
from changedesk.channels.terminal import installed
from changedesk.flow import configure
from changedesk.reading.imports import runs
from changedesk.rules import access
from changedesk.store import past, settings_read, subjects
from changedesk.store.tx import look

MAP = """
rows = "changes"
source = "crm"
log = "log"
customer = "id"
record = "account"
subject = "account"
group = "set"
field = "field"
old = "old"
new = "new"
valid_from = "at"
fields = { web = "contact.url" }
"""
OF_CUSTOMERS = MAP.replace('"account"', '"customer"').replace('record = "customer"', 'record = "id"')
HEAD = ["id", "account", "set", "field", "old", "new", "at"]
START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def here(database: Database, monkeypatch: pytest.MonkeyPatch) -> installed.Installed:
    settings_read.forget()
    for slug in ("harbour", "aurora"):
        new = configure.NewClient(slug, slug.title(), f"{slug}.example/log")
        configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    monkeypatch.setattr(crew, "WORTH_PROCESSES", 3)
    monkeypatch.setattr(crew, "TOGETHER", 7)
    return installed.client("harbour")


def log_of(whose: Sequence[tuple[str, str]], turns: int) -> list[list[str]]:
    """Each in turn changes once a turn: any other order than the file's does not fit the old values."""
    times = ((START + timedelta(seconds=place)).isoformat() for place in range(turns * len(whose)))
    held: dict[str, str] = {}
    rows = []
    for turn in range(turns):
        for customer, account in whose:
            record = account or customer
            old, new = held.get(record, ""), f"https://{turn}.example/{customer}"
            held[record] = new
            rows.append([customer, account, f"c{turn}{customer}", "web", old, new, next(times)])
    return rows


def take(
    here: installed.Installed, file: Path, rows: Sequence[Sequence[str]], *, map_text: str = OF_CUSTOMERS, **given: Any
) -> tuple[Report, list[tuple[str, str, str, str]]]:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([HEAD, *rows])
    chosen = parse_map(map_text, "m")
    assert isinstance(chosen, ChangeMap)
    report = import_changes(file, chosen, actor=here.actor, catalogue=here.catalogue, **given)
    return report, told_of(file)


def told_of(file: Path) -> list[tuple[str, str, str, str]]:
    with file.with_name(f"{file.name}.report.csv").open(encoding="utf-8", newline="") as lines:
        return [(one["row"], one["outcome"], one["code"], one["record"]) for one in csv.DictReader(lines) if one["row"]]


def histories(here: installed.Installed, records: set[str]) -> dict[str, list[bytes | None]]:
    """What each record was told to hold, version by version."""
    found = {}
    with look(here.actor.client) as seen:
        for subject in subjects.load(seen, [SubjectId(UUID(one)) for one in records]).values():
            stored, _ = past.versions(seen, subject, newest=subject.ver)
            said = [one for entry in sorted(stored, key=lambda entry: entry.version) for one in entry.assertions]
            found[str(subject.id)] = [one.new for one in said if one.path == "contact.url"]
    return found


def test_a_file_over_processes_says_of_each_row_what_one_process_says(
    here: installed.Installed, tmp_path: Path
) -> None:
    rows = log_of([(f"C{number}", "") for number in range(11)], 6)
    rows[20:20] = [["C1", "", "x", "shoe", "", "1", START.isoformat()], ["", "", "x", "web", "", "1", "now"]]
    rows[40][4] = "https://other.example"
    alone, one_by_one = take(installed.client("aurora"), tmp_path / "alone.csv", rows)
    report, told = take(here, tmp_path / "many.csv", rows, jobs=3)
    assert report.totals() == alone.totals()
    assert report.codes == alone.codes
    assert [line[:3] for line in told] == [line[:3] for line in one_by_one]
    assert [int(line[0]) for line in told] == list(range(2, len(rows) + 2))
    assert report.refused > 2  # with what follows from the old value that does not fit
    kept = defaultdict(list)
    for line in told:
        if line[1] == "taken":
            kept[line[3]].append(f'"{rows[int(line[0]) - 2][5]}"'.encode())
    assert histories(here, set(kept)) == kept
    (run,) = runs(actor=here.actor).items
    assert run.finished_at
    assert run.counts["taken"] == report.taken


def test_an_account_of_several_holders_keeps_the_order_of_the_file(here: installed.Installed, tmp_path: Path) -> None:
    whose = [("A", "X-1"), ("B", "X-1"), ("B", "Y-2"), ("C", "Y-2"), ("D", "Z-3"), ("E", "V-4"), ("F", "W-5")]
    report, told = take(here, tmp_path / "log.csv", log_of(whose, 5), map_text=MAP, jobs=3)
    assert (report.taken, report.refused) == (35, 0)
    assert len({line[3] for line in told}) == 5
    again, _ = take(here, tmp_path / "log.csv", log_of(whose, 5), map_text=MAP)
    assert (again.unchanged, again.taken, again.refused) == (35, 0, 0)


def test_an_import_whose_process_was_killed_goes_on_without_loss_and_without_double(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            started.append(self.pid)

    monkeypatch.setattr(subprocess, "Popen", Watched)

    def kill(_report: Report, _share: float) -> None:
        while started:
            os.kill(started.pop(), signal.SIGKILL)

    rows = log_of([(f"C{number}", "") for number in range(20)], 20)
    with pytest.raises(ProcessEnded) as ended:
        take(here, tmp_path / "log.csv", rows, jobs=2, progress=kill)
    assert ended.value.data == {"reason": ""}
    first = told_of(tmp_path / "log.csv")
    assert 0 < len(first) < len(rows)
    report, told = take(here, tmp_path / "log.csv", rows)
    assert (report.unchanged + report.taken, report.refused) == (len(rows), 0)
    assert report.unchanged >= len(first)
    assert sum(map(len, histories(here, {line[3] for line in told}).values())) == len(rows)
    assert [bool(run.finished_at) for run in runs(actor=here.actor).items] == [True, False]


def test_what_a_process_is_refused_ends_the_import_and_is_told(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "master").write_text("5a" * 32, encoding="ascii")
    (tmp_path / "master").chmod(0o644)  # others may read it, so it is not taken
    monkeypatch.setenv("CHANGEDESK_MASTER_KEY_FILE", str(tmp_path / "master"))
    with pytest.raises(ProcessEnded) as ended:
        take(here, tmp_path / "log.csv", log_of([(f"C{number}", "") for number in range(5)], 1), jobs=2)
    assert ended.value.data == {"reason": "master-unavailable"}


def test_no_more_is_held_than_may_be(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most: list[int] = []
    add = Waiting.add

    def watched(self: Waiting, family: str, group: object) -> None:
        add(self, family, group)
        most.append(self.held)

    monkeypatch.setattr(Waiting, "add", watched)
    monkeypatch.setattr(crew, "HELD_BYTES_MOST", 1_000)
    rows = log_of([(f"C{number}", "") for number in range(9)], 9)
    alone, _ = take(installed.client("aurora"), tmp_path / "alone.csv", rows)
    report, told = take(here, tmp_path / "many.csv", rows, jobs=2)
    assert report.totals() == alone.totals()
    assert (report.taken, [int(line[0]) for line in told]) == (81, list(range(2, 83)))
    assert max(most) < 2_000


def test_a_look_at_a_file_starts_no_process(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "hired", None)
    report, told = take(here, tmp_path / "log.csv", log_of([("A", ""), ("B", "")], 9), jobs=2, dry_run=True)
    assert (report.checked, {line[1] for line in told}) == (18, {"checked"})


def test_the_command_takes_a_number_of_processes(here: installed.Installed, tmp_path: Path) -> None:
    file, map_ = tmp_path / "log.csv", tmp_path / "log.toml"
    map_.write_text(MAP, encoding="utf-8")
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([HEAD, *log_of([("A", "X-1"), ("B", "Y-2")], 3)])
    words = ["import", "changes", str(file), "--map", str(map_), "--client", "harbour", "--jobs", "2", "--json"]
    answer = CliRunner().invoke(terminal.app, words)
    assert answer.exit_code == 0, answer.output
    totals = msgspec.json.decode(answer.stdout)["totals"]
    assert (totals["taken"], totals["refused"]) == (6, 0)
    assert CliRunner().invoke(terminal.app, [*words[:-2], "0"]).exit_code == 2


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60), st.integers(1, 4))
def test_what_waits_is_taken_once_and_each_family_in_its_order(steps: list[tuple[str, bool]], shares: int) -> None:
    waiting, given_out = Waiting(shares), list[Group]()
    decoder = msgspec.msgpack.Decoder(list[Group])

    def take_all() -> None:
        for share in range(shares):
            while waiting.has(share):
                given_out.extend(decoder.decode(waiting.take(share)))

    for number, (family, taking) in enumerate(steps):
        waiting.add(family, Group(family, family, str(number), START, {}, {}, [number]))
        if taking:
            take_all()
    take_all()
    assert waiting.held == 0
    assert sorted(group.rows[0] for group in given_out) == list(range(len(steps)))
    for family in "abcdefgh":
        mine = [group.rows[0] for group in given_out if group.record == family]
        assert mine == sorted(mine)


@given(st.lists(st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("123456")), max_size=20))
def test_records_are_of_one_family_when_holders_join_them(pairs: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "log.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([HEAD, *([customer, record, "", "", "", "", ""] for customer, record in pairs)])
        chosen = parse_map(MAP, "m")
        assert isinstance(chosen, ChangeMap)
        records = Records.of(file, chosen)
    families = {record: {record} for _, record in pairs}
    for one, record in pairs:
        for other, further in pairs:
            if one == other:
                joined = families[record] | families[further]
                families |= dict.fromkeys(joined, joined)
    named = {record: records.family(Group("", record, "", START, {}, {})) for record in families}
    for record, family in families.items():
        assert {other for other in families if named[other] == named[record]} == family


def test_a_family_larger_than_a_batch_goes_on_before_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "TOGETHER", 3)
    waiting = Waiting(1)
    for number, family in enumerate("aababaa"):
        waiting.add(family, Group(family, family, str(number), START, {}, {}, [number]))
    decode = msgspec.msgpack.Decoder(list[Group]).decode
    taken = [[group.rows[0] for group in decode(waiting.take(0))] for _ in range(3)]
    assert taken == [[0, 1, 3], [5, 6, 2], [4]]


def test_a_report_stands_in_the_order_of_the_rows(tmp_path: Path) -> None:
    report = Report(rows=4)
    with Sheet(report, tmp_path / "r.csv") as sheet:
        sheet.became([4, 5], "taken", "r1")
        sheet.refused_for([3], [("a", "x", 'say "this"\nand that'), ("b", "y", "more")])
        sheet.became([2], "unchanged", "r2")
        sheet.led([4], "r1")
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        lines = [(one["row"], one["outcome"], one["code"], one["record"]) for one in csv.DictReader(file)]
    assert lines[:6] == [
        ("2", "unchanged", "", "r2"), ("3", "refused", "a", ""), ("3", "refused", "b", ""), ("4", "taken", "", "r1"),
        ("4", "warning", "merged-into", "r1"), ("5", "taken", "", "r1"),
    ]  # fmt: skip
    assert [line[1] for line in lines[6:]] == ["total"] * 7
    assert list(tmp_path.iterdir()) == [tmp_path / "r.csv"]
