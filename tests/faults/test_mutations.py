"""Whoever forges the log as superuser of its database, or its files, is found out, and the first bad entry named."""

from pathlib import Path

from pytest_django.fixtures import Settings
from tests.faults.audited import make
from tests.faults.mutations import WAYS, campaign
from tests.outbound.logs import forget
from tests.postgres import Database


def test_every_forgery_is_found_and_named_and_nothing_else_is(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    log = make(database, entries=600, seed=7)
    told = campaign(log, mutations=len(WAYS) + 2, clean=3, seed=7)
    forget()
    assert sum(told.made.values()) == len(WAYS) + 2
    assert (told.unseen, told.misnamed, told.alarms) == ([], [], [])
