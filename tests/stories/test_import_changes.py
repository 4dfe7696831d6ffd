"""A log of real changes goes in with its own times, and what was true at any instant can be asked afterwards."""

import csv
import gzip
import json
import random
from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from tests.postgres import Database
from tests.web import Web
from typer.testing import CliRunner

from changedesk.base import clock
from changedesk.base.ids import ClientId, SubjectId
from changedesk.channels import bulk, terminal
from changedesk.channels.terminal import installed
from changedesk.flow import configure
from changedesk.ledger.fold import fold
from changedesk.reading.asof import as_of
from changedesk.rules import access
from changedesk.store import past, settings_read, subjects
from changedesk.store.tx import look

SHARED = Path(__file__).parents[3] / "shared" / "data" / "contact-change-log"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/data with the real files is not here"),
]
FILES = {"offices": "office", "members": "member", "social": "social"}
ROWS = {"offices": 17_558, "members": 43_374, "social": 11_394}
Texts = dict[str, str]


class Replay:
    """The plain replay of the files: by record and field, the instants and what was true from each on."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, list[tuple[datetime, str]]]] = {}
        self.records: dict[str, str] = {}

    def add(self, log: str, rows: Iterator[dict[str, str]], paths: dict[str, str]) -> None:
        for row in rows:
            key = row["record_id"] if log == "offices" else row["customer_id"]
            moment = datetime.fromisoformat(row["applied_at"])
            path = paths[row["field"]]
            self.steps.setdefault(key, {}).setdefault(path, []).append((moment, row["new_value"]))
            self.records[key] = log

    def at(self, record: str, moment: datetime) -> Texts:
        found = {}
        for path, steps in self.steps[record].items():
            place = bisect_right(steps, moment, key=lambda step: step[0])
            if place and steps[place - 1][1]:
                found[path] = steps[place - 1][1]
        return found


def rows_of(log: str) -> Iterator[dict[str, str]]:
    with gzip.open(SHARED / f"{FILES[log]}_changes_to_2023.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def map_of(log: str) -> bulk.ChangeMap:
    chosen = bulk.read_map(f"contact-change-log-{log}")
    assert isinstance(chosen, bulk.ChangeMap)
    return chosen


def take_in(log: str, here: installed.Installed, folder: Path) -> tuple[bulk.Report, dict[str, SubjectId]]:
    report = folder / f"{log}.csv"
    done = bulk.import_changes(
        SHARED / f"{FILES[log]}_changes_to_2023.csv.gz", map_of(log), actor=here.actor, catalogue=here.catalogue,
        report_to=report,
    )  # fmt: skip
    with report.open(encoding="utf-8") as file:
        where = {int(line["row"]): UUID(line["record"]) for line in csv.DictReader(file) if line["record"]}
    column = "record_id" if log == "offices" else "customer_id"
    rows = enumerate(rows_of(log), start=2)
    return done, {row[column]: SubjectId(where[number]) for number, row in rows if number in where}


@pytest.fixture
def here(database: Database) -> installed.Installed:
    settings_read.forget()
    new = configure.NewClient("directory", "Directory", "directory.example/log", packs=("public_directory",))
    configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    return installed.client("directory")


def test_a_log_of_changes_can_be_replayed_to_any_instant(here: installed.Installed, serve: Web, tmp_path: Path) -> None:
    replay, ids = Replay(), dict[str, SubjectId]()
    for log in FILES:
        done, found = take_in(log, here, tmp_path)
        assert (done.rows, done.changes, done.refused) == (ROWS[log], ROWS[log], 0)  # every old value agreed
        replay.add(log, rows_of(log), dict(map_of(log).fields))
        ids |= found
    pairs = list(_pairs(replay))
    known = clock.now()
    for record, moment in pairs:
        told = as_of(ids[record], known_at=known, valid_at=moment, actor=here.actor, at=known)
        assert {path: item.value for path, item in told.values.items() if path != "account.number"} == (
            replay.at(record, moment)
        )
    _assert_cli_tells_the_same(replay, ids, pairs[:100])
    _assert_api_tells_the_same(replay, ids, pairs, here, serve.fresh())
    _assert_histories_fold_to_the_state(here, set(ids.values()))
    for log in FILES:
        again, _ = take_in(log, here, tmp_path)
        assert (again.rows, again.unchanged, again.changes, again.refused) == (ROWS[log], ROWS[log], 0, 0)


def _pairs(replay: Replay) -> Iterator[tuple[str, datetime]]:
    rng = random.Random(2023)  # noqa: S311 - the same pairs each time
    moments = sorted({step[0] for fields in replay.steps.values() for steps in fields.values() for step in steps})
    records = sorted(replay.steps)
    for _ in range(500):
        moment = rng.choice(moments) + timedelta(microseconds=rng.choice((-1, 0, 1)))
        record = rng.choice(records)
        for _ in range(50 if rng.random() < 0.5 else 0):  # one that was there at that instant
            if replay.at(record, moment):
                break
            record = rng.choice(records)
        yield record, moment


def _assert_cli_tells_the_same(replay: Replay, ids: dict[str, SubjectId], pairs: list[tuple[str, datetime]]) -> None:
    for record, moment in pairs:
        words = ["customer", "as-of", str(ids[record]), "--client", "directory", "--json"]
        answer = CliRunner().invoke(terminal.app, [*words, "--valid-at", moment.isoformat()])
        assert answer.exit_code == 0, answer.output
        values = json.loads(answer.stdout)["values"]
        told = {path: item["value"] for path, item in values.items() if path != "account.number"}
        assert told == replay.at(record, moment)


def _assert_api_tells_the_same(
    replay: Replay,
    ids: dict[str, SubjectId],
    pairs: list[tuple[str, datetime]],
    here: installed.Installed,
    url: str,
) -> None:
    key = configure.create_key(
        "auditor", ["customers:read", "customers:reveal"], entry_point="test",
        expires_at=clock.now() + timedelta(days=1), actor=access.terminal(here.actor.client), at=clock.now(),
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {key.secret}"}
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, trust_env=False) as http:
        for record, moment in pairs:
            answer = http.get(f"/customers/{ids[record]}/as-of", params={"valid_at": moment.isoformat()})
            assert answer.status_code == httpx.codes.OK, answer.text
            values = answer.json()["values"]
            told = {path: item["value"] for path, item in values.items() if path != "account.number"}
            assert told == replay.at(record, moment)


def _assert_histories_fold_to_the_state(here: installed.Installed, wanted: set[SubjectId]) -> None:
    now = clock.micros(clock.now())
    with look(here.actor.client) as seen:
        for subject in subjects.load(seen, wanted).values():
            stored, snapshot = past.versions(seen, subject, newest=subject.ver)
            state = {path: held.text for path, held in subject.state.items()}
            assert fold(stored, now, now, snapshot) == state
