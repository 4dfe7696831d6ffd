from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import MOMENTS, changes

from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion, in_order
from changedesk.ledger.fold import Stored, flatten, fold, next_effective


@st.composite
def histories(draw: st.DrawFn) -> list[Stored]:
    """Newest first; recorded one after the other, asserting about past and future alike."""
    said = draw(st.lists(changes(), max_size=8))
    return [Stored(n, 10 * n, assertions) for n, assertions in enumerate(said, start=1)][::-1]


def replayed(history: Sequence[Stored], known_at: int, valid_at: int) -> dict[str, bytes]:
    """The naive model: tell the story from the start, and let each assertion overwrite what it covers."""
    state: dict[str, bytes | None] = {}
    for entry in sorted(history, key=lambda e: e.version):
        for a in entry.assertions:
            if entry.recorded_at_us <= known_at and a.valid_from_us <= valid_at < a.valid_to_us:
                state[a.path] = a.new
    return {path: value for path, value in state.items() if value is not None}


ANY_MOMENT = MOMENTS | st.sampled_from([BEGINNING, FOREVER - 1])


@given(histories(), st.integers(0, 90), ANY_MOMENT)
def test_what_was_known_then_about_that_day_is_what_a_replay_gives(
    history: list[Stored], known_at: int, valid_at: int
) -> None:
    assert fold(history, known_at, valid_at) == replayed(history, known_at, valid_at)


@given(histories(), st.integers(0, 8), ANY_MOMENT)
def test_a_snapshot_stands_for_everything_before_it(history: list[Stored], cut: int, valid_at: int) -> None:
    newer, older = history[:cut], history[cut:]
    snapshot = flatten(older)
    assert fold(newer, FOREVER, valid_at, snapshot) == replayed(history, FOREVER, valid_at)
    assert flatten(newer, FOREVER, snapshot) == flatten(history)


@given(histories(), st.integers(0, 90), ANY_MOMENT)
def test_the_flattened_state_says_the_same_at_every_moment(history: list[Stored], known_at: int, valid_at: int) -> None:
    flat = flatten(history, known_at)
    assert fold([], known_at, valid_at, flat) == replayed(history, known_at, valid_at)
    assert in_order(flat) == flat
    for before, after in pairwise(flat):
        same_value_goes_on = (before.path, before.new, before.valid_to_us) == (
            after.path,
            after.new,
            after.valid_from_us,
        )
        assert not same_value_goes_on


@given(histories(), MOMENTS)
def test_the_next_effective_moment_is_the_next_one_at_which_something_differs(history: list[Stored], now: int) -> None:
    upcoming = [at for at in range(now + 1, 30) if replayed(history, FOREVER, at) != replayed(history, FOREVER, at - 1)]
    found = next_effective(history, now)
    if upcoming:
        assert found is not None
        assert found <= upcoming[0]
    # An edge between two equal values of neighbouring ranges is no event, so nothing else may be found.
    assert found == (upcoming[0] if upcoming else None)


def test_a_back_dated_change_is_not_known_before_it_was_recorded() -> None:
    moved = Stored(2, 200, [Assertion("address.city", b'"Roma"', b'"Milano"', 50, FOREVER)])
    first = Stored(1, 100, [Assertion("address.city", None, b'"Roma"', BEGINNING, FOREVER)])
    assert fold([moved, first], 199, 60) == {"address.city": b'"Roma"'}
    assert fold([moved, first], 200, 60) == {"address.city": b'"Milano"'}
    assert fold([moved, first], 200, 49) == {"address.city": b'"Roma"'}


def test_a_value_taken_away_is_gone_and_not_replaced_by_an_older_one() -> None:
    gone = Stored(2, 200, [Assertion("plan", b'"gold"', None, BEGINNING, FOREVER)])
    held = Stored(1, 100, [Assertion("plan", None, b'"gold"', BEGINNING, FOREVER)])
    assert fold([gone, held], 200, 0) == {}
    assert flatten([gone, held]) == []


def test_history_in_the_wrong_order_is_refused() -> None:
    history = [Stored(1, 1, []), Stored(2, 2, [])]
    for wrong in (history, [history[0], history[0]]):
        with pytest.raises(ValueError, match="newest first"):
            fold(wrong, 5, 5)
