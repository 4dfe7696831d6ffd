"""The small words keep their promises."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.actor import ActorType, Channel, automation, type_of
from changedesk.base.clock import EPOCH, micros, now
from changedesk.base.ids import ClientId, new_reference, parse_reference, uuid7
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal

SYMBOLS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
VERSION = 7


def test_ids_follow_time_and_say_their_version() -> None:
    made = [uuid7() for _ in range(200)]
    assert len(set(made)) == 200
    assert all(item.version == VERSION and item.variant == UUID(int=2 << 62).variant for item in made)
    stamps = [item.int >> 80 for item in made]
    assert stamps == sorted(stamps)
    assert abs(stamps[-1] - micros(now()) // 1000) < 60_000


def test_a_reference_reads_back_however_it_was_typed() -> None:
    ref = new_reference()
    assert parse_reference(ref) == ref
    assert parse_reference(f"  {ref.lower().replace('-', ' ')} ") == ref
    assert parse_reference(ref.replace("-", "")) == ref


@given(st.integers(0, 10), st.sampled_from(SYMBOLS))
def test_one_wrong_symbol_is_always_noticed(place: int, symbol: str) -> None:
    plain = new_reference().replace("-", "")
    wrong = plain[:place] + symbol + plain[place + 1 :]
    assert parse_reference(wrong) is None or wrong == plain


@given(st.integers(0, 8))
def test_neighbours_swapped_are_always_noticed(place: int) -> None:
    plain = new_reference().replace("-", "")
    swapped = plain[:place] + plain[place + 1] + plain[place] + plain[place + 2 :]
    assert parse_reference(swapped) is None or swapped == plain


@pytest.mark.parametrize("text", ["", "ABC", "K7M2Q-9XTRA-CC", "K7M2Q-9XTRA", "0IL1O-00000-0", "KÄM2Q-9XTRA-C"])
def test_what_is_no_reference_is_none(text: str) -> None:
    assert parse_reference(text) is None


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_microseconds_are_exact(at: datetime) -> None:
    aware = at.replace(tzinfo=UTC)
    assert EPOCH + timedelta(microseconds=micros(aware)) == aware


def test_a_batch_of_one_gives_its_result_or_raises_its_refusal() -> None:
    assert Outcome([7]).one() == 7
    with pytest.raises(NotFound):
        Outcome([], {0: NotFound()}).one()


def test_a_refusal_speaks_its_docstring_and_keeps_data_for_programs() -> None:
    class Closed(Refusal):
        """The desk is
        closed.

        More for whoever reads the code.
        """

        code = "closed"

    refusal = Closed(until=3)
    assert refusal.sentence == "The desk is closed."
    assert refusal.data == {"until": 3}
    assert str(refusal) == "closed"


def test_automation_is_told_by_its_tag() -> None:
    actor = automation(ClientId(4), "clock")
    assert (actor.id, actor.type, actor.channel) == ("a.clock", ActorType.AUTOMATION, Channel.SYSTEM)


@pytest.mark.parametrize(
    ("actor", "sort"),
    [
        ("s7", ActorType.STAFF),
        ("k1", ActorType.INTEGRATION),
        ("c0d7", ActorType.CUSTOMER),
        ("r0d7", ActorType.REPRESENTATIVE),
        ("a.clock", ActorType.AUTOMATION),
    ],
)
def test_an_id_says_what_sort_of_actor_it_is_of(actor: str, sort: ActorType) -> None:
    assert type_of(actor) is sort
