"""What pages about trends show is what a plain count of the history gives."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.cast import START, Desk, key, soon
from tests.cast import desk as cast
from tests.postgres import Database

from changedesk import flow, outbound
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden
from changedesk.flow import audit_trail, configure
from changedesk.ledger.entry import EntryKind
from changedesk.outbound import trends as counting
from changedesk.reading import trends
from changedesk.rules.access import terminal
from changedesk.store import log, settings_read
from changedesk.store import trends as kept
from changedesk.store.begin import begin

ALWAYS = {"since": date(1990, 1, 1), "until": date(2100, 1, 1)}


@pytest.fixture
def home(database: Database) -> Desk:
    settings_read.forget()
    made = cast()
    configure.change_client({"time_zone": "Pacific/Auckland"}, actor=terminal(made.client), at=START)
    settings_read.forget()
    return made


def ask(home: Desk, subject: SubjectId, kind: str, values: dict[str, object], channel: Channel, at: datetime) -> str:
    wish = flow.Wish(subject=subject, kind=kind, values=values, reason="customer_request", channel=channel)
    return flow.submit([wish], actor=home.ben, at=at).one().ref


def busy(home: Desk) -> None:
    """Changes and requests of two days, of which the client's own clock makes three."""
    subjects = [home.customer(at=START + timedelta(minutes=number)) for number in range(4)]
    for turn, subject in enumerate(subjects * 3):
        at = soon(START, 60 + 250 * turn)
        change = flow.FieldChange(path="contact.url", new=f"https://site{turn}.example.org/")
        flow.record_changes([flow.RecordedChange(subject=subject, changes=[change])], actor=home.crm, at=at).one()
    at = soon(START, 400)
    ask(home, subjects[0], "contact_details", {"contact.phone_home": "+1 202 555 0177"}, Channel.PHONE, at)
    ref = ask(home, subjects[1], "personal_details", {"personal.name": "Dana Novakova"}, Channel.POSTAL, at)
    flow.withdraw(ref, seen_version=None, actor=home.ben, at=soon(at, 5))


def settle(home: Desk) -> None:
    while outbound.sequence(home.client) or counting.run(home.client):
        pass


def plainly(database: Database, home: Desk, *by: str) -> Counter[tuple[Any, ...]]:
    """Count the history itself, entry by entry."""
    found: Counter[tuple[Any, ...]] = Counter()
    measures = {kind.value: name for name, kinds in trends.MEASURES.items() for kind in kinds}
    with psycopg.connect(database.admin_url) as connection:
        rows = connection.execute(
            "SELECT e.kind, e.recorded_at, e.channel, coalesce(r.kind, '') FROM desk.entry e"
            " LEFT JOIN desk.request r ON r.client_id = e.client_id AND r.id = e.request_id WHERE e.client_id = %s",
            [home.client],
        )
        for action, recorded_at, channel, kind in rows:
            if action in measures:
                day = recorded_at.astimezone(ZoneInfo("Pacific/Auckland")).date().isoformat()
                thing = {"days": day, "channels": channel, "kinds": kind}
                found[*(thing[one] for one in by), measures[action]] += 1
    return found


def shown(lines: tuple[trends.Line, ...]) -> Counter[tuple[Any, ...]]:
    return +Counter({(one.key, name): getattr(one, name) for one in lines for name in trends.MEASURES})


def read(home: Desk) -> trends.Trends:
    return trends.trends(**ALWAYS, actor=home.ines, language="en")


def assert_true(database: Database, home: Desk) -> trends.Trends:
    found = read(home)
    for by in ("days", "channels", "kinds"):
        assert shown(getattr(found, by)) == plainly(database, home, by), by
    assert found.behind == 0
    return found


def test_what_is_counted_agrees_with_a_plain_count(database: Database, home: Desk) -> None:
    busy(home)
    settle(home)
    found = assert_true(database, home)
    assert len(found.days) == 3
    assert {one.key: one.label for one in found.kinds}["contact_details"] == "Contact details"
    assert sum(one.ended for one in found.kinds) == 1
    busy(home)
    behind = read(home)
    assert (behind.days, behind.behind) == (found.days, 0)  # nothing has its place in the log yet
    outbound.sequence(home.client)
    assert read(home).behind > 0
    settle(home)
    assert_true(database, home)


def test_a_day_is_in_the_period_that_asks_for_it_and_in_no_other(home: Desk) -> None:
    busy(home)
    settle(home)
    days = read(home).days
    for line in days:
        day = date.fromisoformat(line.key)
        alone = trends.trends(since=day, until=day + timedelta(days=1), actor=home.ines, language="en")
        assert alone.days == (line,)


def test_counted_anew_it_is_the_same(database: Database, home: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "AT_ONCE", 7)
    busy(home)
    settle(home)
    was = read(home)
    audit_trail.find_anew(actor=home.otto)
    assert (read(home).days, read(home).behind > 0) == ((), True)
    settle(home)
    assert read(home) == was
    assert_true(database, home)


def test_what_another_worker_counts_is_not_counted_twice(database: Database, home: Desk) -> None:
    busy(home)
    while outbound.sequence(home.client):
        pass
    assert counting.run(home.client) > 0
    with psycopg.connect(database.admin_url) as other:
        other.execute("SELECT FROM desk.cursor WHERE consumer = 'trends' FOR UPDATE")
        assert counting.run(home.client) == 0
        with begin(home.otto) as tx:
            kept.drop(tx)  # neither is it dropped under the other's hands
    assert_true(database, home)


def test_a_crash_while_counting_counts_nothing(database: Database, home: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(home)
    while outbound.sequence(home.client):
        pass
    with monkeypatch.context() as broken:
        broken.setattr(log, "advance", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            counting.run(home.client)
    assert read(home).days == ()
    settle(home)
    assert_true(database, home)


def test_what_became_of_records_is_counted_by_month(home: Desk) -> None:
    subject = home.customer()
    at = datetime(2026, 3, 31, 12, tzinfo=UTC)  # the first of April in Auckland
    for turn, state in enumerate(("suspended", "active", "suspended")):
        change = flow.FieldChange(path="status.state", new=state)
        flow.record_changes(
            [flow.RecordedChange(subject=subject, changes=[change])], actor=home.crm, at=soon(at, turn)
        ).one()
    settle(home)
    found = {(one.month, one.what): one.times for one in read(home).statuses}
    # The first state that was told of a record is no change of it.
    assert found == {("2026-04", "reinstated"): 1, ("2026-04", "suspended"): 1}


def test_trends_are_for_those_who_read_the_queue(home: Desk) -> None:
    with pytest.raises(Forbidden):
        trends.trends(**ALWAYS, actor=key(home.client, "customers:read"), language="en")


def test_every_measure_names_entries_of_its_own() -> None:
    named = [kind for kinds in trends.MEASURES.values() for kind in kinds]
    assert len(named) == len(set(named))
    assert EntryKind.CHANGE_EFFECTIVE not in named
