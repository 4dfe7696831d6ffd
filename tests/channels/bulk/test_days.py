"""A file is read on the client's day, tried or taken in."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cast import desk
from tests.postgres import Database

from changedesk.channels.bulk import CustomerMap, import_customers
from changedesk.channels.bulk.mapping import parse_map
from changedesk.store.settings_read import configuration

MAP = """
rows = "customers"
source = "crm"
key = "id"
[fields]
"personal.name" = "name"
"personal.birth_date" = { columns = ["born"], required = true }
"""
BORN = "id,name,born\n1,Ann,2026-06-03\n2,Bo,2026-06-04\n"


@pytest.mark.parametrize("dry_run", [True, False])
def test_who_is_born_today_where_the_client_is_goes_in_and_who_is_not_yet_does_not(
    *, dry_run: bool, database: Database, tmp_path: Path
) -> None:
    """Half past ten in the evening of the 2nd in UTC is the 3rd in Berlin."""
    d = desk(packs=("healthcare",), time_zone="Europe/Berlin")
    file, map_ = tmp_path / "a.csv", parse_map(MAP, "m")
    file.write_text(BORN, encoding="utf-8")
    assert isinstance(map_, CustomerMap)
    report = import_customers(
        file, map_, actor=d.crm, catalogue=configuration(d.client).catalogue, region="US", zone="Europe/Berlin",
        now=lambda: datetime(2026, 6, 2, 22, 30, tzinfo=UTC), dry_run=dry_run,
    )  # fmt: skip
    assert (report.rows, report.taken + report.checked, report.refused) == (2, 1, 1)
