"""Time takes what no rule keeps any more, on the right day, and nothing that is held. The clock is a parameter."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cast import START, Desk, desk, soon
from tests.flow.walk import POST, ask, history, kinds, record, request_of, stands
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import ActorType, Channel
from changedesk.base.ids import SubjectId
from changedesk.ledger.redact import fits
from changedesk.rules.forgetting import Keeping, keepings, standing
from changedesk.rules.obligations import Retain
from changedesk.rules.policy import RulesContradict, require_consistent
from changedesk.rules.retention import Disposal, RetentionClass, disposal, keep_until
from changedesk.rules.rule import Ask, Rule, Scope, Status
from changedesk.store import forget, past, subjects
from changedesk.store.tx import look

NIGHT = timedelta(hours=3)
CLOSED = START + timedelta(days=1)


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def years(at: datetime, amount: int) -> datetime:
    return at.replace(year=at.year + amount)


def due(d: Desk, at: datetime) -> list[flow.Due]:
    return list(flow.plan_retirement(d.client, at=at))


def night(d: Desk, at: datetime) -> int:
    """One whole night: the run, then the steps of what it began."""
    while flow.retire_due(d.client, at=at):
        pass
    return flow.forget_on(d.client, at=at)


def close(d: Desk, dana: SubjectId, at: datetime = CLOSED) -> None:
    record(d, dana, {"status.state": "closed"}, at=at)


def jobs(d: Desk, dana: SubjectId) -> list[forget.Job]:
    with look(d.client) as seen:
        return forget.of_subject(seen, dana)


def test_a_closed_record_goes_on_the_day_that_its_last_rule_lets_go(d: Desk, dana: SubjectId) -> None:
    close(d, dana)
    last = years(CLOSED, 7)  # the house floor for what names and reaches a person
    assert due(d, last - timedelta(days=1)) == []
    (found,) = due(d, last)
    assert (found.subject, found.whole) == (dana, True)
    assert {one.rule for one in found.decisions} == {"FLOOR-RETAIN"}
    assert stands(d, dana).key is not None, "a dry run takes nothing"
    assert night(d, last) == 1
    assert stands(d, dana).key is None
    assert kinds(d, dana)[-2:] == ["erasure.requested", "erasure.confirmed"]
    (job,) = jobs(d, dana)
    assert (job.cause, job.state, job.confirmed_at) == ("retention", "done", last)
    assert due(d, years(last, 1)) == []


def test_a_record_that_was_opened_again_has_not_ended(d: Desk, dana: SubjectId) -> None:
    close(d, dana)
    record(d, dana, {"status.state": "active"}, at=soon(CLOSED))
    assert due(d, years(CLOSED, 20)) == []


def test_what_a_legal_hold_keeps_goes_in_the_first_night_after_it_is_lifted(d: Desk, dana: SubjectId) -> None:
    record(d, dana, {"status.legal_hold": True}, at=START)
    close(d, dana)
    over = years(CLOSED, 8)
    assert due(d, over) == []
    assert night(d, over) == 0
    record(d, dana, {"status.legal_hold": None}, at=soon(over))
    assert night(d, soon(over)) == 0, "the run of this day is over"
    tomorrow = over + timedelta(days=1)
    assert night(d, tomorrow) == 1
    assert kinds(d, dana)[-1] == "erasure.confirmed"


def test_what_a_value_once_was_goes_while_the_record_stands(d: Desk, dana: SubjectId) -> None:
    spoken = {"service.language": "de"}
    record(d, dana, {"service.language": "ar"}, at=START + timedelta(hours=1))
    record(d, dana, spoken, at=START + timedelta(days=400))
    early = years(START, 2) + timedelta(days=2)
    (found,) = due(d, early)
    assert (found.whole, [(one.path, one.upto) for one in found.decisions]) == (False, [("service.language", 2)])
    assert night(d, early) == 1
    told = [one for entry in history(d, dana) for one in entry.assertions or () if one.path == "service.language"]
    assert [(one.old, one.new) for one in told] == [(b'"ar"', b'"de"')], "the entry that replaced it keeps its own time"
    late = years(START, 4)
    (found,) = due(d, late)
    assert [(one.path, one.upto) for one in found.decisions] == [("service.language", 3)]
    assert night(d, late) == 1
    told = [one for entry in history(d, dana) for one in entry.assertions or () if one.path == "service.language"]
    assert [(one.old, one.new) for one in told] == [(None, b'"de"')]
    assert stands(d, dana).values()["service.language"] == "de"
    assert night(d, years(START, 9)) == 0, "a value that stands is not taken while its record stands"
    _everything_fits(d, dana)


def test_a_part_waits_for_what_is_asked_of_the_record(d: Desk, dana: SubjectId) -> None:
    record(d, dana, {"service.language": "ar"}, at=START + timedelta(hours=1))
    record(d, dana, {"service.language": "de"}, at=START + timedelta(days=400))
    early = years(START, 2) + timedelta(days=2)
    asked = ask(d, dana, POST, at=early - timedelta(days=1))
    assert night(d, early) == 0
    now = request_of(d, asked.ref)
    assert now.proposal is not None, "what was asked for can still be applied"
    flow.withdraw(asked.ref, seen_version=now.version, actor=d.ben, at=early)
    assert night(d, early + timedelta(days=1)) == 1


def _everything_fits(d: Desk, dana: SubjectId) -> None:
    """What is left of every entry is what its leaf commits to, and it folds to what stands."""
    with look(d.client) as seen:
        subject = subjects.load(seen, [dana])[dana]
        for entry in past.timeline(seen, subject):
            row = past.by_change(seen, entry.change)
            assert row is not None
            payload = past.payload_of(seen, dana, row, subject.key)
            assert payload is None or fits(payload, bytes(row.fields_hash))
        _, texts = past.as_of(seen, subject, known_at=years(START, 30), valid_at=years(START, 30))
    assert texts == {path: held.text for path, held in subject.state.items()}


def test_a_night_is_run_once_and_goes_on_where_it_stopped(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("changedesk.flow.retire.AT_ONCE", 2)
    people = [d.customer(contact__email=f"p{number}@old.example") for number in range(5)]
    for one in people:
        close(d, one)
    at = years(CLOSED, 7)
    assert flow.retire_due(d.client, at=at) == 2
    assert flow.retire_due(d.client, at=at) == 2
    assert flow.retire_due(d.client, at=at) == 1
    assert flow.retire_due(d.client, at=at) == 0
    assert sum(flow.forget_on(d.client, at=at) for _ in range(3)) == 5
    assert flow.retire_due(d.client, at=at.replace(hour=1) + timedelta(days=1)) == 0, "not before its hour"
    assert flow.retire_due(d.client, at=at + timedelta(days=1)) == 0, "nothing is left to look at"


def test_two_packs_that_keep_for_different_times_keep_for_the_longer(database: Database) -> None:
    """Banking keeps five years after the closure by law, the house seven, broker-dealer records six."""
    d = desk("both", packs=("banking", "travel"), jurisdictions=("US",))
    dana = d.customer()
    close(d, dana)
    assert due(d, years(CLOSED, 6)) == []
    (found,) = due(d, years(CLOSED, 7))
    assert found.whole


def test_rules_that_cannot_both_be_kept_are_refused_by_name() -> None:
    least, most = _rule("KEEP-SIX", 6), _rule("GO-BY-FIVE", 0, 5)
    with pytest.raises(RulesContradict) as refused:
        require_consistent([least, most])
    assert {"KEEP-SIX", "GO-BY-FIVE"} <= set(str(refused.value.data).replace("'", " ").replace(",", " ").split())


def _rule(name: str, years_min: int, years_max: int | None = None, status: Status = Status.IN_FORCE) -> Rule:
    duty = Retain("files", years_min, years_max)
    return Rule(name, 1, "test", "none", Scope(categories=frozenset({"contact.*"})), (duty,), status=status)


FILES = {"files": RetentionClass("files", 0, None, "event")}


def _kept(rules: list[Rule], started: datetime, *, zone: str = "UTC", law_only: bool = True) -> list[Keeping]:
    ask = Ask(
        kind="erasure", categories=frozenset({"contact.email"}), operation="update", channel=Channel.SYSTEM,
        actor=ActorType.AUTOMATION, at=started,
    )  # fmt: skip
    return keepings(rules, ask, FILES, {"event": started, "closure": None}, zone=zone, law_only=law_only)


@pytest.mark.parametrize(
    ("started", "years_min", "until"),
    [
        (date(2024, 2, 29), 1, date(2025, 2, 28)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2023, 2, 28), 1, date(2024, 2, 28)),
        (date(2025, 1, 31), 5, date(2030, 1, 31)),
        (date(2025, 12, 31), 1, date(2026, 12, 31)),
    ],
)
def test_leap_days_and_month_ends(started: date, years_min: int, until: date) -> None:
    at = datetime(started.year, started.month, started.day, 12, tzinfo=UTC)
    (kept,) = _kept([_rule("LEAP", years_min)], at)
    assert kept.until == until
    eve = datetime(until.year, until.month, until.day, tzinfo=UTC) - timedelta(seconds=1)
    assert standing([kept], now=eve) == kept
    assert standing([kept], now=eve + timedelta(seconds=1)) is None


def test_days_begin_where_the_client_keeps_its_hours() -> None:
    late = datetime(2025, 6, 30, 23, 30, tzinfo=UTC)
    zones = {"UTC": date(2026, 6, 30), "Asia/Tokyo": date(2026, 7, 1), "America/New_York": date(2026, 6, 30)}
    for zone, until in zones.items():
        (kept,) = _kept([_rule("ZONE", 1)], late, zone=zone)
        assert kept.until == until, zone
    (tokyo,) = _kept([_rule("ZONE", 1)], late, zone="Asia/Tokyo")
    # The first of July in Tokyo begins while it is still June elsewhere.
    assert standing([tokyo], now=datetime(2026, 6, 30, 14, 59, tzinfo=UTC), zone="Asia/Tokyo") == tokyo
    assert standing([tokyo], now=datetime(2026, 6, 30, 15, 0, tzinfo=UTC), zone="Asia/Tokyo") is None


def test_the_house_gives_way_to_a_person_and_the_law_does_not() -> None:
    started = datetime(2025, 1, 1, tzinfo=UTC)
    house, law = _rule("HOUSE", 7, status=Status.STANDARD), _rule("LAW", 2)
    assert [one.rule for one in _kept([house, law], started)] == ["LAW"]
    assert [one.rule for one in _kept([house, law], started, law_only=False)] == ["LAW", "HOUSE"]


@given(
    st.integers(0, 11_000).map(lambda days: datetime(2000, 1, 1, 23, 59, tzinfo=UTC) + timedelta(days=days)),
    st.integers(0, 10),
    st.one_of(st.none(), st.integers(0, 10)),
    st.integers(0, 8000),
)
def test_nothing_must_go_while_it_must_stay(started: datetime, least: int, more: int | None, days: int) -> None:
    kept = RetentionClass("any", least, None if more is None else least + more)
    now = started + timedelta(days=days)
    said = disposal(kept, started, now=now)
    assert (said is Disposal.KEEP) == (now.date() < keep_until(kept, started))
    assert disposal(kept, started, now=now, legal_hold=True) is Disposal.KEEP
    assert disposal(kept, None, now=now) is Disposal.KEEP
