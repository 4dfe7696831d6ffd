"""The machine of states, and what each state and overlay stops."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.json import State
from changedesk.rules import status
from changedesk.rules.status import MOVES, OVERLAYS, Status

STATES = st.sampled_from(Status)
WORDS = st.frozensets(
    st.sampled_from(
        ["contact.email", "personal.name", "payment.bank", "service.plan", "access.owner_transfer", "pref.marketing",
         "auth.password", "loyalty.tier", "status.state", "privacy.restrict", "privacy.erase"]
    ), min_size=1, max_size=3,
)  # fmt: skip
OPERATIONS = st.sampled_from(["update", "upgrade", "close", "reinstate", "merge", "erase", "correct"])
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe",
     "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia"]
)  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> State:
    state: dict[str, object] = {"status.state": draw(STATES).value}
    for path in (*OVERLAYS.values(), status.RESTRICTED_BY_LAW, status.INACTIVE):
        if draw(st.booleans()):
            state[path] = draw(st.booleans())
    if draw(st.booleans()):
        state["status.blocks"] = draw(st.lists(st.sampled_from(sorted(status.STOPPED_BY_BLOCK)), unique=True))
    return state  # type: ignore[return-value]


@given(walk=st.lists(st.sampled_from(sorted(MOVES)), max_size=12))
def test_no_walk_of_moves_leads_to_merged_or_back_to_pending(walk: list[str]) -> None:
    was = Status.PENDING
    for name in walk:
        if status.may_move(name, was):
            assert name in status.open_moves(was)
            was = MOVES[name].target
            assert was not in (Status.PENDING, Status.MERGED)


def test_every_state_but_merged_can_come_back_to_active() -> None:
    for was in set(Status) - {Status.ACTIVE, Status.MERGED}:
        assert status.operation_to(was, Status.ACTIVE) in status.open_moves(was)
    assert status.open_moves(Status.MERGED) == []


@given(was=STATES, becomes=STATES)
def test_what_leads_from_one_state_to_another_has_one_name(was: Status, becomes: Status) -> None:
    name = status.operation_to(was, becomes)
    if name in MOVES:
        assert MOVES[name].target is becomes
        assert status.may_move(name, was) is (was in MOVES[name].sources)
    else:
        assert (name, becomes) in {("merge", Status.MERGED), ("await", Status.PENDING)}


@given(state=records(), words=WORDS, operation=OPERATIONS)
def test_an_opt_out_is_never_stopped(state: State, words: frozenset[str], operation: str) -> None:
    assert status.against(state, words, operation, opts_out=True) is None


@given(state=records(), operation=OPERATIONS)
def test_a_right_is_stopped_by_a_legal_hold_alone(state: State, operation: str) -> None:
    assert status.against(state, {"privacy.restrict"}, "restrict") is None
    refused = status.against(state, {"privacy.erase"}, "erase")
    assert (refused is None) is (state.get("status.legal_hold") is not True)


@given(state=records(), words=WORDS, operation=OPERATIONS)
def test_a_refusal_names_what_stands_and_what_lifts_it(state: State, words: frozenset[str], operation: str) -> None:
    refused = status.against(state, words, operation)
    standing = status.blocked(state)
    if refused is not None:
        name = str(refused.data["blocked_by"])
        assert refused.data["lifted_by"] == standing[name].lifted_by
        assert set(refused.data["blocks"]) <= standing[name].words  # type: ignore[call-overload]
    if not standing:
        assert refused is None


@given(state=records(), words=WORDS, operation=OPERATIONS)
def test_one_overlay_more_never_allows_more(state: State, words: frozenset[str], operation: str) -> None:
    before = status.against(state, words, operation)
    for path in OVERLAYS.values():
        if before is not None:
            assert status.against({**state, path: True}, words, operation) is not None


@pytest.mark.parametrize("ended", [Status.DEACTIVATED, Status.CLOSED, Status.MERGED])
def test_what_has_ended_takes_no_change_but_its_own_and_a_rights(ended: Status) -> None:
    state: State = {"status.state": ended.value}
    assert status.against(state, {"contact.email"}, "update") is not None
    assert status.against(state, {"contact.email"}, "update", reason="data_subject_request") is None
    assert status.against(state, {"status.state"}, "reopen") is None


def test_reasons_open_no_lock() -> None:
    for overlay in ("change_locked", "on_hold", "restricted"):
        state: State = {OVERLAYS[overlay]: True}
        assert status.against(state, {"contact.email"}, "update", reason="data_subject_request") is not None


@given(day=st.dates(date(1990, 1, 1), date(2060, 1, 1)), zone=ZONES)
def test_a_day_ends_after_its_last_instant_and_before_the_next_ones_second(day: date, zone: str) -> None:
    ends = status.end_of(day, zone)
    before, after = (ends.astimezone(UTC) + timedelta(seconds=seconds) for seconds in (-1, 0))
    assert before.astimezone(ZoneInfo(zone)).date() <= day
    assert after.astimezone(ZoneInfo(zone)).date() > day
    assert status.today_in(after, zone) > day


@pytest.mark.parametrize(
    ("day", "zone", "ends"),
    [
        (date(2026, 3, 28), "Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 29), "Europe/Berlin", datetime(2026, 3, 29, 22, tzinfo=UTC)),  # the day of 23 hours
        (date(2026, 10, 25), "Europe/Berlin", datetime(2026, 10, 25, 23, tzinfo=UTC)),  # the day of 25
        (date(2026, 4, 23), "Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),  # the next midnight is skipped
        (date(2028, 2, 28), "UTC", datetime(2028, 2, 29, tzinfo=UTC)),
        (date(2028, 2, 29), "UTC", datetime(2028, 3, 1, tzinfo=UTC)),
        (date(2027, 2, 28), "UTC", datetime(2027, 3, 1, tzinfo=UTC)),
        (date(2026, 1, 31), "America/New_York", datetime(2026, 2, 1, 5, tzinfo=UTC)),
        (date(2026, 12, 31), "Asia/Kolkata", datetime(2026, 12, 31, 18, 30, tzinfo=UTC)),
    ],
)
def test_days_end_where_the_client_keeps_its_hours(day: date, zone: str, ends: datetime) -> None:
    assert status.end_of(day, zone) == ends


def test_a_stop_says_of_which_categories_nothing_may_change() -> None:
    stops = status.Stops(frozenset({"contact.*", "payment.bank"}), "nobody")
    assert status.stops_category(stops, "contact.email")
    assert status.stops_category(stops, "payment.bank")
    assert not status.stops_category(stops, "payment.card")
    everything = status.Stops(frozenset({"*"}), "nobody")
    assert status.stops_category(everything, "personal.name")
    assert not status.stops_category(everything, "privacy.erase")
    assert not status.stops_category(status.Stops(frozenset(), "nobody"), "contact.email")
