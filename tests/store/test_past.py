"""A state as of an instant is what folding every entry gives, however long the record, whoever's clock was behind."""

from datetime import datetime, timedelta

import pytest
from tests.cast import START, Desk, desk, soon
from tests.postgres import Database

from changedesk import flow
from changedesk.base.clock import micros
from changedesk.ledger.fold import Stored, fold
from changedesk.store import past, subjects
from changedesk.store.history import SNAPSHOT_EVERY
from changedesk.store.tx import look

PATHS = ("contact.fax", "contact.phone_home", "contact.url", "personal.birth_date")
WIDE = 150
FIRST_SNAPSHOT = SNAPSHOT_EVERY - 2
"""The change that makes the version with the first snapshot: change 0 makes version 2."""
SECOND = timedelta(seconds=1)


@pytest.fixture
def d(database: Database) -> Desk:
    del database
    return desk()


def _value(path: str, number: int) -> str:
    if path == "contact.url":
        return f"https://site{number}.example/"
    return f"19{number % 80 + 10}-03-12" if path == "personal.birth_date" else f"+1 202 555 {number:04d}"


def _instant(number: int) -> datetime:
    """The instants that entries say: some lie before those of the three that were written before them."""
    # One of these comes right after the first snapshot, which was not yet recorded then.
    return soon(START, 10) + (number - (4 if number % 23 == 5 or number == FIRST_SNAPSHOT + 1 else 0)) * SECOND


@pytest.mark.parametrize("dated", [False, True])
def test_a_state_of_any_instant_is_what_folding_all_entries_gives(d: Desk, *, dated: bool) -> None:
    dana = d.customer()
    for number in range(WIDE):
        at = _instant(number)
        # Single fields, pairs and, seldom, others: a field's newest word may be far behind.
        paths = PATHS[2:4] if number % 50 == 7 else PATHS[:2] if number % 3 else PATHS[:1]
        start = at - 30 * SECOND if dated and number == 40 else None
        changes = [flow.FieldChange(path=path, new=_value(path, number), valid_from=start) for path in paths]
        flow.record_changes([flow.RecordedChange(subject=dana, changes=changes)], actor=d.crm, at=at).one()
    with look(d.client) as seen:
        subject = subjects.load(seen, [dana])[dana]
        assert subject.dated is dated
        entries = [
            Stored(one.version, micros(one.recorded_at), one.assertions or ())
            for one in past.timeline(seen, subject, limit=10_000)
            if one.version
        ]
        assert len(entries) == WIDE + 1
        for number in range(-1, WIDE + 2):
            for known, valid in ((_instant(number), _instant(number)), (_instant(number), _instant(number + 20))):
                moments = micros(known), micros(valid)
                version, found = past.as_of(seen, subject, known_at=known, valid_at=valid)
                assert found == fold(entries, *moments), number
                until = moments[0] if dated else min(moments)
                assert version == max(one.version for one in entries if one.recorded_at_us <= until)
        before = START - SECOND
        assert past.as_of(seen, subject, known_at=before, valid_at=before) == (0, {})
