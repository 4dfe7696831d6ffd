"""An auditor has the whole log audited: nothing is wrong; then something is, and the audit says what and where."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from tests.cast import START, Desk, desk, key
from tests.faults.audited import EVE
from tests.flow.walk import done
from tests.outbound.logs import changes, customers, forget, later, sequence
from tests.postgres import Database

from changedesk.base.refusal import Forbidden
from changedesk.ledger.audit import Fault
from changedesk.outbound import publish
from changedesk.outbound.publish import anchors
from changedesk.reading import audit
from changedesk.reading.audit import StartUnknown
from changedesk.store import tile_files


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
