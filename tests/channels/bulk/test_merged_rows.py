"""Rows of files that name a merged customer go to the survivor, and the report beside the file says so."""

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from tests.cast import SECRET, START, Desk, desk
from tests.channels.bulk.test_imports import HEAD, LOG, LOG_HEAD, MAP
from tests.flow.join import merged_now
from tests.flow.walk import LATER, request_of
from tests.postgres import Database

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.channels.bulk import ChangeMap, CustomerMap, import_changes, import_customers, request_batch
from changedesk.channels.bulk.mapping import parse_map
from changedesk.channels.bulk.request_map import parse_request_map
from changedesk.kinds.merge import MERGED_INTO
from changedesk.store.settings_read import configuration

DAYS = LATER.replace(day=20)
ROWS = "1,Ann Lee,ann@old.example,+1 202 555 0143,\n2,Anne Lee,anne@old.example,+1 202 555 0144,\n"
FIELDS = LOG.replace('web = "contact.url"', 'web = "contact.url", tel = "contact.phone_mobile"')
ASKING = """
source = "crm"
key = "id"
reason = "correction_of_error"
initiated_by = "business"
[fields]
number = "loyalty.number"
"""
Said = list[tuple[str, str, str, str]]


class Office:
    """A client whose files are taken in at a day."""

    def __init__(self, folder: Path) -> None:
        self.d: Desk = desk()
        self.file = folder / "a.csv"
        self.catalogue = configuration(self.d.client).catalogue
        self.at: datetime = START

    def people(self, body: str = HEAD + ROWS) -> Said:
        map_ = parse_map(MAP, "m")
        assert isinstance(map_, CustomerMap)
        return self._said(body, lambda: import_customers(
            self.file, map_, actor=self.d.crm, catalogue=self.catalogue, region="US", zone="UTC",
            now=lambda: self.at))  # fmt: skip

    def log(self, rows: str) -> Said:
        map_ = parse_map(FIELDS, "m")
        assert isinstance(map_, ChangeMap)
        return self._said(LOG_HEAD + rows, lambda: import_changes(
            self.file, map_, actor=self.d.crm, catalogue=self.catalogue, now=lambda: self.at))  # fmt: skip

    def asked(self, body: str, *, dry_run: bool) -> Said:
        return self._said(body, lambda: request_batch(
            self.file, parse_request_map(ASKING, "m"), "m", actor=self.d.ben, catalogue=self.catalogue,
            now=lambda: self.at, dry_run=dry_run))  # fmt: skip

    def _said(self, body: str, take: Callable[[], object]) -> Said:
        self.file.write_text(body, encoding="utf-8")
        take()
        with self.file.with_name("a.csv.report.csv").open(encoding="utf-8") as lines:
            return [(one["row"], one["outcome"], one["code"], one["record"]) for one in csv.DictReader(lines)
                    if one["row"]]  # fmt: skip

    def merge(self, merged: str, into: str) -> None:
        flow.bind_factor(SubjectId(UUID(merged)), SECRET, actor=self.d.crm, at=START)
        merged_now(self.d, SubjectId(UUID(merged)), SubjectId(UUID(into)))
        self.at = DAYS


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_file_of_customers_and_one_of_requests_say_which_rows_went_to_the_survivor(office: Office) -> None:
    into, merged = (line[3] for line in office.people())
    office.merge(merged, into)
    assert office.people() == [
        ("2", "unchanged", "", into), ("3", "unchanged", "", into), ("3", "warning", MERGED_INTO, into),
    ]  # fmt: skip
    for dry_run in (True, False):
        entered, warned = office.asked("id,number\n2,replace==L-100\n", dry_run=dry_run)
        assert (entered[1], warned[1:3]) == ("checked" if dry_run else "to_approve", ("warning", MERGED_INTO))
    assert request_of(office.d, entered[3]).subject_id == UUID(into)


def test_a_log_of_changes_goes_on_at_the_survivor(office: Office) -> None:
    rows = "{},c1,tel,,+12025550143,2020-01-01T09:00:00Z,x,\n"
    into, merged = (line[3] for line in office.log(rows.format("A") + rows.format("B")))
    office.merge(merged, into)
    later = "B,c2,web,,https://two.example,2021-01-01T09:00:00Z,x,\n"
    assert office.log(later) == [("2", "taken", "", into), ("2", "warning", MERGED_INTO, into)]
    assert office.log(later) == [("2", "unchanged", "", into), ("2", "warning", MERGED_INTO, into)]
