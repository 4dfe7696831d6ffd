from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import MOMENTS, changes

from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion
from changedesk.ledger.fold import Stored, fold
from changedesk.ledger.revert import Choice, Finding, Later, Resolution, Unresolved, plan_revert, resolve

A, B, C = b'"a"', b'"b"', b'"c"'
NOW = 100
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)
EMAIL = Assertion("contact.email", A, B, 50, FOREVER)


def said(new: bytes | None, start: int = 60, end: int = FOREVER, path: str = "contact.email") -> Assertion:
    return Assertion(path, None, new, start, end)


def test_a_change_that_still_stands_is_taken_back() -> None:
    [plan] = plan_revert([EMAIL], {EMAIL.path: B}, [], NOW)
    assert (plan.finding, plan.standing, plan.later) == (Finding.RESTORE, B, ())
    reversal = resolve([plan], {})
    assert reversal.assertions == (Assertion(EMAIL.path, B, A, 50, FOREVER),)
    assert not reversal.forced


def test_a_value_that_is_back_already_is_said_so_and_left() -> None:
    [plan] = plan_revert([EMAIL], {EMAIL.path: A}, [Later(ONE, [said(A, 50)])], NOW)
    assert (plan.finding, plan.later) == (Finding.ALREADY, (ONE,))
    assert resolve([plan], {}).assertions == ()


def test_a_later_edit_is_never_overwritten_unasked() -> None:
    later = [Later(THREE, [said(C, 80)]), Later(TWO, [said(None, path="plan")]), Later(ONE, [said(B, 70)])]
    plans = plan_revert([EMAIL], {EMAIL.path: C}, later, NOW)
    assert (plans[0].finding, plans[0].standing, plans[0].later) == (Finding.CONFLICT, C, (THREE, ONE))
    with pytest.raises(Unresolved) as refused:
        resolve(plans, {"plan": Resolution(Choice.FORCE)})
    assert refused.value.paths == (EMAIL.path,)
    assert str(refused.value) == f"conflicts without a choice: {EMAIL.path}"


@pytest.mark.parametrize(
    ("resolution", "new"),
    [
        (Resolution(Choice.FORCE), A),
        (Resolution(Choice.CUSTOM, b'"d"'), b'"d"'),
        (Resolution(Choice.CUSTOM, None), None),
    ],
)
def test_a_conflict_is_settled_as_a_person_chose(resolution: Resolution, new: bytes | None) -> None:
    plans = plan_revert([EMAIL], {EMAIL.path: C}, [Later(ONE, [said(C)])], NOW)
    reversal = resolve(plans, {EMAIL.path: resolution})
    assert reversal.assertions == (Assertion(EMAIL.path, C, new, 50, FOREVER),)
    assert reversal.forced is (resolution.choice is Choice.FORCE)


def test_keeping_changes_nothing() -> None:
    plans = plan_revert([EMAIL], {EMAIL.path: C}, [Later(ONE, [said(C)])], NOW)
    assert resolve(plans, {EMAIL.path: Resolution(Choice.KEEP)}) == resolve([], {})


def test_an_edit_that_waits_for_its_day_is_a_conflict_too() -> None:
    [plan] = plan_revert([EMAIL], {EMAIL.path: B}, [Later(ONE, [said(C, NOW + 1)])], NOW)
    assert (plan.finding, plan.later) == (Finding.CONFLICT, (ONE,))


def test_a_change_that_waits_for_its_day_can_be_taken_back_before_it() -> None:
    waiting = Assertion("plan", A, B, NOW + 10, FOREVER)
    [plan] = plan_revert([waiting], {"plan": A}, [], NOW)
    assert (plan.finding, plan.standing) == (Finding.RESTORE, B)


def test_a_change_of_a_closed_past_range_ignores_what_was_said_about_other_times() -> None:
    past = Assertion("plan", A, B, 10, 20)
    later = [Later(ONE, [said(C, 20, FOREVER, "plan")])]
    [plan] = plan_revert([past], {"plan": C}, later, NOW)
    assert (plan.finding, plan.standing, plan.later) == (Finding.RESTORE, B, ())


def test_an_edit_made_and_taken_back_since_is_no_conflict() -> None:
    later = [Later(TWO, [said(B, 50)]), Later(ONE, [said(C, 50)])]
    [plan] = plan_revert([EMAIL], {EMAIL.path: B}, later, NOW)
    assert plan.finding is Finding.RESTORE


def test_a_change_half_taken_back_is_taken_back_whole() -> None:
    [plan] = plan_revert([EMAIL], {EMAIL.path: A}, [Later(ONE, [said(A, 70)])], NOW)
    assert plan.finding is Finding.RESTORE


def test_a_value_that_no_change_explains_is_a_conflict() -> None:
    [plan] = plan_revert([EMAIL], {}, [], NOW)
    assert (plan.finding, plan.standing, plan.later) == (Finding.CONFLICT, None, ())


@given(changes(), st.lists(changes(), max_size=4), MOMENTS, MOMENTS)
def test_reverting_without_force_alters_no_moment_that_someone_else_decided(
    change: list[Assertion], since: list[list[Assertion]], now: int, moment: int
) -> None:
    later = [Later(UUID(int=n), assertions) for n, assertions in enumerate(since, start=2)][::-1]
    history = [Stored(1, 1, change), *(Stored(n, n, more) for n, more in enumerate(since, start=2))][::-1]
    plans = plan_revert(change, fold(history, FOREVER, now), later, now)
    keep = {a.path: Resolution(Choice.KEEP) for a in change}
    reversal = resolve(plans, keep)
    assert not reversal.forced
    before = fold(history, FOREVER, moment)
    after = fold([Stored(99, 99, reversal.assertions), *history], FOREVER, moment)
    by_path = {a.path: a for a in change}
    for path in {*before, *after}:
        if before.get(path) != after.get(path):
            was = by_path[path]
            assert was.valid_from_us <= moment < was.valid_to_us
            assert (before.get(path), after.get(path)) == (was.new, was.old)
    for plan in plans:
        if plan.finding is Finding.ALREADY:
            covered = plan.assertion.valid_from_us <= moment < plan.assertion.valid_to_us
            assert not covered or before.get(plan.assertion.path) == plan.assertion.old


def test_the_open_bounds_are_ranges_like_any_other() -> None:
    always = Assertion("plan", None, B, BEGINNING, FOREVER)
    [plan] = plan_revert([always], {"plan": B}, [], NOW)
    assert resolve([plan], {}).assertions == (Assertion("plan", B, None, BEGINNING, FOREVER),)
