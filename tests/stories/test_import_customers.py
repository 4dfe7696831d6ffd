"""Whole customer bases go in, each refused row says why, and a second run of the same file changes nothing."""

import csv
from pathlib import Path

import pytest
from tests.postgres import Database

from changedesk.base import clock
from changedesk.base.ids import ClientId
from changedesk.channels.bulk import CustomerMap, Report, import_customers, read_map
from changedesk.channels.terminal import installed
from changedesk.flow import configure
from changedesk.reading.search import search
from changedesk.rules import access
from changedesk.store import settings_read

SHARED = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/data with the real files is not here"),
]
BASES = {
    "telco-customers": ("telco-customers/Telco-Customer-Churn.csv.gz", "telecom", "US", 7_043, {}),
    "bank-accounts": ("bank-accounts/client.csv.gz", "banking", "CZ", 5_369, {}),
    "crm-adventureworks": (
        "crm-customers/adventureworks_contacts.csv.gz", "", "US", 19_972, {("card_number", "payment.card"): 19_118},
    ),
    "crm-chinook": ("crm-customers/chinook_customers.csv", "", "US", 59, None),
    "crm-northwind": ("crm-customers/northwind_customers.csv", "", "US", 93, None),
}  # fmt: skip


def opened(slug: str, pack: str, region: str) -> installed.Installed:
    settings_read.forget()
    packs = (pack,) if pack else ()
    new = configure.NewClient(slug, slug.title(), f"{slug}.example/log", packs=packs, industries=packs, region=region)
    configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    return installed.client(slug)


def run(name: str, here: installed.Installed, report: Path, *, dry_run: bool = False) -> Report:
    chosen = read_map(name)
    assert isinstance(chosen, CustomerMap)
    return import_customers(
        SHARED / BASES[name][0], chosen, actor=here.actor, catalogue=here.catalogue, region=here.region,
        zone=here.time_zone, report_to=report, dry_run=dry_run,
    )  # fmt: skip


@pytest.mark.parametrize("name", BASES)
def test_every_row_of_a_customer_base_goes_in_once(name: str, database: Database, tmp_path: Path) -> None:
    _, pack, region, rows, warnings = BASES[name]
    here = opened("harbour", pack, region)
    first = run(name, here, tmp_path / "first.csv")
    assert (first.rows, first.taken, first.refused, first.stopped) == (rows, rows, 0, "")
    assert first.left_out == ()
    if warnings is not None:
        assert dict(first.codes) == warnings
    lines = list(csv.DictReader((tmp_path / "first.csv").open(encoding="utf-8")))
    totals = {line["field"] or line["code"]: line["what_to_do"] for line in lines if line["outcome"] == "total"}
    assert totals["taken"] == str(rows)
    told = [line for line in lines if line["outcome"] in ("warning", "refused")]
    assert all(line["code"] and line["field"] and line["what_to_do"] for line in told)
    if name == "bank-accounts":  # account 2 has an owner, and somebody who may dispose of it
        assert len(search("2", actor=here.actor, at=clock.now(), language="en")) >= 2
    second = run(name, here, tmp_path / "second.csv")
    assert (second.rows, second.unchanged, second.taken, second.refused) == (rows, rows, 0, 0)


def test_a_dry_run_finds_the_same_and_takes_nothing_in(database: Database, tmp_path: Path) -> None:
    here = opened("harbour", "", "US")
    dry = run("crm-northwind", here, tmp_path / "dry.csv", dry_run=True)
    assert search("Alfreds Futterkiste", actor=here.actor, at=clock.now(), language="en") == []
    real = run("crm-northwind", here, tmp_path / "real.csv")
    assert dry.codes == real.codes
    assert (dry.checked, dry.refused, dry.taken) == (real.taken, real.refused, 0)
    assert search("Alfreds Futterkiste", actor=here.actor, at=clock.now(), language="en")
