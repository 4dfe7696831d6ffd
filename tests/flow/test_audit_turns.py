"""An audit has its turn: one at a time, and from where a sound one ended only if that is still signed for."""

from datetime import timedelta
from threading import Thread

import psycopg
import pytest
from tests.cast import Desk
from tests.flow.walk import LATER
from tests.postgres import Database

from changedesk import flow
from changedesk.store import audits, log_keys
from changedesk.store.begin import begin

SIZE = 7


def sound(d: Desk) -> None:
    with begin(d.crm) as tx:
        log_keys.create(tx)
    begun = flow.begin_audit(actor=d.crm, at=LATER)
    assert begun is not None
    run, start = begun
    flow.end_audit(
        run, origin="ledger.example/aurora", start=start, size=SIZE, root=b"r" * 32, findings=0, first=None,
        actor=d.crm, at=LATER,
    )  # fmt: skip


def next_start(d: Desk) -> int:
    begun = flow.begin_audit(actor=d.crm, at=LATER + timedelta(hours=1))
    assert begun is not None
    return begun[1]


@pytest.mark.parametrize(
    ("note", "start"),
    [
        ("note", SIZE),
        ("NULL", 0),
        ("convert_to(replace(convert_from(note, 'UTF8'), E'\\n7\\n', E'\\n9\\n'), 'UTF8')", 0),
        ("convert_to('nonsense', 'UTF8')", 0),
    ],
)
def test_the_next_audit_starts_where_the_last_one_signed(d: Desk, database: Database, note: str, start: int) -> None:
    sound(d)
    with psycopg.connect(database.admin_url) as admin:
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute(f"UPDATE desk.audit_run SET note = {note}".encode())
    assert next_start(d) == start


def test_two_workers_begin_one_audit(d: Desk) -> None:
    found: list[object] = []
    with begin(d.crm) as tx:
        assert audits.claim(tx)
        other = Thread(target=lambda: found.append(flow.begin_audit(actor=d.crm, at=LATER)))
        other.start()
        other.join()
    assert found == [None]
    assert flow.begin_audit(actor=d.crm, at=LATER) is not None
    assert flow.begin_audit(actor=d.crm, at=LATER) is None, "not before it is time again"
