"""An auditor has the whole log audited: nothing is wrong; then something is, and the audit says what and where."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs
from tests.cast import START, Desk, desk, key
from tests.channels.terminal.test_audit import forge
from tests.faults.audited import EVE
from tests.flow.test_forget import begun
from tests.flow.walk import LATER, done, kinds, record
from tests.outbound.logs import changes, customers, forget, later, sequence
from tests.postgres import Database

from changedesk import flow
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.channels.clock import audits as clock_audits
from changedesk.channels.clock import duties
from changedesk.channels.clock.audits import audited
from changedesk.ledger.audit import Fault
from changedesk.outbound import publish
from changedesk.outbound.publish import anchors
from changedesk.reading import audit
from changedesk.reading.audit import StartUnknown
from changedesk.store import audits, tile_files
from changedesk.store.tx import look


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()
    yield desk()
    forget()


def out(home: Desk, number: int) -> None:
    """Publish what there is, and let the installation's log hold it."""
    sequence(home.client)
    publish.publish(home.client, at=later(number))
    anchors.anchor(home.client, at=later(number), paced=False)


def grown(home: Desk) -> int:
    """A log of some published stretches, and a few entries that are not yet."""
    done(home, home.customer())
    some = customers(home, 150)
    out(home, 1)
    changes(home, some, "Dana the second")
    out(home, 2)
    changes(home, some, "Dana the third")
    return audit.audit(actor=home.crm, at=EVE).size


def test_a_sound_log_is_sound_whole_and_from_anywhere_on(home: Desk) -> None:
    nothing = audit.audit(actor=home.crm, at=EVE)
    assert (nothing.sound, nothing.size, nothing.first) == (True, 0, None)
    size = grown(home)
    shares: list[float] = []
    whole = audit.audit(actor=home.crm, at=EVE, tell=lambda share, _: shares.append(share))
    assert (whole.findings, whole.size, whole.start) == ((), size, 0)
    assert whole.published < whole.size
    assert whole.records == 151
    assert shares
    later_part = audit.audit(actor=home.crm, at=EVE, since=300)
    assert (later_part.findings, later_part.start, later_part.root) == ((), 256, whole.root)
    assert later_part.records < whole.records


def test_what_waits_for_its_place_is_audited_too(home: Desk) -> None:
    grown(home)
    home.customer()
    assert audit.audit(actor=home.crm, at=EVE).findings == ()


def test_an_audit_starts_only_where_the_published_files_lead(home: Desk) -> None:
    size = grown(home)
    with pytest.raises(StartUnknown):
        audit.audit(actor=home.crm, at=EVE, since=size + 300)
    for path in (tile_files.of_client(home.client).root / "tile").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(StartUnknown):
        audit.audit(actor=home.crm, at=EVE, since=300)


def test_only_who_reads_the_feed_or_the_settings_has_a_log_audited(home: Desk) -> None:
    with pytest.raises(Forbidden):
        audit.audit(actor=key(home.client, "search"), at=EVE)


def test_a_checkpoint_that_somebody_kept_is_held_against_the_log(home: Desk) -> None:
    grown(home)
    kept = tile_files.of_client(home.client).checkpoint()
    assert audit.audit(actor=home.crm, at=EVE, kept=[kept]).sound
    forged = kept.replace(b"ledger.example/aurora\n", b"ledger.example/other\n", 1)
    first = audit.audit(actor=home.crm, at=EVE, kept=[forged]).first
    assert first is not None
    assert first.fault is Fault.CHECKPOINT


def test_a_checkpoint_that_is_being_written_raises_no_alarm(home: Desk) -> None:
    grown(home)
    folder = tile_files.of_client(home.client)
    older = folder.checkpoint()
    out(home, 3)
    (folder.root / "checkpoint").write_bytes(older)
    assert audit.audit(actor=home.crm, at=later(3)).sound
    late = audit.audit(actor=home.crm, at=START.replace(year=2027)).first
    assert late is not None
    assert late.fault is Fault.CHECKPOINT


@pytest.mark.parametrize("classes", [("everything",), ("pref",)])
def test_what_was_lawfully_forgotten_is_no_finding(home: Desk, classes: tuple[str, ...], settings: Settings) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = Path(settings.CHANGEDESK_STATE_DIR) / "erasures.jsonl"
    shop = desk("shop", packs=("retail",), jurisdictions=("EU",))
    dana = shop.customer()
    record(shop, dana, {"pref.marketing_email": True}, at=LATER)
    begun(shop, dana, LATER + timedelta(days=1), classes)
    out(shop, 1)
    assert audit.audit(actor=shop.crm, at=EVE).findings == ()
    flow.forget_on(shop.client, at=EVE + timedelta(days=60))
    out(shop, 2)
    assert "erasure.confirmed" in kinds(shop, dana)
    assert audit.audit(actor=shop.crm, at=EVE).findings == ()
    assert audit.audit(actor=home.crm, at=EVE).size == 0


def test_the_worker_audits_what_is_new_and_everything_once_a_day(home: Desk) -> None:
    size = grown(home)
    out(home, 3)
    assert audited(home.client, at=EVE) == audit.audit(actor=home.crm, at=EVE)
    assert audited(home.client, at=EVE + timedelta(minutes=9)) is None
    changes(home, customers(home, 5), "Dana the fourth")
    again = audited(home.client, at=EVE + timedelta(minutes=10))
    assert again is not None
    assert (again.sound, again.start, again.size) == (True, size - size % 256, size + 10)
    once_more = audited(home.client, at=EVE + timedelta(days=1, minutes=1))
    assert once_more is not None
    assert (once_more.sound, once_more.start) == (True, 0)
    with look(home.client) as seen:
        runs = audits.newest(seen, limit=9)
    assert [(one.whole, one.findings, one.size) for one in runs] == [
        (True, 0, size + 10), (False, 0, size + 10), (True, 0, size)
    ]  # fmt: skip


def test_nobody_makes_the_worker_believe_that_it_has_audited(home: Desk, database: Database) -> None:
    """What is not signed is audited again; whoever damages the log is reported each time until it is whole again."""
    grown(home)
    out(home, 3)
    first = audited(home.client, at=EVE)
    assert first is not None
    forge(database, f"UPDATE desk.audit_run SET note = NULL, size = {first.size} + 9")
    again = audited(home.client, at=EVE + timedelta(minutes=10))
    assert (again is not None, again and again.start) == (True, 0)
    forge(database, "UPDATE desk.audit_run SET note = (SELECT note FROM desk.checkpoint WHERE client_id > 0 LIMIT 1)")
    again = audited(home.client, at=EVE + timedelta(minutes=20))
    assert (again is not None, again and again.start) == (True, 0)
    forge(database, "UPDATE desk.payload SET ct = NULL WHERE entry_id = (SELECT min(entry_id) FROM desk.payload)")
    with capture_logs() as logs:
        found = audited(home.client, at=EVE + timedelta(days=2))
    assert found is not None
    assert [(one["event"], one["index"], one["fault"]) for one in logs] == [("log_damaged", 0, "values-missing")]
    with look(home.client) as seen:
        (run,) = audits.newest(seen, limit=1)
    assert (run.idx, run.fault, run.note) == (0, "values-missing", None)
    # Damage is looked at whole until there is none.
    found = audited(home.client, at=EVE + timedelta(days=2, minutes=10))
    assert (found is not None, found and found.start) == (True, 0)


def test_the_duty_runs_beside_everything_else(home: Desk) -> None:
    customers(home, 2)
    (duty,) = [one for one in duties() if one.name == "log.audit"]
    assert duty.run(home.client) == 0
    assert duty.run(home.client) == 0
    clock_audits._thread.submit(lambda: None).result()
    with look(home.client) as seen:
        (run,) = audits.newest(seen, limit=5)
    assert (run.whole, run.findings) == (True, 0)


def test_an_audit_is_of_the_clients_own_log(home: Desk) -> None:
    grown(home)
    other = desk("shop")
    customers(other, 3)
    assert audited(home.client, at=EVE) is not None
    assert [audit.audit(actor=other.crm, at=EVE).size, audit.runs(actor=other.crm)] == [3, []]
    assert audit.runs(actor=home.crm)[0].findings == 0
    with look(home.client) as seen:
        (change,) = seen.connection.execute("SELECT change_id FROM desk.entry ORDER BY id LIMIT 1").fetchone() or ()
    assert audit.place_of(change, actor=home.crm) == 0
    with pytest.raises(NotFound):
        audit.place_of(change, actor=other.crm)
