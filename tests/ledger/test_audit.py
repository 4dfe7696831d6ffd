"""What an audit says: the first bad entry, and nothing that another finding explains."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.ids import uuid7
from changedesk.ledger.audit import MOST_FINDINGS, Fault, Finding, Findings, Roots, State, change_of, hash_all
from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.fold import Stored, fold
from changedesk.ledger.tree import Frontier, leaf_hash, root_of

DOCUMENTS = [f"entry-{number}".encode() for number in range(300)]
HASHES = hash_all(DOCUMENTS)


def found(*some: Finding) -> Findings:
    made = Findings()
    for one in some:
        made.add(one)
    return made


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_its_sentence(fault: Fault) -> None:
    assert fault.sentence.endswith(".")


def test_the_first_place_is_told_first_and_what_has_none_last() -> None:
    made = found(Finding(Fault.STATE, None), Finding(Fault.VALUES, 7), Finding(Fault.WHO, 3), Finding(Fault.STATE, 9))
    assert [one.index for one in made.in_order()] == [3, 7, 9, None]
    assert made.first == Finding(Fault.WHO, 3)
    assert found().first is None


def test_a_stretch_is_told_only_where_no_single_entry_explains_it() -> None:
    stretch = Finding(Fault.ROOT, 0, until=50)
    assert found(stretch, Finding(Fault.ALTERED, 49)).first == Finding(Fault.ALTERED, 49)
    assert found(stretch, Finding(Fault.ALTERED, 50)).first == stretch
    assert found(stretch, Finding(Fault.STATE, 20)).first == stretch
    assert found(stretch, Finding(Fault.ALTERED, None)).first == stretch


def test_of_very_many_findings_the_first_places_are_kept() -> None:
    made = found(*(Finding(Fault.STATE, number) for number in range(1000, 0, -1)))
    assert made.count == 1000
    assert [one.index for one in made.in_order()[:MOST_FINDINGS]] == list(range(1, MOST_FINDINGS + 1))


@given(st.lists(st.integers(1, 300), unique=True), st.lists(st.integers(1, 90), min_size=1))
def test_every_checkpoint_of_the_tree_holds_and_a_forged_one_is_named(sizes: list[int], steps: list[int]) -> None:
    kept = [(size, root_of(HASHES[:size])) for size in sorted(sizes)]
    assert list(_grown(kept, steps)) == []
    for place, (size, _) in enumerate(kept):
        forged = [*kept[:place], (size, root_of(HASHES[1 : size + 1])), *kept[place + 1 :]]
        below = kept[place - 1][0] if place else 0
        assert [(one.fault, one.index, one.until) for one in _grown(forged, steps)] == [(Fault.ROOT, below, size)]


def _grown(kept: list[tuple[int, bytes]], steps: list[int]) -> list[Finding]:
    roots, at = Roots(Frontier()), 0
    said: list[Finding] = []
    while at < len(HASHES):
        step = steps[at % len(steps)]
        upto = min(at + step, len(HASHES))
        said += roots.grow(HASHES[at:upto], [item for item in kept if at < item[0] <= upto])
        at = upto
    assert roots.frontier.root() == root_of(HASHES)
    return said


_TEXTS = st.sampled_from([b'"a"', b'"b"', None])
_SPANS = st.sampled_from([(0, FOREVER), (0, 5), (3, FOREVER), (BEGINNING, FOREVER), (90, 99)])


@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), _TEXTS, _SPANS), max_size=8))
def test_the_state_carried_forward_is_the_fold_at_the_time_of_the_last_change(
    changes: list[tuple[str, bytes | None, tuple[int, int]]],
) -> None:
    state = State()
    stored: list[Stored] = []
    for version, (path, new, (start, end)) in enumerate(changes, 1):
        one = [Assertion(path, None, new, start, end)]
        state.carry(version, 10, one)
        stored.insert(0, Stored(version, 10, one))
    # What is said of another time than now may uncover what was said of now before: the state is what was last said.
    if all(start <= 10 < end for _, _, (start, end) in changes):
        assert {path: text for path, (text, _) in state.held.items()} == fold(stored, 10, 10)
    assert state.dated == any(span != (10, FOREVER) for _, _, span in changes)


def test_a_snapshot_is_the_state_while_all_was_true_from_when_it_was_recorded() -> None:
    state = State()
    state.carry(1, 10, [Assertion("y", None, b'"a"', 10, FOREVER), Assertion("x", None, b'"b"', 10, FOREVER)])
    assert state.snapshot() == [
        Assertion("x", None, b'"b"', BEGINNING, FOREVER),
        Assertion("y", None, b'"a"', BEGINNING, FOREVER),
    ]
    assert state.held == {"y": (b'"a"', 1), "x": (b'"b"', 1)}
    state.carry(2, 20, [Assertion("x", b'"b"', None, 5, FOREVER)])
    assert (state.snapshot(), state.held) == (None, {"y": (b'"a"', 1)})


def test_a_document_says_whose_it_is() -> None:
    change = uuid7()
    document = leaf(
        change_id=change, kind=EntryKind.RECORD_VIEWED, subject_ref=uuid4(), version=0, previous=b"",
        recorded_at_ms=1_772_442_000_000, fields=bytes(32), meta=bytes(32),
    )  # fmt: skip
    assert change_of(document) == change
    assert change_of(document[:-1]) is None
    assert change_of(None) is None
    assert hash_all([document]) == [leaf_hash(document)]
