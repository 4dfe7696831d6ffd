"""Six clients take in who left and who came back: their status records and trends are those of the file."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.cast import key, staff
from tests.postgres import Database

from changedesk import outbound
from changedesk.base import clock
from changedesk.base.actor import Role
from changedesk.base.ids import ClientId
from changedesk.channels import bulk
from changedesk.channels.terminal import installed
from changedesk.flow import configure
from changedesk.outbound import trends as counting
from changedesk.reading import status, trends
from changedesk.rules import access
from changedesk.store import settings_read, subjects
from changedesk.store.tx import look

FILE = Path(__file__).parents[3] / "shared" / "data" / "person-directory-changes" / "changes.csv.gz"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILE.is_file(), reason="the folder ../shared/data with the real files is not here"),
]
CLIENTS = ("nc", "oh", "or", "pr", "sd", "wa")
ZONE = "America/New_York"
LEFT, BACK = 722, 41


def rows() -> Iterator[dict[str, str]]:
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["field"] == "status")


def counted(tenant: str) -> Counter[tuple[str, str]]:
    """The plain count: updates to and from the register of the retired, by the month in which they were applied."""
    found: Counter[tuple[str, str]] = Counter()
    for row in rows():
        if row["tenant"] == tenant and row["op"] == "update" and "retired" in (row["old_value"], row["new_value"]):
            month = datetime.fromisoformat(row["applied_at"]).astimezone(ZoneInfo(ZONE)).strftime("%Y-%m")
            found[month, "deactivated" if row["new_value"] == "retired" else "reactivated"] += 1
    return found


def test_six_clients_record_who_left_and_who_came_back_as_status_changes(database: Database, tmp_path: Path) -> None:
    settings_read.forget()
    for tenant in CLIENTS:
        new = configure.NewClient(
            f"region-{tenant}", tenant.upper(), f"{tenant}.example/log", packs=("public_directory",), time_zone=ZONE
        )
        configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
        mine = [row for row in rows() if row["tenant"] == tenant]
        part = tmp_path / f"{tenant}.csv"
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, mine[0].keys())
            writer.writeheader()
            writer.writerows(mine)
        here = installed.client(f"region-{tenant}")
        chosen = bulk.read_map("person-directory-changes")
        assert isinstance(chosen, bulk.ChangeMap)
        report = bulk.import_changes(part, chosen, actor=here.actor, catalogue=here.catalogue)
        assert (report.rows, report.refused) == (len(mine), 0)
    totals: Counter[str] = Counter()
    for tenant in CLIENTS:
        client = installed.client(f"region-{tenant}").actor.client
        while outbound.sequence(client) or counting.run(client):
            pass
        found = trends.trends(
            since=date(2020, 1, 1), until=date(2030, 1, 1), actor=staff(client, 1, Role.SUPERVISOR), language="en"
        )
        told = Counter({(one.month, one.what): one.times for one in found.statuses if one.what.endswith("activated")})
        assert told == counted(tenant)
        totals.update({what: sum(n for (_, word), n in told.items() if word == what) for _, what in told})
        _assert_a_record_tells_its_own(client)
    assert (totals["deactivated"], totals["reactivated"]) == (LEFT, BACK)


def _assert_a_record_tells_its_own(client: ClientId) -> None:
    with look(client) as seen:
        someone = subjects.load(seen, subjects.page(seen, limit=50))
    gone = next(one for one in someone.values() if one.status == "deactivated")
    reader = key(client, "customers:read")
    records = status.status_records(gone.id, actor=reader, at=clock.now(), language="en")
    assert (records[0].became, records[0].became_label, records[0].of) == ("deactivated", "Deactivated", "state")
    assert records[0].effective_at < records[0].recorded_at
    standing = status.standing(gone.id, actor=reader, language="en")
    assert [(one.name, one.lifted_by) for one in standing] == [("deactivated", "reactivate")]
